"""Cards that the agent holds for a page: one page at a time for each reader, and none for ever."""

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from honnin.chip.readers import Reader
from honnin.errors import NotFoundError, ReaderError

__all__ = ["Held"]

IDLE_SECONDS = 60.0


@dataclass(slots=True)
class _Card:
    url: str
    owner: str
    reader: Reader
    used: float
    turn: threading.Lock = field(default_factory=threading.Lock)


class Held:
    """The cards that are open.

    opener: opens a reader by its URL.
    """

    def __init__(self, opener: Callable[[str], Reader], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._opener = opener
        self._clock = clock
        self._guard = threading.Lock()
        self._cards: dict[str, _Card] = {}

    def open(self, url: str, owner: str) -> tuple[str, bytes]:
        """Open a reader for an owner and return (handle, ATR); the owner's own earlier hold on it ends.

        Raises ReaderError `reader.busy` while another page holds it, and what the reader raises.
        """
        with self._guard:
            for handle, card in tuple(self._cards.items()):
                idle = self._clock() - card.used > IDLE_SECONDS
                if idle or (card.url == url and card.owner == owner):
                    self._end(handle)
                elif card.url == url:
                    raise ReaderError(
                        "reader.busy", "Another page is using the card.", next="End it there first.", retryable=True
                    )
            reader = self._opener(url)
            handle = secrets.token_hex(16)
            self._cards[handle] = _Card(url, owner, reader, self._clock())
            return handle, reader.atr

    def transmit(self, handle: str, owner: str, apdu: bytes) -> bytes:
        """Send a command APDU. Raises NotFoundError `agent.handle`, ReaderError."""
        card = self._find(handle, owner)
        with card.turn:
            card.used = self._clock()
            try:
                return card.reader.transmit(apdu)
            except ReaderError:
                self.close(handle, owner)
                raise

    def reset(self, handle: str, owner: str) -> None:
        """Power the card off and on. Raises NotFoundError `agent.handle`, ReaderError."""
        card = self._find(handle, owner)
        with card.turn:
            card.used = self._clock()
            card.reader.reset()

    def close(self, handle: str, owner: str) -> None:
        """Let go of a card, reset; nothing happens where it is not held."""
        with self._guard:
            card = self._cards.get(handle)
            if card is not None and card.owner == owner:
                self._end(handle)

    def close_all(self) -> None:
        """Let go of every card."""
        with self._guard:
            for handle in tuple(self._cards):
                self._end(handle)

    def _find(self, handle: str, owner: str) -> _Card:
        with self._guard:
            card = self._cards.get(handle)
            if card is None or card.owner != owner:
                raise NotFoundError("agent.handle", "This card is not held any more.", next="Open the reader again.")
            return card

    def _end(self, handle: str) -> None:
        card = self._cards.pop(handle)
        with suppress(ReaderError):
            card.reader.close()
