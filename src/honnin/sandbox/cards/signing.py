"""Private-key operations of the chip (My Number Card sheet, section 3.2).

RSA: PKCS#1 v1.5 block type 1 around whatever bytes the host gives (P1 = 00), and the five variants in which the card
hashes or adds the DigestInfo itself. ECDSA P-384 (the next card): raw r‖s over the host's hash.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key

from honnin.sandbox.cards.status import WRONG_LENGTH, WRONG_P1_P2, Refusal

__all__ = ["VARIANTS", "sign", "signature_size"]

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PADDING_BYTES = 11  # 00 01, at least eight FF, 00 (RFC 8017 section 9.2)
LONGEST_MESSAGE = 255
AS_GIVEN = 0x00
HASHES: dict[int, HashAlgorithm] = {32: SHA256(), 48: SHA384(), 64: SHA512()}


@lru_cache(maxsize=64)
def _load(pkcs8: bytes) -> PrivateKey:
    key = load_der_private_key(pkcs8, password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError(f"A card holds RSA or EC keys, not {type(key).__name__}.")
    return key


def signature_size(pkcs8: bytes) -> int:
    """Return how many bytes a signature by this key (PKCS#8 DER) has."""
    key = _load(pkcs8)
    octets = (key.key_size + 7) // 8
    return octets if isinstance(key, rsa.RSAPrivateKey) else 2 * octets


def sign(pkcs8: bytes, variant: int, given: bytes) -> bytes:
    """Sign `given` as P1 = `variant` says.

    Raises Refusal 6700 for a wrong length, 6A86 for a variant that ECDSA lacks.
    """
    key = _load(pkcs8)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _sign_ec(key, variant, given)
    shortest, longest, operation = VARIANTS[variant]
    if variant == AS_GIVEN:
        longest = key.key_size // 8 - PADDING_BYTES
    if not shortest <= len(given) <= longest:
        raise Refusal(WRONG_LENGTH)
    return operation(key, given)


def _as_given(key: rsa.RSAPrivateKey, given: bytes) -> bytes:
    return key.sign(given, padding.PKCS1v15(), NoDigestInfo())


def _pss(key: rsa.RSAPrivateKey, digest: bytes) -> bytes:
    scheme = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=SHA256.digest_size)
    return key.sign(digest, scheme, Prehashed(SHA256()))


# P1: (shortest, longest input, operation)
VARIANTS: dict[int, tuple[int, int, Callable[[rsa.RSAPrivateKey, bytes], bytes]]] = {
    AS_GIVEN: (1, LONGEST_MESSAGE, _as_given),
    0x01: (1, LONGEST_MESSAGE, lambda key, message: _as_given(key, sha256(message).digest())),
    0x02: (32, 32, lambda key, digest: key.sign(digest, padding.PKCS1v15(), Prehashed(SHA256()))),
    0x03: (1, LONGEST_MESSAGE, lambda key, message: key.sign(message, padding.PKCS1v15(), SHA256())),
    0x04: (32, 32, _pss),
    0x05: (1, LONGEST_MESSAGE, lambda key, message: _pss(key, sha256(message).digest())),
}


def _sign_ec(key: ec.EllipticCurvePrivateKey, variant: int, digest: bytes) -> bytes:
    if variant != AS_GIVEN:
        raise Refusal(WRONG_P1_P2)
    if len(digest) not in HASHES:
        raise Refusal(WRONG_LENGTH)
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(HASHES[len(digest)]))))
    octets = (key.key_size + 7) // 8
    return r.to_bytes(octets) + s.to_bytes(octets)
