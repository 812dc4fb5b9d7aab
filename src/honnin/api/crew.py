"""Threads that calls are made in, and the way of their outcomes back to the event loop.

Waking a thread or the event loop costs more than most calls do. So a thread goes on with what waits before it sleeps
again, a further one is woken only while calls wait, and the loop is woken once for all outcomes that come before it
looks.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

__all__ = ["Crew", "Outcomes"]

T = TypeVar("T")


class Outcomes:
    """Outcomes on their way from threads to the event loop where they are waited for."""

    def __init__(self) -> None:
        self._told: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._woken = False

    def tell(self, waiting: "asyncio.Future[T]", outcome: T | None, error: BaseException | None = None) -> None:
        """Hand one over, from any thread: an outcome, or the error in its place."""
        self._told.append((waiting, outcome, error))
        if not self._woken:  # else the loop has yet to begin with what was told, this included
            self._woken = True
            waiting.get_loop().call_soon_threadsafe(self._tell_all)

    def _tell_all(self) -> None:
        self._woken = False
        while self._told:
            waiting, outcome, error = self._told.popleft()
            if waiting.done():  # who asked went away
                continue
            if error is None:
                waiting.set_result(outcome)
            elif isinstance(error, StopIteration):  # which no future carries: whoever waits would wait for ever
                waiting.set_exception(RuntimeError("a call ended an iteration"))
            else:
                waiting.set_exception(error)


class Crew:
    """Threads that make calls for an event loop, at most a number of them; further calls wait their turn."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)
        self._pool.submit(int)  # one thread begins here or not at all, and makes what waits if no other comes
        self._outcomes = Outcomes()
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._awake = 0
        self._waking = False  # one of them has not taken a call yet

    async def run(self, work: Callable[[], T]) -> T:
        """Make a call and return what it returns. Raises what it raises."""
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.do(partial(self._make, work, told))
        return await told

    def do(self, work: Callable[[], None]) -> None:
        """Have something done that raises nothing and that nobody waits for here."""
        with self._lock:
            self._waiting.append(work)
            wakes = self._wakes()
        if wakes:
            self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the system gives no further thread: it begins in one that is there, in its turn
            self._pool.submit(self._lead)

    def _wakes(self) -> bool:
        """Tell whether to wake one more thread, and count it; the lock is held."""
        wakes = bool(self._waiting) and not self._waking and self._awake < self._most
        if wakes:
            self._waking = True
            self._awake += 1
        return wakes

    def _lead(self) -> None:
        with self._lock:
            self._waking = False
        while work := self._next():
            work()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if not self._waiting:
                self._awake -= 1
                return None
            work = self._waiting.popleft()
            wakes = self._wakes()
        if wakes:
            self._wake()
        return work

    def _make(self, work: Callable[[], T], told: "asyncio.Future[T]") -> None:
        try:
            made = work()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for it
            self._outcomes.tell(told, None, error)
        else:
            self._outcomes.tell(told, made)
