"""The data objects of a licence's files: like BER, but not BER (other-documents sheet §2.3, §3).

A tag is one byte, also where BER would read on (1F, 3F, 5F, 9F); the few tags of two bytes are known by where they
stand. A length below 128 is one byte, a longer one `82 hh ll`. Length 0 says "not recorded"; FF fills what is unused.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from honnin.errors import FormatError

__all__ = ["Item", "items", "malformed", "without_filler"]

FILLER: Final = 0xFF
PHOTO: Final = b"\x5f\x40"  # the one tag of two bytes on the licence card
NUMBERED: Final = 0x01  # first byte of the tags 0100 to 010D on the My Number Card
NUMBERED_OTHERWISE: Final = 0xDF  # what one public reader knows for it; as a tag of one byte DF comes before E0
LONGEST_RESERVED: Final = 7  # bytes in the object FF on the My Number Card; filler would read as a longer one
LONG_FORM: Final = 0x82


class Item(NamedTuple):
    """One data object: tag, value, and the offset behind it."""

    tag: int
    value: bytes
    end: int

    def __repr__(self) -> str:
        return f"Item({self.tag:X}, {len(self.value)} bytes)"


def items(content: bytes, *, on_my_number_card: bool = False) -> Iterator[Item]:
    """Yield the data objects of a file up to its filler. Raises FormatError `licence.record_malformed`."""
    at, last = 0, 0
    while at < len(content):
        if _is_filler(content, at, on_my_number_card=on_my_number_card):
            return
        width = 2 if _is_wide(content, at, last, on_my_number_card=on_my_number_card) else 1
        tag = int.from_bytes(content[at : at + width], "big")
        start, length = _length(content, at + width)
        if start + length > len(content):
            raise malformed("A data object ends behind its file.")
        at, last = start + length, tag
        yield Item(tag, content[start:at], at)


def without_filler(content: bytes, *, on_my_number_card: bool = False) -> bytes:
    """Return a file up to the end of its last data object. Raises FormatError `licence.record_malformed`."""
    end = 0
    for item in items(content, on_my_number_card=on_my_number_card):
        end = item.end
    return content[:end]


def malformed(why: str) -> FormatError:
    """Return the error of a file of another form than its own."""
    return FormatError(
        "licence.record_malformed",
        f"A file of the licence cannot be read: {why}",
        next="Put the licence back once more.",
    )


def _is_filler(content: bytes, at: int, *, on_my_number_card: bool) -> bool:
    if content[at] != FILLER:
        return False
    return not (on_my_number_card and at + 1 < len(content) and content[at + 1] <= LONGEST_RESERVED)


def _is_wide(content: bytes, at: int, last: int, *, on_my_number_card: bool) -> bool:
    if not on_my_number_card:
        return content[at : at + 2] == PHOTO and at == 0
    return content[at] == NUMBERED or (content[at] == NUMBERED_OTHERWISE and last > NUMBERED_OTHERWISE)


def _length(content: bytes, at: int) -> tuple[int, int]:
    """Return where the value begins and how long it is."""
    if at < len(content) and content[at] < 0x80:
        return at + 1, content[at]
    if at + 2 < len(content) and content[at] == LONG_FORM:
        return at + 3, int.from_bytes(content[at + 1 : at + 3], "big")
    raise malformed("A length is cut off, or is written in no known way.")
