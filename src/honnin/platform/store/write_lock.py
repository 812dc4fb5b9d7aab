"""Taking turns at SQLite's one write lock: who waits, here or in another process, is woken when the other one is done.

SQLite itself lets a writer that finds its file locked sleep for 1, 2, 5, 10 … 100 ms and look again, in no order. A
lock on a file beside the store (flock(2)), held around the transaction, is waited for in the kernel, is taken there
without the interpreter, and goes with a process that is killed. It orders those who wait and no more: what keeps
writers apart is SQLite's own lock, so a file that was removed, or a program that does not know it, costs waiting and
nothing else.
"""

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

__all__ = ["WriteLock"]


class WriteLock:
    """A context manager; threads of a process that share it take turns as well. Not for a forked process."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where it is missing (mode 0600). Raises OSError."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._here = threading.Lock()  # a process that has the file's lock gets it again

    def __enter__(self) -> None:
        """Wait until nobody else writes."""
        self._here.acquire()
        with suppress(OSError, ValueError):  # a file system without such locks, or closed: SQLite keeps writers apart
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one write."""
        with suppress(OSError, ValueError):
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._here.release()

    def close(self) -> None:
        """Close the file; who still writes goes on to its end, and nobody waits for a lock any more."""
        file, self._file = self._file, -1  # not what is opened next
        if file >= 0:
            os.close(file)
