"""Distinguished Encoding Rules (ITU-T X.690 §8, §10): reading over the original bytes; writing what a request needs.

A value is a triple `(tag, start, stop)` of offsets into the bytes that came in; nothing is copied or re-encoded.
Reading is strict: definite and minimal lengths, one-byte tags, nothing after the end. Only `read(…, minimal=False)`
lets the non-minimal lengths pass that genuine cards use (reference my-number-card §3.1). Does not model types: each
caller knows its own.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache, wraps
from typing import TypeVar

from honnin.errors import FormatError

__all__ = [
    "BIT_STRING",
    "BOOLEAN",
    "ENUMERATED",
    "GENERALIZED_TIME",
    "INTEGER",
    "NULL",
    "OCTET_STRING",
    "OID",
    "OIDS",
    "SEQUENCE",
    "SET",
    "UTC_TIME",
    "bits",
    "boolean",
    "children",
    "enclosed",
    "encode",
    "encode_integer",
    "encode_oid",
    "integer",
    "items",
    "malformed",
    "named_bits",
    "oid",
    "read",
    "remembered",
    "time",
    "whole",
]

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
ENUMERATED = 0x0A
SEQUENCE = 0x30
SET = 0x31
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
_TIME_OCTETS = {UTC_TIME: 13, GENERALIZED_TIME: 15}

Span = tuple[int, int, int]


T = TypeVar("T")


def remembered(count: int, *, longest: int = 1024) -> Callable[[Callable[[bytes], T]], Callable[[bytes], T]]:
    """Remember what a reader made of its last `count` values; values beyond `longest` octets are read each time.

    So that what is remembered stays small whatever is sent in.
    """

    def remember(reader: Callable[[bytes], T]) -> Callable[[bytes], T]:
        known = lru_cache(maxsize=count)(reader)

        @wraps(reader)
        def read_or_recall(value: bytes) -> T:
            return known(value) if len(value) <= longest else reader(value)

        return read_or_recall

    return remember


def malformed(what: str) -> FormatError:
    """Return the error for bytes that are not DER, with one sentence that quotes none of them."""
    return FormatError("der.malformed", what, next="Give the bytes as they were issued, undamaged and complete.")


def read(octets: bytes, at: int, end: int, *, minimal: bool = True) -> Span:
    """Return `(tag, start, stop)` of the value that begins at offset `at` and must end by `end`.

    minimal: False lets a length be written in more octets than it needs.
    Raises FormatError `der.malformed`.
    """
    start = at + 2
    if start > end:
        raise malformed("A value ends before its length.")
    tag = octets[at]
    length = octets[at + 1]
    if length >= 0x80:
        count = length & 0x7F
        start += count
        if not 0 < count <= 4 or start > end:
            raise malformed("A length is indefinite, longer than four octets or cut off.")
        length = int.from_bytes(octets[at + 2 : start], "big")
        if minimal and (length < 0x80 or length >> (8 * count - 8) == 0):
            raise malformed("A length is not written in the fewest octets.")
    if tag & 0x1F == 0x1F:
        raise malformed("A tag has more than one octet.")
    stop = start + length
    if stop > end:
        raise malformed("A value is longer than what holds it.")
    return tag, start, stop


def whole(octets: bytes, tag: int) -> tuple[int, int]:
    """Return the content's `(start, stop)` of bytes that are exactly one value with this tag."""
    found, start, stop = read(octets, 0, len(octets))
    if found != tag or stop != len(octets):
        raise malformed("The outermost value has another tag, or something follows it.")
    return start, stop


def enclosed(octets: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Return the content's `(start, stop)` of the value at `at`, which must have this tag."""
    found, start, stop = read(octets, at, end)
    if found != tag:
        raise malformed(f"Tag {found:02X} stands where {tag:02X} belongs.")
    return start, stop


def children(octets: bytes, start: int, stop: int) -> Iterator[Span]:
    """Yield `(tag, start, stop)` of each value between two offsets."""
    while start < stop:
        span = read(octets, start, stop)
        yield span
        start = span[2]


def items(octets: bytes, start: int, stop: int, tag: int) -> Iterator[tuple[int, int]]:
    """Yield the content's `(start, stop)` of each value between two offsets; all must have this tag."""
    while start < stop:
        found, first, start = read(octets, start, stop)
        if found != tag:
            raise malformed(f"Tag {found:02X} stands where {tag:02X} belongs.")
        yield first, start


def boolean(octets: bytes, start: int, stop: int) -> bool:
    """Return a BOOLEAN's value (X.690 §11.1: TRUE is FF)."""
    content = octets[start:stop]
    if content == b"\xff":
        return True
    if content == b"\x00":
        return False
    raise malformed("A BOOLEAN is neither 00 nor FF.")


def integer(octets: bytes, start: int, stop: int) -> int:
    """Return an INTEGER's value; it may be negative and must be written in the fewest octets (X.690 §8.3.2)."""
    if stop - start > 1:
        first = octets[start]
        if (first == 0 and octets[start + 1] < 0x80) or (first == 0xFF and octets[start + 1] >= 0x80):
            raise malformed("An INTEGER is not written in the fewest octets.")
    elif start == stop:
        raise malformed("An INTEGER is empty.")
    return int.from_bytes(octets[start:stop], "big", signed=True)


def bits(octets: bytes, start: int, stop: int) -> bytes:
    """Return the octets of a BIT STRING that has no unused bits (signatures, public keys)."""
    if start == stop or octets[start] != 0:
        raise malformed("A BIT STRING of whole octets has unused bits.")
    return octets[start + 1 : stop]


def named_bits(octets: bytes, start: int, stop: int) -> int:
    """Return a named-bit list as an integer whose bit n is named bit n (X.690 §11.2: no trailing zero bit)."""
    content = octets[start:stop]
    unused = content[0] if content else 8
    if unused > 7 or (unused and len(content) == 1) or len(content) > 9:
        raise malformed("A BIT STRING counts its unused bits wrongly.")
    if len(content) > 1 and content[-1] & ((2 << unused) - 1) != 1 << unused:
        raise malformed("A list of named bits has a trailing zero or a set unused bit.")
    value = 0
    for index, octet in enumerate(content[1:]):
        for bit in range(8):
            if octet & 0x80 >> bit:
                value |= 1 << (8 * index + bit)
    return value


OIDS: dict[bytes, str] = {}  # content: dotted form, of those decoded so far (at most 4096)


def oid(octets: bytes, start: int, stop: int) -> str:
    """Return an OBJECT IDENTIFIER in dotted form; up to 4096 decoded ones are remembered."""
    content = octets[start:stop]
    known = OIDS.get(content)
    return known if known is not None else _decode_oid(content)


def _decode_oid(content: bytes) -> str:
    if not content or content[-1] >= 0x80 or len(content) > 64:
        raise malformed("An OBJECT IDENTIFIER is empty, cut off or overlong.")
    arcs: list[int] = []
    value = 0
    first = True
    for octet in content:
        if first and octet == 0x80:
            raise malformed("An OBJECT IDENTIFIER has an arc that is not written in the fewest octets.")
        value = value << 7 | octet & 0x7F
        first = octet < 0x80
        if first:
            arcs.append(value)
            value = 0
    top = min(arcs[0] // 40, 2)
    dotted = ".".join(map(str, (top, arcs[0] - 40 * top, *arcs[1:])))
    if len(OIDS) < 4096:
        OIDS[content] = dotted
    return dotted


def time(octets: bytes, tag: int, start: int, stop: int) -> datetime:
    """Return a time in one of the two forms of RFC 5280 §4.1.2.5: to the second, in UTC, ending in Z."""
    digits = octets[start : stop - 1]
    if stop - start != _TIME_OCTETS.get(tag) or octets[stop - 1] != 0x5A or not digits.isdigit():
        raise malformed("A time has another form than YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ.")
    text = digits.decode()
    if tag == UTC_TIME:
        text = f"20{text}" if digits[0] < 0x35 else f"19{text}"
    try:
        # The form with a T between and an offset behind is parsed in C.
        return datetime.fromisoformat(f"{text[:8]}T{text[8:]}Z")
    except ValueError:
        raise malformed("A time names a day or an hour that does not exist.") from None


def encode(tag: int, *contents: bytes) -> bytes:
    """Return one value: the tag, the length in the fewest octets, the contents one after another."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def encode_integer(value: int) -> bytes:
    """Return an INTEGER."""
    return encode(INTEGER, value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True))


def encode_oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER from its dotted form. Raises ValueError when it is none."""
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(0x80 | arc & 0x7F)
        content += bytes(reversed(octets))
    return encode(OID, bytes(content))
