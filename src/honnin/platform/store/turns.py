"""Taking turns at the interpreter: of many threads that compute, one at a time, and the one that commits before all.

CPython runs one thread at a time anyhow, but a thread that gives the interpreter up for a moment, as each statement of
SQLite does, may wait 5 ms until it gets it back from one that computes: sixteen checks at once made a group's hundred
statements wait so, with the store locked. Whoever holds a turn waits for nothing but a statement of SQLite's: not for
the disk's flush, not for the network.
"""

import threading
from types import TracebackType

__all__ = ["Turns"]


class Turns:
    """A context manager for those that compute; `first` for the one that must not wait behind them all."""

    def __init__(self) -> None:
        self._queue = threading.Lock()
        self.first = threading.Lock()

    def __enter__(self) -> None:
        """Wait for this thread's turn."""
        with self._queue:
            self.first.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one compute."""
        self.first.release()
