"""Judging a PIN before a card sees it: format and propriety (my-number-card sheet §2; seed facts, Cards and PINs).

Pure functions. A PIN never stands in an error: not its value, not its length.
"""

from datetime import date
from itertools import pairwise
from typing import Literal

import msgspec

from honnin.errors import PinError
from honnin.identity.dates import ERAS, era_of

__all__ = ["PinRule", "check_change", "check_format", "check_proper", "compared"]


class PinRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one PIN is built and where it lives.

    file, key_file: elementary files of the PIN and of the key it opens (0: none); tries: wrong entries until it locks.
    released_by: who unlocks it; `municipality_number` is the separate lock of a verification number.
    shortest, longest: characters; alphabet: the characters allowed; letter_and_digit: at least one of each.
    """

    file: int
    key_file: int = 0
    tries: int
    shortest: int
    longest: int
    alphabet: str
    letter_and_digit: bool = False
    upper_case: bool = False
    released_by: Literal["municipality", "municipality_number", "police"] = "municipality"


def check_format(name: str, rule: PinRule, pin: str) -> bytes:
    """Return the PIN as the card takes it, ASCII and upper-cased where the rule says so.

    Raises PinError `card.pin_format`: a PIN of the wrong format would still cost a try.
    """
    given = pin.upper() if rule.upper_case else pin
    fits = (
        rule.shortest <= len(pin) <= rule.longest
        and pin.isascii()
        and set(given) <= set(rule.alphabet)
        and (not rule.letter_and_digit or (any(c.isdigit() for c in given) and any(c.isalpha() for c in given)))
    )
    if not fits:
        raise PinError(
            "card.pin_format",
            f"This cannot be the PIN of {name}; it was not sent to the card.",
            next=_expected(rule),
        )
    return given.encode("ascii")


def check_proper(name: str, pin: bytes, *, birth_date: date | None = None, security_code: str | None = None) -> None:
    """Refuse a new PIN that others guess first: one digit repeated, a run, the birth date, the security code.

    pin: as `check_format` returned it. birth_date and security_code are judged only when the caller knows them.
    Raises PinError `card.pin_improper`.
    """
    text = pin.decode("ascii")
    digits = "".join(c for c in text if c.isdigit())
    guessed = text.isdigit() and (len(set(text)) == 1 or _is_run(text))
    guessed |= birth_date is not None and digits in _birth_date_forms(birth_date)
    guessed |= security_code is not None and digits == security_code
    if guessed:
        raise PinError(
            "card.pin_improper",
            f"This PIN of {name} would be guessed first; it was not sent to the card.",
            next="Choose one that is not a birth date, the security code, one repeated digit or a run of digits.",
        )


def check_change(
    name: str, rule: PinRule, old: str, new: str, *, birth_date: date | None, security_code: str | None
) -> tuple[bytes, bytes]:
    """Return the old and the new PIN as the card takes them, both judged before it is asked.

    Raises PinError `card.pin_format`, `card.pin_improper`.
    """
    value = check_format(name, rule, new)
    check_proper(name, value, birth_date=birth_date, security_code=security_code)
    return check_format(name, rule, old), value


def compared(birth_date: date | None, security_code: str | None) -> frozenset[str]:
    """Return the names of what is known, and so was compared with a new PIN."""
    known = {"birth_date": birth_date, "security_code": security_code}
    return frozenset(name for name, value in known.items() if value is not None)


def _expected(rule: PinRule) -> str:
    if rule.letter_and_digit:
        return (
            f"It has {rule.shortest} to {rule.longest} characters A-Z and 0-9, with at least one letter and one digit."
        )
    return f"It has {rule.shortest} digits."


def _is_run(text: str) -> bool:
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return steps in ({1}, {-1})


def _birth_date_forms(born: date) -> frozenset[str]:
    month, day = f"{born.month:02}", f"{born.day:02}"
    years = {f"{born.year % 100:02}", f"{born.year - ERAS[era_of(born)].year + 1:02}"}
    forms = {f"{born.year:04}", month + day, day + month, f"{born.year:04}{month}{day}"}
    for year in years:
        forms |= {year + month, month + year, year + day, year + month + day, day + month + year}
    return frozenset(forms)
