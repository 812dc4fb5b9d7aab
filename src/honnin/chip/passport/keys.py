"""What opens a passport: three data of its page, or the access number that some print on it. Neither can lock."""

from dataclasses import dataclass, field
from datetime import date
from typing import Self

from honnin.chip.icao9303.mrz import Mrz, mrz_information, parse_mrz

__all__ = ["CanKey", "MrzKey", "PassportKey"]


@dataclass(frozen=True, slots=True)
class MrzKey:
    """Document number, birth date and expiry date, as MRZ information (Doc 9303-11 §9.7.2)."""

    information: str = field(repr=False)

    @classmethod
    def of(cls, document_number: str, birth_date: str | date, expiry_date: str | date) -> Self:
        """Make a key from what a person types; dates as YYMMDD or a date. Raises InputError."""
        return cls(mrz_information(document_number, birth_date, expiry_date))

    @classmethod
    def of_zone(cls, zone: str | Mrz) -> Self:
        """Make a key from a machine-readable zone. Raises FormatError `passport.mrz_malformed`."""
        return cls((parse_mrz(zone) if isinstance(zone, str) else zone).information)

    @property
    def name(self) -> str:
        """Which key this is."""
        return "mrz"


@dataclass(frozen=True, slots=True)
class CanKey:
    """The card access number (CAN), six digits. It opens by PACE alone."""

    number: str = field(repr=False)

    @property
    def name(self) -> str:
        """Which key this is."""
        return "can"


PassportKey = MrzKey | CanKey
