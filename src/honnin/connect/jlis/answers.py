"""Answers that are kept: while they are current they serve every asker; failures are kept shortly.

An answer is kept when `honnin.pki` believed it, so that a forged or foreign one is nobody's answer. Its window opens at
thisUpdate and closes at nextUpdate, or `max_age` after thisUpdate if that is sooner, by the clock that the asker
judges by (a sandbox world has its own). Failures pass by a monotonic clock.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from honnin.connect.jlis.asking import AskingPolicy
from honnin.connect.jlis.models import RevocationData
from honnin.errors import ServiceError
from honnin.pki.revocation_sources import clock_skew

__all__ = ["Answers", "Key"]

Key = tuple[bytes, int]  # SHA-256 of the issuer's certificate, serial
MOST = 100_000


@dataclass(frozen=True, slots=True)
class _Kept:
    told: RevocationData
    this_update: datetime
    next_update: datetime | None

    def serves(self, at: datetime, age: timedelta) -> bool:
        """Tell whether the answer may be given at a moment when it may be so old."""
        if self.next_update is not None and at > self.next_update:
            return False
        return self.this_update - clock_skew() <= at <= self.this_update + age


class Answers:
    """Answers and failures by certificate; safe between threads. clock: seconds, monotonic."""

    def __init__(self, policy: AskingPolicy, clock: Callable[[], float], most: int = MOST) -> None:
        self._policy = policy
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._failed: OrderedDict[Key, tuple[float, ServiceError]] = OrderedDict()

    def current(self, key: Key, at: datetime) -> RevocationData | None:
        """Return the answer that still serves, or None."""
        return self._serving(key, at, self._policy.max_age_seconds)

    def stale(self, key: Key, at: datetime) -> RevocationData | None:
        """Return the answer that may stand in while the responder fails, or None."""
        return self._serving(key, at, self._policy.stale_seconds)

    def _serving(self, key: Key, at: datetime, seconds: int) -> RevocationData | None:
        with self._lock:
            kept = self._kept.get(key)
        return kept.told if kept is not None and kept.serves(at, timedelta(seconds=seconds)) else None

    def failure(self, key: Key) -> ServiceError | None:
        """Return the failure that is still this certificate's answer, or None."""
        with self._lock:
            found = self._failed.get(key)
            if found is not None and self._clock() >= found[0]:
                del self._failed[key]
                found = None
        return found[1] if found else None

    def keep(self, key: Key, told: RevocationData, this_update: datetime, next_update: datetime | None) -> None:
        """Keep an answer; an earlier one does not replace a later one (both may be on their way at once)."""
        with self._lock:
            self._failed.pop(key, None)
            known = self._kept.get(key)
            if known is None or known.this_update <= this_update:
                self._kept[key] = _Kept(told, this_update, next_update)
                self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def fail(self, key: Key, error: ServiceError) -> None:
        """Keep a failure for as long as the policy says for its code."""
        seconds = self._policy.negative_seconds.get(error.code, 0.0)
        if seconds <= 0:
            return
        with self._lock:
            self._failed[key] = (self._clock() + seconds, error)
            self._failed.move_to_end(key)
            while len(self._failed) > self._most:
                self._failed.popitem(last=False)
