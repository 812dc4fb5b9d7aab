"""What a document's form asks for before its chip is read, and how what was typed is made plain."""

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Literal

from honnin.identity import check_individual_number

__all__ = ["Entry", "is_number", "last_try_of", "plain", "read_day", "read_entries"]

NUMBER = "individual_number"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the form. name: a word of `counter.entry_…`; pattern: what the plain text must match.

    by: who keys it. A `customer`'s entry (a PIN) is hidden on the screen; `either` as the desk chose.
    secret: the page never shows it again. choice: a box to tick, whose text is `YES`. needs: a choice that must be made
    for this entry to be used.
    """

    name: str
    pattern: str
    longest: int
    by: Literal["clerk", "customer", "either"] = "clerk"
    digits: bool = True
    optional: bool = False
    secret: bool = False
    choice: bool = False
    needs: str = ""

    def hidden(self, *, keypad: bool) -> bool:
        """Tell whether the screen hides it. keypad: the customer keys in what either may."""
        return self.by == "customer" or (self.by == "either" and keypad)


def last_try_of(pin: str) -> str:
    """Return the name, beside the entries, of the word that the last try of one PIN of the card be used."""
    return f"last_try_{pin}"


def plain(text: str) -> str:
    """Return what was typed in ASCII capitals without spaces and hyphens, full-width letters and digits included."""
    return re.sub(r"[\s\-ー－]", "", unicodedata.normalize("NFKC", text)).upper()


def read_day(text: str) -> date | None:
    """Return the day that was typed as YYYYMMDD; None where it names none."""
    digits = plain(text)
    if not re.fullmatch(r"\d{8}", digits):
        return None
    with suppress(ValueError):
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    return None


def is_number(text: str) -> bool:
    """Tell whether a text is an individual number by its twelve digits and its check digit."""
    return re.fullmatch(r"\d{12}", text) is not None and check_individual_number(text)


def read_entries(entries: tuple[Entry, ...], given: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the entries in plain form, and the code of what is wrong by name."""
    values, wrong = {}, {}
    for entry in entries:
        text = plain(given.get(entry.name, ""))
        if entry.name != NUMBER and is_number(text):
            wrong[entry.name] = "counter.number_refused"  # a QR code of a My Number Card, or a wrong field
            continue
        if not text and entry.optional:
            continue
        if not text:
            wrong[entry.name] = "counter.entry_missing"
        elif not re.fullmatch(entry.pattern, text) or (entry.name == NUMBER and not is_number(text)):
            wrong[entry.name] = "counter.entry_form"
        elif entry.needs and not given.get(entry.needs):
            wrong[entry.needs] = "counter.consent_missing"
        values[entry.name] = text
    return values, wrong
