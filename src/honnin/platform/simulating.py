"""Simulation over a tenant's own past: of the checks it made, which would no longer have been lawful on another day.

A forecast for the next check of the kind, never a verdict on the old one (`honnin.law.would_lapse`). Counts alone; no
person is in the answer.
"""

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Literal

import msgspec
from sqlalchemy import select

from honnin.errors import InputError
from honnin.law import PastCheck, TenantStanding, would_lapse
from honnin.law.rows import Words
from honnin.platform.clock import JAPAN, moment
from honnin.platform.models import Tenant, Verification
from honnin.platform.store import Store, schema
from honnin.platform.tenants import standing

__all__ = ["LapseCount", "Simulation", "simulate"]

MOST = 100_000


class LapseCount(msgspec.Struct, frozen=True, kw_only=True):
    """One method's checks that would lapse, and why; successor: the method that takes its place."""

    law: str
    method: str
    count: int
    reason: Literal["ended", "missing", "depends", "tenant", "was_not_lawful"]
    missing: tuple[str, ...]
    successor: str | None
    article: str
    source: str


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """Of the checks from `since` to `until` (days in Japan), which would not be lawful `on` another day.

    checks: those that a law asked for and that satisfied it. outside: checks without a law, or that did not satisfy it.
    early: the tenant's switch "apply the rules of 2027 now" was taken as on.
    """

    object: Literal["simulation"] = "simulation"
    livemode: bool
    on: date
    since: date
    until: date
    early: bool
    checks: int
    outside: int
    lapsing: int
    data: tuple[LapseCount, ...]
    note: Words


NOTE = Words(
    ja="過去の確認が無効になるのではなく、同じ方法の次の確認についての見通しです。",
    en="A forecast for the next check of the kind: checks that were lawful stay valid.",
)


def simulate(
    store: Store, tenant: Tenant, *, on: date, since: date, until: date, early: bool | None = None
) -> Simulation:
    """Ask of a tenant's checks in a span of Japanese days whether their like would be lawful on another day.

    early: None takes the tenant's own switch. Raises InputError `simulation.span` for an empty span, or one with more
    than MOST checks.
    """
    if until < since:
        raise InputError("simulation.span", "The span ends before it begins.")
    table = schema.verifications
    first, last = (moment(datetime.combine(day, time(), JAPAN)) for day in (since, until + timedelta(days=1)))
    query = (
        select(table.c.body)
        .where(table.c.tenant_id == tenant.id, table.c.created_at >= first, table.c.created_at < last)
        .limit(MOST + 1)
    )
    with store.read() as db:
        bodies = db.execute(query).scalars().all()
    if len(bodies) > MOST:
        raise InputError("simulation.span", f"The span holds more than {MOST} checks.", next="Ask for fewer days.")
    past: Counter[PastCheck] = Counter()
    outside = 0
    for body in bodies:
        law = msgspec.json.decode(body, type=Verification).law
        if law is None or law.status != "satisfied":
            outside += 1
        else:
            past[PastCheck(law=law.law, method=law.method, on=law.on)] += 1
    who = standing(tenant)
    if early is not None:
        who = msgspec.structs.replace(who, apply_2027_rules=early)
    found = _counted(past, on, who)
    return Simulation(
        livemode=tenant.livemode,
        on=on,
        since=since,
        until=until,
        early=who.apply_2027_rules,
        checks=sum(past.values()),
        outside=outside,
        lapsing=sum(row.count for row in found),
        data=found,
        note=NOTE,
    )


def _counted(past: Counter[PastCheck], on: date, who: TenantStanding) -> tuple[LapseCount, ...]:
    found: dict[tuple[str, str], LapseCount] = {}
    for lapse in would_lapse(past, on, tenant=who):
        key, count = (lapse.check.method, lapse.reason), past[lapse.check]
        if key in found:
            found[key] = msgspec.structs.replace(found[key], count=found[key].count + count)
            continue
        found[key] = LapseCount(
            law=lapse.check.law,
            method=lapse.check.method,
            count=count,
            reason=lapse.reason,
            missing=lapse.missing,
            successor=lapse.successor,
            article=lapse.article,
            source=lapse.source,
        )
    return tuple(found.values())
