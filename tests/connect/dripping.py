"""A peer that answers octet by octet."""

import threading
from http.server import BaseHTTPRequestHandler

from tests.waiting import LONG


class Dripping:
    """A peer that answers octet by octet, and the clock of who listens: it goes on by `step` seconds with each octet.

    The next octet waits until who listens has looked at the clock again, so that two at most are on their way.
    """

    OCTETS = 30

    def __init__(self, before: bytes, step: float) -> None:
        self._before, self._step = before, step
        self._looks, self._looked = 0, threading.Condition()
        self._now = 0.0
        self.sent = 0

    def clock(self) -> float:
        with self._looked:
            self._looks += 1
            self._looked.notify_all()
            return self._now

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(self._before)
        for _ in range(self.OCTETS):
            self.sent += 1
            with self._looked:
                self._now += self._step
                looks = self._looks
            handler.wfile.write(b".")
            with self._looked:
                if not self._looked.wait_for(lambda: self._looks > looks, LONG):  # noqa: B023
                    return
