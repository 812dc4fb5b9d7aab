"""The events outbox: written in the transaction of what happened, read in the order of commits.

An event's number comes from its tenant's row, which stays locked until the transaction ends: numbers have no holes and
appear in order, so a reader's cursor can never step over an event that is still on its way. That is why `append` is
the last thing a transaction does.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from honnin.errors import InputError
from honnin.platform.clock import from_text
from honnin.platform.ids import new_id
from honnin.platform.models import Event, Page
from honnin.platform.store import schema

__all__ = ["append", "append_many", "page"]

MOST = 100


def append(db: Connection, tenant_id: str, kind: str, body: dict[str, Any], now: str) -> str:
    """Write one event (`verification.completed`) of ids and states, never personal data; return its id."""
    return append_many(db, tenant_id, [(kind, body)], now)[0]


def append_many(db: Connection, tenant_id: str, events: Sequence[tuple[str, dict[str, Any]]], now: str) -> list[str]:
    """Write several events (kind, body) of one tenant in their order; return their ids."""
    if not events:
        return []
    tenants = schema.tenants
    last = db.execute(
        update(tenants)
        .where(tenants.c.tenant_id == tenant_id)
        .values(last_event=tenants.c.last_event + len(events))
        .returning(tenants.c.last_event)
    ).scalar_one()
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
    db.execute(insert(schema.events), rows)
    return [row["event_id"] for row in rows]


def page(db: Connection, tenant_id: str, *, livemode: bool, after: str | None, limit: int) -> Page:
    """Return up to `limit` (1 to 100) events after the event id `after`, oldest first.

    Raises InputError `events.cursor` for an id that is not one of this tenant's events, `events.limit`.
    """
    if not 1 <= limit <= MOST:
        raise InputError("events.limit", f"A page has 1 to {MOST} events.")
    events, number = schema.events, 0
    if after is not None:
        found = db.execute(
            select(events.c.number).where(events.c.tenant_id == tenant_id, events.c.event_id == after)
        ).scalar()
        if found is None:
            raise InputError("events.cursor", "No such event to continue after.", next="Start without a cursor.")
        number = found
    rows = db.execute(
        select(events)
        .where(events.c.tenant_id == tenant_id, events.c.number > number)
        .order_by(events.c.number)
        .limit(limit + 1)
    ).all()
    shown = tuple(
        Event(
            id=row.event_id,
            livemode=livemode,
            created_at=from_text(row.created_at),
            type=row.type,
            data=json.loads(row.body),
        )
        for row in rows[:limit]
    )
    return Page(data=shown, has_more=len(rows) > limit, next=shown[-1].id if shown else None)
