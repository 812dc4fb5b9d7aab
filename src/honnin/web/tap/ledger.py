"""What the sample's service providers know of their customers: their own numbers, loans, entries, openings; in memory.

A customer number is the service provider's own. A certificate's serial number must never become one: it would be the
same number at every other service (digital-agency-apis sheet §5.3).
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

__all__ = ["FACES", "Face", "Ledger", "Served"]

Face = Literal["library", "event", "door"]
FACES: tuple[Face, ...] = get_args(Face)


@dataclass(frozen=True, slots=True)
class Served:
    """What a customer got. count: books on loan, or openings; since: when they entered before, at the event alone."""

    number: int
    count: int
    since: datetime | None = None


@dataclass(slots=True)
class _Customer:
    number: int
    counts: dict[Face, int] = field(default_factory=dict)
    entered: datetime | None = None


class Ledger:
    """The customers of one process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._customers: dict[str, _Customer] = {}

    def number(self, person: str) -> int:
        """Return a customer's number, a new one for somebody new."""
        with self._guard:
            return self._of(person).number

    def serve(self, face: Face, person: str, at: datetime) -> Served:
        """Serve an accepted customer. At the event, somebody who entered before gets nothing but the time."""
        with self._guard:
            customer = self._of(person)
            before = customer.entered if face == "event" else None
            if before is None:
                customer.counts[face] = customer.counts.get(face, 0) + 1
                customer.entered = at if face == "event" else customer.entered
            return Served(customer.number, customer.counts.get(face, 0), before)

    def _of(self, person: str) -> _Customer:
        return self._customers.setdefault(person, _Customer(len(self._customers) + 1))
