"""Making a record's first entry from a check: what the check fills, what the business states, what is missing.

Pure; the store is `keeping`. No value may hold an individual number, and no record holds a certificate: what proves the
check lies sealed beside it, named by the check's evidence id (law-and-assurance §0 points 4 and 5, §1.7, §4.5).
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from honnin.errors import InputError, StateError
from honnin.identity import FourItems, age_on, check_individual_number
from honnin.law import retention
from honnin.law.rows import Words
from honnin.platform.clock import JAPAN
from honnin.platform.hidden import hides
from honnin.platform.models import Verification
from honnin.platform.records.items import Item, RecordLaw

__all__ = ["Entry", "Filled", "Record", "RecordRequest", "Statements", "first_entry", "statements"]

Who = Annotated[str, Meta(min_length=1, max_length=100)]
Statements = dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(min_length=1, max_length=1000)]]
DIGITS = re.compile(r"(?<![0-9A-Za-z-])\d(?:[ -]?\d){11}(?!\d)")
CERTIFICATE = re.compile(r"-----BEGIN |MII[A-Za-z0-9+/]{60}")
CONSENT = "jpki.latest_four_items_consent"
CHANNELS = {"remote": "非対面", "in_person": "対面"}


class RecordRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /v1/records`: the record of one check.

    law: absent for the law of the check. made_by, checked_by: who, in the business's words.
    statements: values by item id (`purpose`, `occupation`, `transaction_key` …), as `GET /v1/record-laws` names them.
    """

    verification: Annotated[str, Meta(min_length=1, max_length=64)]
    law: Annotated[str, Meta(max_length=40)] | None = None
    made_by: Who
    checked_by: Who
    statements: Statements = {}

    def __repr__(self) -> str:
        return f"RecordRequest({self.verification})"


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """One item with its value."""

    number: str | None
    id: str
    name: str
    value: str

    def __repr__(self) -> str:
        return f"Filled({self.id})"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One version: the first holds the record, later ones add what was learnt since; nothing is ever erased.

    before: SHA-256 (hex) of the entry before it as it was stored; None for the first.
    """

    number: int
    at: datetime
    by: str
    reason: str | None
    items: tuple[Filled, ...]
    before: str | None = None

    def __repr__(self) -> str:
        return f"Entry({self.number})"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record as everybody of the business may see it: no value of an item, no personal data.

    status: `incomplete` while a required item has no value. keep_until: last day; null until the relation ends.
    evidence: what is kept beside it under which policy. custody: the id under which that lies sealed, the record's own.
    """

    id: str
    object: Literal["record"] = "record"
    livemode: bool
    verification: str
    law: str
    title: Words
    article: str
    created_at: datetime
    entries: int
    status: Literal["complete", "incomplete", "ended"]
    missing: tuple[str, ...]
    retention: str
    relation_ended: date | None
    keep_until: date | None
    evidence: Literal["signed_data_and_certificate", "result_alone", "no_certificate"]
    custody: str | None
    numbering: Words | None


def statements(law: RecordLaw, given: Mapping[str, str]) -> None:
    """Refuse what a record must not say.

    Raises InputError `record.item` for an item that the law's record does not have or that the check fills,
    `record.hidden_characters`, `record.individual_number`, `record.certificate`.
    """
    known = {item.id: item for item in law.items}
    for name, value in given.items():
        if name not in known or name in {"made_by", "checked_by"} or (known[name].from_check and name != "document"):
            raise InputError("record.item", "The record has no such item to state.", next="See docs/records.md.")
        if hides(value) or not value.strip():
            raise InputError("record.hidden_characters", "A value holds characters that a screen does not show.")
        plain = unicodedata.normalize("NFKC", value)
        if any(check_individual_number(re.sub(r"[ -]", "", found)) for found in DIGITS.findall(plain)):
            raise InputError(
                "record.individual_number",
                "A value looks like an individual number.",
                next="Put a letter first if it is none.",
            )
        if CERTIFICATE.search(plain):
            raise InputError("record.certificate", "A value looks like a certificate.", next="Name it, do not copy it.")


def first_entry(
    law: RecordLaw, request: RecordRequest, check: Verification, items: FourItems | None, *, at: datetime
) -> Entry:
    """Return the first entry of a check's record.

    items: what custody proves of the person; None where the law's record holds no personal data.
    Raises StateError `record.not_passed` for a check that does not prove the identity, and what `statements` raises.
    """
    if check.verdict.indication != "TOTAL-PASSED":
        raise StateError("record.not_passed", "The check did not pass: there is nothing to record as checked.")
    statements(law, request.statements)
    values: dict[str, str] = {"made_by": request.made_by, "checked_by": request.checked_by}
    values |= _from_check(check, items)
    values |= request.statements
    filled = tuple(_filled(item, values[item.id]) for item in law.items if item.id in values)
    return Entry(number=1, at=at, by=request.made_by, reason=None, items=filled)


def _from_check(check: Verification, items: FourItems | None) -> dict[str, str]:
    on = check.created_at.astimezone(JAPAN)
    when = on.strftime("%Y-%m-%d %H:%M:%S（日本時間）")
    method = check.law.method if check.law else "jpki.signature_validation"
    label = f"（{check.law.label}）" if check.law and check.law.label else ""
    values: dict[str, Any] = {
        "checked_on": when,
        "consented_at": when,
        "valid_from": (on.date() + timedelta(days=1)).isoformat(),
        "valid_to": str(retention(CONSENT, {"consent_day": on.date()}).until),
        "method": f"{method}{label} {CHANNELS[check.channel]} {when}",
        "document": f"署名用電子証明書（公的個人認証）証跡 {check.evidence}",
        "identity_source": f"署名用電子証明書と電子署名（証跡 {check.evidence}）",
        "result": f"{check.verdict.indication} {check.id}",
    }
    if items is not None:
        born = items.birth_date.iso() if items.birth_date else "不明"
        values["customer"] = f"氏名 {items.name or '不明'}／住居 {items.address or '不明'}／生年月日 {born}"
        if items.birth_date is not None and items.birth_date.whole is not None:
            values["age"] = f"{age_on(items.birth_date, on)}歳"
    return values


def _filled(item: Item, value: str) -> Filled:
    return Filled(number=item.number, id=item.id, name=item.ja, value=value)
