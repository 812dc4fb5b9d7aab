"""The machine-readable zone of a passport book (ICAO Doc 9303-4 §4.2) and the Roman letters in it."""

import json
from datetime import date
from functools import cache
from importlib.resources import files

from honnin.identity.dates import PartialDate

__all__ = ["check_digit", "passport_zone", "roman", "six_digits"]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
VOWELS = "AIUEO"


@cache
def _tables() -> tuple[dict[str, str], dict[str, str]]:
    table = json.loads(files(__package__).joinpath("romaji.json").read_text(encoding="utf-8"))
    return table["syllables"], table["small"]


def roman(kana: str) -> str:
    """Return a name in katakana as the passport office writes it: Hepburn, long vowels short."""
    syllables, small = _tables()
    out = ""
    double = False
    for sign in kana:
        if sign == "ッ":
            double = True
        elif sign in small and out:
            out = out.removesuffix("I") + small[sign].removeprefix("Y" if out.endswith(("SHI", "CHI", "JI")) else "")
        elif sign in syllables:
            next_ = syllables[sign]
            out += ("T" if next_.startswith("C") else next_[0]) * double + next_
            double = False
    for long_, short in (("OU", "O"), ("OO", "O"), ("UU", "U")):
        out = out.replace(long_, short)
    for before in "BMP":
        out = out.replace(f"N{before}", f"M{before}")
    return out


def six_digits(day: date | PartialDate) -> str:
    """Return YYMMDD, with `<<` for what is not known."""
    year = "<<" if day.year is None else f"{day.year % 100:02d}"
    return year + "".join("<<" if part is None else f"{part:02d}" for part in (day.month, day.day))


def passport_zone(surname: str, given: str, number: str, birth: date | PartialDate, sex: str, expiry: date) -> str:
    """Return both lines, 88 characters, with their five check digits."""
    first = f"P<JPN{surname}<<{given}".replace(" ", "<")[:44].ljust(44, "<")
    number = number.ljust(9, "<")
    born, until = six_digits(birth), six_digits(expiry)
    letter = {"male": "M", "female": "F"}.get(sex, "<")
    personal = "<" * 14
    checked = [f"{field}{check_digit(field)}" for field in (number, born, until, personal)]
    second = f"{checked[0]}JPN{checked[1]}{letter}{checked[2]}{checked[3]}"
    composite = second[0:10] + second[13:20] + second[21:43]
    return first + second + str(check_digit(composite))


def check_digit(text: str) -> int:
    """Return the check digit of a field: weights 7, 3, 1 (Doc 9303-3 §4.9)."""
    total = 0
    for place, sign in enumerate(text):
        total += (7, 3, 1)[place % 3] * max(ALPHABET.find(sign), 0)
    return total % 10
