"""Ending a person's sealed data: the keys are destroyed, the log goes on proving that checks were made.

What ends: openings, custody, sealed answers and four items of that person at one tenant, the hashes that tied
certificates to the person, their registration for taps and the taps that they made. What stays: records and receipts,
whose commitments nobody can open any more.

A check whose person is not known (yet) is forgotten by its own id, with the checks that wait for the same certificate.
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, delete, select, update

from honnin.errors import NotFoundError
from honnin.platform.customers import forget_customers
from honnin.platform.erasing import take_people
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.linking import same_people
from honnin.platform.store import schema
from honnin.platform.tap.ageing import remove_taps
from honnin.platform.tap.events import tell_ended
from honnin.platform.tap.registering import end_registrations

__all__ = ["forget_person"]


def forget_person(db: Connection, sealer: Sealer, tenant_id: str, object_id: str, now: str) -> int:
    """Destroy the data keys of a person, or of a check that has none; return how many.

    Raises NotFoundError `evidence.unknown_person`, also for a check of a known person: the person is to be named.
    """
    take_people(db, tenant_id)
    same, checks, tags = same_people(db, tenant_id, object_id), schema.verifications, schema.person_certificates
    if not same:
        return _forget_check(db, sealer, tenant_id, object_id, now)
    own = select(tags.c.link_tag).where(tags.c.tenant_id == tenant_id, tags.c.person_id.in_(same))
    waiting = _waiting(db, tenant_id, db.execute(own).scalars().all())
    mine = checks.c.person_id.in_(same) | checks.c.verification_id.in_(waiting)
    ended = sum(sealer.end(db, tenant_id, person, now) for person in same)
    ended += _end_checks(db, sealer, tenant_id, mine, now)
    _wait_no_more(db, tenant_id, waiting)
    db.execute(delete(tags).where(tags.c.tenant_id == tenant_id, tags.c.person_id.in_(same)))
    forget_customers(db, tenant_id, same)
    _forget_taps(db, sealer, tenant_id, same, now)
    return ended


def _forget_taps(db: Connection, sealer: Sealer, tenant_id: str, same: list[str], now: str) -> None:
    """End a person's registration for taps, and remove the taps that they made."""
    taps = schema.taps
    mine = (taps.c.tenant_id == tenant_id) & taps.c.person_id.in_(same)
    remove_taps(db, sealer, tenant_id, list(db.execute(select(taps.c.tap_id).where(mine)).scalars()), now)
    tell_ended(db, tenant_id, end_registrations(db, sealer, tenant_id, same, now), now)


def _forget_check(db: Connection, sealer: Sealer, tenant_id: str, check_id: str, now: str) -> int:
    checks, pending = schema.verifications, schema.pending_links
    row = db.execute(
        select(checks.c.person_id).where(checks.c.tenant_id == tenant_id, checks.c.verification_id == check_id)
    ).one_or_none()
    if row is None or row.person_id is not None:
        raise NotFoundError(
            "evidence.unknown_person",
            "This tenant has no such person, nor a check of that id without one.",
            next="Check the id; for a check of a known person, give the person's.",
        )
    tags = select(pending.c.link_tag).where(pending.c.tenant_id == tenant_id, pending.c.verification_id == check_id)
    forgotten = {check_id, *_waiting(db, tenant_id, db.execute(tags).scalars().all())}
    ended = _end_checks(db, sealer, tenant_id, checks.c.verification_id.in_(forgotten), now)
    _wait_no_more(db, tenant_id, forgotten)
    return ended


def _waiting(db: Connection, tenant_id: str, tags: Iterable[str]) -> set[str]:
    pending = schema.pending_links
    waiting = select(pending.c.verification_id).where(
        pending.c.tenant_id == tenant_id, pending.c.link_tag.in_(list(tags))
    )
    return set(db.execute(waiting).scalars())


def _end_checks(db: Connection, sealer: Sealer, tenant_id: str, which: ColumnElement[bool], now: str) -> int:
    checks = schema.verifications
    rows = db.execute(
        select(checks.c.verification_id, checks.c.session_id).where(checks.c.tenant_id == tenant_id, which)
    ).all()
    subjects = [*(row.verification_id for row in rows), *(row.session_id for row in rows if row.session_id)]
    return sum(sealer.end(db, tenant_id, subject, now) for subject in subjects)


def _wait_no_more(db: Connection, tenant_id: str, which: Iterable[str]) -> None:
    checks, pending, ids = schema.verifications, schema.pending_links, list(which)
    db.execute(delete(pending).where(pending.c.tenant_id == tenant_id, pending.c.verification_id.in_(ids)))
    db.execute(
        update(checks)
        .where(checks.c.tenant_id == tenant_id, checks.c.verification_id.in_(ids))
        .values(person_status="none")
    )
