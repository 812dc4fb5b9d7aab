"""The licence number (免許証の番号): commission, year of the first licence, check digit, re-issues (sheet §2.9).

The check digit is a typo filter, no proof that the number was given to anyone; two remainders share the digit 1.
"""

from dataclasses import dataclass, field

from honnin.chip.drivers_licence.profile import profile

__all__ = ["LicenceNumber", "check_licence_number"]

WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
DIGITS = 12


@dataclass(frozen=True, slots=True)
class LicenceNumber:
    """A licence number as it stands on the chip.

    fits: whether twelve digits with the right check digit; commission: of the prefecture, None for an unknown code;
    first_year: last two digits of the year of the first licence; reissues: how often it was issued again.
    """

    value: str = field(repr=False)
    fits: bool
    commission: str | None
    first_year: str | None
    reissues: int | None

    @classmethod
    def of(cls, text: str) -> "LicenceNumber":
        """Take a number apart; one that does not have twelve digits has no parts."""
        if not _is_number(text):
            return cls(text, fits=False, commission=None, first_year=None, reissues=None)
        return cls(
            text,
            fits=check_licence_number(text),
            commission=profile().commissions.get(text[:2]),
            first_year=text[2:4],
            reissues=int(text[11]),
        )


def check_licence_number(text: str) -> bool:
    """Tell whether `text` is twelve digits whose eleventh fits the ten before it."""
    if not _is_number(text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, WEIGHTS, strict=False))
    return int(text[10]) == (11 - total % 11) % 10


def _is_number(text: str) -> bool:
    return len(text) == DIGITS and text.isascii() and text.isdigit()
