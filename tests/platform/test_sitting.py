"""Sittings: checks made one after the other by one thread, what they share, and how they are recorded together."""

import fcntl
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update
from tests.platform.conftest import Jlis
from tests.waiting import LONG

from honnin.connect.jlis import NotAtHandError
from honnin.errors import KeyRefusedError, ServiceError, StateError
from honnin.platform import Platform
from honnin.platform.models import Caller
from honnin.platform.store import engine, schema

Cards = Callable[[str], Any]


@pytest.fixture
def at_hand(jlis: Jlis, monkeypatch: pytest.MonkeyPatch) -> Jlis:
    """J-LIS's answers without waiting, as a kept list gives them."""

    def revocation_or_link(*what: Any, at: datetime) -> Any:
        return jlis.fetch(*what, at=at) if isinstance(what[1], bytes) else jlis.link(*what, at=at)

    monkeypatch.setattr(Jlis, "at_hand", staticmethod(revocation_or_link), raising=False)
    return jlis


def test_checks_of_a_sitting_are_recorded_in_one_transaction(
    platform: Platform, caller: Caller, card: Cards, at_hand: Jlis
) -> None:
    hanako, kyoko = card("hanako"), card("kyoko")
    before = platform.verify(caller, kyoko.request())
    requests = [hanako.request(), kyoko.request(), hanako.request(b"another"), hanako.request(signature=b"\0" * 256)]
    commits: list[int] = []
    event.listen(platform.store.engine, "commit", lambda _: commits.append(1))
    with platform.sitting():
        told = [platform.verify_soon(caller, request, waits=False) for request in requests]
        assert not any(one.done() for one in told)
    answers = [one.result(20) for one in told]
    assert len(commits) == 1
    assert [one.verdict.indication for one in answers] == ["TOTAL-PASSED"] * 3 + ["TOTAL-FAILED"]
    assert answers[1].person == before.person
    assert answers[0].person == answers[2].person is not None  # who was new to both of them is one person
    assert answers[3].person is None
    kept = {one.id for one in platform.verifications(caller).data}
    assert kept == {before.id, *(one.id for one in answers)}
    assert platform.sequence() == 5


def test_one_idempotency_key_twice_in_a_sitting_is_one_check(
    platform: Platform, caller: Caller, card: Cards, at_hand: Jlis
) -> None:
    request, other = card("hanako").request(), card("kyoko").request()
    with platform.sitting():
        told = [platform.verify_soon(caller, one, "key-1", waits=False) for one in (request, request, other)]
    assert told[0].result(20) == told[1].result(20)
    assert isinstance(told[2].exception(20), StateError)
    assert len(platform.verifications(caller).data) == 1


def test_who_would_wait_is_told_so_and_nothing_is_recorded(
    platform: Platform, caller: Caller, card: Cards, jlis: Jlis
) -> None:
    with platform.sitting(), pytest.raises(NotAtHandError):
        platform.verify_soon(caller, card("hanako").request(), waits=False)
    assert platform.verifications(caller).data == ()
    assert jlis.asked == 0


def test_a_key_that_was_withdrawn_opens_no_later_sitting(platform: Platform) -> None:
    """What a sitting reads once, the next one reads anew, whoever changed it."""
    made = platform.create_tenant("取消商店")
    with platform.sitting():
        assert platform.authenticate(made.api_key).id == platform.authenticate(made.api_key).id == made.tenant
    withdrawn = update(schema.api_keys).where(schema.api_keys.c.tenant_id == made.tenant).values(withdrawn_at="now")
    with platform.store.engine.begin() as db:  # past the platform, as another process would
        db.execute(withdrawn)
    with platform.sitting(), pytest.raises(KeyRefusedError):
        platform.authenticate(made.api_key)


@pytest.mark.parametrize("database_url", [None])
def test_a_check_behind_a_stopped_process_is_given_up(
    platform: Platform, caller: Caller, card: Cards, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread waits for its answer; the sequencer, which finds nothing to write itself, looks after it."""
    monkeypatch.setattr(engine, "LONGEST_SECONDS", 0.2)
    stop = threading.Event()
    sequencer = threading.Thread(target=platform.run_sequencer, args=(stop,))
    with (data / "honnin.sqlite3.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sequencer.start()
        try:
            with platform.sitting():
                told = platform.verify_soon(caller, card("hanako").request())
            with pytest.raises(ServiceError) as late:
                told.result(LONG)
        finally:
            stop.set()
            sequencer.join(LONG)
    assert (late.value.code, late.value.retryable) == ("store.down", True)
    monkeypatch.undo()
    assert platform.verify(caller, card("hanako").request()).id
    assert len(platform.verifications(caller).data) == 1  # what was given up is not written later
