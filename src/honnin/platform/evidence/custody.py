"""What lies sealed beside a record: always what opens its commitments, and the inputs where a law demands them.

`opening` holds the commitment key, the facts for replay (without the person's certificate), OCSP answers, and which
revocation lists were read: those lie beside, each once for a tenant, as thousands of checks read the same.
`custody` holds the signed bytes, the signature and the certificate, and exists only where the law of the check's
purpose keeps them (犯収法 規則19条1項2号 and its likes; law/rules/, `keep`) and the check passed.
"""

import msgspec

__all__ = ["Custody", "Opening", "demands_custody", "small_revocation"]

KEPT = {"signed_bytes", "signature", "certificate"}
MOST_REVOCATION = 64 << 10  # a large CRL stays with the CRL store; the facts name its number


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed counterpart of a record's commitments.

    lists: SHA-256 of each CRL, hex (table `kept_once`). shown: the proof (JWS) of what the phone showed.
    """

    key: bytes
    facts: bytes
    revocation: tuple[bytes, ...] = ()
    lists: tuple[str, ...] = ()
    purpose: str
    shown: str | None = None

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


def small_revocation(found: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the revocation data worth keeping with one check."""
    return tuple(answer for answer in found if len(answer) <= MOST_REVOCATION)
