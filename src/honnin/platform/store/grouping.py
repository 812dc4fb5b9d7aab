"""Group commit: writes that wait for the disk at the same time share one transaction, so that one flush serves all.

A line's writes are committed by one thread of a small pool, group after group, as long as there are any. A group is
whoever waits when its transaction has begun; nobody waits for company that is not there. Writes of one kind (`Kind`)
are handed over together, so that a group costs few statements; others run one after the other. A write that fails is
undone alone: those that ran together are all undone and run again, each inside a savepoint. When the transaction
itself fails, nobody of the group was acknowledged, and all fail; so they do where another transaction's lock is in the
way, as each of them would wait for it anew while the group holds its own.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from honnin.platform.store.prepared import Prepared

__all__ = ["Done", "Groups", "Kind", "LateError", "is_in_the_way"]

LOGGER = logging.getLogger("honnin.platform")
_BEGIN, _UNDO, _END = (
    Prepared(text(f"{words} of_a_group")) for words in ("SAVEPOINT", "ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT")
)
MOST = 64  # writes in one transaction: the last of them waits for all
LINES = 8  # committed at once
IN_THE_WAY = {"40001", "40P01", "55P03"}  # PostgreSQL's serialization failure, deadlock, lock not available

# writes many things of one kind; gives what became of each: a result, or the exception that it failed with
Kind = Callable[[Connection, Sequence[Any]], Sequence[Any]]
Done = Callable[[Any, BaseException | None], None]


class LateError(Exception):
    """A write waited for too long and was taken back; nothing of it was done."""


def is_in_the_way(error: BaseException) -> bool:
    """Tell whether another transaction keeps this one from going on, so that all of it is to be made anew."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in IN_THE_WAY


class _Write:
    """One write and its outcome. kind: None where `what` is a callable of its own. since: when it was first asked."""

    __slots__ = ("done", "error", "kind", "result", "since", "what")

    def __init__(self, kind: Kind | None, what: Any, done: Done, since: float) -> None:
        self.kind = kind
        self.what = what
        self.done = done
        self.since = since
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        """Run this write alone. Raises what it raises."""
        if self.kind is None:
            self.result = self.what(connection)
        else:
            (self.result,) = self.kind(connection, [self.what])
            if isinstance(self.result, Exception):
                raise self.result

    def tell(self) -> None:
        """Tell the outcome; that it cannot be told keeps nobody else waiting."""
        try:
            self.done(self.result, self.error)
        except Exception as error:  # noqa: BLE001 - the others are told by the same thread
            LOGGER.error("a write's outcome was not told: %s", type(error).__name__)  # noqa: TRY400


class Groups:
    """Runs writes in groups; those of one line in turn, those of different lines at once.

    begin: opens a transaction that takes what a writer needs, and commits it at its end.
    turn: held while statements run, not while the disk is waited for.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        *,
        turn: AbstractContextManager[Any] | None = None,
        lines: int = LINES,
        most: int = MOST,
    ) -> None:
        self._begin = begin
        self._turn = turn or nullcontext()
        self._lines = lines
        self._most = most
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[_Write]] = {}
        self._pool = ThreadPoolExecutor(lines, thread_name_prefix="honnin-commit")

    def submit(
        self, line: Hashable, kind: Kind | None, whats: Iterable[tuple[Any, Done]], since: float | None = None
    ) -> None:
        """Put writes in their line; `done(result, error)` of each is called once it is durable or has failed.

        kind: what writes them with others of its kind; None where `what(connection)` writes each.
        since: when they were first asked for (monotonic seconds), if this is not the first time.
        Raises RuntimeError, none of them in line: after `close`, or when the system gives no thread for a line that is
        new, though one that is busy might have come to it later.
        """
        since = time.monotonic() if since is None else since
        writes = [_Write(kind, what, done, since) for what, done in whats]
        with self._lock:
            waiting = self._waiting.get(line)
            if waiting is None:
                self._pool.submit(self._lead, line)
                waiting = self._waiting[line] = deque()
            waiting.extend(writes)

    def give_up(self, seconds: float) -> None:
        """Take back, with a LateError, what was asked longer ago than that: its line's thread may wait for ever."""
        before, late = time.monotonic() - seconds, list[_Write]()
        with self._lock:
            for line, waiting in self._waiting.items():  # those that are tried again stand behind younger ones
                late += [write for write in waiting if write.since < before]
                self._waiting[line] = deque(write for write in waiting if write.since >= before)
        for write in late:
            write.error = LateError()
            write.tell()

    def close(self) -> None:
        """Commit what waits, then end the threads."""
        self._pool.shutdown(wait=True)

    def _lead(self, line: Hashable) -> None:
        while self._any(line):
            for write in self._commit(line):
                write.tell()
            if len(self._waiting) > self._lines and self._hands_on(line):
                return

    def _any(self, line: Hashable) -> bool:
        with self._lock:
            waits = bool(self._waiting.get(line))
            if not waits:
                self._waiting.pop(line, None)
            return waits

    def _hands_on(self, line: Hashable) -> bool:
        """Let a line that waits for a thread have this one; tell whether this line goes on after it."""
        with suppress(RuntimeError):  # closed, or no thread more: the others have their turn when this line is done
            self._pool.submit(self._lead, line)
            return True
        return False

    def _next(self, line: Hashable) -> list[_Write]:
        with self._lock:
            waiting = self._waiting.get(line)
            return [waiting.popleft() for _ in range(min(len(waiting), self._most))] if waiting else []

    def _commit(self, line: Hashable) -> list[_Write]:
        """Commit the writes that wait once the transaction has begun; return them, each with its outcome."""
        group: list[_Write] = []
        try:
            with self._begin() as connection, self._turn:
                group = self._next(line)
                if len(group) == 1:  # whose failure is the transaction's
                    group[0].run(connection)
                else:
                    _run_all(connection, group)
        except BaseException as error:  # noqa: BLE001 - told to everyone who waits
            group = group or self._next(line)
            for write in group:
                write.error = write.error or error
        return group


def _run_all(connection: Connection, group: list[_Write]) -> None:
    kinds: dict[Kind | None, list[_Write]] = {}
    for write in group:
        kinds.setdefault(write.kind, []).append(write)
    for kind, writes in kinds.items():
        if not _together(connection, kind, writes):
            for write in writes:
                _apart(connection, write)


def _together(connection: Connection, kind: Kind | None, writes: list[_Write]) -> bool:
    """Run the writes of one kind under one savepoint; undo all and tell False when one spoils it for the others."""
    whats = [write.what for write in writes]
    _BEGIN.run(connection)
    try:
        outcomes = [what(connection) for what in whats] if kind is None else kind(connection, whats)
    except BaseException as error:  # noqa: BLE001 - whose it was shows when each runs alone
        _undo(connection, error)
        return False
    _END.run(connection)
    for write, outcome in zip(writes, outcomes, strict=True):
        if isinstance(outcome, Exception):
            write.error = outcome
        else:
            write.result = outcome
    return True


def _apart(connection: Connection, write: _Write) -> None:
    """Run one write so that its failure undoes it alone. Raises when the transaction is gone altogether."""
    _BEGIN.run(connection)
    try:
        write.run(connection)
    except BaseException as error:  # noqa: BLE001 - told to whoever waits for it
        _undo(connection, error)
        write.error = error
    else:
        _END.run(connection)


def _undo(connection: Connection, error: BaseException) -> None:
    """Undo what ran since the savepoint. Raises the database's error itself where the transaction is to end with it."""
    if is_in_the_way(error):
        raise error
    try:
        _UNDO.run(connection)
        _END.run(connection)
    except Exception:
        if isinstance(error, DBAPIError):  # a full disk, a lost connection: that there is no savepoint says nothing
            raise error from None
        raise
