"""Tap use over HTTP: registered with a PIN once, then without one; and everything that must stay outside."""

import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Connection, insert, select
from tests.waiting import LONG, joined

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.chip.my_number_card import BirthDateKey
from honnin.chip.my_number_card.tap import TapCard
from honnin.errors import HonninError, PinError
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.platform import Settings, linking
from honnin.platform.evidence.receipt import verify_receipt
from honnin.platform.keys import LogPublicKey
from honnin.platform.models import Event
from honnin.platform.store import schema
from honnin.platform.tap import CardProof
from honnin.sandbox.jlis.switches import SERVICES, set_switch
from honnin.sandbox.life import happen
from honnin.sandbox.world import World
from honnin.web.serving import Running, serve_in_thread
from honnin.web.tap.service import Registration, Service, Tap
from honnin.web.tap.terminal import register, tap

JST = timedelta(hours=9)


class Door:
    """A supervised door with its terminal, and the customers who tap there."""

    def __init__(self, running: Running, service: Service) -> None:
        assert isinstance(running.world, World)
        self.running, self.service, self.world = running, service, running.world
        self.data = running.platform.settings.data
        self.pins = {row["id"]: row["pins"] for row in self.world.people()}
        made = service.add_terminal("入口", "見本図書館", supervised=True, outdoors=False, online=False)
        self.terminal = made.id

    def born(self, person: str) -> date:
        """Some of the invented people's birthdays count from the day on which their world was born."""
        return next(date.fromisoformat(row["birth_date"]) for row in self.world.people() if row["id"] == person)

    def register(self, person: str, *, kind: str = "signature", born: date | None = None) -> Registration:
        with open_reader(f"emulated:{person}", data=self.data) as reader:
            pin = Pin(kind, self.pins[person][kind])
            return register(self.service, self.terminal, "library", reader, pin, birth_date=born)

    def tap(self, target: str = "hanako", *, purpose: str = "library") -> Tap:
        with open_reader(f"emulated:{target}", data=self.data) as reader:
            return tap(self.service, self.terminal, purpose, reader)

    def events(self) -> list[Event]:
        platform = self.running.platform
        caller = platform.authenticate(self.running.api_key)
        found: list[Event] = []
        while (page := platform.events(caller, after=found[-1].id if found else None)).data:
            found += page.data
        return found

    def log_key(self) -> LogPublicKey:
        return LogPublicKey.read((self.data / "keys" / "log.pub.pem").read_bytes())

    def certificate(self, person: str) -> bytes:
        with open_reader(f"emulated:{person}", data=self.data) as reader, MyNumberCard(reader) as card:
            return TapCard(card).certificate()

    def proof(self, target: str, born: date, message: bytes) -> dict[str, bytes]:
        with open_reader(f"emulated:{target}", data=self.data) as reader, MyNumberCard(reader) as card:
            made = TapCard(card).internal_authentication(BirthDateKey.of(born), message)
        return {"age_record": made.age_record, "certificate": made.certificate, "signature": made.signature}

    def body(self, tap_id: str) -> dict[str, Any]:
        caller = self.running.platform.authenticate(self.running.api_key)
        return {
            check["id"]: check["result"] for check in self.running.platform.taps.read(caller, tap_id).verdict.checks
        }  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data: Path = tmp_path_factory.mktemp("tap") / "data"
    data.mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as served:
        yield served


@pytest.fixture(scope="module")
def door(running: Running) -> Iterator[Door]:
    with Service(running.base, running.api_key) as service:
        yield Door(running, service)


@pytest.fixture(scope="module")
def hanako(door: Door) -> str:
    made = door.register("hanako")
    assert (made.outcome, made.reason) == ("accepted", "accepted"), made
    assert made.person
    return made.person


def code(work: Callable[[], Any]) -> str:
    with pytest.raises(HonninError) as caught:
        work()
    return caught.value.code


def test_customer_taps_without_a_pin_and_is_found_by_the_counterpart(door: Door, hanako: str) -> None:
    made = door.tap()
    assert (made.status, made.outcome, made.person, made.assurance_level) == ("ended", "accepted", hanako, 1)
    checks = door.body(made.id)
    named = ("terminal", "nonce", "person", "card_issuer", "age_record", "internal_authentication", "same_card")
    assert {checks[name] for name in named} == {"passed"}


def test_registration_with_the_other_pin_and_a_birth_date_of_the_card(door: Door) -> None:
    made = door.register("misaki", kind="user_authentication", born=date(1991, 2, 14))
    assert made.outcome == "accepted"
    assert door.tap("misaki").person == made.person


def test_registration_sent_twice_under_one_key_is_one(door: Door) -> None:
    """The answer was lost: the message has served, and the key brings back what was said."""
    told: list[httpx.Response] = []

    class Repeating(Service):
        def register(self, tap: str, body: dict[str, Any]) -> Registration:
            path = f"{door.running.base}/v1/taps/{tap}/registration"
            key = {"Authorization": f"Bearer {door.running.api_key}", "Idempotency-Key": f"lost-{tap}"}
            for sent in (body, body, {**body, "birth_date_key": "000000"}):
                content = {**key, "Content-Type": "application/json"}
                told.append(httpx.post(path, content=msgspec.json.encode(sent), headers=content, trust_env=False))
            return super().register(tap, body)

    pin = Pin("user_authentication", door.pins["misaki"]["user_authentication"])
    with (
        Repeating(door.running.base, door.running.api_key) as service,
        open_reader("emulated:misaki", data=door.data) as reader,
    ):
        once_more = partial(register, service, door.terminal, "library", reader, pin, birth_date=date(1991, 2, 14))
        assert code(once_more) == "tap.used"
    first, repeated, other = told
    assert (first.status_code, first.json()["outcome"]) == (201, "accepted")
    assert repeated.content == first.content
    assert (other.status_code, other.json()["code"]) == (409, "verification.idempotency_conflict")


def test_foreign_residents_card_opens_by_its_western_year(door: Door) -> None:
    made = door.register("madeup", kind="user_authentication", born=date(1994, 4, 4))
    assert made.outcome == "accepted"
    assert door.tap("madeup").person == made.person


def test_evidence_of_a_tap_verifies_offline_and_names_nobody(door: Door, hanako: str) -> None:
    made = door.tap()
    platform = door.running.platform
    record = verify_receipt(platform.export_receipt(made.id), door.log_key())
    assert record["verification"] == made.id
    assert record["verdict"]["indication"] == "PASSED"
    assert (record["law"]["method"], record["law"]["status"]) == ("jpki.tap_use", "satisfied")
    assert (record["channel"], record["device"], record["certificate_kind"]) == (
        "in_person",
        "tap_terminal",
        "user_authentication",
    )
    committed = {"certificate", "card_proof", "terminal", "person", "purpose", "message", "verdict"}
    assert committed <= set(record["commitments"])
    assert hanako not in str(record)
    assert door.terminal not in str(record)


@pytest.mark.parametrize(
    ("target", "outcome", "reason"),
    [
        ("taro", "refused", "not_registered"),
        ("hanako/my_number_card:copied", "refused", "not_registered"),  # a copy has other JPKI keys as well
        ("naoki", "refused", "certificate_ended"),
        ("saku", "refused", "certificate_ended"),
        ("kumo", "could_not_tell", "certificate_unknown"),
    ],
)
def test_strangers_copies_and_ended_certificates_stay_outside(
    door: Door, hanako: str, target: str, outcome: str, reason: str
) -> None:
    made = door.tap(target)
    assert (made.outcome, made.person, made.birth_date_key) == (outcome, None, None)
    if target != "hanako/my_number_card:copied":
        assert made.reason == reason
    assert set(made.messages) == {"ja", "ja-simple", "en"}


def test_copied_certificate_without_the_card_opens_nothing(door: Door, hanako: str) -> None:
    certificate = door.certificate("hanako")
    begun = door.service.begin(door.terminal, "library")
    seen = door.service.recognise(begun.id, certificate)
    assert seen.birth_date_key == "020412"
    assert begun.message
    with pytest.raises(PinError):  # the key that opens one card opens no other
        door.proof("taro", date(1990, 4, 12), begun.message)
    made = door.service.finish(begun.id, door.proof("taro", door.born("taro"), begun.message))
    assert (made.outcome, made.reason, made.person) == ("refused", "another_card", None)
    assert door.body(made.id)["same_birth_date"] == "failed"


def test_copy_of_the_whole_card_face_lacks_its_key(door: Door, hanako: str) -> None:
    begun = door.service.begin(door.terminal, "library")
    door.service.recognise(begun.id, door.certificate("hanako"))
    proof = door.proof("hanako/my_number_card:copied", date(1990, 4, 12), begun.message or b"")
    assert door.service.finish(begun.id, proof).reason == "not_genuine"


def test_answer_to_another_message_and_a_second_answer_are_refused(door: Door, hanako: str) -> None:
    first, second = door.service.begin(door.terminal, "library"), door.service.begin(door.terminal, "library")
    for begun in (first, second):
        door.service.recognise(begun.id, door.certificate("hanako"))
    proof = door.proof("hanako", date(1990, 4, 12), first.message or b"")
    assert door.service.finish(second.id, proof).reason == "not_genuine"
    assert door.service.finish(first.id, proof).outcome == "accepted"
    assert code(lambda: door.service.finish(first.id, proof)) == "tap.used"
    assert code(lambda: door.service.recognise(first.id, door.certificate("hanako"))) == "tap.used"


def test_of_two_answers_at_once_one_opens_the_door(door: Door, hanako: str) -> None:
    begun = door.service.begin(door.terminal, "library")
    door.service.recognise(begun.id, door.certificate("hanako"))
    proof = door.proof("hanako", date(1990, 4, 12), begun.message or b"")
    ends: list[str] = []

    def answer() -> None:
        with Service(door.running.base, door.running.api_key) as service:
            try:
                ends.append(str(service.finish(begun.id, proof).outcome))
            except HonninError as error:
                ends.append(error.code)

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert sorted(ends) == ["accepted", "tap.used", "tap.used", "tap.used"]


def test_write_that_fails_opens_nothing_and_a_lost_answer_is_asked_again(
    door: Door, hanako: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = door.service.begin(door.terminal, "library")
    door.service.recognise(begun.id, door.certificate("hanako"))
    proof = door.proof("hanako", date(1990, 4, 12), begun.message or b"")
    platform = door.running.platform
    caller = platform.authenticate(door.running.api_key)
    card = CardProof(**proof)
    with monkeypatch.context() as patched:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr("honnin.platform.tap.taps.write_ending", killed)
        with pytest.raises(KeyboardInterrupt):
            platform.taps.finish(caller, begun.id, card)
    left = platform.taps.read(caller, begun.id)
    assert (left.status, left.outcome, left.evidence) == ("recognised", None, None)
    done = platform.taps.finish(caller, begun.id, card)  # the door did not open, and the tap goes on
    assert done.outcome == "accepted"
    assert platform.taps.read(caller, begun.id) == done  # whoever did not hear it learns the same
    assert platform.export_receipt(begun.id).log_id


def test_registering_with_somebody_elses_card_is_refused(door: Door) -> None:
    """Taro's PIN with the chip of another card: the two applications must be one card's."""
    begun = door.service.begin(door.terminal, "library", registration=True)
    with open_reader("emulated:taro", data=door.data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("signature", door.pins["taro"]["signature"]))
        certificate = card.jpki.certificate("signature") or b""
        signature = card.jpki.sign_message("signature", begun.message or b"").value
    proof = door.proof("hanako", date(1990, 4, 12), begun.message or b"")
    body = {"signature": signature, "certificate": certificate, "card": proof, "birth_date_key": "020412"}
    made = door.service.register(begun.id, body)
    assert (made.outcome, made.reason, made.person) == ("refused", "another_card", None)
    assert door.tap("taro").reason == "not_registered"
    assert code(lambda: door.service.register(begun.id, body)) == "tap.used"


def test_registration_needs_the_signature_of_the_pin(door: Door) -> None:
    begun = door.service.begin(door.terminal, "library", registration=True)
    born = door.born("taro")
    proof = door.proof("taro", born, begun.message or b"")
    certificate = door.certificate("taro")
    body = {
        "signature": bytes(256),
        "certificate": certificate,
        "card": proof,
        "birth_date_key": BirthDateKey.of(born).digits,
    }
    made = door.service.register(begun.id, body)
    assert (made.outcome, made.person) == ("refused", None)
    assert door.tap("taro").reason == "not_registered"


def test_revoked_and_unwhole_birth_dates_register_nobody(door: Door) -> None:
    assert door.register("toru").reason == "certificate_ended"
    assert code(lambda: door.register("toki")) == "tap.birth_date"


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ({"supervised": False}, "tap.not_supervised"),
        ({"outdoors": True}, "tap.outdoors"),
        ({"online": True}, "tap.online"),
    ],
)
def test_terminal_must_be_supervised_indoors_and_not_online(door: Door, place: dict[str, bool], wanted: str) -> None:
    facts = {"supervised": True, "outdoors": False, "online": False, **place}
    assert code(lambda: door.service.add_terminal("a", "b", **facts)) == wanted


def test_unknown_and_retired_terminals_take_no_taps(door: Door, hanako: str) -> None:
    assert code(lambda: door.service.begin("trm_unknown", "library")) == "tap.terminal_unknown"
    made = door.service.add_terminal("出口", "見本図書館", supervised=True, outdoors=False, online=False)
    begun = door.service.begin(made.id, "library")
    door.service.retire(made.id)
    assert code(lambda: door.service.begin(made.id, "library")) == "tap.terminal_retired"
    assert code(lambda: door.service.recognise(begun.id, door.certificate("hanako"))) == "tap.terminal_retired"


def test_higher_levels_and_other_tenants_are_refused(door: Door, hanako: str) -> None:
    key = {"authorization": f"Bearer {door.running.api_key}"}
    with httpx.Client(base_url=door.running.base, headers=key, timeout=LONG, trust_env=False) as client:
        body = {"terminal": door.terminal, "purpose": "bank_account", "assurance_level": 2}
        answer = client.post("/v1/taps", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "tap.level")
        session = {"purpose": "x", "method": "jpki.tap_use", "text": "x", "return_url": "http://bank.localhost/return"}
        assert client.post("/v1/sessions", json=session).status_code in {409, 422}
    made = door.tap()
    platform = door.running.platform
    other = platform.create_tenant("別の店")
    with Service(door.running.base, other.api_key) as stranger:
        assert code(lambda: stranger.begin(door.terminal, "library")) == "tap.terminal_unknown"
        assert code(lambda: stranger.recognise(made.id, b"\x30\x00")) == "tap.unknown"
        platform.change_tenant(other.tenant, tap_use=False)
        assert code(lambda: stranger.begin(door.terminal, "library")) == "tap.not_allowed"
        assert (
            code(lambda: stranger.add_terminal("a", "b", supervised=True, outdoors=False, online=False))
            == "tap.not_allowed"
        )
    unverified = platform.create_tenant("届出のない店", verifier_status="none")
    with Service(door.running.base, unverified.api_key) as stranger:
        assert code(lambda: stranger.begin(door.terminal, "library")) == "law.not_lawful"


def test_terminal_begins_only_so_many_taps_a_minute(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("honnin.platform.tap.taps.MOST_PER_MINUTE", 3)
    made = door.service.add_terminal("改札", "見本図書館", supervised=True, outdoors=False, online=False)
    for _ in range(3):
        door.service.begin(made.id, "library")
    assert code(lambda: door.service.begin(made.id, "library")) == "tap.too_many"


def test_ended_registration_and_a_forgotten_person_tap_no_more(door: Door) -> None:
    person = door.register("katsura").person or ""
    made = door.tap("katsura")
    assert made.person == person
    platform = door.running.platform
    caller = platform.authenticate(door.running.api_key)
    platform.taps.end_registration(caller, person)
    assert door.tap("katsura").reason == "not_registered"
    assert code(lambda: platform.taps.end_registration(caller, person)) == "tap.not_registered"
    assert door.register("katsura").person == person
    evidence = platform.taps.read(caller, made.id).evidence or ""
    platform.sequence()
    platform.forget_person(caller.id, person)
    assert code(lambda: platform.taps.read(caller, made.id)) == "tap.unknown"
    assert door.tap("katsura").person is None
    assert verify_receipt(platform.receipt(caller, evidence), door.log_key())["verification"] == made.id
    told = [event.data for event in door.events() if event.type == "tap.registration_ended"]
    assert told == [{"person": person}, {"person": person}]


def test_events_tell_how_taps_end_and_not_who_was_where(door: Door, hanako: str) -> None:
    before = len(door.events())
    good, bad = door.tap(), door.tap("naoki")
    failed = door.register("toru")
    made = door.register("hanako")
    told = [(event.type, event.data) for event in door.events()[before:] if event.type.startswith("tap.")]
    assert told[0] == ("tap.accepted", {"tap": good.id, "reason": "accepted", "registration": False})
    assert told[1] == ("tap.refused", {"tap": bad.id, "reason": "certificate_ended", "registration": False})
    assert told[2][0] == "tap.refused"
    assert (told[2][1]["reason"], told[2][1]["registration"]) == (failed.reason, True)
    assert all(hanako not in str(data) and door.terminal not in str(data) for _, data in told[:3])
    assert told[3][0] == "tap.registered"
    assert (told[3][1]["person"], told[3][1]["verification"]) == (hanako, made.verification)
    assert len(told) == 4  # a registration in place of another one ends nobody's


def test_tap_is_kept_for_its_days_and_its_proof_for_good(door: Door, hanako: str) -> None:
    """30 days of one purpose, 2 of all others, counted in Japan; the receipt verifies before and after."""
    platform = door.running.platform
    caller = platform.authenticate(door.running.api_key)
    platform.change_tenant(caller.id, tap_days={"*": 2})
    assert platform.change_tenant(caller.id, tap_days={"lending": 30}).tap_days == {"*": 2, "lending": 30}
    late = door.world.now().replace(hour=14, minute=59, second=50, microsecond=0)  # 23:59:50 in Japan
    door.world.set_clock(late + timedelta(days=1), frozen=True)
    short, long = door.tap(), door.tap(purpose="lending")
    evidence = platform.taps.read(caller, short.id).evidence or ""
    platform.sequence()
    before = platform.receipt(caller, evidence)

    door.world.advance(timedelta(days=2))
    platform.sweep()
    assert platform.taps.read(caller, short.id).person == hanako
    door.world.advance(timedelta(seconds=10))  # midnight: the third day begins
    assert platform.sweep() >= 1
    assert code(lambda: platform.taps.read(caller, short.id)) == "tap.unknown"
    assert platform.taps.read(caller, long.id).person == hanako
    with platform.store.read() as db:
        sealed = db.execute(select(schema.sealed).where(schema.sealed.c.sealed_id == short.id)).all()
        wrapped = select(schema.data_keys.c.wrapped).where(schema.data_keys.c.subject == short.id)
        assert (sealed, db.execute(wrapped).scalars().all()) == ([], [None])
    after = platform.receipt(caller, evidence)
    assert (after.record, after.leaf_index) == (before.record, before.leaf_index)
    assert verify_receipt(after, door.log_key())["verification"] == short.id

    platform.change_tenant(caller.id, tap_days={"lending": 0})
    assert platform.end_old_taps(livemode=False) == 1  # at once, not only after the next midnight
    assert code(lambda: platform.taps.read(caller, long.id)) == "tap.unknown"
    assert platform.end_old_taps(livemode=False) == 0
    for wrong in ({"*": -1}, {"*": 3651}, {"Lending": 1}):
        assert code(partial(platform.change_tenant, caller.id, tap_days=wrong)) == "tenant.tap_days"
    platform.change_tenant(caller.id, tap_days={"*": 90, "lending": 90})
    door.world.set_clock(door.world.now())


def test_person_met_under_two_ids_taps_with_the_registration_of_either(door: Door) -> None:
    """Met before under an older id, by a certificate whose link to the others J-LIS told only later."""
    person = door.register("takako").person or ""
    platform = door.running.platform
    caller = platform.authenticate(door.running.api_key)
    persons, tags = schema.persons, schema.person_certificates

    def linked(db: Connection) -> None:
        db.execute(insert(persons).values(tenant_id=caller.id, person_id="per_older", created_at="2016"))
        db.execute(insert(tags).values(tenant_id=caller.id, link_tag="older", person_id="per_older"))
        own = db.execute(select(tags.c.link_tag).where(tags.c.person_id == person)).scalars().all()
        assert linking.join_person(db, caller.id, ["older", *own], "2026-01-01T00:00:00Z") == "per_older"

    platform.store.write(linked)
    made = door.tap("takako")
    assert (made.outcome, made.person) == ("accepted", "per_older")
    platform.taps.end_registration(caller, "per_older")
    assert door.tap("takako").reason == "not_registered"


def test_birth_date_lies_sealed(door: Door, hanako: str) -> None:
    with door.running.platform.store.read() as db:
        rows = db.exec_driver_sql("SELECT content FROM sealed WHERE kind = 'tap_birth'").scalars().all()
        taps = db.exec_driver_sql("SELECT facts FROM taps WHERE status = 'ended'").scalars().all()
    assert rows
    assert all(b"020412" not in bytes(content) for content in rows)
    assert set(taps) == {None}


def test_list_at_hand_judges_until_its_next_update_when_the_line_is_down(door: Door, hanako: str) -> None:
    try:
        set_switch(door.world, "ocsp", "down")
        assert door.tap().outcome == "accepted"  # by the list, which is at hand from now on
        for service in SERVICES:
            set_switch(door.world, service, "down")
        assert door.tap().outcome == "accepted"
        assert door.tap("taro").reason in {"certificate_unknown", "person_unknown"}  # nobody knows whose that is
        door.world.advance(timedelta(days=8))
        made = door.tap()
        assert (made.outcome, made.reason, made.person) == ("could_not_tell", "certificate_unknown", None)
    finally:
        for service in SERVICES:
            set_switch(door.world, service, "up")


def test_renewed_certificate_is_found_and_another_card_is_not_taken(door: Door) -> None:
    person = door.register("kyoko").person
    happen(door.world, "kyoko", "renew")
    door.world.advance(timedelta(days=2))
    assert door.tap("kyoko").person == person
    happen(door.world, "kyoko", "lose")
    happen(door.world, "kyoko", "reissue")
    door.world.advance(timedelta(days=2))
    assert door.tap("kyoko").reason == "another_card"
    assert door.register("kyoko").person == person
    assert door.tap("kyoko").person == person


def test_certificate_ends_with_the_second_after_its_last(door: Door) -> None:
    """Midnight, Japanese time, after the birthday on which the certificate runs out."""
    assert door.register("anna").outcome == "accepted"  # a foreign resident: the card prints western years
    last = parse_certificate(door.certificate("anna")).not_after
    door.world.set_clock(last, frozen=True)
    assert (last + JST).strftime("%H:%M:%S") == "23:59:59"
    assert door.tap("anna").outcome == "accepted"
    door.world.set_clock(last + timedelta(seconds=1), frozen=True)
    assert door.tap("anna").reason == "certificate_ended"
