"""A reader that protects commands while a session is open, whatever the document; closed by any fault.

After an answer that is not protected as it must be nothing more goes out until the session is over: a command that was
meant for a session never falls back to plain.
"""

from types import TracebackType
from typing import Protocol, Self

from honnin.chip.readers.reader import Reader
from honnin.errors import CardError, FormatError, HonninError

__all__ = ["ProtectedReader", "Session"]


class Session(Protocol):
    """Keys and counters of one protected session."""

    def ends_with(self, apdu: bytes) -> bool:
        """Tell whether a command ends the session; it goes out plain, and what follows too."""

    def carries(self, apdu: bytes) -> bool:
        """Tell whether a command is protected; others go out plain and leave the session as it is."""

    def protect(self, apdu: bytes) -> bytes:
        """Return a plain command APDU as the protected one."""

    def open(self, answer: bytes) -> bytes:
        """Return data ‖ SW1 SW2 of a protected answer. Raises CardError or FormatError for any other."""

    def over(self) -> CardError:
        """Return the error of a session that was broken."""


class ProtectedReader:
    """A reader that protects commands and opens answers while a session is open."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._session: Session | None = None
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
        return self._session is not None and not self._broken

    def open_session(self, session: Session) -> None:
        """Protect what the session carries from here on."""
        self._session, self._broken = session, False

    def plain(self) -> None:
        """Forget the session: its keys are gone on this side."""
        self._session, self._broken = None, False

    def transmit(self, apdu: bytes) -> bytes:
        """Send a plain command APDU, protected while a session is open; return data ‖ SW1 SW2.

        Raises the session's error where it was broken, or is by this answer.
        """
        session = self._session
        if session is not None and session.ends_with(apdu):
            self.plain()
            session = None
        if session is None:
            return self._reader.transmit(apdu)
        if self._broken:
            raise session.over()
        if not session.carries(apdu):
            return self._reader.transmit(apdu)
        try:
            return session.open(self._reader.transmit(session.protect(apdu)))
        except FormatError:
            self._broken = True
            raise session.over() from None
        except HonninError:
            self._broken = True
            raise

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
