"""A record's first entry from a check at the counter: what the chip said, who looked, by which method of the law.

The document's signature covers what is written here as read; what the business must still state (purpose, occupation …)
and what the chip holds only as a picture (name and address of a My Number Card) stays missing until somebody adds it.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime

import msgspec

from honnin.errors import StateError
from honnin.identity import age_on
from honnin.law import Method, TenantStanding, evaluate, methods
from honnin.platform.clock import JAPAN
from honnin.platform.records.items import record_law
from honnin.platform.records.making import Entry, Filled, statements

__all__ = ["CounterFacts", "entry_of", "method_of"]

CONSENT_LAW = "jpki"
SHOWN = ("doc.shown", "doc.ic", "doc.ic.display")  # seen by staff, its chip read, chip's content on the screen


class CounterFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a check at the counter gives a record.

    check, evidence: ids. document: the document in words. method: id of the law's method; label: its letter.
    person: of `name`, `address`, `later_address`, `birth_date` (ISO 8601) and `number`, what the chip had as text.
    stated: what the business states itself, by item id.
    """

    check: str
    evidence: str
    created_at: datetime
    document: str
    staff: str
    method: str
    label: str | None
    person: dict[str, str]
    stated: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"CounterFacts({self.check})"


def method_of(law: str, document: str, at: datetime, tenant: TenantStanding) -> Method | None:
    """Return the law's method that a document satisfies when staff saw it and its chip was read.

    The method that asks for the chip comes first. None where the document alone is not enough on that day.
    """
    person = {"holds": [document]}
    offered = methods(law, on=at, channel="in_person", person=person, tenant=tenant)
    for method in sorted(offered, key=lambda one: not any("doc.ic" in way for way in one.ways)):
        # what the customer declares is in the record, which stays incomplete until it is stated
        declared = (f"declared_item.{item}" for item in method.declared_items)
        decision = evaluate(law, method.id, {*SHOWN, *declared}, on=at, tenant=tenant, person=person)
        if decision.status == "satisfied":
            return method
    return None


def entry_of(law_name: str, facts: CounterFacts) -> Entry:
    """Return the first entry of the record. Raises InputError `record.law`, and what `statements` raises."""
    law = record_law(law_name)
    if law_name == CONSENT_LAW:
        raise StateError("record.not_passed", "This law's record is not made of a document shown at the counter.")
    stated = {name: value for name, value in facts.stated.items() if value.strip()}
    statements(law, stated)
    values = _values(facts) | stated
    filled = tuple(
        Filled(number=item.number, id=item.id, name=item.ja, value=values[item.id])
        for item in law.items
        if item.id in values
    )
    return Entry(number=1, at=facts.created_at, by=facts.staff, reason=None, items=filled)


def _values(facts: CounterFacts) -> dict[str, str]:
    on, person = facts.created_at.astimezone(JAPAN), facts.person
    when = on.strftime("%Y-%m-%d %H:%M:%S（日本時間）")
    label = f"（{facts.label}）" if facts.label else ""
    number = f" 番号 {person['number']}" if person.get("number") else ""
    values = {
        "made_by": facts.staff,
        "checked_by": facts.staff,
        "shown_at": when,
        "checked_on": when,
        "method": f"{facts.method}{label} 対面 {when}",
        "document": f"{facts.document}{number} 証跡 {facts.evidence}",
        "number_source": f"{facts.document}（券面事項確認AP、照合番号A）",
        "identity_source": f"{facts.document}のIC（証跡 {facts.evidence}）",
        "result": f"PASSED {facts.check}",
    }
    if customer := _customer(person):
        values["customer"] = customer
    with suppress(KeyError, ValueError):  # not read, or known in part only
        values["age"] = f"{age_on(date.fromisoformat(person['birth_date']), on)}歳"
    return values


def _customer(person: Mapping[str, str]) -> str:
    """Return name, address and birth date where the chip has all three as text, else nothing."""
    if not all(person.get(name) for name in ("name", "address", "birth_date")):
        return ""
    later = f"（後からの追記、署名なし：{person['later_address']}）" if person.get("later_address") else ""
    return f"氏名 {person['name']}／住居 {person['address']}{later}／生年月日 {person['birth_date']}"
