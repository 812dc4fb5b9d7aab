"""One process that judges for `verify_many`: it is sent chunks, and answers them in their order.

Both ends speak through one socket. A thread of the process takes chunks off it as they come, so that whoever sends
never waits for whoever judges, and neither can block the other. The process ends with the socket: when its starter
closes it, or dies in whatever way. Nothing is written to a file or to named memory.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any

__all__ = ["JudgeProcess"]

Work = Callable[[bytes, Any], bytes]


class JudgeProcess:
    """A process with a function and what it was started with.

    waiting: chunks that it has not answered yet. died: whether it was found dead; `restart` brings another one.
    """

    __slots__ = ("_connection", "_process", "_shared", "_work", "died", "waiting")

    def __init__(self, work: Work, shared: object) -> None:
        self._work = work
        self._shared = shared
        self._start()

    def _start(self) -> None:
        # Not forked: the caller may have threads, and a fork would copy its secrets.
        context = multiprocessing.get_context("spawn")
        self.waiting = 0
        self.died = False
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._work, self._shared), daemon=True)
        with _interrupts_held():
            self._process.start()
        other.close()

    def send(self, chunk: bytes) -> None:
        """Send a chunk. That the process has died shows when its answer is taken."""
        self.waiting += 1
        with suppress(OSError):
            self._connection.send_bytes(chunk)

    def take(self) -> bytes | None:
        """Return the next answer, when it is there; None where the process has died."""
        self.waiting -= 1
        try:
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            self.died = True
            return None

    def restart(self) -> None:
        """Start it anew; what it had not answered is not asked again."""
        self.end()
        self._start()

    def end(self) -> None:
        """End the process, whatever it is doing, and wait until it is gone."""
        self._connection.close()
        self._process.kill()
        self._process.join()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start a process that Ctrl-C does not reach: its starter hears it and ends it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, work: Work, shared: object) -> None:
    chunks: SimpleQueue[bytes | None] = SimpleQueue()
    Thread(target=_receive, args=(connection, chunks), daemon=True).start()
    while (chunk := chunks.get()) is not None:
        answer = work(chunk, shared)
        try:
            connection.send_bytes(answer)
        except OSError:  # the starter has gone
            return


def _receive(connection: Connection, chunks: "SimpleQueue[bytes | None]") -> None:
    try:
        while True:
            chunks.put(connection.recv_bytes())
    except (EOFError, OSError):
        chunks.put(None)
