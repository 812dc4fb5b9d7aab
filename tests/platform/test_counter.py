"""What remains of a check at the counter: record, evidence, and personal data only where a law asks for them."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.searching import tells

from honnin.errors import GoneError, NotFoundError
from honnin.platform import Platform
from honnin.platform.counter import CounterReading, judge
from honnin.platform.models import Caller

AT = datetime(2026, 11, 26, 3, tzinfo=UTC)
SECRET = "見本花子の住所".encode()


def reading(**changes: Any) -> CounterReading:
    given: dict[str, Any] = {
        "document": "passport",
        "purpose": "account_opening",
        "staff": "見本係員",
        "place": "見本支店",
        "terminal": "窓口1",
        "kept": "8124",
        "authentic": "verified",
        "current": "current",
        "same_person": True,
        "checks": ({"id": "passive_authentication", "result": "passed", "reason": "It holds."},),
        "law": None,
        "full": SECRET,
    }
    return CounterReading(**{**given, **changes})


FAILED = ({"id": "passive_authentication", "result": "failed", "reason": "Data group 1 was altered."},)


@pytest.mark.parametrize(
    ("changes", "indication", "sub"),
    [
        ({}, "PASSED", None),
        ({"current": "not_told"}, "PASSED", None),
        ({"current": "expired"}, "FAILED", "EXPIRED"),
        ({"same_person": False}, "FAILED", None),
        ({"authentic": "failed", "checks": FAILED}, "FAILED", "SIG_CRYPTO_FAILURE"),
        ({"authentic": "failed", "checks": FAILED, "same_person": False}, "FAILED", "SIG_CRYPTO_FAILURE"),
        ({"authentic": "not_verifiable"}, "INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND"),
        ({"authentic": "not_verifiable", "current": "expired"}, "INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND"),
    ],
)
def test_verdict(changes: dict[str, Any], indication: str, sub: str | None) -> None:
    verdict = judge(reading(**changes), AT)
    assert (verdict.indication, verdict.sub_indication) == (indication, sub)
    assert verdict.checks[-1]["id"] == "same_person"


def test_record_without_a_law_keeps_no_personal_data(platform: Platform, caller: Caller) -> None:
    made = platform.counter.record(caller.tenant, reading(), at=AT)
    assert platform.counter.check(caller.id, made.id) == made
    assert platform.counter.page(caller.id) == ((made,), False)
    assert not made.full
    with pytest.raises(GoneError):
        platform.counter.full(caller.id, made.id)
    platform.sequence()
    receipt = platform.receipt(caller, made.id)
    assert "in_person" in receipt.record
    for word in ("見本", "8124", "窓口"):
        assert not tells(receipt.record, word)


PERSON = {"name": "見本　花子", "address": "見本県見本市1-1", "birth_date": "1990-04-12", "number": "123456789012"}


def test_law_makes_its_record_of_a_check_that_passed(platform: Platform, caller: Caller) -> None:
    read = reading(law="aml", document="drivers_licence", document_words="運転免許証", person=PERSON)
    made = platform.counter.record(caller.tenant, read, at=AT)
    assert (made.full, made.method) == (True, "aml.in_person_photo")
    assert made.record is not None
    assert platform.counter.check(caller.id, made.id) == made
    assert platform.counter.full(caller.id, made.id) == SECRET
    record = platform.records.read(caller, made.record)
    assert (record.law, record.verification, record.status, record.custody) == ("aml", made.id, "incomplete", record.id)
    assert set(record.missing) == {"declared_on", "transaction_kind", "purpose", "occupation", "transaction_key"}
    _, (entry,) = platform.records.export(caller, record.id, by="監査人")
    items = {filled.id: filled.value for filled in entry.items}
    assert items["customer"] == "氏名 見本　花子／住居 見本県見本市1-1／生年月日 1990-04-12"
    assert items["checked_by"] == items["made_by"] == "見本係員"
    assert "運転免許証 番号 123456789012" in items["document"]
    assert "aml.in_person_photo（イ）" in items["method"]
    with platform.store.read() as db:
        rows = db.exec_driver_sql("SELECT body FROM counter_checks").scalars().all()
        sealed = db.exec_driver_sql("SELECT content FROM sealed").scalars().all()
    for word in (SECRET.decode(), PERSON["name"], PERSON["number"]):
        assert word not in "".join(rows)
        assert all(word.encode() not in bytes(content) for content in sealed)
        assert word not in repr(read)


def test_what_was_read_ends_with_its_record(platform: Platform, caller: Caller) -> None:
    made = platform.counter.record(caller.tenant, reading(law="aml", document="drivers_licence", person=PERSON), at=AT)
    assert made.record is not None
    platform.records.end_relation(caller, made.record, date(2019, 1, 1))
    assert platform.records.end_due(date(2026, 11, 26), "2026-11-26T03:00:00Z", livemode=caller.livemode) == 1
    assert platform.records.read(caller, made.record).status == "ended"
    with pytest.raises(GoneError):
        platform.counter.full(caller.id, made.id)
    assert platform.counter.check(caller.id, made.id) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"document": "passport"},  # without an address it is not enough under this law
        {"document": "drivers_licence", "same_person": False},
        {"document": "drivers_licence", "authentic": "not_verifiable"},
        {"document": "drivers_licence", "current": "expired"},
    ],
)
def test_check_that_its_law_does_not_take_keeps_nothing(
    platform: Platform, caller: Caller, changes: dict[str, Any]
) -> None:
    made = platform.counter.record(caller.tenant, reading(law="aml", person=PERSON, **changes), at=AT)
    assert (made.full, made.record) == (False, None)
    assert (made.method, made.article) == (None, None)
    with platform.store.read() as db:
        (told,) = db.exec_driver_sql("SELECT body FROM events WHERE type = 'counter_check.completed'").scalars().all()
    assert json.loads(told)["method"] is None
    assert platform.records.list(caller) == ((), False)
    with pytest.raises(GoneError):
        platform.counter.full(caller.id, made.id)


def test_picture_of_name_and_address_leaves_the_customer_to_be_stated(platform: Platform, caller: Caller) -> None:
    read = reading(law="mobile_phone", document="my_number_card", person={"birth_date": "1990-04-12"})
    made = platform.counter.record(caller.tenant, read, at=AT)
    assert made.record is not None
    assert "customer" in platform.records.read(caller, made.record).missing


def test_another_tenant_sees_nothing(platform: Platform, caller: Caller) -> None:
    made = platform.counter.record(caller.tenant, reading(), at=AT)
    with pytest.raises(NotFoundError):
        platform.counter.check("ten_other", made.id)
    assert platform.counter.page("ten_other") == ((), False)


@pytest.mark.parametrize(("second", "method"), [(59, "aml.in_person_photo"), (60, "aml.in_person_ic")])
def test_law_changes_at_midnight_in_japan(platform: Platform, caller: Caller, second: int, method: str) -> None:
    """The method and its paragraph are those of the day in Japan on which the clerk confirmed."""
    at = datetime(2027, 3, 31, 14, 59, tzinfo=UTC) + timedelta(seconds=second)
    made = platform.counter.record(caller.tenant, reading(law="aml", document="drivers_licence", person=PERSON), at=at)
    assert (made.method, made.article) == (method, "規則6条1項1号イ")
    assert made.record is not None
    _, (entry,) = platform.records.export(caller, made.record, by="監査人")
    told = next(filled.value for filled in entry.items if filled.id == "method")
    assert told.endswith("2027-04-01 00:00:00（日本時間）" if second == 60 else "2027-03-31 23:59:59（日本時間）")
