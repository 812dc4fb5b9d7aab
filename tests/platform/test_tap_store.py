"""Taps on both engines: many at once with one message, registrations at once, the last moment, the end of days."""

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.waiting import LONG, joined, until

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.chip.my_number_card import BirthDateKey
from honnin.chip.my_number_card.tap import TapCard
from honnin.errors import HonninError
from honnin.platform import Platform, Settings
from honnin.platform.models import Caller
from honnin.platform.store import schema
from honnin.platform.tap import (
    CardProof,
    RegistrationRequest,
    Tap,
    TapCertificate,
    TapRegistration,
    TapRequest,
    TerminalRequest,
)
from honnin.platform.tap.ageing import GROUP
from honnin.sandbox.world import World

BORN = BirthDateKey("020412")
PLACE = TerminalRequest(name="入口", place="見本図書館", supervised=True, outdoors=False)


class Desk:
    """A tenant's terminal and 花子's card on it."""

    def __init__(self, platform: Platform, caller: Caller, world: World) -> None:
        self.platform, self.caller, self.world, self.taps = platform, caller, world, platform.taps
        self.terminal = self.taps.add_terminal(caller, PLACE).id

    def begin(self, *, registration: bool = False, purpose: str = "library") -> Tap:
        request = TapRequest(terminal=self.terminal, purpose=purpose, registration=registration)
        return self.taps.begin(self.caller, request)

    def proof(self, message: bytes | None) -> CardProof:
        with open_reader("emulated:hanako", data=self.world.data) as reader, MyNumberCard(reader) as card:
            made = TapCard(card).internal_authentication(BORN, message or b"")
        return CardProof(age_record=made.age_record, certificate=made.certificate, signature=made.signature)

    def certificate(self) -> TapCertificate:
        with open_reader("emulated:hanako", data=self.world.data) as reader, MyNumberCard(reader) as card:
            return TapCertificate(certificate=TapCard(card).certificate())

    def registration(self, message: bytes | None) -> RegistrationRequest:
        with open_reader("emulated:hanako", data=self.world.data) as reader, MyNumberCard(reader) as card:
            card.jpki.unlock(Pin("signature", "HANAKO2468"))
            certificate = card.jpki.certificate("signature") or b""
            signature = card.jpki.sign_message("signature", message or b"").value
        return RegistrationRequest(
            signature=signature, certificate=certificate, card=self.proof(message), birth_date_key=BORN.digits
        )

    def register(self) -> TapRegistration:
        begun = self.begin(registration=True)
        return self.taps.register(self.caller, begun.id, self.registration(begun.message))

    def recognised(self, purpose: str = "library") -> Tap:
        begun = self.begin(purpose=purpose)
        return self.taps.recognise(self.caller, begun.id, self.certificate())

    def tap(self, purpose: str = "library") -> Tap:
        seen = self.recognised(purpose)
        return self.taps.finish(self.caller, seen.id, self.proof(seen.message))


@pytest.fixture
def settings(settings: Settings, world: World) -> Settings:
    assert settings.test is not None
    keys = tuple(world.document_trust()["my_number_card"])
    return dataclasses.replace(settings, test=dataclasses.replace(settings.test, card_keys=lambda: keys))


@pytest.fixture
def desk(platform: Platform, caller: Caller, world: World) -> Desk:
    made = Desk(platform, caller, world)
    assert made.register().outcome == "accepted"
    return made


def at_once(works: list[Callable[[], Any]]) -> list[str]:
    """Run all at once; return what became of each: an outcome or an error's code."""
    ends: list[str] = []
    ready = threading.Barrier(len(works), timeout=LONG)

    def run(work: Callable[[], Any]) -> None:
        ready.wait()
        try:
            ends.append(str(work().outcome))
        except HonninError as error:
            ends.append(error.code)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    joined(*threads)
    return sorted(ends)


def test_one_message_serves_once_however_many_answer_at_once(desk: Desk) -> None:
    begun, certificate = desk.begin(), desk.certificate()
    seen = at_once([lambda: desk.taps.recognise(desk.caller, begun.id, certificate)] * 6)
    assert seen == ["None", *["tap.used"] * 5]
    proof = desk.proof(begun.message)
    ends = at_once([lambda: desk.taps.finish(desk.caller, begun.id, proof)] * 6)
    assert ends == ["accepted", *["tap.used"] * 5]
    told = [event.data["tap"] for event in desk.platform.events(desk.caller).data if event.type == "tap.accepted"]
    assert told == [begun.id]


def test_registrations_at_once_leave_one_and_one_message_registers_once(desk: Desk) -> None:
    begun = [desk.begin(registration=True) for _ in range(3)]
    given = [desk.registration(one.message) for one in begun]
    works = [lambda n=n: desk.taps.register(desk.caller, begun[n].id, given[n]) for n in (0, 1, 2, 2)]  # type: ignore[misc]
    assert at_once(works) == ["accepted"] * 3 + ["tap.used"]
    with desk.platform.store.read() as db:
        assert db.execute(select(func.count()).select_from(schema.tap_registrations)).scalar_one() == 1
    assert desk.tap().outcome == "accepted"


def test_tap_ends_with_its_minute(desk: Desk) -> None:
    begun = desk.begin()
    desk.world.advance(timedelta(seconds=59, milliseconds=999))
    desk.taps.recognise(desk.caller, begun.id, desk.certificate())
    desk.world.advance(timedelta(milliseconds=1))
    with pytest.raises(HonninError, match=r"tap\.used"):
        desk.taps.finish(desk.caller, begun.id, desk.proof(begun.message))
    assert desk.taps.read(desk.caller, begun.id).status == "expired"
    assert desk.platform.sweep() >= 1
    with pytest.raises(HonninError, match=r"tap\.unknown"):
        desk.taps.read(desk.caller, begun.id)


def test_registration_that_ends_while_its_customer_taps(desk: Desk) -> None:
    seen = desk.recognised()
    (row,) = [one for one in desk.platform.events(desk.caller).data if one.type == "tap.registered"]
    desk.taps.end_registration(desk.caller, row.data["person"])
    ended = desk.taps.finish(desk.caller, seen.id, desk.proof(seen.message))
    assert (ended.outcome, ended.reason, ended.person) == ("refused", "not_registered", None)


def test_person_forgotten_while_they_tap(desk: Desk) -> None:
    seen = desk.recognised()
    (row,) = [one for one in desk.platform.events(desk.caller).data if one.type == "tap.registered"]
    desk.platform.forget_person(desk.caller.id, row.data["person"])
    ended = desk.taps.finish(desk.caller, seen.id, desk.proof(seen.message))
    assert (ended.outcome, ended.person) == ("refused", None)


def test_forgetting_waits_for_a_tap_that_is_being_written(
    desk: Desk, database_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that forgets is another process than the servers."""
    if database_url is None:
        return  # SQLite has one writer
    seen = desk.recognised()
    (row,) = [one for one in desk.platform.events(desk.caller).data if one.type == "tap.registered"]
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    taps: Any = type(desk.taps)
    end, forgotten = taps._end, list[Future[int]]()

    def meets() -> bool:
        with desk.platform.store.read() as db:
            return forgotten[0].done() or db.exec_driver_sql(waits).scalar_one() > 0

    def end_while_somebody_forgets(*given: Any) -> None:
        forgotten[:] = [pool.submit(desk.platform.forget_person, desk.caller.id, row.data["person"])]
        until(meets, "nobody forgot")
        end(*given)

    monkeypatch.setattr(taps, "_end", end_while_somebody_forgets)
    with ThreadPoolExecutor(1) as pool:
        assert desk.taps.finish(desk.caller, seen.id, desk.proof(seen.message)).outcome == "accepted"
        forgotten[0].result(LONG)
    with desk.platform.store.read() as db:
        assert db.execute(select(func.count()).where(schema.taps.c.person_id.is_not(None))).scalar_one() == 0


def test_days_are_over_for_each_purpose_apart_and_in_groups(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert GROUP > 1
    monkeypatch.setattr("honnin.platform.tap.ageing.GROUP", 2)
    desk.platform.change_tenant(desk.caller.id, tap_days={"*": 1, "door": 0, "event": 7})
    other = desk.platform.authenticate(desk.platform.create_tenant("別の店").api_key)
    elsewhere = Desk(desk.platform, other, desk.world)
    elsewhere.register()
    kept = elsewhere.tap()
    taps = {purpose: [desk.tap(purpose).id for _ in range(2)] for purpose in ("library", "door", "event")}

    mine = {tap_id for ids in taps.values() for tap_id in ids}

    def left() -> list[str]:
        page = desk.taps.ended(desk.caller, limit=50)
        return sorted({tap.purpose for tap in page.data if tap.id in mine})

    found = [left()]
    for _ in range(3):
        desk.world.advance(timedelta(days=1))
        desk.platform.end_old_taps(livemode=False)
        found.append(left())
    assert found == [["door", "event", "library"], ["event", "library"], ["event"], ["event"]]
    assert elsewhere.taps.read(other, kept.id).outcome == "accepted"  # another tenant's days are its own
    desk.world.advance(timedelta(days=5))
    desk.platform.end_old_taps(livemode=False)
    assert left() == []


@pytest.mark.parametrize("database_url", [None])
def test_a_tenant_whose_taps_cannot_be_removed_keeps_no_other(desk: Desk) -> None:
    other = desk.platform.authenticate(desk.platform.create_tenant("別の店").api_key)
    elsewhere = Desk(desk.platform, other, desk.world)
    elsewhere.register()
    stays, goes = desk.tap().id, elsewhere.tap().id
    when = f"WHEN old.tenant_id = '{desk.caller.id}' BEGIN SELECT RAISE(FAIL, 'damaged'); END"
    desk.platform.store.write(lambda db: db.exec_driver_sql(f"CREATE TRIGGER damaged BEFORE DELETE ON taps {when}"))
    desk.world.advance(timedelta(days=365))
    with pytest.raises(HonninError, match=r"store\.down"):
        desk.platform.end_old_taps(livemode=False)
    assert desk.taps.read(desk.caller, stays).id == stays
    with pytest.raises(HonninError, match=r"tap\.unknown"):
        elsewhere.taps.read(other, goes)
