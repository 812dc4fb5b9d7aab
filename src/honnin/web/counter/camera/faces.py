"""From the text on a document's face to the entries that open its chip.

Nothing is guessed: what is not wholly there, or whose check digits fail, is left out for the clerk to type, and never
goes to a chip. Of a My Number Card only birth date, year of expiry and security code are looked for; twelve digits in a
row (the individual number) are never returned, and QR codes are not read at all (on that card it is the number).
Sources: digital-agency-apis sheet §6.1 (verification number B), ICAO Doc 9303-4 §4.2 (zone), other-documents sheet.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise

from honnin.chip.icao9303 import mrz
from honnin.errors import FormatError

__all__ = ["READABLE", "entries_of"]

LINE = 44
LETTERS = str.maketrans("01258", "OIZSB")
DIGITS = str.maketrans("OQDIZSBG", "00012586")
# Second line of TD3: which characters can only be digits, and which only letters (Doc 9303-4 §4.2.2).
ONLY_DIGITS = ((9, 10), (13, 20), (21, 28), (42, 44))
ONLY_LETTERS = ((10, 13),)

BORN = re.compile(r"(?:明治|大正|昭和|平成|令和|西暦)?(元|\d{1,4})年(\d{1,2})月(\d{1,2})日生")
VALID = re.compile(r"(20\d\d)年(?:\d{1,2})月(?:\d{1,2})日まで")
JAPANESE = re.compile(r"[A-Z]{2}\d{7}")  # a check digit does not tell 4 from E or T from J
CODE = re.compile(r"(?<!\d)\d{4}(?!\d)")
CARD_NUMBER = re.compile(r"(?<![A-Z0-9])([A-Z]{2}\d{8}[A-Z]{2})(?![A-Z0-9])")


def entries_of(document: str, lines: Iterable[str], *, today: date) -> dict[str, str]:
    """Return the entries that were read whole, by name; empty where nothing was, or for an unknown document."""
    plain = [unicodedata.normalize("NFKC", line).replace(" ", "") for line in lines]
    reader = READABLE.get(document)
    return reader(plain, today) if reader else {}


def _passport(lines: list[str], today: date) -> dict[str, str]:
    rows = [line.upper().replace("«", "<<").replace("(", "<") for line in lines]
    for first, second in pairwise(rows):
        if not first.startswith("P") or not abs(len(second) - LINE) <= 1:
            continue
        for candidate in _fitted(second):
            try:
                zone = mrz.parse_mrz(_first_line(first) + candidate)
            except FormatError:
                continue
            if zone.wrong or (zone.issuing_state == "JPN" and not JAPANESE.fullmatch(zone.document_number)):
                continue
            born = mrz.full_date(zone.birth_date, today=today, kind="birth")
            until = mrz.full_date(zone.expiry_date, today=today, kind="expiry")
            if born and until:
                return {
                    "document_number": zone.document_number,
                    "birth_date": f"{born:%Y%m%d}",
                    "expiry_date": f"{until:%Y%m%d}",
                }
    return {}


def _first_line(text: str) -> str:
    """Return a first line of 44 characters: no digit can stand there, and fillers end it."""
    letters = re.sub(r"[^A-Z<]", "<", text.translate(LETTERS))
    return letters[:LINE].ljust(LINE, "<")


def _fitted(text: str) -> Iterable[str]:
    """Return a second line with what can only be digits as digits and letters as letters.

    One filler too many or too few, which are hard to count, is put right where the optional field's fillers stand.
    """
    plain = re.sub(r"[^A-Z0-9<]", "<", text)
    if len(plain) == LINE - 1:
        plain = f"{plain[:-2]}<{plain[-2:]}"
    elif len(plain) == LINE + 1:
        plain = plain[:-3] + plain[-2:]
    for spans, table in ((ONLY_DIGITS, DIGITS), (ONLY_LETTERS, LETTERS)):
        for start, end in spans:
            plain = plain[:start] + plain[start:end].translate(table) + plain[end:]
    yield plain
    if plain[2:9] != plain[2:9].translate(DIGITS):
        # Japanese passports have two letters and seven digits; the check digit judges the attempt. A digit among the
        # letters is left wrong: S and I count alike.
        yield plain[:2] + plain[2:9].translate(DIGITS) + plain[9:]


def _my_number_card(lines: list[str], today: date) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        if (born := BORN.search(line)) and _is_day(born[2], born[3]):
            year = "01" if born[1] == "元" else f"{int(born[1]) % 100:02d}"
            found["printed_birth_date"] = f"{year}{int(born[2]):02d}{int(born[3]):02d}"
        elif (valid := VALID.search(line)) and today.year - 1 <= int(valid[1]) <= today.year + 11:
            found["expiry_year"] = valid[1]
    codes = {line for line in lines if CODE.fullmatch(line)}
    if len(codes) == 1:
        found["security_code"] = codes.pop()
    return found


def _is_day(month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def _residence_card(lines: list[str], today: date) -> dict[str, str]:  # noqa: ARG001 - one shape for all documents
    numbers = {match[1] for line in lines for match in CARD_NUMBER.finditer(_number_form(line))}
    return {"card_number": numbers.pop()} if len(numbers) == 1 else {}


def _number_form(line: str) -> str:
    """Return a line of twelve characters with letters and digits where a card number has them; others as they are."""
    text = re.sub(r"[^A-Z0-9]", "", line.upper())
    if len(text) != 12:
        return line.upper()
    return text[:2].translate(LETTERS) + text[2:10].translate(DIGITS) + text[10:].translate(LETTERS)


READABLE: dict[str, Callable[[list[str], date], dict[str, str]]] = {
    "passport": _passport,
    "my_number_card": _my_number_card,
    "residence_card": _residence_card,
}
