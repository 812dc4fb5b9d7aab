"""Calls that one thread makes in a row: what waits is taken together, and answered together.

CPython computes in one thread at a time. Sixteen threads with a check each cost more in handing the interpreter over
than the checks themselves; one thread that makes them one after the other, and lets the store write what it made as
one group, costs the checks. A call that would have to wait for an outside service is not made here: it says so
(`NotAtHandError`), and is made by a thread of its own, where waiting keeps nobody else.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from honnin.api.operations import Answer, Later
from honnin.connect.jlis import NotAtHandError

__all__ = ["Line"]

MOST = 32  # calls in a row, before those who want the interpreter for something else have their turn

# makes a call; told whether it may wait for outside services
Work = Callable[[bool], Answer | Later]


class Line:
    """Makes the calls of one event loop. sitting: they are made in one. patient: makes those that wait."""

    def __init__(self, sitting: Callable[[], AbstractContextManager[None]], patient: ThreadPoolExecutor) -> None:
        self._sitting = sitting
        self._patient = patient
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="honnin-line")
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Work, asyncio.Future[Answer]]] = deque()
        self._working = False
        self._told: deque[tuple[asyncio.Future[Answer], Answer | None, BaseException | None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, work: Work) -> Answer:
        """Make a call and return its answer once it is there. Raises what the call raises."""
        self._loop = asyncio.get_running_loop()
        told: asyncio.Future[Answer] = self._loop.create_future()
        with self._lock:
            self._waiting.append((work, told))
            if not self._working:
                self._working = True
                self._thread.submit(self._lead)
        return await told

    def _lead(self) -> None:
        while calls := self._next():
            with self._sitting():
                for work, told in calls:
                    self._make(work, told)

    def _next(self) -> list[tuple[Work, "asyncio.Future[Answer]"]]:
        with self._lock:
            calls = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
            self._working = bool(calls)
            return calls

    def _make(self, work: Work, told: "asyncio.Future[Answer]", *, waits: bool = False) -> None:
        try:
            made = work(waits)
        except NotAtHandError:
            self._patient.submit(self._make, work, told, waits=True)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for it
            self._tell(told, None, error)
        else:
            if isinstance(made, Later):
                made.coming.add_done_callback(partial(self._came, told, made.answer))
            else:
                self._tell(told, made, None)

    def _came(self, told: "asyncio.Future[Answer]", answer: Callable[[Any], Answer], coming: "Future[Any]") -> None:
        error = coming.exception()
        self._tell(told, None if error else answer(coming.result()), error)

    def _tell(self, told: "asyncio.Future[Answer]", answer: Answer | None, error: BaseException | None) -> None:
        """Hand an outcome to the event loop, waking it once for all that come before it looks."""
        with self._lock:
            wakes = not self._told
            self._told.append((told, answer, error))
        if wakes and self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell_all)

    def _tell_all(self) -> None:
        with self._lock:
            outcomes, self._told = self._told, deque()
        for told, answer, error in outcomes:
            if told.done():  # who asked went away
                continue
            if error is not None:
                told.set_exception(error)
            elif answer is not None:
                told.set_result(answer)
