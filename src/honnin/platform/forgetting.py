"""Ending a person's sealed data: the keys are destroyed, the log goes on proving that checks were made.

What ends: openings, custody, sealed answers and four items of that person at one tenant, and the hashes that tied
certificates to the person. What stays: records and receipts, whose commitments nobody can open any more.

A check whose person is not known (yet) is forgotten by its own id, with the checks that wait for the same certificate.
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, delete, select, update

from honnin.errors import NotFoundError
from honnin.platform.customers import forget_customers
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.store import schema

__all__ = ["forget_person"]


def forget_person(db: Connection, sealer: Sealer, tenant_id: str, object_id: str, now: str) -> int:
    """Destroy the data keys of a person, or of a check that has none; return how many.

    Raises NotFoundError `evidence.unknown_person`, also for a check of a known person: the person is to be named.
    """
    same, checks, tags = _people(db, tenant_id, object_id), schema.verifications, schema.person_certificates
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
    """End a person's registration for taps, and take their name off the taps that they made."""
    taps, registrations = schema.taps, schema.tap_registrations
    mine = (taps.c.tenant_id == tenant_id) & taps.c.person_id.in_(same)
    for tap_id in db.execute(select(taps.c.tap_id).where(mine)).scalars().all():
        sealer.end(db, tenant_id, tap_id, now)
    db.execute(update(taps).where(mine).values(person_id=None))
    db.execute(delete(registrations).where(registrations.c.tenant_id == tenant_id, registrations.c.person_id.in_(same)))


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


def _people(db: Connection, tenant_id: str, person_id: str) -> list[str]:
    """Return all ids of a person, over any number of merges and whichever of them is given; none where unknown."""
    persons = schema.persons
    mine = persons.c.tenant_id == tenant_id
    same: list[str] = []
    ahead = list(db.execute(select(persons.c.person_id).where(mine, persons.c.person_id == person_id)).scalars())
    while ahead:
        same += ahead
        older = select(persons.c.became).where(mine, persons.c.person_id.in_(ahead), persons.c.became.is_not(None))
        met = select(persons.c.person_id).where(mine, persons.c.became.in_(ahead) | persons.c.person_id.in_(older))
        ahead = [person for person in db.execute(met).scalars() if person not in same]
    return same


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
