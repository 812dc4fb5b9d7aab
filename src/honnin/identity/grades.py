"""Grades of a comparison, from the strongest: what a name's or an address's match is called (CONTRACTS: identity)."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Grade", "Match", "better"]

Grade = Literal["same", "same_variant", "likely", "unclear", "different"]
_ORDER: dict[Grade, int] = {"same": 0, "same_variant": 1, "likely": 2, "unclear": 3, "different": 4}


@dataclass(frozen=True, slots=True)
class Match:
    """A grade and the reasons that led to it, in the order they were found."""

    grade: Grade
    reasons: tuple[str, ...] = ()


def better(one: Match, other: Match) -> Match:
    """Return the stronger of two, the first where they are alike."""
    return other if _ORDER[other.grade] < _ORDER[one.grade] else one
