"""The ways to use a My Number Card and how strong each is, as a table with its source (seed 001, sheet §3.8)."""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from honnin.law.rows import Confidence, Words

__all__ = ["CardMethod", "card_methods"]


class CardMethod(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to use the card.

    pin: whether one is asked for; holds: what the card records for it; factors: none where whoever makes the
    application chooses them. use: None where the source says nothing; honnin: where this product does it.
    """

    id: str
    name: Words
    pin: Literal["none", "optional", "required", "at_registration"]
    holds: tuple[str, ...]
    factors: tuple[Literal["possession", "knowledge"], ...]
    strength: Words
    use: Words | None
    honnin: Literal["counter", "free_area", "session", "login", "tap"]
    confidence: Confidence


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    date: str
    methods: tuple[CardMethod, ...]


@cache
def card_methods() -> tuple[CardMethod, ...]:
    """Return the table, in the order of its source."""
    raw = files(__package__).joinpath("card_methods.json").read_bytes()
    return msgspec.json.decode(raw, type=_Table).methods
