"""What is needed and kept: the evidence of a method on a day, and how long its record is kept.

Source: reference sheet law-and-assurance §1.7, §11 (`evidence_keep`, `aml_attach`, `retention`); 民法140条・143条.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import msgspec

from honnin.errors import InputError
from honnin.law.rows import Confidence, Rule
from honnin.law.standing import day_of
from honnin.law.table import RuleTable, rule_table

__all__ = ["EvidenceNeeded", "Retention", "evidence_needed", "labels", "retention"]


class EvidenceNeeded(msgspec.Struct, frozen=True, kw_only=True):
    """What a method asks for on a day and what is kept of it.

    ways: whole sets of evidence codes; keep: what is kept of each code; items: what the person signs or states.
    attach: what goes with the record where the law says so. A row that is not in force leaves all of it empty.
    """

    method: str
    on: date
    in_force: bool
    ways: tuple[tuple[str, ...], ...]
    keep: dict[str, tuple[str, ...]]
    signed_items: tuple[str, ...]
    declared_items: tuple[str, ...]
    documents: tuple[str, ...]
    attach: tuple[str, ...]
    attach_confidence: Confidence | None
    retention: str | None
    article: str | None
    source: str


class Retention(msgspec.Struct, frozen=True):
    """How long a record is kept. `until` is the last day; None while the event that starts the count has not come.

    provisional: one of the events is not known yet, so a later one may move the last day back.
    """

    rule: str
    years: int | None
    counts_from: tuple[str, ...]
    until: date | None
    law: str
    confidence: Confidence
    provisional: bool = False


def evidence_needed(method_id: str, on: date | datetime) -> EvidenceNeeded:
    """Return what a method asks for on a day. Raises InputError `law.unknown_method`."""
    table, day, rows = rule_table(), day_of(on), _rows(method_id)
    rule = table.row(method_id, day)
    return EvidenceNeeded(
        method=method_id,
        on=day,
        in_force=rule is not None,
        ways=rule.ways if rule else (),
        keep=_keep(table, rule) if rule else {},
        signed_items=rule.signed_items if rule else (),
        declared_items=rule.declared_items if rule else (),
        documents=rule.documents if rule else (),
        attach=rule.attach if rule else (),
        attach_confidence=rule.attach_confidence if rule else None,
        retention=rule.retention if rule else None,
        article=rule.article if rule else None,
        source=(rule or rows[-1]).source,
    )


def labels(method_id: str) -> list[tuple[date, date | None, str | None]]:
    """Return a method's labels with their first and last days, oldest first. Raises InputError `law.unknown_method`."""
    return [(row.since, row.until, row.label) for row in _rows(method_id)]


def retention(method_id: str, event: Mapping[str, date | datetime]) -> Retention:
    """Return how long a method's record is kept, given the days of the events known so far (`contract_end`).

    The last day follows 民法140条・143条: the count starts on the day after the event, and ends on the eve of the
    corresponding day, or on the last day of a month that has no such day.
    Raises InputError `law.unknown_method`, `law.too_far` for a last day beyond the year 9999.
    """
    rule = _rows(method_id)[-1]
    row = rule_table().retention[rule.retention]
    days = [day_of(event[name]) for name in row.counts_from if name in event]
    until = _last_day(max(days), row.years) if row.years is not None and days else None
    provisional = until is not None and len(days) < len(row.counts_from)
    return Retention(rule.retention, row.years, row.counts_from, until, row.law, row.confidence, provisional)


def _rows(method_id: str) -> tuple[Rule, ...]:
    rows = rule_table().methods.get(method_id, ())
    if not rows:
        raise InputError("law.unknown_method", "No law has such a method.", next="See `honnin law methods`.")
    return rows


def _keep(table: RuleTable, rule: Rule) -> dict[str, tuple[str, ...]]:
    codes = dict.fromkeys(code for way in (*rule.ways, *(more.all for more in rule.conditional)) for code in way)
    return {code: table.evidence[code].keep for code in codes}


def _last_day(event: date, years: int) -> date:
    try:
        first = event + timedelta(days=1)
        if first.month == 2 and first.day == 29 and not _is_leap(first.year + years):
            return date(first.year + years, 2, 28)  # a year without that day: the month's last day itself
        return first.replace(year=first.year + years) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise InputError(
            "law.too_far", "The last day lies beyond the calendar.", next="Check the event's day."
        ) from None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
