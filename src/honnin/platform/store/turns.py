"""Taking turns at the interpreter: of many threads that compute, one at a time, and the one that commits before all.

CPython runs one thread at a time anyhow, but a thread that gives the interpreter up for a moment, as each statement of
SQLite does, may wait 5 ms until it gets it back from one that computes: sixteen checks at once made a group's hundred
statements wait so, with the store locked. Whoever holds a turn waits for nothing but a statement of SQLite's: while it
waits for a disk's flush or the network, it is `resting`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

__all__ = ["Turns"]


class _First:
    """The turn of whoever goes before all that wait."""

    def __init__(self, turns: "Turns") -> None:
        self._turns = turns

    def __enter__(self) -> None:
        self._turns.take(first=True)
        self._turns.mine.depth = 1  # a look inside a write is part of this turn

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.mine.depth = 0
        self._turns.give()


class Turns:
    """A context manager for those that compute; `first` for the one that must not wait behind them all."""

    def __init__(self) -> None:
        self._free = threading.Condition(threading.Lock())
        self._taken = False
        self._first = 0  # how many wait that go before the others
        self.mine = threading.local()  # depth: how many blocks this thread has its turn for
        self.first = _First(self)

    def __enter__(self) -> None:
        """Wait for this thread's turn; where it has it already, let those before it who must not wait."""
        depth = getattr(self.mine, "depth", 0)
        if depth == 0:
            self.take()
        elif self._first:
            self.give()
            self.take()
        self.mine.depth = depth + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one compute."""
        self.mine.depth -= 1
        if self.mine.depth == 0:
            self.give()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let others compute while this thread waits for something; its turn, if it had one, comes again after."""
        depth = getattr(self.mine, "depth", 0)
        if depth == 0:
            yield
            return
        self.mine.depth = 0
        self.give()
        try:
            yield
        finally:
            self.take()
            self.mine.depth = depth

    def take(self, *, first: bool = False) -> None:
        """Wait until nobody computes, and until nobody waits who goes before."""
        with self._free:
            self._first += first
            while self._taken or (self._first and not first):
                self._free.wait()
            self._first -= first
            self._taken = True

    def give(self) -> None:
        """Let the next one compute."""
        with self._free:
            self._taken = False
            self._free.notify_all()
