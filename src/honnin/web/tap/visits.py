"""Taps under way on the sample's pages: what is done with the card, through which reader, and how it ended.

A visit lives in memory for a few minutes; what was typed (PIN, birth date) goes into its work and is gone with it.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from honnin.chip.readers import Reader
from honnin.errors import HonninError, NotFoundError, ReaderError
from honnin.web.counter.tunnel import Tunnel
from honnin.web.tap.ledger import Face, Served
from honnin.web.tap.service import Registration, Tap

__all__ = ["MOST", "Visit", "Visits"]

LIFE_SECONDS = 300.0
MOST = 500
Work = Callable[[Reader], Tap | Registration]


@dataclass(slots=True)
class Visit:
    """One card on one reader.

    reader: `agent`, or a reader URL of a sandbox card. work: what is done through an agent from the page's first
    question on; None once it was begun.
    """

    id: str
    face: Face
    reader: str
    until: float
    tunnel: Tunnel | None = None
    work: Work | None = field(default=None, repr=False)
    ended: Tap | Registration | None = None
    served: Served | None = None
    error: HonninError | None = None
    finished: threading.Event = field(default_factory=threading.Event)

    def take_work(self) -> Work | None:
        """Return the work that is to be begun now, once."""
        work, self.work = self.work, None
        return work

    def run(self, work: Work, reader: Callable[[], Reader], serve: Callable[[Tap], Served]) -> None:
        """Do the work with a reader; its end or a coded error stands in the visit afterwards."""
        try:
            with reader() as opened:
                self.ended = work(opened)
                if isinstance(self.ended, Tap) and self.ended.person is not None:
                    self.served = serve(self.ended)
        except HonninError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - its text may quote what was read, so only its type is told
            self.error = ReaderError("counter.failed", f"The reading stopped with {type(error).__name__}.")
        finally:
            self.finished.set()


class Visits:
    """All visits of one process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._visits: dict[str, Visit] = {}

    def begin(self, face: Face, reader: str, work: Work) -> Visit:
        """Begin a visit; what has passed its time goes, and the oldest where there are too many."""
        with self._guard:
            now = self._clock()
            over = [key for key, visit in self._visits.items() if visit.until <= now]
            over += list(self._visits)[: max(0, len(self._visits) - MOST + 1)]
            for key in dict.fromkeys(over):
                if (tunnel := self._visits.pop(key).tunnel) is not None:
                    tunnel.abandon()
            visit = Visit(secrets.token_urlsafe(18), face, reader, now + LIFE_SECONDS)
            if reader == "agent":
                visit.tunnel, visit.work = Tunnel("agent"), work
            self._visits[visit.id] = visit
            return visit

    def get(self, key: str) -> Visit:
        """Return a visit. Raises NotFoundError `counter.visit_gone`."""
        with self._guard:
            visit = self._visits.get(key)
            if visit is None or visit.until <= self._clock():
                raise NotFoundError("counter.visit_gone", "This tap has ended long ago.", next="Tap again.")
            return visit
