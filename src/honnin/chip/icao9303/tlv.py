"""BER-TLV of the logical data structure (ICAO Doc 9303-10; ISO/IEC 7816-4 §5.2.2): tags of up to three bytes.

Lengths are definite, of up to four bytes, and may be non-minimal as chips write them. No types are known here.
"""

from collections.abc import Iterator
from typing import NamedTuple

from honnin.chip.ber import object_length
from honnin.errors import FormatError

__all__ = ["Element", "child", "elements", "encode", "only"]

MOST_ELEMENTS = 4096


class Element(NamedTuple):
    """One data object: its tag as a number (`0x5F1F`), its value, and the offset behind it."""

    tag: int
    value: bytes
    end: int

    def __repr__(self) -> str:
        return f"Element({self.tag:X}, {len(self.value)} bytes)"


def elements(octets: bytes) -> Iterator[Element]:
    """Yield the data objects that fill `octets`. Raises FormatError `chip.object_malformed`."""
    at = 0
    for _ in range(MOST_ELEMENTS):
        if at == len(octets):
            return
        length = object_length(octets[at : at + 8])
        if length is None or at + length > len(octets):
            raise _malformed("A data object ends before its length.")
        tag_end = at + 1
        if octets[at] & 0x1F == 0x1F:
            while octets[tag_end] & 0x80:
                tag_end += 1
            tag_end += 1
        first = octets[tag_end]
        start = tag_end + 1 + (first & 0x7F if first & 0x80 else 0)
        yield Element(int.from_bytes(octets[at:tag_end], "big"), octets[start : at + length], at + length)
        at += length
    raise _malformed("There are too many data objects.")


def only(octets: bytes, tag: int) -> bytes:
    """Return the value of the one data object that `octets` begins with and that must have this tag.

    What follows it (a file's unused rest) is ignored. Raises FormatError `chip.object_malformed`.
    """
    first = next(elements(octets[: object_length(octets[:8]) or 0]), None)
    if first is None or first.tag != tag:
        raise _malformed(f"Data object {tag:X} is not where it belongs.")
    return first.value


def child(octets: bytes, tag: int) -> bytes | None:
    """Return the value of the first data object of this tag among those that fill `octets`; None without one."""
    return next((element.value for element in elements(octets) if element.tag == tag), None)


def encode(tag: int, *contents: bytes) -> bytes:
    """Return one data object with the shortest length."""
    content = b"".join(contents)
    length = len(content)
    name = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    if length < 0x80:
        return name + bytes((length,)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return name + bytes((0x80 | len(octets),)) + octets + content


def _malformed(why: str) -> FormatError:
    return FormatError("chip.object_malformed", why, next="Take the document off, put it back and try again.")
