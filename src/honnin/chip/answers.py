"""Three answers that stay apart for every document: what was read, whether it is authentic, whether it is current.

    authentic   verified         a signature over the data leads to a trusted issuer, and no proof failed
                failed           a proof failed: altered data, a wrong key, a copy
                not_verifiable   the trust material is not there, or the chip has nothing to prove with
    current     current, expired, or not_told (no date was read)

Whether a document was reported lost or revoked stands outside of the chip; a proof `revocation` says what is known.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal

from honnin.chip.document import Proof
from honnin.words import say

__all__ = ["OVER_DATA", "Authentic", "Current", "authenticity", "covered", "currency", "why"]

Authentic = Literal["verified", "failed", "not_verifiable"]
Current = Literal["current", "expired", "not_told"]

# Proofs over data; every other kind is about the chip itself.
OVER_DATA: Final = frozenset({"passive_authentication", "data_signature"})


def authenticity(proofs: Sequence[Proof]) -> Authentic:
    """Return the answer that the proofs give together."""
    if any(proof.result == "failed" for proof in proofs):
        return "failed"
    if any(proof.kind in OVER_DATA and proof.result == "passed" for proof in proofs):
        return "verified"
    return "not_verifiable"


def why(proofs: Sequence[Proof]) -> str:
    """Return the reason of that answer: the first proof that failed, else the first over data that says it."""
    answer = authenticity(proofs)
    deciding = {"failed": "failed", "verified": "passed", "not_verifiable": "not_checked"}[answer]
    for proof in proofs:
        if proof.result == deciding and (answer == "failed" or proof.kind in OVER_DATA):
            return proof.reason
    return say("proof.nothing_signed", "en")


def covered(source: str, proofs: Sequence[Proof]) -> bool:
    """Tell whether a signature that leads to a trusted issuer covers a file or value, and no proof over it failed."""
    over = [proof for proof in proofs if proof.kind in OVER_DATA and source in proof.covers]
    return any(proof.result == "passed" for proof in over) and all(proof.result != "failed" for proof in over)


def currency(expires: date | None, today: date) -> Current:
    """Return whether the document is current on a Japanese calendar day: its last day still counts."""
    if expires is None:
        return "not_told"
    return "current" if today <= expires else "expired"
