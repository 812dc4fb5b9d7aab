"""The dated rule table: loading `rules.json` and refusing one that answers a day twice or not at all.

Source: reference sheet law-and-assurance §11; every row names its own. Days are Japanese calendar days, inclusive.
Nothing here decides; `evaluating` does.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Literal

import msgspec

__all__ = ["LawEntry", "RetentionRule", "Revision", "Rule", "RuleTable", "TableError", "load", "rule_table"]

Confidence = Literal["2", "1", "?"]
Channel = Literal["remote", "in_person"]
VerifierStatus = Literal["certified", "deemed", "none"]


class TableError(ValueError):
    """The rule table contradicts itself; the product must not start with it."""


class Revision(msgspec.Struct, frozen=True, rename={"since": "from"}, forbid_unknown_fields=True):
    """A revision of a law's order, in force from its day until the next one."""

    since: date | None
    id: str
    source: str
    confidence: Confidence


class LawEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One law with the revisions of the order that lists its methods."""

    name: dict[str, str]
    law_id: str
    revisions: tuple[Revision, ...]


class RetentionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a record is kept: years from the latest of the named events; None means while needed."""

    years: int | None
    counts_from: tuple[str, ...]
    law: str
    confidence: Confidence


class Rule(
    msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}, forbid_unknown_fields=True
):
    """One row: a method, its label and its demands while `since` ≤ day ≤ `until`."""

    id: str
    law: str
    article: str
    label: str | None
    since: date | None
    until: date | None
    channels: tuple[Channel, ...]
    all: tuple[str, ...]
    verifier_status: tuple[VerifierStatus, ...] = ()
    tenant_flag: Literal["number_handler"] | None = None
    signed_items: tuple[str, ...] = ()
    keep: tuple[str, ...]
    min_age: int | None = None
    retention: str
    confidence: Confidence
    article_confidence: Confidence | None = None
    from_confidence: Confidence | None = None
    source: str

    def in_force(self, day: date) -> bool:
        """Tell whether the row answers for a Japanese calendar day."""
        return (self.since or date.min) <= day <= (self.until or date.max)


class RuleTable(msgspec.Struct, frozen=True, kw_only=True, rename={"dated": "date"}, forbid_unknown_fields=True):
    """The whole table with its source and date."""

    source: str
    dated: date
    timezone: Literal["Asia/Tokyo"]
    note: str
    laws: dict[str, LawEntry]
    retention: dict[str, RetentionRule]
    evidence_keep: dict[str, tuple[str, ...]]
    rules: tuple[Rule, ...]

    def on(self, law: str, day: date) -> list[Rule]:
        """Return the rows of a law that are in force on a day, in table order."""
        return [rule for rule in self.rules if rule.law == law and rule.in_force(day)]

    def revision(self, law: str, day: date) -> str:
        """Return the id of a law's revision in force on a day, `""` before the first that the table knows."""
        known = [r.id for r in self.laws[law].revisions if (r.since or date.min) <= day]
        return known[-1] if known else ""


def load(content: bytes) -> RuleTable:
    """Read a rule table and check it.

    Raises TableError when a member is wrong, two rows of a method overlap or leave a hole between them, a row ends
    before it starts, or names a law, retention rule or evidence code that the table does not have.
    """
    try:
        table = msgspec.json.decode(content, type=RuleTable)
    except msgspec.DecodeError as error:
        raise TableError(str(error)) from error
    for rule in table.rules:
        _check_row(table, rule)
    for method in dict.fromkeys(rule.id for rule in table.rules):
        _check_dates(method, [(r.since, r.until) for r in table.rules if r.id == method])
    for name, law in table.laws.items():
        days = [r.since or date.min for r in law.revisions]
        if days != sorted(set(days)):
            raise TableError(f"{name}: revisions are not in order")
    return table


@cache
def rule_table() -> RuleTable:
    """Return the product's rule table."""
    return load(files("honnin.law").joinpath("rules.json").read_bytes())


def _check_row(table: RuleTable, rule: Rule) -> None:
    if rule.law not in table.laws or rule.id.partition(".")[0] != rule.law:
        raise TableError(f"{rule.id}: unknown law")
    if rule.retention not in table.retention:
        raise TableError(f"{rule.id}: unknown retention rule {rule.retention}")
    if unknown := set(rule.all) - set(table.evidence_keep):
        raise TableError(f"{rule.id}: unknown evidence {sorted(unknown)}")
    if rule.since and rule.until and rule.until < rule.since:
        raise TableError(f"{rule.id}: ends before it starts")


def _check_dates(method: str, spans: Iterable[tuple[date | None, date | None]]) -> None:
    ordered = sorted(spans, key=lambda span: span[0] or date.min)
    for (_, until), (since, _) in pairwise(ordered):
        if until is None or since is None or since <= until:
            raise TableError(f"{method}: two rows answer for one day")
        if since != until + timedelta(days=1):
            raise TableError(f"{method}: no row answers between {until} and {since}")
