"""A second try beside a slow first one: most questions cost one request, few wait for the slowest answers.

The tries run in threads of their own, so that the asker can turn to the second while the first is still on its way.
The loser's answer is dropped. How many second tries there may be is bounded by a share of all questions.
"""

import queue
import threading
import time
from bisect import insort
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from honnin.connect.jlis.asking import HedgeRules

__all__ = ["Hedge"]

T = TypeVar("T")
REMEMBERED = 200  # answers whose times make the percentile
BURST = 5.0  # second tries that may be saved up


class _Try(Generic[T]):
    """One try's outcome: a value, or what it raised."""

    def __init__(self, work: Callable[[], T], outcomes: "queue.SimpleQueue[_Try[T]]") -> None:
        self._work = work
        self._outcomes = outcomes
        self.value: T | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.value = self._work()
        except Exception as error:  # noqa: BLE001 - raised again in the asker's thread
            self.error = error
        self._outcomes.put(self)


class Hedge:
    """The second tries of one responder; safe between threads. clock: seconds, monotonic."""

    def __init__(self, rules: HedgeRules, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._clock = clock
        self._lock = threading.Lock()
        self._times: deque[float] = deque()
        self._ordered: list[float] = []
        self._allowance = 1.0
        self.second_tries = 0

    def delay(self) -> float | None:
        """Return after how many seconds a second try is due, None while too few answers were seen to know."""
        with self._lock:
            if len(self._ordered) < self._rules.samples:
                return None
            rank = min(int(len(self._ordered) * self._rules.percentile / 100), len(self._ordered) - 1)
            return max(self._ordered[rank], self._rules.at_least_seconds)

    def ask(self, work: Callable[[], T]) -> T:
        """Run `work`, once more when it is slow, and return the first value; raise what the last try raised."""
        delay = self.delay()
        began = self._clock()
        if delay is None:
            value = work()
            self._saw(self._clock() - began)
            return value
        outcomes: queue.SimpleQueue[_Try[T]] = queue.SimpleQueue()
        self._start(work, outcomes)
        tries = 1
        try:
            first = outcomes.get(timeout=delay)
        except queue.Empty:
            if self._may():
                self._start(work, outcomes)
                tries = 2
            first = outcomes.get()
        if first.error is not None and tries > 1:
            first = outcomes.get()
        if first.error is not None:
            raise first.error
        self._saw(self._clock() - began)
        return first.value  # type: ignore[return-value]  # a try without an error has a value

    def _start(self, work: Callable[[], T], outcomes: "queue.SimpleQueue[_Try[T]]") -> None:
        threading.Thread(target=_Try(work, outcomes).run, name="honnin-ocsp", daemon=True).start()

    def _may(self) -> bool:
        with self._lock:
            if self._allowance < 1:
                return False
            self._allowance -= 1
            self.second_tries += 1
            return True

    def _saw(self, seconds: float) -> None:
        with self._lock:
            self._allowance = min(self._allowance + self._rules.share, BURST)
            self._times.append(seconds)
            insort(self._ordered, seconds)
            if len(self._times) > REMEMBERED:
                self._ordered.remove(self._times.popleft())
