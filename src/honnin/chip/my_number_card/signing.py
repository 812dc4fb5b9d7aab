"""What the JPKI keys are given to sign, and what comes back (my-number-card sheet §3.2, §9).

For RSA the host builds the DigestInfo of RFC 8017 §9.2 and the card adds the PKCS#1 v1.5 padding; a key on a curve
(next generation) signs the digest itself. Signing bytes that are no digest is not offered.
"""

from dataclasses import dataclass, field
from typing import Literal

from honnin.errors import FormatError, InputError

__all__ = [
    "ALGORITHMS",
    "CardSignature",
    "Purpose",
    "check_algorithm",
    "check_digest",
    "customary_hash",
    "digest_info",
    "on_curve",
]

Purpose = Literal["signature", "user_authentication"]

# RFC 8017 §9.2 note 1: DigestInfo up to the digest; the digest's length in bytes.
_DIGEST_INFO = {
    "sha256": (bytes.fromhex("3031300D060960864801650304020105000420"), 32),
    "sha384": (bytes.fromhex("3041300D060960864801650304020205000430"), 48),
    "sha512": (bytes.fromhex("3051300D060960864801650304020305000440"), 64),
}
ALGORITHMS = tuple(_DIGEST_INFO)


@dataclass(frozen=True, slots=True)
class CardSignature:
    """A signature made in the chip.

    key: which of the two; algorithm: the digest's. encoding: `pkcs1_v15` for RSA, `raw_rs` for r‖s of a curve, each
    half as long as the curve's order (CMS and X.509 write that as DER instead). value: as the card gave it.
    """

    key: Purpose
    algorithm: str
    encoding: Literal["pkcs1_v15", "raw_rs"]
    value: bytes = field(repr=False)


def check_algorithm(algorithm: str) -> None:
    """Refuse a digest that the card is not used with: raises InputError `chip.hash_unknown`."""
    if algorithm not in _DIGEST_INFO:
        raise InputError(
            "chip.hash_unknown",
            "The card is asked for a digest it is not used with.",
            next=f"Use {', '.join(ALGORITHMS)}.",
        )


def check_digest(algorithm: str, digest: bytes) -> None:
    """Refuse what is no digest: raises InputError `chip.hash_unknown`, `chip.digest_length`."""
    check_algorithm(algorithm)
    _, length = _DIGEST_INFO[algorithm]
    if len(digest) != length:
        raise InputError(
            "chip.digest_length",
            f"A digest of {algorithm} has {length} bytes, {len(digest)} were given.",
            next="Give the digest itself, not the document and not its hexadecimal text.",
        )


def digest_info(algorithm: str, digest: bytes) -> bytes:
    """Return the DigestInfo (DER) of a digest. Raises what `check_digest` raises."""
    check_digest(algorithm, digest)
    return _DIGEST_INFO[algorithm][0] + digest


def on_curve(certificate: bytes | None) -> bool:
    """Tell whether a certificate (DER) names an elliptic-curve key; False when it is not there or cannot be read."""
    return _curve_bits(certificate) > 0


def customary_hash(certificate: bytes | None) -> str:
    """Return the digest that fits a certificate's key: by the curve's size, SHA-256 for RSA."""
    bits = _curve_bits(certificate)
    return "sha256" if bits <= 256 else "sha384" if bits <= 384 else "sha512"


def _curve_bits(certificate: bytes | None) -> int:
    from cryptography.hazmat.primitives.asymmetric import ec

    from honnin.pki.rfc5280.certificate import parse_certificate

    try:
        key = parse_certificate(certificate or b"").public_key()
    except FormatError:
        return 0
    return key.key_size if isinstance(key, ec.EllipticCurvePublicKey) else 0
