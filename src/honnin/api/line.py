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

from honnin.api.crew import Crew, Outcomes
from honnin.api.operations import Answer, Later
from honnin.connect.jlis import NotAtHandError

__all__ = ["Line"]

MOST = 32  # calls in a row, before those who want the interpreter for something else have their turn

# makes a call; told whether it may wait for outside services
Work = Callable[[bool], Answer | Later]


class Line:
    """Makes the calls of one event loop. sitting: they are made in one. patient: makes those that wait."""

    def __init__(self, sitting: Callable[[], AbstractContextManager[None]], patient: Crew) -> None:
        self._sitting = sitting
        self._patient = patient
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="honnin-line")
        self._thread.submit(int)  # it begins here or not at all: nobody is to wait for a thread that never comes
        self._outcomes = Outcomes()
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Work, asyncio.Future[Answer]]] = deque()
        self._working = False

    async def run(self, work: Work) -> Answer:
        """Make a call and return its answer once it is there. Raises what the call raises."""
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append((work, told))
            if not self._working:
                self._working = True
                self._thread.submit(self._lead)
        return await told

    def _lead(self) -> None:
        while calls := self._next():
            try:
                with self._sitting():
                    for work, told in calls:
                        self._make(work, told)
            except BaseException as error:  # noqa: BLE001 - told to all who have no answer yet
                # Some of their checks may be written even so, which is not known here: who repeats such a call by its
                # idempotency key gets what was written.
                for _, told in calls:
                    self._outcomes.tell(told, None, error)

    def _next(self) -> list[tuple[Work, "asyncio.Future[Answer]"]]:
        with self._lock:
            calls = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
            self._working = bool(calls)
            return calls

    def _make(self, work: Work, told: "asyncio.Future[Answer]", *, waits: bool = False) -> None:
        try:
            made = work(waits)
        except NotAtHandError:
            self._patient.do(partial(self._make, work, told, waits=True))
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for it
            self._outcomes.tell(told, None, error)
        else:
            if isinstance(made, Later):
                made.coming.add_done_callback(partial(self._came, told, made.answer))
            else:
                self._outcomes.tell(told, made)

    def _came(self, told: "asyncio.Future[Answer]", answer: Callable[[Any], Answer], coming: "Future[Any]") -> None:
        try:
            made = answer(coming.result())
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for it
            self._outcomes.tell(told, None, error)
        else:
            self._outcomes.tell(told, made)
