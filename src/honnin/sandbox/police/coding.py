"""How the police write: TLV that is not quite BER, JIS text with glyphs of its own, era dates, licence numbers.

Other-documents sheet, sections 2.3, 2.6 and 2.9.
"""

import unicodedata
from datetime import date

from honnin.identity.dates import PartialDate
from honnin.sandbox.pictures import glyph, mmr

__all__ = ["NOT_HELD", "Glyphs", "era_date", "field", "file", "licence_number"]

FIRST_GLYPH, MISSING = 0xFFF1, 0xFFFA
DOTS = 32
FILLER = b"\xff"
NOT_HELD = b"0000000"
WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
ERAS = ((date(2019, 5, 1), "5", 2018), (date(1989, 1, 8), "4", 1988), (date(1926, 12, 25), "3", 1925))
TAISHO = ("2", 1911)


def field(tag: int, value: bytes) -> bytes:
    """Return tag, length and value: one byte for lengths below 128, else 82 and two bytes."""
    name = tag.to_bytes(2 if tag > 0xFF else 1)
    size = len(value)
    return name + (bytes((size,)) if size < 0x80 else b"\x82" + size.to_bytes(2)) + value


def file(size: int, *fields: bytes) -> bytes:
    """Return a file of exactly `size` bytes, filled with FF."""
    content = b"".join(fields)
    if len(content) > size:
        raise ValueError(size)
    return content.ljust(size, FILLER)


def era_date(day: date | PartialDate) -> bytes:
    """Return seven digits: era, year of the era, month, day; unknown parts 00."""
    if isinstance(day, PartialDate):
        year, month, of_month = day.year or 0, day.month or 0, day.day or 0
    else:
        year, month, of_month = day.year, day.month, day.day
    known = date(year or 1, month or 1, of_month or 1)
    digit, before = next(((digit, before) for first, digit, before in ERAS if known >= first), TAISHO)
    return f"{digit}{year - before if year else 0:02d}{month:02d}{of_month:02d}".encode()


def licence_number(commission: str, year: int, serial: int, reissued: int = 0) -> str:
    """Return the twelve digits, the eleventh their check."""
    first = f"{commission}{year % 100:02d}{serial:06d}"
    remainder = sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True)) % 11
    return f"{first}{(11 - remainder) % 10}{reissued}"


class Glyphs:
    """Text in JIS X 0208, and the pictures of the characters that it lacks.

    first, count: which of the seven places for pictures this part of the card has; further characters are missing.
    """

    def __init__(self, first: int, count: int) -> None:
        self._first = first
        self._count = count
        self.drawn: list[str] = []

    def text(self, content: str, most: int) -> bytes:
        """Return two bytes a character, at most `most` bytes: what does not fit is cut off."""
        codes = [self._code(one) for one in _characters(content)]
        return b"".join(codes)[: most // 2 * 2]

    def pictures(self) -> list[tuple[bytes, bytes]]:
        """Return number of dots and T.6 bitmap of each place, in order; empty where none was needed."""
        found = [(bytes((DOTS,)), mmr(glyph(one, DOTS))) for one in self.drawn]
        return found + [(b"", b"")] * (self._count - len(found))

    def _code(self, character: str) -> bytes:
        try:
            known = character.encode("euc_jp")
        except UnicodeEncodeError:
            known = b""
        if len(known) == 2 and known[0] >= 0xA1:
            return bytes(octet & 0x7F for octet in known)
        if character not in self.drawn and len(self.drawn) < self._count:
            self.drawn.append(character)
        if character in self.drawn:
            return (FIRST_GLYPH + self._first + self.drawn.index(character)).to_bytes(2)
        return MISSING.to_bytes(2)


def _characters(content: str) -> list[str]:
    """Split into characters as people see them, a variation selector with its base; half-width ones made wide."""
    found: list[str] = []
    for one in content:
        if found and (unicodedata.combining(one) or 0xFE00 <= ord(one) <= 0xFE0F or 0xE0100 <= ord(one) <= 0xE01EF):
            found[-1] += one
        else:
            found.append(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else "　" if one == " " else one)
    return found
