"""Ending a person's sealed data: the keys are destroyed, the log goes on proving that checks were made.

What ends: openings, custody, sealed answers and four items of that person at one tenant, and the hashes that tied
certificates to the person. What stays: records and receipts, whose commitments nobody can open any more.
"""

from sqlalchemy import Connection, delete, select

from honnin.errors import NotFoundError
from honnin.platform.customers import forget_customers
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.store import schema

__all__ = ["forget_person"]


def forget_person(db: Connection, sealer: Sealer, tenant_id: str, person_id: str, now: str) -> int:
    """Destroy the data keys of a person; return how many. Raises NotFoundError `evidence.unknown_person`."""
    persons, checks = schema.persons, schema.verifications
    mine = persons.c.tenant_id == tenant_id
    same = list(
        db.execute(
            select(persons.c.person_id).where(
                mine, (persons.c.person_id == person_id) | (persons.c.became == person_id)
            )
        ).scalars()
    )
    if person_id not in same:
        raise NotFoundError("evidence.unknown_person", "This tenant has no such person.", next="Check the id.")
    rows = db.execute(
        select(checks.c.verification_id, checks.c.session_id).where(
            checks.c.tenant_id == tenant_id, checks.c.person_id.in_(same)
        )
    ).all()
    subjects = [*same, *(row.verification_id for row in rows), *(row.session_id for row in rows if row.session_id)]
    ended = sum(sealer.end(db, tenant_id, subject, now) for subject in subjects)
    tags = schema.person_certificates
    db.execute(delete(tags).where(tags.c.tenant_id == tenant_id, tags.c.person_id.in_(same)))
    forget_customers(db, tenant_id, same)
    return ended
