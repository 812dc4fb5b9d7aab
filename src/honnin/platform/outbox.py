"""The events outbox: written in the transaction of what happened, read in the order of commits.

An event's number comes from its tenant's row, which stays locked until the transaction ends: numbers have no holes and
appear in order, so a reader's cursor can never step over an event that is still on its way. That is why `append` is
the last thing a transaction does.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from honnin.errors import InputError
from honnin.platform.clock import from_text
from honnin.platform.event_types import event_types
from honnin.platform.ids import new_id
from honnin.platform.models import Event, Page
from honnin.platform.store import schema
from honnin.platform.store.prepared import Prepared

__all__ = ["FIRST", "append", "append_many", "event_of", "number_of", "page"]

MOST = 100
FIRST = "evt_0"  # the cursor before every event

_COUNT = Prepared(
    update(schema.tenants)
    .where(schema.tenants.c.tenant_id == bindparam("tenant"))
    .values(last_event=schema.tenants.c.last_event + bindparam("more"))
    .returning(schema.tenants.c.last_event)
)
_APPEND = Prepared(insert(schema.events))
_TYPES = frozenset(event_types())


def append(db: Connection, tenant_id: str, kind: str, body: dict[str, Any], now: str) -> str:
    """Write one event (`verification.completed`) of ids and states, never personal data; return its id."""
    return append_many(db, tenant_id, [(kind, body)], now)[0]


def append_many(db: Connection, tenant_id: str, events: Sequence[tuple[str, dict[str, Any]]], now: str) -> list[str]:
    """Write several events (kind, body) of one tenant in their order; return their ids."""
    if not events:
        return []
    if not _TYPES.issuperset(kind for kind, _ in events):  # or nobody could ask for it, and no page would tell of it
        raise AssertionError("an event of a type that is not in event_types.json")
    last = _COUNT.scalar(db, tenant=tenant_id, more=len(events))
    rows: list[dict[str, Any]] = [
        {
            "tenant_id": tenant_id,
            "number": number,
            "event_id": new_id("evt"),
            "created_at": now,
            "type": kind,
            "body": json.dumps(body, separators=(",", ":")),
        }
        for number, (kind, body) in enumerate(events, last - len(events) + 1)
    ]
    _APPEND.run_many(db, rows)
    return [row["event_id"] for row in rows]


def page(db: Connection, tenant_id: str, *, livemode: bool, after: str | None, limit: int) -> Page:
    """Return up to `limit` (1 to 100) events after the event id `after`, oldest first.

    Its `next` is always a cursor to go on from: the last event shown, else what was given, else FIRST.
    Raises InputError `events.cursor` for an id that is not one of this tenant's events, `events.limit`.
    """
    if not 1 <= limit <= MOST:
        raise InputError("events.limit", f"A page has 1 to {MOST} events.")
    events, after = schema.events, after or FIRST
    number = number_of(db, tenant_id, after)
    rows = db.execute(
        select(events)
        .where(events.c.tenant_id == tenant_id, events.c.number > number)
        .order_by(events.c.number)
        .limit(limit + 1)
    ).all()
    shown = tuple(event_of(row, livemode=livemode) for row in rows[:limit])
    return Page(data=shown, has_more=len(rows) > limit, next=shown[-1].id if shown else after)


def number_of(db: Connection, tenant_id: str, event_id: str) -> int:
    """Return an event's place in its tenant's outbox, 0 for FIRST. Raises InputError `events.cursor`."""
    if event_id == FIRST:
        return 0
    events = schema.events
    found: int | None = db.execute(
        select(events.c.number).where(events.c.tenant_id == tenant_id, events.c.event_id == event_id)
    ).scalar()
    if found is None:
        raise InputError("events.cursor", "No such event to continue after.", next="Start without a cursor.")
    return found


def event_of(row: Any, *, livemode: bool) -> Event:
    """Return an event as it is shown and sent."""
    return Event(
        id=row.event_id,
        livemode=livemode,
        created_at=from_text(row.created_at),
        type=row.type,
        data=json.loads(row.body),
    )
