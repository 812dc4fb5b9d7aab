"""What is possible: the methods that a law offers on a day to this person, this business and this device.

Source: reference sheet law-and-assurance §0.1, §11. Nothing here looks at evidence; `evaluating` does.
"""

from collections.abc import Mapping
from datetime import date, datetime
from itertools import chain
from typing import Any, Literal

import msgspec

from honnin.errors import InputError
from honnin.law.rows import Age, Channel, Confidence, Residency, Rule, VerifierStatus, Words
from honnin.law.standing import Person, TenantStanding, day_of, person_of, tightened
from honnin.law.table import RuleTable, rule_table

__all__ = ["Method", "coverage", "duties", "keep_of", "known_law", "methods", "methods_by_label"]


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One lawful method on a day: its stable id, its label under that day's revision, what it demands and keeps.

    ways: every whole set of evidence codes that satisfies it; evidence: the codes that all of them share.
    uncertain: what of the row is inferred (`row`, `start`, `article`, `attach`); empty where it was read.
    note: words of caution that stand with the row.
    """

    id: str
    law: str
    kind: str
    subject: str
    label: str | None
    article: str
    revision: str
    since: date
    until: date | None
    ends: str | None
    start: str
    channels: tuple[Channel, ...]
    with_mail: bool
    evidence: tuple[str, ...]
    ways: tuple[tuple[str, ...], ...]
    documents: tuple[str, ...]
    document_fields: tuple[str, ...]
    forbid_fields: tuple[str, ...]
    certificate_basis: tuple[str, ...]
    holds: tuple[str, ...]
    residency: tuple[Residency, ...]
    transactions: tuple[str, ...]
    declared_items: tuple[str, ...]
    signed_items: tuple[str, ...]
    verifier_status: tuple[VerifierStatus, ...]
    tenant_flag: str | None
    min_age: int | None
    age: Age | None
    keep: tuple[str, ...]
    attach: tuple[str, ...]
    retention: str
    confidence: Confidence
    uncertain: tuple[str, ...]
    note: Words | None
    source: str
    read_in: tuple[str, ...]


def methods(
    law: str,
    *,
    on: date | datetime,
    channel: str | None = None,
    person: Mapping[str, Any] | None = None,
    tenant: TenantStanding | None = None,
    device: str | None = None,
) -> list[Method]:
    """Return the methods that a law offers on a day, narrowed by what is known; none before the law is covered.

    law: glossary name (`aml`). on: Japanese calendar day, or an aware datetime.
    channel: `remote`, `in_person`, `mail` or `phone`. device: a kind of device of common.json (`phone_nfc`).
    person: `age` or `birth_date`, `residency`, `holds`, `certificates`, `kind` (`corporation` for a company's methods).
    tenant: leaves out what this business may not use.
    Raises InputError `law.unknown`, `law.channel`, `law.device`, `law.person`, `identity.no_zone`.
    """
    return _offers(law, day_of(on), channel, person, tenant, device, duty=False)


def duties(law: str, *, on: date | datetime) -> list[Method]:
    """Return what a law asks beside a method of verification (items, high-risk checks, limits of use) on a day.

    Raises InputError `law.unknown`.
    """
    return _offers(law, day_of(on), None, None, None, None, duty=True)


def coverage(law: str, on: date | datetime) -> Literal["covered", "not_covered"]:
    """Tell whether the table says anything of a law on a day. Raises InputError `law.unknown`."""
    known_law(law)
    return "covered" if day_of(on) >= rule_table().laws[law].covered_from else "not_covered"


def methods_by_label(law: str, label: str, *, on: date | datetime, article: str | None = None) -> list[str]:
    """Return the ids of the methods that bear a label (a letter) on a day; one label may stand for several.

    article: narrows a label that several articles use, such as `規則6条1項3号` for companies.
    Raises InputError `law.unknown`.
    """
    known_law(law)
    rows = rule_table().on(law, day_of(on))
    return [row.id for row in rows if row.label == label and article in {None, row.article}]


def known_law(law: str) -> None:
    """Raise InputError `law.unknown` for a law that the table does not have."""
    laws = rule_table().laws
    if law not in laws:
        raise InputError("law.unknown", "There is no such law here.", next=f"Use {', '.join(laws)}.")


def keep_of(table: RuleTable, rule: Rule) -> tuple[str, ...]:
    """Return what is kept for a row: as the row says, else the union over its evidence codes."""
    if rule.keep:
        return rule.keep
    codes = chain(*rule.ways)
    return tuple(dict.fromkeys(chain.from_iterable(table.evidence[code].keep for code in codes)))


def _offers(
    law: str,
    on: date,
    channel: str | None,
    facts: Mapping[str, Any] | None,
    tenant: TenantStanding | None,
    device: str | None,
    *,
    duty: bool,
) -> list[Method]:
    known_law(law)
    table = rule_table()
    if channel not in {None, "remote", "in_person", "mail", "phone"}:
        raise InputError("law.channel", "There is no such channel.", next="Use remote, in_person, mail or phone.")
    if device is not None and device not in table.devices:
        raise InputError("law.device", "There is no such kind of device.", next=f"Use {', '.join(table.devices)}.")
    person = person_of(facts, on)
    found = []
    for row in table.on(law, on):
        rule = tightened(table, row, tenant, on)
        if rule is None or (rule.kind == "duty") is not duty or rule.subject != person.kind:
            continue
        if channel is not None and channel not in rule.channels:
            continue
        if not _open_to_person(rule, person) or (tenant and not _open_to_tenant(rule, tenant, on)):
            continue
        if device is not None and (rule := _with_device(table, rule, device)) is None:
            continue
        found.append(_method(table, rule, on))
    return found


def _open_to_person(rule: Rule, person: Person) -> bool:
    """Tell whether nothing that is known of the person keeps them from the method."""
    young = rule.min_age is not None and person.age is not None and person.age < rule.min_age
    elsewhere = bool(rule.residency) and person.residency is not None and person.residency not in rule.residency
    empty_handed = bool(rule.holds) and person.holds is not None and not person.holds & set(rule.holds)
    signs = "cert.jpki" in rule.all
    unsigned = signs and person.certificates is not None and "signature" not in person.certificates
    return not (young or elsewhere or empty_handed or unsigned)


def _open_to_tenant(rule: Rule, tenant: TenantStanding, on: date) -> bool:
    unverified = bool(rule.verifier_status) and tenant.status_on(on) not in rule.verifier_status
    return not unverified and (rule.tenant_flag is None or getattr(tenant, rule.tenant_flag) is not False)


def _with_device(table: RuleTable, rule: Rule, device: str) -> Rule | None:
    """Return the row with only the ways that a device can bring; None where it can bring none."""
    brings = {None, *table.devices[device]}
    ways = tuple(way for way in rule.ways if all(table.evidence[code].needs in brings for code in way))
    return msgspec.structs.replace(rule, all=(), any_of=ways) if ways else None


def _method(table: RuleTable, rule: Rule, on: date) -> Method:
    shared = [code for code in rule.ways[0] if all(code in way for way in rule.ways)]
    return Method(
        law=rule.law,
        revision=table.revision(rule.law, on),
        with_mail=rule.with_mail,
        evidence=tuple(shared),
        ways=rule.ways,
        keep=keep_of(table, rule),
        uncertain=rule.uncertain,
        **{name: getattr(rule, name) for name in Method.__struct_fields__ if name in _TAKEN},
    )


_TAKEN = frozenset(Rule.__struct_fields__) - {"keep"}
