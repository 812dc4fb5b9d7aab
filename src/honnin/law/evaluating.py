"""What is satisfied: a method judged against the evidence held, each condition with the article that it comes from.

Source: reference sheet law-and-assurance §4.1, §11 (evaluation contract). Judgements are pure: the day is an argument.
A method is never exchanged for another silently; this is engineering input, not legal advice.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from honnin.errors import InputError
from honnin.law.offering import keep_of, known_law
from honnin.law.rows import Rule, Words
from honnin.law.standing import Person, TenantStanding, day_of, person_of, tightened
from honnin.law.table import RuleTable, rule_table

__all__ = ["Condition", "Decision", "Status", "evaluate", "known_method"]

Status = Literal["satisfied", "missing", "not_available", "not_covered"]
AGE_AT_LEAST, AGE_UNDER = "age.at_least_", "age.under_"


class Condition(msgspec.Struct, frozen=True):
    """One demand, whether it is met, the section of the reference sheet and the article that it comes from."""

    id: str
    met: bool
    source: str
    article: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a method is satisfied.

    status: `not_covered` (the table does not reach back so far), `not_available` (not on this day, not for this tenant
    or person), `missing` (evidence), `satisfied`.
    way: the set of evidence codes that was judged: the first that is whole, else the one that lacks least.
    """

    status: Status
    method: str
    law: str
    label: str | None
    revision: str
    on: date
    conditions: tuple[Condition, ...]
    keep: tuple[str, ...]
    retention: str | None
    source: str
    way: tuple[str, ...] = ()
    attach: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    note: Words | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of the conditions that are not met, in order."""
        return tuple(condition.id for condition in self.conditions if not condition.met)


def evaluate(
    law: str,
    method_id: str,
    evidence: Collection[str],
    *,
    on: date | datetime,
    tenant: TenantStanding,
    person: Mapping[str, Any] | None = None,
) -> Decision:
    """Judge whether a method of a law is satisfied on a day by the evidence held.

    1. Is the row in force, and does the tenant's switch leave it standing?
    2. May this business and this person use it?
    3. Is one whole way of evidence there, with what circumstances add?

    evidence: codes that were checked and passed (`cert.jpki`, `sig.tx`, `revocation`); `signed_item.<name>` and
    `declared_item.<name>` for what was signed or stated; `person.<residency>`, `transaction.<kind>` for circumstances;
    `field.<name>` for what was taken though it must not be. Ages follow from `person` (as `methods` takes it).
    Raises InputError `law.unknown`, `law.unknown_method` for a method the law never had, and what `methods` raises.
    """
    day = day_of(on)
    table = rule_table()
    rows = known_method(law, method_id)
    who = person_of(person, day)
    # 1.
    row = table.row(method_id, day)
    if row is None:
        return _out_of_force(table, rows, day)
    rule = tightened(table, row, tenant, day)
    in_force = Condition("in_force", met=True, source=row.source, article=_place(row))
    if rule is None:
        early = table.conditions["apply_2027_rules"]
        refused = Condition("apply_2027_rules", met=False, source=early.source, article=early.article)
        return _decide(table, row, day, "not_available", (in_force, refused), ())
    # 2.
    standing = _standing(table, rule, tenant, who, day)
    # 3.
    held = {*evidence, *_ages(rule, who), *([f"person.{who.residency}"] if who.residency else [])}
    way = min(rule.ways, key=lambda codes: sum(code not in held for code in codes))
    demands = _demands(table, rule, way, held)
    available = all(condition.met for condition in standing)
    whole = all(condition.met for condition in demands)
    status: Status = "not_available" if not available else "satisfied" if whole else "missing"
    return _decide(table, rule, day, status, (in_force, *standing, *demands), way)


def known_method(law: str, method_id: str) -> tuple[Rule, ...]:
    """Return the rows of a law's method. Raises InputError `law.unknown`, `law.unknown_method`."""
    known_law(law)
    rows = rule_table().methods.get(method_id, ())
    if not rows or rows[0].law != law:
        raise InputError("law.unknown_method", "The law has no such method.", next="See `honnin law methods`.")
    return rows


def _out_of_force(table: RuleTable, rows: tuple[Rule, ...], day: date) -> Decision:
    """Answer for a day without a row: before the table begins nothing is said, else the method is not there."""
    first, law = rows[0], table.laws[rows[0].law]
    silent = day < first.since and (first.start != "order" or day < law.covered_from)
    row = first if day < first.since else rows[-1]
    name = "covered" if silent else "in_force"
    condition = Condition(name, met=False, source=row.source, article=_place(row))
    status: Status = "not_covered" if silent else "not_available"
    return Decision(
        status=status,
        method=row.id,
        law=row.law,
        label=None,
        revision=table.revision(row.law, day),
        on=day,
        conditions=(condition,),
        keep=(),
        retention=None,
        source=row.source,
        uncertain=row.uncertain,
        note=row.note,
    )


def _standing(table: RuleTable, rule: Rule, tenant: TenantStanding, who: Person, on: date) -> list[Condition]:
    """Return the conditions that evidence cannot mend: who the business is, and what is known of the person."""
    found: list[tuple[str, bool]] = []
    if rule.verifier_status:
        found.append(("verifier_status", tenant.status_on(on) in rule.verifier_status))
    if rule.tenant_flag and (holds := getattr(tenant, rule.tenant_flag)) is not None:
        found.append((rule.tenant_flag, holds))
    if rule.min_age is not None and who.age is not None:
        found.append(("min_age", who.age >= rule.min_age))
    if rule.residency and who.residency is not None:
        found.append(("residency", who.residency in rule.residency))
    sources = ((name, met, table.conditions[name]) for name, met in found)
    return [Condition(name, met, of.source, of.article) for name, met, of in sources]


def _demands(table: RuleTable, rule: Rule, way: tuple[str, ...], held: set[str]) -> list[Condition]:
    place = _place(rule)
    found = [Condition(code, code in held, rule.source, place) for code in way]
    for more in rule.conditional:
        if more.when in held:
            found += [Condition(code, code in held, rule.source, place) for code in more.all]
    for kind, names in (("signed_item", rule.signed_items), ("declared_item", rule.declared_items)):
        found += [Condition(f"{kind}.{name}", f"{kind}.{name}" in held, rule.source, place) for name in names]
    if rule.residency:
        known = any(f"person.{name}" in held for name in rule.residency)
        source = table.conditions["residency"]
        found.append(Condition("residency", known, source.source, source.article))
    if rule.transactions:
        known = any(f"transaction.{name}" in held for name in rule.transactions)
        found.append(Condition("transaction", known, rule.source, place))
    found += [
        Condition(f"without_{name}", f"field.{name}" not in held, rule.source, place) for name in rule.forbid_fields
    ]
    return list({condition.id: condition for condition in found}.values())


def _ages(rule: Rule, who: Person) -> list[str]:
    """Return the age codes of the row that a known age answers with yes."""
    if who.age is None:
        return []
    found = []
    for code in rule.codes:
        least = code.startswith(AGE_AT_LEAST) and who.age >= int(code.removeprefix(AGE_AT_LEAST))
        under = code.startswith(AGE_UNDER) and who.age < int(code.removeprefix(AGE_UNDER))
        if least or under:
            found.append(code)
    return found


def _place(rule: Rule) -> str:
    return f"{rule.article} {rule.label or ''}".strip()


def _decide(
    table: RuleTable,
    rule: Rule,
    on: date,
    status: Status,
    conditions: tuple[Condition, ...],
    way: tuple[str, ...],
) -> Decision:
    return Decision(
        status=status,
        method=rule.id,
        law=rule.law,
        label=rule.label,
        revision=table.revision(rule.law, on),
        on=on,
        conditions=conditions,
        keep=rule.keep or keep_of(table, msgspec.structs.replace(rule, all=way, any_of=())),
        retention=rule.retention,
        source=_place(rule),
        way=way,
        attach=rule.attach,
        uncertain=rule.uncertain,
        note=rule.note,
    )
