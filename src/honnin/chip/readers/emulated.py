"""Readers that an installed extra provides by the entry-point group `honnin.readers` (the sandbox's `emulated:`).

The extra is a stranger: whatever it raises becomes a coded error, whatever it answers is checked like a real card's.
"""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from honnin.errors import HonninError, ReaderError

__all__ = ["ForeignReader"]


class ForeignReader:
    """A reader around an object with `atr`, `transmit`, `reset` and `close`."""

    def __init__(self, name: str, inner: Any) -> None:
        self.name = name
        self._inner = inner
        self._closed = False

    @classmethod
    def open(cls, url: str, factory: Callable[[str, Path], Any], target: str, data: Path) -> Self:
        """Ask the extra for its card. Raises what the extra says when it is a coded error, else `reader.failed`."""
        try:
            return cls(url, factory(target, data))
        except HonninError:
            raise
        except Exception as error:
            raise _failed(error) from error

    @property
    def atr(self) -> bytes:
        """The emulated card's answer to reset."""
        return bytes(self._inner.atr)

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command APDU and return data ‖ SW1 SW2."""
        if self._closed:
            raise ReaderError("reader.closed", "This reader was closed.", next="Open it again.")
        try:
            return bytes(self._inner.transmit(apdu))
        except HonninError:
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's code; its text may quote the command, so it is cut off
            raise _failed(error) from None

    def reset(self) -> None:
        """Power the emulated card off and on."""
        try:
            self._inner.reset()
        except HonninError:
            raise
        except Exception as error:
            raise _failed(error) from error

    def close(self) -> None:
        """Reset the card and let go of it."""
        if self._closed:
            return
        self._closed = True
        try:
            self._inner.reset()
        finally:
            self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _failed(error: Exception) -> ReaderError:
    return ReaderError(
        "reader.failed",
        f"The reader stopped with {type(error).__name__}.",
        next="Open the reader again.",
        retryable=True,
    )
