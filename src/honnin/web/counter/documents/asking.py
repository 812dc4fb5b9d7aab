"""What a document's form asks for before its chip is read, and how what was typed is made plain."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

__all__ = ["Entry", "plain", "read_entries"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the form. name: a word of `counter.entry_…`; pattern: what the plain text must match.

    by: who keys it. A `customer`'s entry (a PIN, a security code) is hidden on the screen.
    """

    name: str
    pattern: str
    longest: int
    by: Literal["clerk", "customer"] = "clerk"
    digits: bool = True
    optional: bool = False


def plain(text: str) -> str:
    """Return what was typed in ASCII capitals without spaces and hyphens, full-width letters and digits included."""
    return re.sub(r"[\s\-ー－]", "", unicodedata.normalize("NFKC", text)).upper()


def read_entries(entries: tuple[Entry, ...], given: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the entries in plain form, and the code of what is wrong by name."""
    values, wrong = {}, {}
    for entry in entries:
        text = plain(given.get(entry.name, ""))
        if not text and entry.optional:
            continue
        if not text:
            wrong[entry.name] = "counter.entry_missing"
        elif not re.fullmatch(entry.pattern, text):
            wrong[entry.name] = "counter.entry_form"
        values[entry.name] = text
    return values, wrong
