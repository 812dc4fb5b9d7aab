"""ISO/IEC 7816-4 §5.2.2 (BER-TLV): how long the object is that begins with the bytes already read.

Lengths may be non-minimal, as genuine cards write them (my-number-card sheet §1.4). Indefinite lengths are refused.
"""

from honnin.errors import FormatError

__all__ = ["HEADER_LIMIT", "object_length"]

HEADER_LIMIT = 8  # bytes that always hold tag and length: tag of up to 3, length of up to 5
_LONGEST_TAG = 3
_LONGEST_LENGTH = 4


def object_length(start: bytes) -> int | None:
    """Return the whole length, header included, of the BER-TLV object that `start` begins; None when more is needed.

    Raises FormatError `chip.object_malformed` for a tag over three bytes, an indefinite or an over-long length.
    """
    if not start:
        return None
    at = 1
    if start[0] & 0x1F == 0x1F:
        while True:
            if at >= len(start):
                return None
            at += 1
            if not start[at - 1] & 0x80:
                break
            if at >= _LONGEST_TAG:
                raise _malformed("its tag is longer than three bytes")
    if at >= len(start):
        return None
    first = start[at]
    at += 1
    if first < 0x80:
        return at + first
    octets = first & 0x7F
    if octets == 0 or octets > _LONGEST_LENGTH:
        raise _malformed("its length is indefinite or over-long")
    if at + octets > len(start):
        return None
    return at + octets + int.from_bytes(start[at : at + octets], "big")


def _malformed(why: str) -> FormatError:
    return FormatError("chip.object_malformed", f"A file does not begin with an object that can be read: {why}.")
