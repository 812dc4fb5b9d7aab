"""The end of taps: who was where when is kept as many days as the tenant says for its purpose, and no longer.

A tap of a day is kept for `tap_days` whole days after it, Japanese calendar; the first midnight after them ends it. Its
row goes, and the key that opens its record's commitments. The record stays in the log: roots, heads and receipts prove
what they proved, and `evd_…` still names it.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import partial

from sqlalchemy import Connection, Select, and_, delete, or_, select

from honnin.platform.clock import JAPAN, moment
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.models import Tenant
from honnin.platform.store import Store, schema
from honnin.platform.tenants import OTHER_PURPOSES, TAP_DAYS, list_tenants

__all__ = ["end_old", "remove_taps"]

GROUP = 500  # taps of one transaction: a tenant's checks wait for it


def end_old(store: Store, sealer: Sealer, today: date, now: str, *, livemode: bool) -> tuple[int, bool]:
    """Remove ended taps of one mode whose days are over, at most a group; return how many, and whether that was all.

    A tenant whose taps cannot be removed keeps no other's: what that raised is raised once nobody else's are left.
    """
    with store.read() as db:
        tenants = [tenant for tenant in list_tenants(db) if tenant.livemode == livemode]
    failed = list[Exception]()
    for tenant in tenants:
        with store.read() as db:
            old = list(db.execute(_old(tenant, today)).scalars())
        if not old:
            continue
        remove = partial(remove_taps, sealer=sealer, tenant_id=tenant.id, which=old, now=now)
        try:
            store.write(remove, tenant=tenant.id)
        except Exception as error:  # noqa: BLE001 - raised below
            failed.append(error)
        else:
            return len(old), False
    if failed:
        raise failed[0]
    return 0, True


def remove_taps(db: Connection, sealer: Sealer, tenant_id: str, which: Iterable[str], now: str) -> None:
    """Remove taps and destroy what opens their records' commitments; the records stay."""
    table = schema.taps
    for tap_id in which:
        sealer.end(db, tenant_id, tap_id, now)
        db.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.tap_id == tap_id))


def _old(tenant: Tenant, today: date) -> Select[str]:
    """Return the query of a tenant's ended taps that are to go, the oldest first."""
    table, at = schema.taps, schema.taps.c.created_at
    other = tenant.tap_days.get(OTHER_PURPOSES, TAP_DAYS)
    named = {purpose: days for purpose, days in tenant.tap_days.items() if purpose != OTHER_PURPOSES}
    over = [and_(table.c.purpose == purpose, at < _before(today, days)) for purpose, days in named.items()]
    over.append(and_(table.c.purpose.not_in(named), at < _before(today, other)))
    mine = (table.c.tenant_id == tenant.id) & (table.c.status == "ended")
    mine &= at < _before(today, min([other, *named.values()]))
    return select(table.c.tap_id).where(mine, or_(*over)).order_by(at).limit(GROUP)


def _before(today: date, days: int) -> str:
    """Return the first moment of the earliest day that is still kept."""
    return moment(datetime.combine(today - timedelta(days=days), time(), tzinfo=JAPAN))
