"""Active Authentication (ICAO Doc 9303-11 §6.1): the chip signs 8 random bytes with the key of data group 15.

RSA: ISO/IEC 9796-2 digital signature scheme 1 with partial recovery. ECDSA: r‖s, as BSI TR-03111 writes it plainly;
chips that give DER are believed as well. Whether data group 15 is the issuing State's is passive authentication's word.
"""

import hashlib
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from honnin.errors import FormatError
from honnin.pki.rfc5280.keys import load_public_key
from honnin.pki.rfc8017 import HASHES

__all__ = ["active_authentication", "recover_iso9796_2"]

HEADER: Final = 0x6A  # partial recovery, no filler
TRAILERS: Final = {0x38: "sha224", 0x34: "sha256", 0x36: "sha384", 0x35: "sha512", 0x33: "sha1"}


def active_authentication(
    public_key: bytes, challenge: bytes, signature: bytes, *, hash_name: str | None = None
) -> str | None:
    """Return the algorithm under which the chip's answer is a signature of the challenge; None when it is none.

    public_key: SubjectPublicKeyInfo, the content of data group 15. challenge: RND.IFD, 8 bytes. signature: the answer
    to INTERNAL AUTHENTICATE. hash_name: of ECDSA, from data group 14 (`sha256` …); without it those of FIPS 180 are
    tried. Raises FormatError `certificate.key_unsupported`.
    """
    key = load_public_key(public_key)
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        found = recover_iso9796_2(numbers.n, numbers.e, signature)
        if found is None:
            return None
        recovered, digest, name = found
        expected = hashlib.new(name, recovered + challenge, usedforsecurity=False).digest()
        return f"iso9796_2_{name}" if compare_digest(expected, digest) else None
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _ecdsa(key, challenge, signature, hash_name)
    raise FormatError("certificate.key_unsupported", "Active authentication is done with RSA or ECDSA keys only.")


def recover_iso9796_2(modulus: int, exponent: int, signature: bytes) -> tuple[bytes, bytes, str] | None:
    """Open a signature of ISO/IEC 9796-2 scheme 1: return recovered message M1, digest and hash name.

    None when the opened block has another form than 6A ‖ M1 ‖ H ‖ (BC | id CC).
    """
    length = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != length or number >= modulus:
        return None
    opened = pow(number, exponent, modulus)
    if opened & 0xF != 0xC:  # the signer may give the smaller of s and n - s
        opened = modulus - opened
    block = opened.to_bytes(length, "big")
    if block[-1] == 0xBC:
        name, trailer = "sha1", 1
    elif block[-1] == 0xCC and block[-2] in TRAILERS:
        name, trailer = TRAILERS[block[-2]], 2
    else:
        return None
    digest_at = length - trailer - hashlib.new(name, usedforsecurity=False).digest_size
    if block[0] != HEADER or digest_at < 2:
        return None
    return block[1:digest_at], block[digest_at : length - trailer], name


def _ecdsa(key: ec.EllipticCurvePublicKey, challenge: bytes, signature: bytes, hash_name: str | None) -> str | None:
    octets = (key.curve.key_size + 7) // 8
    encoded = [signature]
    if len(signature) == 2 * octets:
        r, s = (int.from_bytes(part, "big") for part in (signature[:octets], signature[octets:]))
        encoded.insert(0, encode_dss_signature(r, s))
    for name in (hash_name,) if hash_name else ("sha256", "sha384", "sha512", "sha224", "sha1"):
        digest = hashlib.new(name, challenge, usedforsecurity=False).digest()
        for value in encoded:
            try:
                key.verify(value, digest, ec.ECDSA(Prehashed(HASHES[name])))
            except (InvalidSignature, ValueError):
                continue
            return f"ecdsa_{name}"
    return None
