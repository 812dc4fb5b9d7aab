"""What remains of a check at the counter: record, evidence, and personal data only where a law asks for them."""

from datetime import UTC, datetime
from typing import Any

import pytest

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
    assert platform.counter.checks(caller.id) == [made]
    assert not made.full
    with pytest.raises(GoneError):
        platform.counter.full(caller.id, made.id)
    platform.sequence()
    receipt = platform.receipt(caller, made.id)
    assert "in_person" in receipt.record
    for word in ("見本", "8124", "窓口"):
        assert word not in receipt.record


def test_law_seals_what_was_read_in_a_store_of_its_own(platform: Platform, caller: Caller) -> None:
    made = platform.counter.record(caller.tenant, reading(law="aml"), at=AT)
    assert made.full
    assert platform.counter.full(caller.id, made.id) == SECRET
    with platform.store.read() as db:
        rows = db.exec_driver_sql("SELECT body FROM counter_checks").scalars().all()
        sealed = db.exec_driver_sql("SELECT content FROM sealed").scalars().all()
    assert SECRET.decode() not in "".join(rows)
    assert all(SECRET not in bytes(content) for content in sealed)
    assert SECRET.decode() not in repr(reading())


def test_another_tenant_sees_nothing(platform: Platform, caller: Caller) -> None:
    made = platform.counter.record(caller.tenant, reading(), at=AT)
    with pytest.raises(NotFoundError):
        platform.counter.check("ten_other", made.id)
    assert platform.counter.checks("ten_other") == []
