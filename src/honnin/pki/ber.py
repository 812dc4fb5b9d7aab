"""Basic Encoding Rules (ITU-T X.690 §8) made definite: CMS may come with indefinite lengths and strings in pieces.

`definite` rewrites such bytes so that `der` can read them, with a bounded depth and number of values. Values that are
already definite and minimal come out as they were, so certificates inside keep the bytes that were signed.
"""

from collections.abc import Iterator

from honnin.pki.der import OCTET_STRING, encode, malformed

__all__ = ["definite"]

_DEPTH = 48
_MOST_VALUES = 200_000
_CONSTRUCTED = 0x20


def definite(octets: bytes) -> bytes:
    """Return the one BER value in `octets` with definite minimal lengths and whole octet strings.

    Raises FormatError `der.malformed` for anything else, or a value nested deeper than 48 or made of over 200,000.
    """
    written, end = _value(octets, 0, len(octets), 0, iter(range(_MOST_VALUES)))
    if end != len(octets):
        raise malformed("Something follows the outermost value.")
    return written


def _value(octets: bytes, at: int, end: int, depth: int, left: Iterator[int]) -> tuple[bytes, int]:
    if depth > _DEPTH or next(left, None) is None:
        raise malformed("Values are nested too deeply, or there are too many.")
    tag, start, stop = _header(octets, at, end)
    if not tag & _CONSTRUCTED:
        if stop is None:
            raise malformed("A primitive value has an indefinite length.")
        return encode(tag, octets[start:stop]), stop
    parts: list[bytes] = []
    limit = end if stop is None else stop
    at = start
    while True:
        if stop is None and octets[at : at + 2] == b"\x00\x00":
            if at + 2 > end:
                raise malformed("A value ends before its end-of-contents octets.")
            after = at + 2
            break
        if stop is not None and at == stop:
            after = stop
            break
        part, at = _value(octets, at, limit, depth + 1, left)
        parts.append(part)
    if tag == OCTET_STRING | _CONSTRUCTED:
        return encode(OCTET_STRING, *map(_string, parts)), after
    return encode(tag, *parts), after


def _header(octets: bytes, at: int, end: int) -> tuple[int, int, int | None]:
    """Return tag, content's start, and content's end or None where the length is indefinite."""
    if at + 2 > end:
        raise malformed("A value ends before its length.")
    tag, length, start = octets[at], octets[at + 1], at + 2
    if tag & 0x1F == 0x1F or tag == 0:
        raise malformed("A tag has more than one octet, or end-of-contents octets stand alone.")
    if length == 0x80:
        return tag, start, None
    if length > 0x80:
        count = length & 0x7F
        start += count
        if count > 8 or start > end:
            raise malformed("A length is longer than eight octets or cut off.")
        length = int.from_bytes(octets[at + 2 : start], "big")
    if start + length > end:
        raise malformed("A value is longer than what holds it.")
    return tag, start, start + length


def _string(part: bytes) -> bytes:
    """Return the content of one piece of an octet string; a piece has been made definite before."""
    if part[0] != OCTET_STRING:
        raise malformed("A piece of an octet string is of another type.")
    return part[2:] if part[1] < 0x80 else part[2 + (part[1] & 0x7F) :]
