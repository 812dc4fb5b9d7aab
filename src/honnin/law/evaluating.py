"""What is lawful: which methods a law offers on a day, whether one was satisfied, what changes, how long to keep.

Source: reference sheet law-and-assurance §4.1 (verifier status), §11 (evaluation contract). Judgements are pure: the
day is an argument. A method is never exchanged for another silently; this is engineering input, not legal advice.
"""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any, Literal

import msgspec

from honnin.errors import InputError
from honnin.law.table import Channel, Confidence, Rule, VerifierStatus, rule_table

__all__ = [
    "Change",
    "Condition",
    "Decision",
    "Method",
    "Retention",
    "TenantStanding",
    "changes",
    "evaluate",
    "methods",
    "retention",
]


class TenantStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What a law may ask of the business: its dated verifier status (公的個人認証法17条), and its right to numbers."""

    verifier_status: VerifierStatus = "none"
    verifier_from: date | None = None
    verifier_to: date | None = None
    number_handler: bool = False

    def status_on(self, day: date) -> VerifierStatus:
        """Return the verifier status on a Japanese calendar day."""
        held = (self.verifier_from or date.min) <= day <= (self.verifier_to or date.max)
        return self.verifier_status if held else "none"


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One lawful method on a day: its stable id, its label under that day's revision, what it demands and keeps."""

    id: str
    law: str
    label: str | None
    article: str
    revision: str
    since: date | None
    until: date | None
    channels: tuple[Channel, ...]
    evidence: tuple[str, ...]
    signed_items: tuple[str, ...]
    keep: tuple[str, ...]
    verifier_status: tuple[VerifierStatus, ...]
    retention: str
    confidence: Confidence
    source: str


class Condition(msgspec.Struct, frozen=True):
    """One demand and whether it is met."""

    id: str
    met: bool
    source: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a method is satisfied: `not_available` (not on this day, not for this tenant), `missing`, `satisfied`."""

    status: Literal["satisfied", "missing", "not_available"]
    method: str
    law: str
    label: str | None
    revision: str
    on: date
    conditions: tuple[Condition, ...]
    keep: tuple[str, ...]
    retention: str | None
    source: str

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of the conditions that are not met, in order."""
        return tuple(condition.id for condition in self.conditions if not condition.met)


class Change(msgspec.Struct, frozen=True):
    """A day on which a method starts, ends or is labelled anew."""

    on: date
    method: str
    kind: Literal["starts", "ends", "relabelled"]
    before: str | None
    after: str | None
    revision: str


class Retention(msgspec.Struct, frozen=True):
    """How long a record is kept. `until` is the last day; None while the event that starts the count has not come."""

    rule: str
    years: int | None
    counts_from: tuple[str, ...]
    until: date | None
    law: str
    confidence: Confidence


def methods(
    law: str,
    *,
    on: date,
    channel: str | None = None,
    person: Mapping[str, Any] | None = None,
    tenant: TenantStanding | None = None,
    device: str | None = None,  # noqa: ARG001 - no row of the table depends on a device yet
) -> list[Method]:
    """Return the methods that a law offers on a day, narrowed by what is known.

    law: glossary name (`aml`). on: Japanese calendar day. channel: `remote` or `in_person`.
    person: `{"age": 14}`, full years. tenant: leaves out what this business may not use.
    Raises InputError `law.unknown`.
    """
    _known(law)
    return [
        _method(rule, on)
        for rule in rule_table().on(law, on)
        if (channel is None or channel in rule.channels)
        and not (person and rule.min_age and person.get("age", rule.min_age) < rule.min_age)
        and not (tenant and any(not c.met for c in _standing(rule, tenant, on)))
    ]


def evaluate(
    law: str,
    method_id: str,
    evidence: Collection[str],
    *,
    on: date,
    tenant: TenantStanding,
) -> Decision:
    """Judge whether a method of a law is satisfied on a day by the evidence held.

    evidence: evidence codes that were checked and passed (`cert.jpki`, `sig.tx`, `revocation`), and
    `signed_item.<name>` for what the signed document contains.
    Raises InputError `law.unknown`, or `law.unknown_method` for a method the law never had.
    """
    _known(law)
    rows = [rule for rule in rule_table().rules if rule.id == method_id and rule.law == law]
    if not rows:
        raise InputError("law.unknown_method", "The law has no such method.", next="See `honnin law methods`.")
    rule = next((row for row in rows if row.in_force(on)), None)
    if rule is None:
        return Decision(
            status="not_available",
            method=method_id,
            law=law,
            label=None,
            revision=rule_table().revision(law, on),
            on=on,
            conditions=(Condition("in_force", met=False, source=rows[-1].source),),
            keep=(),
            retention=None,
            source=rows[-1].source,
        )
    standing = _standing(rule, tenant, on)
    demands = [Condition(code, code in evidence, rule.source) for code in rule.all]
    demands += [
        Condition(f"signed_item.{name}", f"signed_item.{name}" in evidence, rule.source) for name in rule.signed_items
    ]
    available = all(condition.met for condition in standing)
    met = all(condition.met for condition in demands)
    return Decision(
        status="not_available" if not available else "satisfied" if met else "missing",
        method=rule.id,
        law=rule.law,
        label=rule.label,
        revision=rule_table().revision(law, on),
        on=on,
        conditions=(Condition("in_force", met=True, source=rule.source), *standing, *demands),
        keep=rule.keep,
        retention=rule.retention,
        source=f"{rule.article} {rule.label or ''}".strip(),
    )


def changes(law: str, start: date, end: date) -> list[Change]:
    """Return what changes in a law's methods from `start` to `end`, both inclusive, by day.

    Raises InputError `law.unknown`.
    """
    _known(law)
    table, found = rule_table(), []
    rows = [rule for rule in table.rules if rule.law == law]
    for rule in rows:
        before = next((r for r in rows if r.id == rule.id and _follows(r, rule)), None)
        after = next((r for r in rows if r.id == rule.id and _follows(rule, r)), None)
        if rule.since is not None and start <= rule.since <= end and (before is None or before.label != rule.label):
            kind: Literal["starts", "relabelled"] = "relabelled" if before else "starts"
            label = before.label if before else None
            found.append(Change(rule.since, rule.id, kind, label, rule.label, table.revision(law, rule.since)))
        if rule.until is not None and after is None:
            day = rule.until + timedelta(days=1)
            if start <= day <= end:
                found.append(Change(day, rule.id, "ends", rule.label, None, table.revision(law, day)))
    return sorted(found, key=lambda change: (change.on, change.method))


def retention(method_id: str, event: Mapping[str, date]) -> Retention:
    """Return how long a method's record is kept, given the days of the events known so far (`contract_end`).

    The last day follows 民法140条・143条: the count starts on the day after the event, and ends on the eve of the
    corresponding day, or on the last day of a month that has no such day.
    Raises InputError `law.unknown_method`.
    """
    rule = next((row for row in reversed(rule_table().rules) if row.id == method_id), None)
    if rule is None:
        raise InputError("law.unknown_method", "No law has such a method.", next="See `honnin law methods`.")
    row = rule_table().retention[rule.retention]
    days = [event[name] for name in row.counts_from if name in event]
    until = _last_day(max(days), row.years) if row.years is not None and days else None
    return Retention(rule.retention, row.years, row.counts_from, until, row.law, row.confidence)


def _last_day(event: date, years: int) -> date:
    first = event + timedelta(days=1)
    try:
        return first.replace(year=first.year + years) - timedelta(days=1)
    except ValueError:  # 29 February in a year without one: the month's last day itself
        return date(first.year + years, 2, 28)


def _standing(rule: Rule, tenant: TenantStanding, on: date) -> list[Condition]:
    conditions = []
    if rule.verifier_status:
        met = tenant.status_on(on) in rule.verifier_status
        conditions.append(Condition("verifier_status", met, rule.source))
    if rule.tenant_flag:
        conditions.append(Condition(rule.tenant_flag, getattr(tenant, rule.tenant_flag), rule.source))
    return conditions


def _method(rule: Rule, on: date) -> Method:
    return Method(
        id=rule.id,
        law=rule.law,
        label=rule.label,
        article=rule.article,
        revision=rule_table().revision(rule.law, on),
        since=rule.since,
        until=rule.until,
        channels=rule.channels,
        evidence=rule.all,
        signed_items=rule.signed_items,
        keep=rule.keep,
        verifier_status=rule.verifier_status,
        retention=rule.retention,
        confidence=rule.confidence,
        source=rule.source,
    )


def _follows(earlier: Rule, later: Rule) -> bool:
    return earlier.until is not None and later.since == earlier.until + timedelta(days=1)


def _known(law: str) -> None:
    if law not in rule_table().laws:
        raise InputError(
            "law.unknown", "There is no such law here.", next="Use aml, mobile_phone, my_number, second_hand."
        )
