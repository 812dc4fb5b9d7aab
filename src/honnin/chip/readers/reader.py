"""What a reader is to the rest of the chip room: a place with a card on it that answers APDUs."""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

__all__ = ["Reader", "ReaderStatus"]


@runtime_checkable
class Reader(Protocol):
    """A reader with a card on it. Every method raises ReaderError and nothing else when contact is lost."""

    @property
    def name(self) -> str:
        """What a person calls this reader."""

    @property
    def atr(self) -> bytes:
        """The card's answer to reset; a hint for a technician, never used to tell cards apart."""

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command APDU and return data ‖ SW1 SW2."""

    def reset(self) -> None:
        """Power the card off and on: verified PINs and the selected application are gone."""

    def close(self) -> None:
        """Let go of the card, reset; safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """A reader that this machine has.

    url: what `open_reader` takes for it; card: whether a card lies on it; atr: that card's ATR, hexadecimal.
    """

    url: str
    name: str
    card: bool
    atr: str | None = None
