"""What lies sealed beside a record: always what opens its commitments, and the inputs where a law demands them.

`opening` holds the commitment key, the facts for replay (without the person's certificate) and OCSP answers.
`custody` holds the signed bytes, the signature and the certificate, and exists only where the law of the check's
purpose keeps them (犯収法 規則19条1項2号 and its likes; law/rules/, `keep`) and the check passed.
"""

import msgspec

__all__ = ["Custody", "Opening", "demands_custody", "small_revocation"]

KEPT = {"signed_bytes", "signature", "certificate"}
MOST_REVOCATION = 64 << 10  # a large CRL stays with the CRL store; the facts name its number


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed counterpart of a record's commitments."""

    key: bytes
    facts: bytes
    revocation: tuple[bytes, ...] = ()
    purpose: str

    def __repr__(self) -> str:
        return "Opening(…)"


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs themselves, as they came."""

    signed: bytes
    content: bytes | None = None
    certificate: bytes | None = None

    def __repr__(self) -> str:
        return "Custody(…)"


def demands_custody(keep: tuple[str, ...]) -> bool:
    """Tell whether what a law keeps includes the inputs."""
    return bool(KEPT & set(keep))


def small_revocation(*groups: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the revocation data worth sealing with one check."""
    return tuple(answer for group in groups for answer in group if len(answer) <= MOST_REVOCATION)
