"""PostgreSQL: who waits for a lock waits with an end, and a process that stands still in a transaction loses it.

SQLite's writers wait before their transaction begins; of them tell test_write_lock.py and test_sitting.py.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection
from tests.platform.conftest import ENGINES
from tests.platform.test_groups import together
from tests.waiting import LONG, until

from honnin.errors import ServiceError
from honnin.platform import Platform, Settings, outbox
from honnin.platform.erasing import hold_people, take_people
from honnin.platform.models import Caller
from honnin.platform.store import Store, engine

pytestmark = pytest.mark.parametrize("database_url", ENGINES[1:], indirect=True)
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
NOW = "2026-11-28T00:00:00Z"
Cards = Callable[[str], Any]


@pytest.fixture
def locked() -> float:
    """Seconds that a try of a write waits for a lock."""
    return 0.5


@pytest.fixture
def settings(settings: Settings, locked: float, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(engine, "LOCKED_SECONDS", locked)
    monkeypatch.setattr(engine, "IDLE_SECONDS", 2.0)
    return settings


@pytest.fixture
def stranger(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection that keeps what it has for as long as it likes."""
    with psycopg.connect(database_url) as connection:
        yield connection


def told(caller: Caller) -> Callable[[Connection], str]:
    """A write that takes its tenant's row."""
    body = {"session": "ses_1", "outcome": "same"}
    return lambda db: outbox.append(db, caller.id, "session.compared", body, NOW)


def transaction(db: Connection) -> str:
    return str(db.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())


def somebody_waits(platform: Platform) -> bool:
    with platform.store.read() as db:
        return bool(db.exec_driver_sql(WAITS).scalar_one())


def test_a_check_behind_a_lock_that_nobody_gives_back_is_given_up(
    platform: Platform,
    caller: Caller,
    card: Cards,
    stranger: "psycopg.Connection[Any]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "LONGEST_SECONDS", 0.5)
    stranger.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [caller.id])
    with platform.sitting():
        alone = platform.verify_soon(caller, card("hanako").request())
    with pytest.raises(ServiceError) as late:
        alone.result(LONG)
    assert (late.value.code, late.value.retryable) == ("store.down", True)
    with pytest.raises(ServiceError, match="down"):
        platform.verify(caller, card("hanako").request())
    stranger.rollback()
    monkeypatch.undo()
    assert platform.verify(caller, card("hanako").request()).id
    assert len(platform.verifications(caller).data) == 1  # what was given up is not written later


def test_a_process_that_stands_still_while_it_writes_keeps_nobody_waiting(
    platform: Platform, caller: Caller, card: Cards, settings: Settings
) -> None:
    """A forgetting waits for it, and every check behind that. What it wrote is written when it goes on."""
    before = platform.verify(caller, card("hanako").request())
    assert before.person is not None
    other, inside, goes_on = Store(settings.data, settings.database_url), Event(), Event()

    def writes(db: Connection) -> str:
        hold_people(db, caller.id)
        event = told(caller)(db)
        inside.set()
        assert goes_on.wait(LONG)
        hold_people(db, caller.id)
        return event

    with ThreadPoolExecutor(2) as pool:
        stopped = pool.submit(other.write, writes, tenant=caller.id)
        assert inside.wait(LONG)
        forgetting = pool.submit(platform.forget_person, caller.id, before.person)
        until(lambda: somebody_waits(platform), "nobody forgot")
        assert platform.verify(caller, card("kyoko").request()).person_status == "linked"
        assert forgetting.result(LONG) >= 1
        goes_on.set()
        event = stopped.result(LONG)
    other.close()
    assert [one.id for one in platform.events(caller).data if one.type == "session.compared"] == [event]


def test_writes_that_wait_for_a_lock_hold_none_meanwhile(
    platform: Platform, caller: Caller, stranger: "psycopg.Connection[Any]"
) -> None:
    """A group in which one waits in vain is undone and made anew; they do not wait in it one after the other."""
    waited: list[str] = []
    tell = told(caller)

    def writes(db: Connection) -> str:
        waited.append(transaction(db))
        if len(waited) == 4:
            stranger.rollback()
        return tell(db)

    stranger.execute("SELECT FROM tenants WHERE tenant_id = %s FOR UPDATE", [caller.id])
    events = together(platform.store, [writes] * 6, caller.id)
    assert {one.id for one in platform.events(caller).data} == set(events)
    assert len(set(waited[:4])) == 4


@pytest.mark.parametrize("locked", [30.0])  # longer than PostgreSQL takes to find a deadlock
def test_a_group_that_is_in_a_deadlock_with_a_forgetting_is_made_anew(platform: Platform, caller: Caller) -> None:
    """It has its tenant's row and waits for the people; a forgetting has these, and waits for the row."""
    met: list[str] = []
    forgets = Event()
    tell = told(caller)

    def checks(db: Connection, numbers: Any) -> Any:
        met.append(transaction(db))
        assert forgets.wait(LONG)
        hold_people(db, caller.id)
        return numbers

    def forget(db: Connection) -> None:
        take_people(db, caller.id)
        forgets.set()
        until(lambda: somebody_waits(platform) or written[-1].done(), "nobody waits")
        tell(db)

    inside, go = Event(), Event()

    def first(_: Connection) -> None:
        inside.set()
        assert go.wait(LONG)

    with ThreadPoolExecutor(3) as pool:
        holding = pool.submit(platform.store.write, first, tenant=caller.id)
        assert inside.wait(LONG)
        event = pool.submit(platform.store.write, tell, tenant=caller.id)
        until(lambda: sum(map(len, platform.store._groups._waiting.values())), "nobody waits")
        written = [Future[int]() for _ in range(3)]
        platform.store.write_soon(checks, list(enumerate(written)), tenant=caller.id)
        forgetting = pool.submit(platform.store.write, forget)
        go.set()
        holding.result(LONG)
        forgetting.result(LONG)
        assert [one.result(LONG) for one in written] == [0, 1, 2]
        assert event.result(LONG)
    assert len(set(met)) == len(met)
