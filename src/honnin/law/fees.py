"""What J-LIS asks of verifiers, by day, and how long cards are valid: data of `fees.json`.

Source: reference sheet law-and-assurance §9, §10.1. Nothing is counted or charged here.
"""

from datetime import date, datetime
from functools import cache
from importlib.resources import files

import msgspec

from honnin.law.rows import Confidence
from honnin.law.standing import day_of

__all__ = ["CardValidity", "Fee", "card_validity", "fees"]


class Fee(
    msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}, forbid_unknown_fields=True
):
    """One fee while `since` ≤ day ≤ `until`, yen for one event; None where only a cap is known.

    dormant_tariff: what would be asked again if the waiver ended.
    """

    id: str
    yen: int | None
    since: date
    until: date | None
    announced_term_years: int | None = None
    dormant_tariff: dict[str, int] = {}
    charge_when: str | None = None
    cap_per_user_year: int | None = None
    last_confirmed: date | None = None
    confidence: Confidence
    source: str
    read_in: tuple[str, ...]


class CardValidity(
    msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}, forbid_unknown_fields=True
):
    """After how many birthdays a My Number Card ends, by the day its application was accepted (None is open)."""

    since: date | None
    until: date | None
    adult_age: int
    adult_birthdays: int
    minor_birthdays: int
    confidence: Confidence
    read_in: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, rename={"dated": "date"}, forbid_unknown_fields=True):
    source: str
    dated: date
    note: str
    fees: tuple[Fee, ...]
    card_validity: tuple[CardValidity, ...]


@cache
def _file() -> _File:
    return msgspec.json.decode(files("honnin.law").joinpath("fees.json").read_bytes(), type=_File)


def fees(on: date | datetime) -> list[Fee]:
    """Return the fees that are in force on a Japanese calendar day."""
    day = day_of(on)
    return [fee for fee in _file().fees if fee.since <= day <= (fee.until or date.max)]


def card_validity(applied_on: date | datetime) -> CardValidity:
    """Return how long a card lasts whose application was accepted on a day."""
    day = day_of(applied_on)
    return next(row for row in _file().card_validity if (row.since or date.min) <= day <= (row.until or date.max))
