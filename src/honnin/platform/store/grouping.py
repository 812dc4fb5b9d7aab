"""Group commit: writes that wait for the disk at the same time share one transaction, so that one flush serves all.

The first writer leads: it runs what is waiting, each write inside a savepoint of its own, commits once, and only then
tells everyone. Those who come meanwhile wait and make the next group; nobody waits for company that is not there. A
write that fails is undone alone. When the transaction itself fails, nobody of the group was acknowledged, and all fail.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection

from honnin.errors import ServiceError

__all__ = ["Groups"]

T = TypeVar("T")
MOST = 64  # writes in one transaction: the last of them waits for all


class _Write:
    """One write: its outcome, and the latch on which its thread waits."""

    __slots__ = ("done", "error", "group", "latch", "result", "work")

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.group: list[_Write] = []
        self.latch = threading.Lock()
        self.latch.acquire()


class Groups:
    """Runs writes in groups; those of one line in turn, those of different lines at once.

    begin: opens a transaction that takes what a writer needs, and commits it at its end.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]], most: int = MOST) -> None:
        self._begin = begin
        self._most = most
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[_Write]] = {}

    def run(self, line: Hashable, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns once it is durable; raise what it, or the transaction, raised."""
        write = _Write(work)
        with self._lock:
            waiting = self._waiting.get(line)
            if waiting is None:
                self._waiting[line] = deque()
            else:
                waiting.append(write)
        if waiting is None:
            write.group = [write]
        else:
            write.latch.acquire()
        if not write.done:
            try:
                self._commit(write.group)
            finally:
                self._hand_on(line, write)
        if write.error is not None:
            raise write.error
        result: T = write.result
        return result

    def _commit(self, group: list[_Write]) -> None:
        """Run and commit a group; every write of it has its outcome afterwards."""
        try:
            with self._begin() as connection:
                if len(group) == 1:  # whose failure is the transaction's
                    group[0].result = group[0].work(connection)
                else:
                    for write in group:
                        _run_apart(connection, write)
        except BaseException as error:
            for write in group:
                write.error = write.error or (error if isinstance(error, Exception) else _interrupted())
            if not isinstance(error, Exception):
                raise

    def _hand_on(self, line: Hashable, leader: _Write) -> None:
        """Let the next group's leader go, then tell everyone of this group."""
        with self._lock:
            waiting = self._waiting[line]
            following = [waiting.popleft() for _ in range(min(len(waiting), self._most))]
            if not following:
                del self._waiting[line]
        if following:
            following[0].group = following
            following[0].latch.release()
        for write in leader.group:
            write.done = True
            if write is not leader:
                write.latch.release()


def _interrupted() -> ServiceError:
    """Return what the others of a group are told whose leader was interrupted: nothing of theirs was written."""
    return ServiceError("store.down", "The write was interrupted.", next="Try again.", retryable=True)


def _run_apart(connection: Connection, write: _Write) -> None:
    """Run one write so that its failure undoes it alone. Raises when the transaction is gone altogether."""
    connection.exec_driver_sql("SAVEPOINT one_of_many")
    try:
        write.result = write.work(connection)
    except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for it
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT one_of_many")
        write.error = error
    connection.exec_driver_sql("RELEASE SAVEPOINT one_of_many")
