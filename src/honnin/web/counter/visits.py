"""Readings under way at the counter: in memory, for ten minutes, then gone with what was read.

A visit holds personal data from the reading until the clerk confirms or the time has passed; only the record outlives
it. Its id is unguessable and stands in addresses; nothing of the person does.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from honnin.errors import HonninError, NotFoundError, PinError
from honnin.platform.models import Caller
from honnin.platform.staff import Clerk
from honnin.web.counter.refusals import refused_entry
from honnin.web.counter.seen import Seen, tries_in
from honnin.web.counter.tunnel import Tunnel

__all__ = ["Desk", "Visit", "Visits"]

LIFE_SECONDS = 600.0
MOST = 500
MOST_EACH = 20  # of one sign-in, so that no clerk's readings push out another's


@dataclass(frozen=True, slots=True)
class Desk:
    """Who checks, and where: the record's staff, place and terminal are those of the sign-in.

    keypad: the customer keys in the security code, which the screen then hides.
    """

    clerk: Clerk
    keypad: bool = False


@dataclass(slots=True)
class Visit:
    """One customer's reading.

    reader: `agent`, or a reader URL that the server opens itself (sandbox cards).
    document: empty until the chip has told which one lies there. task: what the page's reader is used for.
    work: what the chip's thread will do, kept until the page asks for the first step; it may hold a PIN.
    done, of: bytes of the file that is being read; file: its name.
    last_tries: the PINs whose last try the form offers to use, by the card's names: the reading before found one left.
    refused: the words' key of the PIN or number that the card refused before, and the tries that it has left.
    """

    id: str
    desk: Desk
    purpose: str
    document: str
    reader: str
    until: float
    task: Literal["", "detect", "read"] = ""
    tunnel: Tunnel | None = None
    work: Callable[[], None] | None = field(default=None, repr=False)
    seen: Seen | None = field(default=None, repr=False)
    error: HonninError | None = None
    last_tries: frozenset[str] = frozenset()
    refused: tuple[str, int | None] = ("", None)
    file: str = ""
    done: int = 0
    of: int = 0

    @property
    def caller(self) -> Caller:
        """The tenant whose counter this is."""
        return Caller(tenant=self.desk.clerk.tenant)

    @property
    def ended(self) -> bool:
        """Tell whether the task came to its end."""
        told = self.task == "detect" and self.document != ""
        return told or self.seen is not None or self.error is not None

    def begin(self, task: Literal["detect", "read"], work: Callable[[], None] | None = None) -> None:
        """Begin a task; what an earlier one left is gone. work: done through the page's reader."""
        self.again()
        self.task, self.work = task, work
        self.tunnel = Tunnel("agent") if work is not None else None
        self.file, self.done, self.of = "", 0, 0

    def again(self) -> None:
        """Go back to the form: nothing was read."""
        if self.tunnel is not None:
            self.tunnel.abandon()
        self.refused = (refused_entry(self.error), tries_in(self.error))
        self.last_tries = self.seen.last_tries if self.seen is not None else _last_try(self.error)
        self.task, self.tunnel, self.work, self.seen, self.error = "", None, None, None, None

    def take_work(self) -> Callable[[], None] | None:
        """Return the work that is to be begun now, once."""
        work, self.work = self.work, None
        return work

    def progress(self, file: str, done: int, of: int) -> None:
        """Note how far the reading is."""
        self.file, self.done, self.of = file, done, of


def _last_try(error: HonninError | None) -> frozenset[str]:
    """Return the PIN that an error says has one try left."""
    if isinstance(error, PinError) and error.tries_left == 1 and error.pin is not None:
        return frozenset({error.pin})
    return frozenset()


class Visits:
    """All visits of one process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._visits: dict[str, Visit] = {}

    def begin(self, desk: Desk, *, purpose: str, document: str, reader: str) -> Visit:
        """Begin a visit; what has passed its time ends, and the oldest where there are too many."""
        with self._guard:
            now = self._clock()
            over = [key for key, visit in self._visits.items() if visit.until <= now]
            own = [key for key, visit in self._visits.items() if visit.desk.clerk.sign_in == desk.clerk.sign_in]
            over += own[: max(0, len(own) - MOST_EACH + 1)]
            over += list(self._visits)[: max(0, len(self._visits) - MOST + 1)]
        for key in over:
            self.end(key)
        with self._guard:
            visit = Visit(secrets.token_urlsafe(18), desk, purpose, document, reader, now + LIFE_SECONDS)
            self._visits[visit.id] = visit
            return visit

    def get(self, key: str, clerk: Clerk) -> Visit:
        """Return a visit of a clerk's, who is from now on known as given.

        Raises NotFoundError `counter.visit_gone`, also for a visit that another sign-in began.
        """
        gone = NotFoundError(
            "counter.visit_gone", "This reading has ended, and what was read is gone.", next="Start again."
        )
        with self._guard:
            visit = self._visits.get(key)
            if visit is None or visit.desk.clerk.sign_in != clerk.sign_in:
                raise gone
            if visit.until > self._clock():
                visit.desk = replace(visit.desk, clerk=clerk)
                return visit
        self.end(key)
        raise gone

    def end_of(self, sign_in: str) -> None:
        """Forget what a sign-in had begun."""
        with self._guard:
            theirs = [key for key, visit in self._visits.items() if visit.desk.clerk.sign_in == sign_in]
        for key in theirs:
            self.end(key)

    def end(self, key: str) -> None:
        """Forget a visit and everything that was read."""
        with self._guard:
            visit = self._visits.pop(key, None)
        if visit is not None:
            visit.again()
