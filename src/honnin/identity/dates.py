"""Dates as cards and certificates write them, kept apart by format (my-number-card.md §2, §3.3, §5.4).

Three formats: the signature certificate writes `EYYYYMMDD` (era digit, then the Gregorian date), card records write
`YYYYMMDD`, and verification number B begins with `YYMMDD` whose year is the year of the Japanese era. Unknown parts are
`00` or `0000`. Days are Japanese calendar days; `jst_day` and `end_of_day` are the only bridges to instants.

Not here: ages and expiry (`ages`, `expiry`).
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

import msgspec

from honnin.errors import FormatError, InputError

__all__ = [
    "ERAS",
    "JST",
    "Era",
    "PartialDate",
    "end_of_day",
    "era_of",
    "from_card_record",
    "from_certificate",
    "from_verification_number_b",
    "jst_day",
    "to_certificate",
    "to_verification_number_b",
]

JST = timezone(timedelta(hours=9), "JST")

Era = Literal["meiji", "taisho", "showa", "heisei", "reiwa"]

# Era → first day. Law of eras and the edicts before it; the digits are those of my-number-card.md §5.4 [1].
ERAS: dict[Era, date] = {
    "meiji": date(1868, 1, 25),
    "taisho": date(1912, 7, 30),
    "showa": date(1926, 12, 25),
    "heisei": date(1989, 1, 8),
    "reiwa": date(2019, 5, 1),
}
_ERA_DIGITS: dict[str, Era | None] = {
    "0": None,
    "1": "meiji",
    "2": "taisho",
    "3": "showa",
    "4": "heisei",
    "5": "reiwa",
}

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class PartialDate(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A Japanese calendar day of which parts may be unknown (None). `era` is what a certificate wrote beside it.

    Two are equal when their days are, whatever their eras.

    Raises FormatError `identity.date_malformed` for a month, day or year that cannot be.
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    era: Era | None = None

    def __post_init__(self) -> None:
        year, month, day = self.year, self.month, self.day
        if (year is not None and not 1 <= year <= 9999) or (month is not None and not 1 <= month <= 12):
            raise _malformed()
        if day is not None and not 1 <= day <= (31 if month is None else _DAYS[month - 1]):
            raise _malformed()
        if month == 2 and day == 29 and year is not None and not _is_leap(year):
            raise _malformed()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartialDate):
            return NotImplemented
        return (self.year, self.month, self.day) == (other.year, other.month, other.day)

    def __hash__(self) -> int:
        return hash((self.year, self.month, self.day))

    @classmethod
    def of(cls, day: date) -> "PartialDate":
        """Return a whole date."""
        return cls(day.year, day.month, day.day)

    @property
    def whole(self) -> date | None:
        """The calendar day, or None while a part is unknown."""
        if self.year is None or self.month is None or self.day is None:
            return None
        return date(self.year, self.month, self.day)

    def iso(self) -> str:
        """Return `YYYY-MM-DD`, unknown parts written `0000` and `00`."""
        return f"{self.year or 0:04d}-{self.month or 0:02d}-{self.day or 0:02d}"

    def __repr__(self) -> str:
        return "PartialDate(…)"


def from_certificate(text: str) -> PartialDate:
    """Read `EYYYYMMDD` of a signature certificate (§5.4): era digit, then the Gregorian date.

    Raises FormatError `identity.date_malformed`.
    """
    if len(text) != 9 or not _digits(text) or text[0] not in _ERA_DIGITS:
        raise _malformed()
    return _from_digits(text[1:], _ERA_DIGITS[text[0]])


def to_certificate(day: PartialDate) -> str:
    """Write `EYYYYMMDD`; the era digit follows the day where it is whole and no era is given."""
    whole = day.whole
    era = day.era or (era_of(whole) if whole else None)
    digit = next(digit for digit, name in _ERA_DIGITS.items() if name == era)
    return f"{digit}{day.year or 0:04d}{day.month or 0:02d}{day.day or 0:02d}"


def from_card_record(text: str) -> PartialDate:
    """Read `YYYYMMDD` of a card record (§3.3 DF24, §3.4). Raises FormatError `identity.date_malformed`."""
    if len(text) != 8 or not _digits(text):
        raise _malformed()
    return _from_digits(text, None)


def from_verification_number_b(text: str, era: Era) -> PartialDate:
    """Read the first six digits of verification number B, `YYMMDD`, whose year counts in `era`.

    The number does not say which era: the caller asks, or tries the era that makes the age plausible.
    Raises FormatError `identity.date_malformed`.
    """
    if len(text) != 6 or not _digits(text):
        raise _malformed()
    in_era, month, day = int(text[:2]), int(text[2:4]), int(text[4:])
    year = ERAS[era].year + in_era - 1 if in_era else None
    return PartialDate(year, month or None, day or None, era)


def to_verification_number_b(day: date) -> str:
    """Write the six digits with which verification number B begins: `YYMMDD`, year of the Japanese era."""
    return f"{day.year - ERAS[era_of(day)].year + 1:02d}{day.month:02d}{day.day:02d}"


def era_of(day: date) -> Era:
    """Return the era of a day (the new era from its first day). Raises InputError `identity.date_out_of_range`."""
    for name, first in reversed(ERAS.items()):
        if day >= first:
            return name
    raise InputError("identity.date_out_of_range", "The day lies before the first era this table knows.")


def jst_day(moment: date | datetime) -> date:
    """Return the Japanese calendar day of an instant; a plain date is taken as one already.

    Raises InputError `identity.no_zone` for a datetime without zone.
    """
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise InputError("identity.no_zone", "The time has no zone.", next="Give a time with zone, or a date.")
    return moment.astimezone(JST).date()


def end_of_day(day: date) -> datetime:
    """Return 23:59:59 JST of a day in UTC: how certificates write their last day (§7.1)."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=JST).astimezone(UTC)


def _from_digits(text: str, era: Era | None) -> PartialDate:
    return PartialDate(int(text[:4]) or None, int(text[4:6]) or None, int(text[6:]) or None, era)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _malformed() -> FormatError:
    return FormatError("identity.date_malformed", "A date is not in the format that this record prescribes.")
