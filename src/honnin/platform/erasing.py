"""An erasure and a check or tap of one tenant never overlap: each is written wholly before or wholly after the other.

A check that read a person before an erasure and came to its end after it would leave behind what the erasure could not
see yet. On PostgreSQL checks and taps that are being written share an advisory lock of their tenant, and an erasure has
it alone; it ends with the transaction. SQLite has one writer at a time.
"""

from sqlalchemy import Connection, bindparam, func, literal_column, select

from honnin.platform.store.prepared import Prepared

__all__ = ["PEOPLE_HELD", "hold_people", "take_people"]

_TENANT = func.hashtextextended(bindparam("tenant"), literal_column("0"))
_HOLD = select(func.pg_advisory_xact_lock_shared(_TENANT))
_HOLD_PEOPLE = Prepared(_HOLD)
_TAKE_PEOPLE = Prepared(select(func.pg_advisory_xact_lock(_TENANT)))
# a condition that does as `hold_people` and is always true; its query sees what was there before the lock came
PEOPLE_HELD = _HOLD.scalar_subquery().is_not(None)


def hold_people(db: Connection, tenant_id: str) -> None:
    """Keep erasures of a tenant away until the transaction ends; to be called before anything of a person is read."""
    if db.dialect.name == "postgresql":
        _HOLD_PEOPLE.run(db, tenant=tenant_id)


def take_people(db: Connection, tenant_id: str) -> None:
    """Wait for checks and taps of a tenant that are being written, and keep others away until the transaction ends."""
    if db.dialect.name == "postgresql":
        _TAKE_PEOPLE.run(db, tenant=tenant_id)
