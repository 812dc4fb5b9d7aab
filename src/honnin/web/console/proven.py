"""What the evidence log proves, as the console shows it: whichever kind of object an id names.

ver_ verification   doc_ signed document   cch_ check at the counter   tap_ tap
ses_, lgn_, rec_    session, login, record: the check that they lead to
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from honnin.errors import NotFoundError
from honnin.pki.report import words_for
from honnin.platform.models import Caller, VerdictAnswer
from honnin.words import Language, has, in_all, say

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["Proven", "Shown", "find"]


class Shown(msgspec.Struct, frozen=True):
    """The ordered checks of one judgement. title: the number of its signature among several, None of the whole."""

    title: int | None
    checks: tuple[Mapping[str, Any], ...]

    def named(self, language: Language) -> list[dict[str, Any]]:
        """Return the checks with names and reasons in words; an id without words stands for itself."""
        return [
            {
                "name": next((say(key, language) for key in _keys(check) if has(key)), check["id"]),
                "result": check["result"],
                "reason": say(check["code"], language) if check.get("code") else check.get("reason"),
                "worded": bool(check.get("code")),
                "source": check.get("source"),
            }
            for check in self.checks
        ]


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """An object with its evidence id. revocation and law: of a verification alone."""

    id: str
    evidence: str
    verdict: VerdictAnswer
    messages: Mapping[str, str]
    shown: tuple[Shown, ...]
    revocation: Any = None
    law: Any = None


def find(platform: "Platform", caller: Caller, object_id: str) -> Proven:
    """Return what an id of the caller's leads to.

    Raises NotFoundError `evidence.unknown` where nothing was checked yet or the id is of no such kind, and what is
    raised for an unknown id of each.
    """
    kind, _, _ = object_id.partition("_")
    if kind in {"ses", "lgn", "rec"}:
        leading: dict[str, Any] = {"ses": platform.sessions, "lgn": platform.logins, "rec": platform.records}
        check = leading[kind].read(caller, object_id).verification
        if check is None:
            raise _unknown()
        return find(platform, caller, check)
    reading: dict[str, Any] = {
        "ver": partial(platform.verification, caller),
        "doc": partial(platform.documents.read, caller),
        "cch": partial(platform.counter.check, caller.id),
        "tap": partial(platform.taps.read, caller),
    }
    if kind not in reading:
        raise _unknown()
    found = reading[kind](object_id)
    if found.evidence is None:
        raise _unknown()
    if kind == "doc":
        return _document(found)
    verdict: VerdictAnswer = found.verdict
    messages = found.messages if kind != "cch" else in_all(f"counter.verdict_{verdict.indication}")
    return Proven(
        id=object_id,
        evidence=found.evidence,
        verdict=verdict,
        messages=messages,
        shown=(Shown(None, verdict.checks),),
        revocation=found.revocation if kind == "ver" else None,
        law=found.law if kind == "ver" else None,
    )


def _document(found: Any) -> Proven:
    """Return a judged document: the verdict of its worst signature, and the checks of each."""
    report = found.report
    verdict = msgspec.convert({name: report[name] for name in VerdictAnswer.__struct_fields__}, VerdictAnswer)
    signers = [tuple(signer["checks"]) for signer in report["signers"]]
    several = [Shown(number, checks) for number, checks in enumerate(signers, 1)] if len(signers) > 1 else []
    return Proven(
        id=found.id,
        evidence=found.evidence,
        verdict=verdict,
        messages=found.messages or words_for(verdict.indication, verdict.sub_indication),
        shown=tuple(several) or (Shown(None, signers[0] if signers else verdict.checks),),
    )


def _keys(check: Mapping[str, Any]) -> list[str]:
    """Return the words that may name a check, in their order."""
    return [f"console.check_{check['id']}", f"counter.proof_{check['id']}"]


def _unknown() -> NotFoundError:
    return NotFoundError("evidence.unknown", "There is no such evidence.", next="Give the id of a check that was made.")
