"""What fails time and again: left alone for a while, said once for a cause, and in nobody's way."""

import logging

import pytest

from honnin.errors import NotFoundError, ServiceError
from honnin.platform.failing import Failing

DOWN = ServiceError("store.down", "The database does not answer.")


def test_it_is_left_alone_for_a_while_and_said_once_for_a_cause(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    failing = Failing(logging.getLogger("honnin.test"), "records", pause=60.0, clock=lambda: now)

    def fail(error: Exception) -> None:
        with failing.guard("rec_1", tenant="ten_1"):
            raise error

    fail(ValueError("a name"))
    now += 59
    assert failing.paused() == ["rec_1"]
    now += 1
    assert failing.paused() == []
    fail(ValueError("another name"))
    fail(NotFoundError("verification.unknown", "No."))
    with failing.guard("rec_2"):
        pass
    assert failing.paused() == ["rec_1"]
    with failing.guard("rec_1"):
        pass
    assert failing.paused() == []
    fail(NotFoundError("verification.unknown", "No."))
    assert [record.getMessage() for record in caplog.records] == [
        "records: rec_1 of ten_1: ValueError",
        "records: rec_1 of ten_1: verification.unknown",
        "records: rec_1 of ten_1: verification.unknown",
    ]


def test_what_concerns_all_is_raised_and_the_next_has_its_turn_first(caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing(logging.getLogger("honnin.test"), "records", passes=ServiceError)
    with pytest.raises(ServiceError), failing.guard("rec_1"):
        raise DOWN
    assert failing.paused() == ["rec_1"]
    assert caplog.text == ""
