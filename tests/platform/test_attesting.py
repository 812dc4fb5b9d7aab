"""Logins that the Digital Authentication Service attests, on both engines: recorded once, known again, forgotten."""

import threading
from typing import Any

import pytest
from tests.waiting import joined

from honnin.connect.digital_auth.flows import Login
from honnin.errors import GoneError, HonninError, InputError, NotFoundError
from honnin.identity import FourItems
from honnin.platform import Platform
from honnin.platform.models import Caller, Session, SessionRequest, SessionReturn, SessionSignature
from honnin.platform.records import RecordRequest
from honnin.sandbox.life import happen
from honnin.sandbox.world import World

RETURN = "http://bank.localhost:8600/return"
ISSUER = "https://auth.example/api/realms/main"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"  # the platform keeps it and judges nothing of it


def login_of(subject: str, issuer: str = ISSUER, items: FourItems | None = None) -> SessionSignature:
    login = Login(issuer, subject, frozenset(), items or FourItems(), "aal3", None, TOKEN)
    return SessionSignature(login=login, device="digital_auth")


def opened(platform: Platform, caller: Caller, **members: Any) -> Session:
    asked = {"certificate_kind": "user_authentication", "return_url": RETURN, **members}
    return platform.sessions.create(caller, SessionRequest(**asked))


def ended(platform: Platform, caller: Caller, signed: SessionSignature, **members: Any) -> SessionReturn:
    return platform.sessions.complete(key_of(opened(platform, caller, **members)), signed)


def key_of(session: Session) -> str:
    return str(session.url).removeprefix("/check/")


def test_same_subject_is_the_same_person_and_another_issuers_is_not(platform: Platform, caller: Caller) -> None:
    first, again, other, foreign = (
        ended(platform, caller, login_of(subject, issuer)).session
        for subject, issuer in (("a", ISSUER), ("a", ISSUER), ("b", ISSUER), ("a", "https://other.example"))
    )
    assert first.person == again.person is not None
    assert len({first.person, other.person, foreign.person}) == 3
    stranger = platform.authenticate(platform.create_tenant("別の銀行").api_key)
    assert ended(platform, stranger, login_of("a")).session.person != first.person
    with platform.store.read() as db:
        for table in ("person_certificates", "verifications", "evidence"):
            rows = db.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608
            assert TOKEN not in repr(rows)
            assert ISSUER not in repr(rows)


def test_of_many_returns_at_once_one_completes(platform: Platform, caller: Caller) -> None:
    session, outcomes = opened(platform, caller), []

    def complete() -> None:
        try:
            outcomes.append(platform.sessions.complete(key_of(session), login_of("a")).session.status)
        except HonninError as error:
            outcomes.append(error.code)

    _at_once([complete] * 4)
    assert sorted(outcomes) == ["completed", *["session.not_open"] * 3]
    with platform.store.read() as db:
        for table in ("verifications", "evidence", "persons"):
            assert db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 1  # noqa: S608


def test_first_logins_of_one_person_at_once_make_one_person(platform: Platform, caller: Caller) -> None:
    found: list[Any] = []
    _at_once([lambda: found.append(ended(platform, caller, login_of("a")).session.person)] * 4)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_forgotten_person_is_a_stranger_at_the_next_login(platform: Platform, caller: Caller) -> None:
    session = ended(platform, caller, login_of("a")).session
    assert platform.forget_person(caller.id, str(session.person)) >= 1
    with platform.store.read() as db:
        kept = db.exec_driver_sql("SELECT count(*) FROM sealed WHERE kind = 'opening'").scalar_one()
        assert kept == 0 or not platform.store.is_sqlite
    assert ended(platform, caller, login_of("a")).session.person != session.person
    with pytest.raises(NotFoundError):
        platform.forget_person(caller.id, "per_unknown")


def test_no_items_unless_asked_for_and_only_those(platform: Platform, caller: Caller) -> None:
    items = FourItems(name="見本　花子", address="東京都千代田区見本町一丁目")
    silent = ended(platform, caller, login_of("a", items=items)).session
    with pytest.raises(GoneError):
        platform.sessions.four_items(caller, silent.id)
    asked = ended(platform, caller, login_of("a", items=items), attributes=("name", "prefecture")).session
    given = platform.sessions.four_items(caller, asked.id)
    assert given.source == "card"
    assert (given.four_items.name, given.four_items.address, given.four_items.prefecture) == (
        "見本　花子",
        None,
        "東京都",
    )


def test_session_that_wants_a_signature_takes_no_login(platform: Platform, caller: Caller) -> None:
    asked = SessionRequest(purpose="contract", text="申込書", return_url=RETURN)
    session = platform.sessions.create(caller, asked)
    with pytest.raises(InputError) as refused:
        platform.sessions.complete(key_of(session), login_of("a"))
    assert refused.value.code == "verification.incomplete"
    assert platform.sessions.read(caller, session.id).status == "open"


def test_login_makes_no_record_of_a_law(platform: Platform, caller: Caller) -> None:
    session = ended(platform, caller, login_of("a")).session
    with pytest.raises(HonninError) as refused:
        platform.records.make(
            caller, RecordRequest(verification=str(session.verification), law="aml", made_by="係", checked_by="係")
        )
    assert refused.value.code in {"record.law", "record.not_passed"}


def _at_once(work: list[Any]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    joined(*threads)


@pytest.mark.parametrize("first", ["login", "link", "known"])
def test_signer_whom_jlis_cannot_name_yet_is_one_person_with_the_subject(
    platform: Platform, caller: Caller, card: Any, world: World, later: Any, first: str
) -> None:
    """Whichever comes first after a fresh certificate: a login by the service, J-LIS's answer, or a login before it."""
    before = ended(platform, caller, login_of("a")).session.person if first == "known" else None
    happen(world, "hanako", "renew", at=world.now())
    later(minutes=5)
    session = platform.sessions.create(caller, SessionRequest(purpose="contract", text="申込書", return_url=RETURN))
    hanako, document = card("hanako"), platform.sessions.page(key_of(session)).document
    signed = SessionSignature(
        signature=hanako.sign(document), certificate=hanako.certificate, login=login_of("a").login
    )
    waiting = platform.sessions.complete(key_of(session), signed).session
    assert (waiting.person, waiting.person_status) == (None, "pending")
    if first == "login":
        before = ended(platform, caller, login_of("a")).session.person
    later(hours=2)
    named = platform.verification(caller, str(waiting.verification))
    assert named.person_status == "linked"
    again = ended(platform, caller, login_of("a")).session.person
    assert named.person == again is not None
    assert before in {None, again}
    with platform.store.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM persons").scalar_one() == 1
        assert db.exec_driver_sql("SELECT count(*) FROM pending_links").scalar_one() == 0
        assert db.exec_driver_sql("SELECT count(*) FROM customer_certificates").scalar_one() == 1
