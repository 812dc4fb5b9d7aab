"""What changes: by day over a span, and which checks of the past would no longer be lawful on another day.

Source: reference sheet law-and-assurance §1.2, §1.4, §2. A check that was lawfully completed stays valid (§1.4): a
lapse is a forecast for the next check of the kind, never a verdict on the old one.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from honnin.errors import InputError
from honnin.law.evaluating import evaluate, known_method
from honnin.law.offering import known_law
from honnin.law.rows import Confidence, Rule, Words
from honnin.law.standing import TenantStanding, day_of
from honnin.law.table import rule_table

__all__ = ["Change", "Lapse", "PastCheck", "changes", "would_lapse"]

ChangeKind = Literal["starts", "ends", "relabelled", "rewritten"]
ANY_TENANT = TenantStanding(verifier_status="certified", number_handler=True, obliged_entity=True)


class Change(msgspec.Struct, frozen=True):
    """A day on which a method starts, ends, is labelled anew, or is rewritten under the same label.

    ways_before, ways_after: the sets of evidence codes; successor: the method that takes an ended one's place.
    """

    on: date
    method: str
    kind: ChangeKind
    before: str | None
    after: str | None
    revision: str
    ways_before: tuple[tuple[str, ...], ...] = ()
    ways_after: tuple[tuple[str, ...], ...] = ()
    demands_changed: bool = False
    successor: str | None = None
    confidence: Confidence = "?"
    note: Words | None = None
    source: str = ""


class PastCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One check that was made: evidence None where what was held is not known."""

    law: str
    method: str
    on: date
    evidence: tuple[str, ...] | None = None


class Lapse(msgspec.Struct, frozen=True):
    """A past check whose like would not be lawful on the other day.

    reason: `ended` (the method is gone), `missing` (it asks for more than was held), `depends` (it asks for more, and
    what was held is not known), `tenant` (this business may not use it on that day), `was_not_lawful` (on its own day).
    """

    check: PastCheck
    on: date
    reason: Literal["ended", "missing", "depends", "tenant", "was_not_lawful"]
    missing: tuple[str, ...]
    successor: str | None
    article: str
    source: str


def changes(law: str, start: date | datetime, end: date | datetime) -> list[Change]:
    """Return what changes in a law's methods from `start` to `end`, both inclusive, by day.

    The day on which this table begins is no change of the law.
    Raises InputError `law.unknown`, `law.period_reversed` for a last day before the first: nothing changes in none.
    """
    known_law(law)
    table, first, last = rule_table(), day_of(start), day_of(end)
    if last < first:
        raise InputError(
            "law.period_reversed", "The last day lies before the first.", next=f"Ask from {last} to {first}."
        )
    found: list[Change] = []
    for rows in table.methods.values():
        if rows[0].law != law:
            continue
        found += [change for change in _of_method(rows) if first <= change.on <= last]
    return sorted(found, key=lambda change: (change.on, change.method))


def would_lapse(
    checks: Iterable[PastCheck | tuple[str, str, date]],
    on: date | datetime,
    *,
    tenant: TenantStanding | None = None,
) -> list[Lapse]:
    """Return which of the checks that were made would no longer be lawful on a day, were they made then.

    checks: records (law, method, day), or PastCheck with the evidence held. tenant: None leaves the business aside.
    Raises InputError `law.unknown`, `law.unknown_method`.
    """
    day = day_of(on)
    found = (_judge(c if isinstance(c, PastCheck) else PastCheck(*c), day, tenant or ANY_TENANT) for c in checks)
    return [lapse for lapse in found if lapse is not None]


def _judge(check: PastCheck, day: date, tenant: TenantStanding) -> Lapse | None:
    rows = known_method(check.law, check.method)
    then, now = (rule_table().row(check.method, on) for on in (check.on, day))
    held = check.evidence if check.evidence is not None else _all_codes(then)
    own = evaluate(check.law, check.method, held, on=check.on, tenant=tenant)
    if own.status in {"not_available", "not_covered"} or (check.evidence is not None and own.status == "missing"):
        return Lapse(check, day, "was_not_lawful", own.missing, None, rows[0].article, own.source)
    if now is None:
        return Lapse(check, day, "ended", ("in_force",), rows[-1].succeeded_by, rows[-1].article, rows[-1].source)
    decision = evaluate(check.law, check.method, held, on=day, tenant=tenant)
    reason: Literal["missing", "depends", "tenant"]
    if decision.status == "not_available":
        reason = "tenant"
    elif decision.status == "missing":
        reason = "missing" if check.evidence is not None else "depends"
    elif check.evidence is None and then is not None and not _covers(then, now):
        reason = "depends"
    else:
        return None
    return Lapse(check, day, reason, decision.missing, None, decision.source, now.source)


def _all_codes(rule: Rule | None) -> Collection[str]:
    """Return every code that a check by this row may have held, circumstances included."""
    if rule is None:
        return ()
    items = [f"signed_item.{name}" for name in rule.signed_items]
    items += [f"declared_item.{name}" for name in rule.declared_items]
    items += [f"person.{name}" for name in rule.residency] + [f"transaction.{name}" for name in rule.transactions]
    return {*rule.codes, *items}


def _covers(then: Rule, now: Rule) -> bool:
    """Tell whether every way of the old row satisfies the new one."""
    return all(any(set(new) <= set(old) for new in now.ways) for old in then.ways)


def _of_method(rows: tuple[Rule, ...]) -> list[Change]:
    found: list[Change] = []
    for place, row in enumerate(rows):
        before = rows[place - 1] if place else None
        if before is None:
            if row.start == "order":
                found.append(_change("starts", row.since, row, None, row))
        elif before.label != row.label:
            found.append(_change("relabelled", row.since, row, before, row))
        elif _demands(before) != _demands(row):
            found.append(_change("rewritten", row.since, row, before, row))
    last = rows[-1]
    if last.until is not None:
        found.append(_change("ends", last.until + timedelta(days=1), last, last, None))
    return found


def _change(kind: ChangeKind, day: date, row: Rule, before: Rule | None, after: Rule | None) -> Change:
    """Return a change; `row` is the one whose note and source explain it."""
    return Change(
        on=day,
        method=row.id,
        kind=kind,
        before=before.label if before else None,
        after=after.label if after else None,
        revision=rule_table().revision(row.law, day),
        ways_before=before.ways if before else (),
        ways_after=after.ways if after else (),
        demands_changed=before is not None and after is not None and _demands(before) != _demands(after),
        successor=row.succeeded_by if after is None else None,
        confidence=row.confidence,
        note=row.note,
        source=row.source,
    )


def _demands(rule: Rule) -> tuple[object, ...]:
    ways = frozenset(frozenset(way) for way in rule.ways)
    return (ways, rule.documents, rule.residency, rule.transactions, rule.declared_items, rule.signed_items)
