"""A tap's row: how it is found, moved on once, shown, listed and ended with its time."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from honnin.chip.document import Challenge
from honnin.errors import NotFoundError, StateError
from honnin.law.assurance import kind_levels
from honnin.platform.clock import from_text, moment
from honnin.platform.models import AssuranceSeen, Caller, LevelSeen
from honnin.platform.store import Store, schema
from honnin.platform.tap.models import Tap, TapPage
from honnin.platform.tap.recording import TapBody
from honnin.words import in_all

__all__ = ["challenge_of", "find", "forget_unfinished", "messages_of", "move_on", "page", "shown", "used"]

PURPOSE = "tap"  # of the challenge that the chip signs; its audience is the terminal


def find(db: Connection, tenant_id: str, tap_id: str) -> Any:
    """Return a tap's row. Raises NotFoundError `tap.unknown`."""
    table = schema.taps
    row = db.execute(select(table).where(table.c.tenant_id == tenant_id, table.c.tap_id == tap_id)).one_or_none()
    if row is None:
        raise NotFoundError("tap.unknown", "There is no such tap.", next="Begin one.")
    return row


def move_on(db: Connection, row: Any, then: str, **values: Any) -> None:
    """Move a tap on from the status in `row`; of two that try at once the later one is undone.

    Raises StateError `tap.used`.
    """
    table = schema.taps
    moved = db.execute(
        update(table)
        .where(table.c.tenant_id == row.tenant_id, table.c.tap_id == row.tap_id, table.c.status == row.status)
        .values(status=then, **values)
    )
    if moved.rowcount != 1:
        raise used()


def used() -> StateError:
    """Return the refusal of a tap that has served, or whose minute has passed."""
    return StateError("tap.used", "This tap was used before, or took too long.", next="Tap again.")


def challenge_of(row: Any) -> Challenge:
    """Return what the chip is to sign for this tap and no other."""
    return Challenge(bytes(row.nonce), PURPOSE, row.terminal_id)


def messages_of(reason: str) -> dict[str, str]:
    """Return the words for a reason by language."""
    return dict(in_all(f"tap.{reason}"))


def shown(caller: Caller, row: Any, at: datetime) -> Tap:
    """Return a tap as its tenant sees it, never with a birth-date key."""
    late = row.status != "ended" and row.expires_at <= moment(at)
    made = Tap(
        id=row.tap_id,
        livemode=caller.livemode,
        created_at=from_text(row.created_at),
        expires_at=from_text(row.expires_at),
        status="expired" if late else row.status,
        terminal=row.terminal_id,
        purpose=row.purpose,
        staff=row.staff,
        registration=bool(row.registration),
        message=None if late or row.status == "ended" else challenge_of(row).message(),
    )
    if row.body is None:
        return made
    body = msgspec.json.decode(row.body, type=TapBody)
    return msgspec.structs.replace(
        made,
        outcome=body.outcome,
        reason=body.reason,
        messages=messages_of(body.reason),
        person=row.person_id,
        verdict=body.verdict,
        evidence=row.evidence_id,
        assurance=_assurance() if body.outcome == "accepted" and not row.registration else None,
    )


def page(
    db: Connection, caller: Caller, at: datetime, *, after: str | None, limit: int, since: datetime | None
) -> TapPage:
    """Return ended taps, newest first, from `since` on. Raises NotFoundError `tap.unknown` for a bad cursor."""
    table = schema.taps
    query = select(table).where(table.c.tenant_id == caller.id, table.c.status == "ended")
    if since is not None:
        query = query.where(table.c.created_at >= moment(since))
    if after is not None:
        last = find(db, caller.id, after)
        query = query.where(
            (table.c.created_at < last.created_at)
            | ((table.c.created_at == last.created_at) & (table.c.tap_id < after))
        )
    rows = db.execute(query.order_by(table.c.created_at.desc(), table.c.tap_id.desc()).limit(limit + 1)).all()
    taps = tuple(shown(caller, row, at) for row in rows[:limit])
    return TapPage(data=taps, has_more=len(rows) > limit, next=taps[-1].id if len(rows) > limit else None)


def forget_unfinished(store: Store, now: str, *, livemode: bool) -> int:
    """Delete taps of one mode that never ended and whose time has passed; return how many."""
    table, tenants = schema.taps, schema.tenants
    old = (table.c.status != "ended") & (table.c.expires_at <= now)
    with store.read() as db:
        if db.execute(select(table.c.tap_id).where(old).limit(1)).first() is None:
            return 0
    of_mode = select(tenants.c.tenant_id).where(tenants.c.livemode.is_(livemode))
    return store.write(lambda db: db.execute(delete(table).where(old, table.c.tenant_id.in_(of_mode))).rowcount)


def _assurance() -> AssuranceSeen:
    ial, _, _ = kind_levels("tap")
    return AssuranceSeen(ial_2019=LevelSeen(level=ial.level, confidence=ial.confidence))
