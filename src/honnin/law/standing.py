"""Who asks: what a law wants to know of the business and of the person, and how a tenant's switch tightens a row.

Source: reference sheet law-and-assurance §0 point 8, §3.1, §4.1, §10.1. Judgements are pure: the day is an argument.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from honnin.errors import InputError
from honnin.identity.ages import age_on
from honnin.identity.dates import PartialDate, jst_day
from honnin.law.rows import Rule, VerifierStatus
from honnin.law.table import RuleTable

__all__ = ["Person", "TenantStanding", "day_of", "person_of", "tightened", "without_supersets"]

RESIDENCIES = frozenset({"resident", "outside_resident_register", "moved_abroad"})
KINDS = frozenset({"person", "corporation"})


class TenantStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What a law may ask of the business.

    verifier_status: under 公的個人認証法17条, held on its days alone; deemed is an SP whose PF has filed for it.
    number_handler: it may collect individual numbers. obliged_entity: under the AML law; None where nobody has said.
    apply_2027_rules: it asks at once for what the AML rules ask from 2027-04-01.
    """

    verifier_status: VerifierStatus = "none"
    verifier_from: date | None = None
    verifier_to: date | None = None
    number_handler: bool = False
    obliged_entity: bool | None = None
    apply_2027_rules: bool = False

    def status_on(self, day: date) -> VerifierStatus:
        """Return the verifier status on a Japanese calendar day."""
        held = (self.verifier_from or date.min) <= day <= (self.verifier_to or date.max)
        return self.verifier_status if held else "none"


class Person(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """What is known of the person; None where it is not.

    age: full years. holds: documents (keys of documents.json). certificates: `signature`, `user_authentication`.
    """

    age: int | None = None
    residency: str | None = None
    holds: frozenset[str] | None = None
    certificates: frozenset[str] | None = None
    kind: str = "person"


def person_of(facts: Mapping[str, Any] | None, on: date) -> Person:
    """Read what a caller knows of a person: `age` or `birth_date`, `residency`, `holds`, `certificates`, `kind`.

    Raises InputError `law.person` for a fact that is unknown or cannot be, and what `honnin.identity.age_on` raises.
    """
    if facts is None:
        return Person()
    unknown = set(facts) - {"age", "birth_date", "residency", "holds", "certificates", "kind"}
    residency, kind, age = facts.get("residency"), facts.get("kind", "person"), facts.get("age")
    wrong_age = age is not None and (not isinstance(age, int) or isinstance(age, bool) or age < 0)
    if unknown or wrong_age or residency not in {None, *RESIDENCIES} or kind not in KINDS:
        raise InputError("law.person", "A fact about the person is not known here.", next="See docs/law.md.")
    born = facts.get("birth_date")
    if born is not None:
        if not isinstance(born, date | PartialDate):
            raise InputError("law.person", "The birth date is not a date.", next="See docs/law.md.")
        age = age_on(born, on)
    return Person(
        age=age,
        residency=residency,
        holds=_set(facts.get("holds")),
        certificates=_set(facts.get("certificates")),
        kind=kind,
    )


def day_of(on: date | datetime) -> date:
    """Return the Japanese calendar day of a date or an aware datetime. Raises InputError `identity.no_zone`."""
    return jst_day(on)


def tightened(table: RuleTable, rule: Rule, tenant: TenantStanding | None, on: date) -> Rule | None:
    """Return the row as the tenant's switch has it: what it demands today and what its successor will; None if none.

    A row of a law without such a switch, or on or after the later day, is returned as it is.
    """
    early = table.laws[rule.law].early
    if early is None or tenant is None or not getattr(tenant, early.switch) or on >= early.since:
        return rule
    later = table.row(rule.id, early.since) or table.row(rule.succeeded_by or rule.id, early.since)
    if later is None:
        return None
    together = [tuple(dict.fromkeys(now + then)) for now in rule.ways for then in later.ways]
    return msgspec.structs.replace(
        rule,
        all=(),
        any_of=without_supersets(together),
        residency=rule.residency or later.residency,
        transactions=rule.transactions or later.transactions,
    )


def without_supersets(ways: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return the ways of which no other is a part, in order."""
    given = list({frozenset(way): way for way in ways}.values())
    return tuple(way for way in given if not any(set(other) < set(way) for other in given))


def _set(value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise InputError("law.person", "A fact about the person is not a list of names.", next="See docs/law.md.")
    return frozenset(value)
