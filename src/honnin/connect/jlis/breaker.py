"""A circuit breaker: a service that failed several times in a row is left in peace, then tried by one question.

closed     every question goes through; failures in a row are counted
open       no question goes through until `open_seconds` have passed
half-open  one question goes through; its outcome closes or opens again, the others are refused meanwhile
"""

import threading
import time
from collections.abc import Callable
from typing import Literal

from honnin.connect.jlis.asking import BreakerRules
from honnin.errors import ServiceError

__all__ = ["Breaker"]


class Breaker:
    """One service's breaker; safe between threads. clock: seconds, monotonic."""

    def __init__(self, rules: BreakerRules, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_again: float | None = None  # when open: from when on a question may try
        self._trying = False

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """What it is now."""
        with self._lock:
            return self._state()

    def _state(self) -> Literal["closed", "open", "half_open"]:
        if self._closed_again is None:
            return "closed"
        return "open" if self._clock() < self._closed_again else "half_open"

    def enter(self) -> None:
        """Let a question through; its outcome must be told. Raises ServiceError `jlis.resting`."""
        with self._lock:
            state = self._state()
            if state == "closed":
                return
            if state == "half_open" and not self._trying:
                self._trying = True
                return
        raise ServiceError(
            "jlis.resting",
            "The responder failed several times in a row and is not asked for a moment.",
            next="Ask another source, or try again in some seconds.",
            retryable=True,
        )

    def succeeded(self) -> None:
        """Tell that a question was answered."""
        with self._lock:
            self._failures, self._closed_again, self._trying = 0, None, False

    def failed(self) -> None:
        """Tell that a question failed by the service's fault."""
        with self._lock:
            self._failures += 1
            if self._trying or self._failures >= self._rules.failures:
                self._closed_again = self._clock() + self._rules.open_seconds
            self._trying = False

    def withdrawn(self) -> None:
        """Tell that a question ended in a way that says nothing of the service."""
        with self._lock:
            self._trying = False
