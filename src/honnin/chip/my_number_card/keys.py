"""What opens the card face and the input support application: verification numbers and the birth date (sheet §2).

Each is judged before it goes to a chip, where a wrong one costs one of its tries: its digits, and its check digit.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Self

from honnin.chip.document import Pin
from honnin.errors import FormatError, PinError
from honnin.identity.dates import from_verification_number_b, to_verification_number_b
from honnin.identity.individual_number import IndividualNumber

__all__ = ["BirthDateKey", "NumberA", "NumberB", "RecordKey", "value_of"]

FIRST_YEAR = 2016  # the first cards were handed out in it
LAST_YEAR = 2099


@dataclass(frozen=True, slots=True)
class NumberA:
    """Verification number A: the individual number. Asking for it is collecting the number."""

    number: IndividualNumber = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Self:
        """Take twelve digits. Raises FormatError `identity.number_malformed`: nothing goes to the chip."""
        return cls(IndividualNumber(text))

    @property
    def name(self) -> Literal["verification_number_a"]:
        """Which key this is."""
        return "verification_number_a"


@dataclass(frozen=True, slots=True)
class NumberB:
    """Verification number B: birth date YYMMDD in the era's years, expiry year YYYY, security code of four digits."""

    digits: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _is_number_b(self.digits):
            raise PinError(
                "card.number_format",
                "This cannot be a verification number B; it was not sent to the card.",
                next="It is the birth date in six digits, the year of expiry in four and the security code in four.",
            )

    @classmethod
    def of(cls, birth_date: date | str, expiry_year: int | str, security_code: str) -> Self:
        """Make it of what is printed on the card. birth_date: a date, or six digits as printed."""
        six = to_verification_number_b(birth_date) if isinstance(birth_date, date) else birth_date
        return cls(f"{six}{expiry_year}{security_code}")

    @property
    def name(self) -> Literal["verification_number_b"]:
        """Which key this is."""
        return "verification_number_b"


@dataclass(frozen=True, slots=True)
class BirthDateKey:
    """The birth-date key of the card face application: YYMMDD in the year that the card prints."""

    digits: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _is_birth_date(self.digits):
            raise PinError(
                "card.number_format",
                "This cannot be a birth date in six digits; it was not sent to the card.",
                next="Give the year of the Japanese era, month and day, two digits each.",
            )

    @classmethod
    def of(cls, birth_date: date) -> Self:
        """Make it of a date, in the era's years."""
        return cls(to_verification_number_b(birth_date))

    @classmethod
    def western(cls, birth_date: date) -> Self:
        """Make it of a date, in western years, as foreign residents' cards print it."""
        return cls(f"{birth_date:%y%m%d}")

    @property
    def name(self) -> Literal["birth_date"]:
        """Which key this is."""
        return "birth_date"


RecordKey = Pin | NumberA | NumberB | BirthDateKey


def value_of(key: RecordKey) -> str:
    """Return what goes to the card."""
    if isinstance(key, NumberA):
        return key.number.reveal()
    return key.value if isinstance(key, Pin) else key.digits


def _is_number_b(digits: str) -> bool:
    return (
        len(digits) == 14
        and digits.isascii()
        and digits.isdigit()
        and _is_birth_date(digits[:6])
        and FIRST_YEAR <= int(digits[6:10]) <= LAST_YEAR
    )


def _is_birth_date(digits: str) -> bool:
    try:
        from_verification_number_b(digits, "reiwa")  # month and day are judged, whatever the era; 29 February below
    except FormatError:
        return len(digits) == 6 and digits.isascii() and digits.isdigit() and digits[2:] == "0229"
    return True
