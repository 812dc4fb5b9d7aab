"""What the JPKI keys are given to sign, and what comes back (my-number-card sheet §3.2).

The host builds the DigestInfo of RFC 8017 §9.2, the card adds the PKCS#1 v1.5 padding. Signing bytes that are no
digest is not offered.
"""

from dataclasses import dataclass, field
from typing import Literal

from honnin.errors import InputError

__all__ = ["ALGORITHMS", "CardSignature", "Purpose", "digest_info"]

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
    """A signature made in the chip. key: which of the two; algorithm: the digest's; value: as the card gave it."""

    key: Purpose
    algorithm: str
    value: bytes = field(repr=False)


def digest_info(algorithm: str, digest: bytes) -> bytes:
    """Return the DigestInfo (DER) of a digest.

    Raises InputError `chip.hash_unknown`, `chip.digest_length`.
    """
    if algorithm not in _DIGEST_INFO:
        raise InputError(
            "chip.hash_unknown",
            "The card is asked for a digest it is not used with.",
            next=f"Use {', '.join(ALGORITHMS)}.",
        )
    prefix, length = _DIGEST_INFO[algorithm]
    if len(digest) != length:
        raise InputError(
            "chip.digest_length",
            f"A digest of {algorithm} has {length} bytes, {len(digest)} were given.",
            next="Give the digest itself, not the document and not its hexadecimal text.",
        )
    return prefix + digest
