"""Dates on licences: an era digit and YYMMDD in JIS X 0201 (other-documents sheet §2.3).

A year may lie behind its era's end (平成36年 was printed until 2019), so it is converted by arithmetic. All zeros
behind the era digit say "none": a category that is not held.
"""

from typing import Final

from honnin.chip.drivers_licence.tlv import malformed
from honnin.identity.dates import ERAS, Era, PartialDate

__all__ = ["bcd_date", "era_date"]

ERA_DIGITS: Final[dict[str, Era]] = {"1": "meiji", "2": "taisho", "3": "showa", "4": "heisei", "5": "reiwa"}


def era_date(octets: bytes) -> PartialDate | None:
    """Read 7 digits `EYYMMDD`; None for an empty field and for zeros.

    Raises FormatError `licence.record_malformed`, `identity.date_malformed`.
    """
    if not octets:
        return None
    text = octets.decode("ascii", "replace")
    if len(text) != 7 or not (text.isascii() and text.isdigit()):
        raise malformed("A date does not have seven digits.")
    if text[1:] == "000000":
        return None
    era = ERA_DIGITS.get(text[0])
    if era is None:
        raise malformed("A date names no era.")
    in_era = int(text[1:3])
    year = ERAS[era].year - 1 + in_era if in_era else None
    return PartialDate(year, int(text[3:5]) or None, int(text[5:7]) or None, era)


def bcd_date(octets: bytes) -> PartialDate:
    """Read four bytes of binary coded digits YYYYMMDD. Raises FormatError as `era_date` does."""
    text = octets.hex()
    if len(text) != 8 or not text.isdigit():
        raise malformed("A date does not have eight digits.")
    return PartialDate(int(text[:4]) or None, int(text[4:6]) or None, int(text[6:]) or None)
