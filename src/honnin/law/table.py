"""The dated rule table: loading the data files and refusing a table that answers a day twice or not at all.

Source: reference sheet law-and-assurance §11; every row names its own. One file a law in `rules/`; what they share is
in `common.json`, `documents.json` and `crosswalk.json`. Nothing here decides; `evaluating` does.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Literal, TypeVar

import msgspec

from honnin.law.rows import ConditionSource, Document, Evidence, LawEntry, RetentionRule, Rule

__all__ = ["RuleTable", "TableError", "load", "rule_table", "shipped"]

T = TypeVar("T")


class TableError(ValueError):
    """The rule table contradicts itself; the product must not start with it."""


class _Common(msgspec.Struct, frozen=True, kw_only=True, rename={"dated": "date"}, forbid_unknown_fields=True):
    source: str
    dated: date
    timezone: Literal["Asia/Tokyo"]
    note: str
    laws: tuple[str, ...]
    sources: dict[str, str]
    retention: dict[str, RetentionRule]
    conditions: dict[str, ConditionSource]
    devices: dict[str, tuple[str, ...]]
    evidence: dict[str, Evidence]


class _Documents(msgspec.Struct, frozen=True, rename={"dated": "date"}, forbid_unknown_fields=True):
    source: str
    dated: date
    note: str
    documents: dict[str, Document]


class _Crosswalk(msgspec.Struct, frozen=True, rename={"dated": "date"}, forbid_unknown_fields=True):
    source: str
    dated: date
    note: str
    ids: dict[str, tuple[str, ...]]


class RuleTable(msgspec.Struct, frozen=True, kw_only=True):
    """The whole table with its source and date.

    crosswalk: ids of the reference sheet to ids of the product.
    devices: what each kind of device brings; evidence: what each code keeps and needs.
    """

    source: str
    dated: date
    sources: dict[str, str]
    laws: dict[str, LawEntry]
    retention: dict[str, RetentionRule]
    conditions: dict[str, ConditionSource]
    devices: dict[str, tuple[str, ...]]
    evidence: dict[str, Evidence]
    documents: dict[str, Document]
    crosswalk: dict[str, tuple[str, ...]]
    methods: dict[str, tuple[Rule, ...]]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every row, law by law."""
        return tuple(rule for law in self.laws.values() for rule in law.rules)

    def on(self, law: str, day: date) -> list[Rule]:
        """Return the rows of a law that are in force on a day, in table order."""
        return [rule for rule in self.laws[law].rules if rule.in_force(day)]

    def row(self, method: str, day: date) -> Rule | None:
        """Return a method's row that is in force on a day."""
        return next((rule for rule in self.methods.get(method, ()) if rule.in_force(day)), None)

    def revision(self, law: str, day: date) -> str:
        """Return the id of a law's revision in force on a day, `""` before the first that the table knows."""
        known = [r.id for r in self.laws[law].revisions if r.since <= day]
        return known[-1] if known else ""


def load(parts: Mapping[str, bytes]) -> RuleTable:
    """Read a rule table and check it.

    parts: file contents by name: `common`, `documents`, `crosswalk`, and `rules/<law>` for each law.
    Raises TableError when a member is wrong or missing, two rows of a method overlap or leave a hole, a row ends
    before it starts, has no source, names a method, law, document, retention rule or evidence code that the table
    does not have, or begins before its law is covered.
    """
    common = _decode(parts, "common", _Common)
    if {f"rules/{name}" for name in common.laws} != {name for name in parts if name.startswith("rules/")}:
        raise TableError("common: the laws it names are not those of the files")
    entries = [_decode(parts, f"rules/{name}", LawEntry) for name in common.laws]
    rules = [rule for entry in entries for rule in entry.rules]
    table = RuleTable(
        source=common.source,
        dated=common.dated,
        sources=common.sources,
        laws={entry.law: entry for entry in entries},
        retention=common.retention,
        conditions=common.conditions,
        devices=common.devices,
        evidence=common.evidence,
        documents=_decode(parts, "documents", _Documents).documents,
        crosswalk=_decode(parts, "crosswalk", _Crosswalk).ids,
        methods={name: tuple(r for r in rules if r.id == name) for name in dict.fromkeys(r.id for r in rules)},
    )
    if tuple(entry.law for entry in entries) != common.laws:
        raise TableError("a file names another law than it is called")
    for law in table.laws.values():
        _check_law(table, law)
    for method, rows in table.methods.items():
        _check_dates(method, [(row.since, row.until) for row in rows])
    for ids in table.crosswalk.values():
        if unknown := set(ids) - set(table.methods):
            raise TableError(f"crosswalk: unknown methods {sorted(unknown)}")
    return table


@cache
def rule_table() -> RuleTable:
    """Return the product's rule table."""
    return load(shipped())


def shipped() -> dict[str, bytes]:
    """Return the data files of the product's table by name, as `load` takes them."""
    room = files("honnin.law")
    parts = {name: room.joinpath(f"{name}.json").read_bytes() for name in ("common", "documents", "crosswalk")}
    for file in sorted(room.joinpath("rules").iterdir(), key=lambda file: file.name):
        parts[f"rules/{file.name.removesuffix('.json')}"] = file.read_bytes()
    return parts


def _decode(parts: Mapping[str, bytes], name: str, model: type[T]) -> T:
    try:
        return msgspec.json.decode(parts[name], type=model)
    except KeyError:
        raise TableError(f"{name}: the file is missing") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{name}: {error}") from error


def _check_law(table: RuleTable, law: LawEntry) -> None:
    days = [revision.since for revision in law.revisions]
    if not days or days != sorted(set(days)):
        raise TableError(f"{law.law}: revisions are not in order")
    for rule in law.rules:
        if rule.law != law.law:
            raise TableError(f"{rule.id}: stands in the file of {law.law}")
        _check_references(table, rule)
        if not rule.source.strip() or not rule.read_in:
            raise TableError(f"{rule.id}: has no source")
        if rule.until and rule.until < rule.since:
            raise TableError(f"{rule.id}: ends before it starts")
        if rule.since < law.covered_from and rule.kind == "method":
            raise TableError(f"{rule.id}: begins before {law.law} is covered")


def _check_references(table: RuleTable, rule: Rule) -> None:
    successors = {rule.succeeded_by} - {None}
    known: tuple[tuple[str, Iterable[Any], Iterable[Any]], ...] = (
        ("retention rule", {rule.retention}, table.retention),
        ("evidence", rule.codes, table.evidence),
        ("document", rule.holds, table.documents),
        ("source", rule.read_in, table.sources),
        ("method", successors, table.methods),
    )
    for what, named, have in known:
        if unknown := set(named) - set(have):
            raise TableError(f"{rule.id}: unknown {what} {sorted(unknown)}")


def _check_dates(method: str, spans: Iterable[tuple[date, date | None]]) -> None:
    ordered = sorted(spans, key=lambda span: span[0])
    for (_, until), (since, _) in pairwise(ordered):
        if until is None or since <= until:
            raise TableError(f"{method}: two rows answer for one day")
        if since != until + timedelta(days=1):
            raise TableError(f"{method}: no row answers between {until} and {since}")
