"""Judging the police's signature over a licence (other-documents sheet §2.8, §3).

The key is not on the card and not published: the operator loads it, and without it the answer is `not_checked`. The
licence card's signature covers data behind both PINs, so a reader that has one of them proves nothing.
"""

from collections.abc import Sequence
from typing import Final

from honnin.chip.document import Proof, Trust
from honnin.chip.drivers_licence.record import SignatureRecord
from honnin.chip.rsa_keys import signs
from honnin.errors import FormatError

__all__ = ["REVOCATION", "judge_signature", "unproved"]

KIND: Final = "data_signature"
USE: Final = "drivers_licence"
ALGORITHM: Final = "sha256WithRSAEncryption"
REVOCATION: Final = Proof("revocation", "not_checked", "proof.licence_withdrawal_unknown")


def unproved(code: str, covers: tuple[str, ...], leaves_out: tuple[str, ...], *, detail: str = "") -> Proof:
    """Return the proof that could not be made."""
    return Proof(KIND, "not_checked", code, covers, leaves_out, detail=detail)


def judge_signature(
    signature: SignatureRecord,
    messages: Sequence[bytes],
    trust: Trust | None,
    *,
    covers: tuple[str, ...],
    leaves_out: tuple[str, ...],
) -> Proof:
    """Judge the signature. messages: what it may cover: whole files, or files without their filler (sheet §2.8 [?])."""
    key = trust.key(USE, signature.key_id) if trust else None
    if key is None:
        return unproved("proof.police_key_missing", covers, leaves_out)
    try:
        message = next((message for message in messages if signs(key, message, signature.value)), None)
    except FormatError as error:
        return unproved(error.code, covers, leaves_out, detail=error.message)
    return Proof(
        kind=KIND,
        result="failed" if message is None else "passed",
        code="proof.police_mismatch" if message is None else "proof.police_signed",
        covers=covers,
        leaves_out=leaves_out,
        algorithm=ALGORITHM,
        message=message if message is not None else messages[0],
        signature=signature.value,
    )
