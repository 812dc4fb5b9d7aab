"""What a tap comes to: a pure function of what was learned of the certificate, the person and the chip.

    certificate   the path and its revocation (`validate_path`)
    person        somebody who is registered here with this certificate or its kin
    chip          issuer → record → the chip's own signature over this very challenge
    same card     the key in the record is the one that was registered, and so is the birth date

A copied certificate has no chip behind it; another card of the same birth date has another key. Whatever could not be
told keeps the door shut and is said so.
"""

from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import msgspec

from honnin.platform.models import RevocationSeen, VerdictAnswer, VerificationAnswer
from honnin.platform.tap.models import Outcome

__all__ = ["Ending", "Recognised", "SeenChip", "judge_certificate", "judge_chip", "judge_registration", "verdict_of"]

Result = Literal["passed", "failed", "not_checked"]
INDICATION: dict[Outcome, Literal["PASSED", "FAILED", "INDETERMINATE"]] = {
    "accepted": "PASSED",
    "refused": "FAILED",
    "could_not_tell": "INDETERMINATE",
}


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """What is known after the certificate was seen.

    indication, sub_indication, checks: of its path; settled: whether J-LIS could be asked whose it is.
    """

    indication: str
    sub_indication: str | None
    checks: tuple[dict[str, Any], ...]
    revocation: RevocationSeen | None = None
    person: str | None = None
    registered: bool = False
    settled: bool = True


class SeenChip(NamedTuple):
    """Results of the chip's proofs. same_card: None where no card was registered yet; same_birth_date likewise."""

    issuer: Result
    record: Result
    chip: Result
    same_card: bool | None
    same_birth_date: bool | None


class Ending(NamedTuple):
    """How a tap ends: outcome, reason code, sub-indication for the verdict, and one sentence."""

    outcome: Outcome
    reason: str
    sub_indication: str | None
    sentence: str


def judge_certificate(seen: Recognised) -> Ending | None:
    """Say how a tap ends already at the certificate; None when the chip must be asked."""
    if seen.indication != "PASSED":
        if seen.indication == "INDETERMINATE":
            return Ending(
                "could_not_tell",
                "certificate_unknown",
                seen.sub_indication or "TRY_LATER",
                "Whether the certificate is still good could not be told.",
            )
        return Ending(
            "refused", "certificate_ended", seen.sub_indication, "The certificate has ended or is not J-LIS's."
        )
    if seen.person is None and not seen.settled:
        return Ending("could_not_tell", "person_unknown", "TRY_LATER", "Whose certificate it is could not be asked.")
    if not seen.registered:
        return Ending("refused", "not_registered", None, "Nobody is registered with this card here.")
    return None


def judge_chip(chip: SeenChip) -> Ending:
    """Say how a tap with a good certificate of a registered person ends."""
    if "failed" in {chip.issuer, chip.record, chip.chip}:
        return Ending("refused", "not_genuine", "SIG_CRYPTO_FAILURE", "The chip is a copy, or answered another tap.")
    if chip.same_card is False or chip.same_birth_date is False:
        return Ending("refused", "another_card", None, "This is not the card that was registered.")
    if {chip.issuer, chip.record, chip.chip} != {"passed"}:
        return Ending(
            "could_not_tell",
            "genuine_unknown",
            "NO_CERTIFICATE_CHAIN_FOUND",
            "Whether the chip is genuine could not be told.",
        )
    return Ending("accepted", "accepted", None, "The certificate is good and the chip is genuine.")


def judge_registration(answer: VerificationAnswer, chip: SeenChip, birth: date | None) -> Ending:
    """Say how a registration ends: the check with the PIN first, then the chip."""
    if answer.verdict.indication == "INDETERMINATE":
        return Ending("could_not_tell", "certificate_unknown", None, answer.verdict.reason)
    if answer.verdict.indication != "TOTAL-PASSED":
        return Ending("refused", "certificate_ended", None, answer.verdict.reason)
    ending = judge_chip(chip)
    if ending.outcome == "accepted" and birth is None:
        return Ending("refused", "no_birth_date", None, "The card names no whole birth date.")
    return ending


def verdict_of(ending: Ending, seen: Recognised, chip: SeenChip | None, at: datetime) -> VerdictAnswer:
    """Return the verdict with its checks in the order in which they were made."""
    person: Result = "passed" if seen.registered else "failed"
    if seen.indication != "PASSED" or (seen.person is None and not seen.settled):
        person = "not_checked"
    rows: list[tuple[str, Result, str]] = [
        ("terminal", "passed", "The terminal is registered as supervised, indoors and not online."),
        ("nonce", "passed", "The challenge was made for this tap and taken once."),
        ("person", person, "Whether somebody is registered with this certificate here."),
    ]
    if chip is not None:
        told: dict[bool | None, Result] = {True: "passed", False: "failed", None: "not_checked"}
        rows += [
            ("card_issuer", chip.issuer, "Whether the card issuer's CA certified the signer of the record."),
            ("age_record", chip.record, "Whether the record on the card is what was signed."),
            ("internal_authentication", chip.chip, "Whether the chip holds the key in the record."),
            ("same_birth_date", told[chip.same_birth_date], "Whether the record is that of the registered birth date."),
            ("same_card", told[chip.same_card], "Whether the chip's key is that of the registered card."),
        ]
    mine = tuple({"id": name, "result": result, "reason": reason} for name, result, reason in rows)
    return VerdictAnswer(
        indication=INDICATION[ending.outcome],
        sub_indication=ending.sub_indication,
        reason=ending.sentence,
        at=at,
        checks=(*mine[:2], *seen.checks, *mine[2:]),
    )
