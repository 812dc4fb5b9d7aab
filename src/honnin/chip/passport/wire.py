"""The reader as the passport sees it: plain until a session is opened, protected from then on, closed by any fault."""

from types import TracebackType
from typing import Self

from honnin.chip.icao9303.keys import Keys
from honnin.chip.icao9303.secure_messaging import SecureMessagingError, protect, unprotect
from honnin.chip.readers.reader import Reader
from honnin.errors import CardError, ReaderError

__all__ = ["Wire"]


class Wire:
    """A reader that protects commands and opens answers while a session is open.

    After an answer that is not protected as it must be the session is over and nothing goes out until `plain`, `reset`
    or `open_session`: a command that was meant for a session never falls back to plain.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._keys: Keys | None = None
        self._ssc = b""
        self._broken = False

    @property
    def name(self) -> str:
        """The reader's name."""
        return self._reader.name

    @property
    def atr(self) -> bytes:
        """The chip's answer to reset."""
        return self._reader.atr

    @property
    def protected(self) -> bool:
        """Tell whether a session is open."""
        return self._keys is not None

    def open_session(self, keys: Keys, ssc: bytes) -> None:
        """Protect everything from here on. ssc: the counter before the first command."""
        self._keys, self._ssc, self._broken = keys, ssc, False

    def plain(self) -> None:
        """Forget the session: its keys are gone on this side."""
        self._keys, self._ssc, self._broken = None, b"", False

    def transmit(self, apdu: bytes) -> bytes:
        """Send a plain command APDU, protected while a session is open; return data ‖ SW1 SW2.

        Raises SecureMessagingError `passport.session_broken`.
        """
        if self._broken:
            raise CardError(
                "passport.session_broken",
                "The protected session with the chip is over.",
                next="Place the document again and unlock it anew.",
                retryable=True,
            )
        if self._keys is None:
            return self._reader.transmit(apdu)
        protected, self._ssc = protect(apdu, self._keys, self._ssc)
        try:
            answer = self._reader.transmit(protected)
            data, sw, self._ssc = unprotect(answer, self._keys, self._ssc)
        except (SecureMessagingError, ReaderError):
            self._keys, self._broken = None, True
            raise
        return data + sw.to_bytes(2, "big")

    def reset(self) -> None:
        """Power the chip off and on."""
        self.plain()
        self._reader.reset()

    def close(self) -> None:
        """Let go of the reader."""
        self.plain()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
