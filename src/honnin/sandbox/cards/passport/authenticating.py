"""How the chip shows that it is no copy: Active Authentication and Chip Authentication (ICAO Doc 9303-11 §6)."""

from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_private_key

from honnin.sandbox.cards.passport.ciphers import SessionKeys
from honnin.sandbox.cards.passport.curves import group

__all__ = ["active_signature", "agree"]


def active_signature(pkcs8: bytes, challenge: bytes, randomness: Callable[[int], bytes]) -> bytes:
    """Sign 8 bytes: ISO/IEC 9796-2 scheme 1 with SHA-256 for RSA, plain r‖s with SHA-384 for ECDSA.

    Of the two signature production functions that ISO/IEC 9796-2 knows, the one that leaves the power as it is: readers
    in the field open only that one, and the smaller of s and n - s looks forged to them every second time.
    """
    key = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(challenge, ec.ECDSA(hashes.SHA384())))
        return r.to_bytes(size) + s.to_bytes(size)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    size = (modulus.bit_length() + 7) // 8
    own = randomness(size - 32 - 3)
    block = b"\x6a" + own + sha256(own + challenge).digest() + b"\x34\xcc"
    return pow(int.from_bytes(block), numbers.d, modulus).to_bytes(size)


def agree(number: int, static: int, public: bytes, cipher: str) -> SessionKeys:
    """Return the session keys that the chip's static key and the reader's ephemeral one give."""
    curve = group(number)
    point = curve.multiple(static, curve.take(public))
    return SessionKeys.of(point[0].to_bytes(curve.size), cipher)
