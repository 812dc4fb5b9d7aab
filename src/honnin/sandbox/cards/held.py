"""What a reader holds: any of the emulated chips, seen from outside."""

from functools import reduce
from operator import xor
from typing import Protocol

__all__ = ["HeldChip", "contactless_atr"]


def contactless_atr(told: bytes) -> bytes:
    """Return the answer to reset that a reader makes up for a contactless chip of type B (PC/SC part 3, ATQB).

    told: the eight bytes of the chip's own: application data, protocol, buffer size.
    """
    octets = bytes((0x80 | len(told), 0x80, 0x01)) + told
    return b"\x3b" + octets + bytes((reduce(xor, octets),))


class HeldChip(Protocol):
    """A chip with power: it answers C-APDUs until it is taken away."""

    @property
    def atr(self) -> bytes:
        """The answer to reset."""

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one C-APDU: response bytes, then SW1 SW2."""

    def reset(self) -> None:
        """Lose and regain power."""

    def close(self) -> None:
        """Take the chip off the reader."""
