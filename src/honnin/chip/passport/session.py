"""One protected session with a passport (ICAO Doc 9303-11 §9.8): its keys and its send sequence counter."""

from honnin.chip.icao9303.keys import Keys
from honnin.chip.icao9303.secure_messaging import protect, unprotect
from honnin.errors import CardError

__all__ = ["PassportSession"]


class PassportSession:
    """Protects every command. ssc: the counter before the first one."""

    def __init__(self, keys: Keys, ssc: bytes) -> None:
        self._keys = keys
        self._ssc = ssc

    def ends_with(self, apdu: bytes) -> bool:  # noqa: ARG002 - the shape of a session
        """Return False: no command ends it."""
        return False

    def carries(self, apdu: bytes) -> bool:  # noqa: ARG002 - the shape of a session
        """Return True: every command is protected."""
        return True

    def protect(self, apdu: bytes) -> bytes:
        """Return a command protected under the next counter."""
        protected, self._ssc = protect(apdu, self._keys, self._ssc)
        return protected

    def open(self, answer: bytes) -> bytes:
        """Return data ‖ SW1 SW2. Raises SecureMessagingError `passport.session_broken`."""
        data, sw, self._ssc = unprotect(answer, self._keys, self._ssc)
        return data + sw.to_bytes(2, "big")

    def over(self) -> CardError:
        """Return the error of a session that was broken."""
        return CardError(
            "passport.session_broken",
            "The protected session with the chip is over.",
            next="Place the document again and unlock it anew.",
            retryable=True,
        )
