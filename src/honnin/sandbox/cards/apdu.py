"""Command APDUs as the card sees them (ISO/IEC 7816-3 section 12.1.3: cases 1 to 4, short and extended).

Does not know instructions. A length that fits no case is a refusal with 6700.
"""

from dataclasses import dataclass, field

from honnin.sandbox.cards.status import WRONG_LENGTH, Refusal

__all__ = ["Command", "parse"]


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `le` is the number of response bytes wished for, None without an Le field."""

    cla: int
    ins: int
    p1: int
    p2: int
    body: bytes = field(repr=False)
    le: int | None
    extended: bool


def parse(apdu: bytes) -> Command:
    """Parse a C-APDU. Raises Refusal 6700 for bytes that are none of the seven shapes."""
    if len(apdu) < 4:
        raise Refusal(WRONG_LENGTH)
    cla, ins, p1, p2 = apdu[:4]
    body, le, extended = _lengths(apdu[4:])
    return Command(cla, ins, p1, p2, body, le, extended)


def _lengths(rest: bytes) -> tuple[bytes, int | None, bool]:
    """Return (data field, Le, extended) of what follows the header."""
    if not rest:
        return b"", None, False
    if len(rest) == 1:
        return b"", rest[0] or 256, False
    if rest[0]:  # Lc of one byte
        end = 1 + rest[0]
        if len(rest) == end:
            return rest[1:], None, False
        if len(rest) == end + 1:
            return rest[1:end], rest[end] or 256, False
        raise Refusal(WRONG_LENGTH)
    if len(rest) < 3:
        raise Refusal(WRONG_LENGTH)
    length = int.from_bytes(rest[1:3])
    if len(rest) == 3:
        return b"", length or 65536, True
    end = 3 + length
    if length and len(rest) == end:
        return rest[3:], None, True
    if length and len(rest) == end + 2:
        return rest[3:end], int.from_bytes(rest[end:]) or 65536, True
    raise Refusal(WRONG_LENGTH)
