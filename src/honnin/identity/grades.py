"""Grades of a comparison, from the strongest: what a name's or an address's match is called (CONTRACTS: identity)."""

from dataclasses import dataclass
from typing import Literal

from honnin.errors import InputError

__all__ = ["GRADES", "Grade", "Match", "Override", "better", "overridden", "suffices"]

Grade = Literal["same", "same_variant", "likely", "unclear", "different"]
GRADES: tuple[Grade, ...] = ("same", "same_variant", "likely", "unclear", "different")
_ORDER: dict[Grade, int] = {grade: place for place, grade in enumerate(GRADES)}


@dataclass(frozen=True, slots=True)
class Match:
    """A grade and the reasons that led to it, in the order they were found."""

    grade: Grade
    reasons: tuple[str, ...] = ()


def better(one: Match, other: Match) -> Match:
    """Return the stronger of two, the first where they are alike."""
    return other if _ORDER[other.grade] < _ORDER[one.grade] else one


def suffices(grade: Grade, least: Grade) -> bool:
    """Tell whether a grade is at least as strong as the one that a law or a tenant asks for."""
    return _ORDER[grade] <= _ORDER[least]


@dataclass(frozen=True, slots=True)
class Override:
    """A person's decision in place of a grade that did not suffice; the grade itself stays as it was found."""

    found: Grade
    by: str
    reason: str


def overridden(found: Grade, *, by: str, reason: str) -> Override:
    """Return an operator's decision over a grade. Raises InputError `identity.override` without who and why."""
    if not by.strip() or not reason.strip():
        raise InputError("identity.override", "An override names who decided and why.", next="Give both.")
    return Override(found, by, reason)
