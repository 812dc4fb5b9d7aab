"""What a reader holds: any of the emulated chips, seen from outside."""

from typing import Protocol

__all__ = ["HeldChip"]


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
