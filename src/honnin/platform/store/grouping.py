"""Group commit: writes that wait for the disk at the same time share one transaction, so that one flush serves all.

A line's writes are committed by one thread of a small pool, group after group, as long as there are any. Those who come
meanwhile make the next group; nobody waits for company that is not there. Writes of one kind (`Kind`) are handed
over together, so that a group costs few statements; others run one by one, each inside a savepoint. A write that fails
is undone alone: a kind that fails as a whole is tried again one by one. When the transaction itself fails, nobody of
the group was acknowledged, and all fail.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Connection, text

from honnin.platform.store.prepared import Prepared

__all__ = ["Done", "Groups", "Kind"]

_BEGIN, _UNDO, _END = (
    Prepared(text(f"{words} of_a_group")) for words in ("SAVEPOINT", "ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT")
)
MOST = 64  # writes in one transaction: the last of them waits for all
LINES = 8  # committed at once

# writes many things of one kind; gives what became of each: a result, or the exception that it failed with
Kind = Callable[[Connection, Sequence[Any]], Sequence[Any]]
Done = Callable[[Any, BaseException | None], None]


class _Write:
    """One write and its outcome. kind: None where `what` is a callable of its own."""

    __slots__ = ("done", "error", "kind", "result", "what")

    def __init__(self, kind: Kind | None, what: Any, done: Done) -> None:
        self.kind = kind
        self.what = what
        self.done = done
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
        self._most = most
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[_Write]] = {}
        self._pool = ThreadPoolExecutor(lines, thread_name_prefix="honnin-commit")

    def submit(self, line: Hashable, kind: Kind | None, whats: Iterable[tuple[Any, Done]]) -> None:
        """Put writes in their line; `done(result, error)` of each is called once it is durable or has failed.

        kind: what writes them with others of its kind; None where `what(connection)` writes each.
        """
        writes = [_Write(kind, what, done) for what, done in whats]
        with self._lock:
            waiting = self._waiting.get(line)
            if waiting is None:
                waiting = self._waiting[line] = deque()
                self._pool.submit(self._lead, line)
            waiting.extend(writes)

    def close(self) -> None:
        """Commit what waits, then end the threads."""
        self._pool.shutdown(wait=True)

    def _lead(self, line: Hashable) -> None:
        while group := self._next(line):
            self._commit(group)
            for write in group:
                write.done(write.result, write.error)

    def _next(self, line: Hashable) -> list[_Write]:
        with self._lock:
            waiting = self._waiting[line]
            group = [waiting.popleft() for _ in range(min(len(waiting), self._most))]
            if not group:
                del self._waiting[line]
            return group

    def _commit(self, group: list[_Write]) -> None:
        """Run and commit a group; every write of it has its outcome afterwards."""
        try:
            with self._begin() as connection, self._turn:
                if len(group) == 1:  # whose failure is the transaction's
                    group[0].run(connection)
                else:
                    _run_all(connection, group)
        except BaseException as error:  # noqa: BLE001 - told to everyone who waits
            for write in group:
                write.error = write.error or error


def _run_all(connection: Connection, group: list[_Write]) -> None:
    kinds: dict[Kind, list[_Write]] = {}
    for write in group:
        if write.kind is None:
            _apart(connection, write)
        else:
            kinds.setdefault(write.kind, []).append(write)
    for kind, writes in kinds.items():
        if not _together(connection, kind, writes):
            for write in writes:
                _apart(connection, write)


def _together(connection: Connection, kind: Kind, writes: list[_Write]) -> bool:
    """Run the writes of one kind at once; undo all of them and tell False when one of them spoils it for all."""
    _BEGIN.run(connection)
    try:
        outcomes = kind(connection, [write.what for write in writes])
    except Exception:  # noqa: BLE001 - whose it was shows when each runs alone
        _UNDO.run(connection)
        return False
    finally:
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
    except Exception as error:  # noqa: BLE001 - told to whoever waits for it
        _UNDO.run(connection)
        write.error = error
    _END.run(connection)
