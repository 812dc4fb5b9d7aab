"""How fresh an identity document must be: expiry on the day, or six months, month ends clamped (§1.6, §10.2)."""

from datetime import UTC, date, datetime

import pytest

from honnin.errors import InputError
from honnin.law import documents, freshness
from honnin.law.documents import six_months_before

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("issued", "received", "verdict"),
    [
        (date(2026, 5, 21), TODAY, "fresh"),
        (date(2026, 5, 20), TODAY, "too_old"),
        (date(2026, 8, 30), date(2027, 2, 28), "fresh"),
        (date(2026, 8, 28), date(2027, 2, 28), "fresh"),
        (date(2026, 8, 27), date(2027, 2, 28), "too_old"),
        (date(2026, 2, 28), date(2026, 8, 31), "fresh"),
        (date(2026, 11, 22), TODAY, "not_issued_yet"),
        (None, TODAY, "unknown"),
    ],
)
def test_six_months(issued: date | None, received: date, verdict: str) -> None:
    assert freshness("register_copy", received_on=received, issued_on=issued) == verdict


def test_expiry_counts_to_its_last_minute_in_japan() -> None:
    for moment, verdict in (
        (datetime(2026, 11, 21, 14, 59, tzinfo=UTC), "fresh"),
        (datetime(2026, 11, 21, 15, 0, tzinfo=UTC), "expired"),
    ):
        assert freshness("my_number_card", received_on=moment, expires_on=TODAY) == verdict
    assert freshness("my_number_card", received_on=TODAY) == "unknown"
    assert freshness("record_of_driving", received_on=TODAY) == "fresh"


def test_document_valid_or_recent() -> None:
    def judged(**days: date) -> str:
        return freshness("government_document", received_on=TODAY, **days)

    assert judged(expires_on=TODAY) == "fresh"
    assert judged(expires_on=date(2026, 11, 20), issued_on=TODAY) == "expired"
    assert judged(issued_on=date(2026, 5, 21)) == "fresh"
    assert judged() == "unknown"


def test_kinds_come_and_go() -> None:
    assert freshness("health_insurance_card", received_on=TODAY, expires_on=TODAY) == "out_of_use"
    assert freshness("eligibility_certificate", received_on=date(2024, 12, 1), expires_on=TODAY) == "out_of_use"
    assert freshness("eligibility_certificate", received_on=date(2024, 12, 2), expires_on=TODAY) == "fresh"
    assert not documents()["record_of_driving"].chip


def test_limit_is_clamped_to_the_month() -> None:
    assert six_months_before(date(2027, 8, 31)) == date(2027, 2, 28)
    assert six_months_before(date(2028, 8, 29)) == date(2028, 2, 29)
    assert six_months_before(date(2027, 1, 15)) == date(2026, 7, 15)


def test_unknown_document_is_coded() -> None:
    with pytest.raises(InputError) as refused:
        freshness("library_card", received_on=TODAY)
    assert refused.value.code == "law.document"
