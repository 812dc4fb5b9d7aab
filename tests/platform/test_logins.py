"""Logins: a challenge is signed by the user authentication key, taken once, in its time, for what it was made for."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.searching import tells
from tests.waiting import joined

from honnin.errors import HonninError, InputError
from honnin.platform import Platform
from honnin.platform.clock import moment
from honnin.platform.logins import Login, LoginRequest, LoginSignature
from honnin.platform.models import Caller
from honnin.sandbox import people
from honnin.sandbox.life import happen
from honnin.sandbox.world import World

sqlite_alone = pytest.mark.parametrize("database_url", [None])
Cards = Callable[[str], Any]
SHOP = "https://shop.example"


@pytest.fixture
def key(world: World, card: Cards) -> Cards:
    """A person's user authentication certificate and key."""

    def of(person: str) -> Any:
        material = people.card_material(world, person)
        return type(card(person))(material.user_authentication_certificate, material.user_authentication_key)

    return of


def signed(login: Login, by: Any, **more: Any) -> LoginSignature:
    assert login.challenge is not None
    return LoginSignature(
        audience=more.pop("audience", SHOP),
        signature=by.sign(login.challenge),
        certificate=by.certificate,
        device="reader",
        **more,
    )


def refusal(work: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(HonninError) as refused:
        work()
    return refused.value.code, refused.value.http_status


def test_person_who_signed_an_application_logs_in(platform: Platform, caller: Caller, card: Cards, key: Cards) -> None:
    known = platform.verify(caller, card("hanako").request(law="aml"))
    assert known.certificate_kind == "signature"
    login = platform.logins.create(caller, LoginRequest(audience=SHOP))
    assert login.challenge is not None
    said = json.loads(login.challenge)
    assert (said["audience"], said["purpose"], said["tenant"], said["login"]) == (SHOP, "login", caller.id, login.id)
    done = platform.logins.complete(caller, login.id, signed(login, key("hanako")))
    assert (done.status, done.person, done.certificate_kind) == ("passed", known.person, "user_authentication")
    assert done.assurance is not None
    assert done.assurance.aal_2019 is not None
    assert done.assurance.aal_2019.level == "3"
    assert done.challenge is None
    assert done == platform.logins.read(caller, login.id)
    for item in ("見本", "1990", "千代田"):
        assert not tells(msgspec.json.encode(done).decode(), item)
    assert done.verification is not None
    assert platform.verification(caller, done.verification).certificate_kind == "user_authentication"
    events = [event.type for event in platform.events(caller).data]
    assert events[1:] == ["login.completed", "verification.completed"]


@sqlite_alone
def test_signature_certificate_does_not_log_in(platform: Platform, caller: Caller, card: Cards, key: Cards) -> None:
    login = platform.logins.create(caller, LoginRequest(audience=SHOP))
    wrong = signed(login, card("hanako"))
    expected = ("verification.certificate_kind", 400)
    assert refusal(lambda: platform.logins.complete(caller, login.id, wrong)) == expected
    assert platform.logins.read(caller, login.id).status == "open"
    with platform.store.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM verifications").scalar_one() == 0
    assert platform.logins.complete(caller, login.id, signed(login, key("hanako"))).status == "passed"


@sqlite_alone
def test_verification_may_ask_for_a_kind(platform: Platform, caller: Caller, card: Cards, key: Cards) -> None:
    hanako, login_key = card("hanako"), key("hanako")
    assert platform.verify(caller, login_key.request()).certificate_kind == "user_authentication"
    with pytest.raises(InputError) as refused:
        platform.verify(caller, login_key.request(certificate_kind="signature"))
    assert refused.value.code == "verification.certificate_kind"
    with pytest.raises(InputError):
        platform.verify(caller, hanako.request(law="aml", certificate_kind="user_authentication"))
    assert platform.verify(caller, hanako.request(certificate_kind="signature")).verdict.indication == "TOTAL-PASSED"


@sqlite_alone
def test_challenge_is_taken_once_and_only_for_what_it_was_made(
    platform: Platform, caller: Caller, key: Cards, later: Callable[..., None]
) -> None:
    logins, hanako = platform.logins, key("hanako")
    login = logins.create(caller, LoginRequest(audience=SHOP, purpose="login"))
    for change in ({"audience": "https://evil.example"}, {"purpose": "transfer"}):
        request = signed(login, hanako, **change)
        assert refusal(lambda request=request: logins.complete(caller, login.id, request)) == ("login.mismatch", 400)
    other = logins.create(caller, LoginRequest(audience=SHOP))
    crossed = logins.complete(caller, other.id, signed(login, hanako))  # the signature of another challenge
    assert (crossed.status, crossed.person, crossed.assurance) == ("failed", None, None)
    assert crossed.verdict is not None
    assert crossed.verdict.sub_indication in {"SIG_CRYPTO_FAILURE", "HASH_FAILURE"}
    stranger = platform.authenticate(platform.create_tenant("他の店").api_key)
    assert refusal(lambda: logins.complete(stranger, login.id, signed(login, hanako))) == ("login.unknown", 404)
    right = signed(login, hanako)
    assert logins.complete(caller, login.id, right).status == "passed"
    assert refusal(lambda: logins.complete(caller, login.id, right)) == ("login.used", 409)
    late = logins.create(caller, LoginRequest(audience=SHOP, expires_in=30))
    answer = signed(late, hanako)
    later(seconds=30)
    assert refusal(lambda: logins.complete(caller, late.id, answer)) == ("login.expired", 410)
    assert logins.read(caller, late.id).status == "expired"
    later(days=2)
    platform.sweep()
    assert refusal(lambda: logins.read(caller, late.id)) == ("login.unknown", 404)


def test_of_many_answers_at_once_one_logs_in(platform: Platform, caller: Caller, key: Cards) -> None:
    login = platform.logins.create(caller, LoginRequest(audience=SHOP))
    request, outcomes = signed(login, key("hanako")), list[str]()

    def complete() -> None:
        try:
            outcomes.append(platform.logins.complete(caller, login.id, request).status)
        except HonninError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=complete) for _ in range(4)]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert sorted(outcomes) == [*["login.used"] * 3, "passed"]


@sqlite_alone
def test_revoked_fails_and_could_not_tell_stays_open(
    platform: Platform, caller: Caller, key: Cards, world: World, jlis: Any
) -> None:
    hanako, kyoko = key("hanako"), key("kyoko")
    login = platform.logins.create(caller, LoginRequest(audience=SHOP))
    jlis.down = True
    tried = platform.logins.complete(caller, login.id, signed(login, hanako))
    assert (tried.status, tried.person) == ("open", None)
    jlis.down = False
    assert platform.logins.complete(caller, login.id, signed(login, hanako)).status == "passed"
    happen(world, "kyoko", "lose", at=world.now())
    login = platform.logins.create(caller, LoginRequest(audience=SHOP))
    done = platform.logins.complete(caller, login.id, signed(login, kyoko))
    assert (done.status, done.person) == ("failed", None)
    assert done.verdict is not None
    assert done.verdict.sub_indication == "REVOKED"


@sqlite_alone
def test_challenge_shows_what_it_is_for(platform: Platform, caller: Caller, world: World) -> None:
    asked = LoginRequest(audience="https://shop\u202e.example")
    assert refusal(lambda: platform.logins.create(caller, asked))[0] == "login.hidden_characters"
    login = platform.logins.create(caller, LoginRequest(audience='a","tenant":"ten_x', expires_in=60))
    assert login.challenge is not None
    said = json.loads(login.challenge)
    assert said["tenant"] == caller.id
    assert said["expires_at"] == moment(world.now() + timedelta(seconds=60))


def test_login_that_could_not_be_told_answers_a_repeat_as_before(
    platform: Platform, caller: Caller, key: Cards, jlis: Any
) -> None:
    """It stays open, so nothing but the key keeps the same call from being judged again."""
    login = platform.logins.create(caller, LoginRequest(audience=SHOP))
    body = signed(login, key("hanako"))
    jlis.down = True
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: platform.logins.complete(caller, login.id, body, idempotency_key="k"), range(4)))
    assert told[0].status == "open"
    assert told[0].verification is not None
    assert all(one == told[0] for one in told)
    jlis.down = False
    assert platform.logins.complete(caller, login.id, body, idempotency_key="k") == told[0]
    other = msgspec.structs.replace(body, device="other")
    assert refusal(lambda: platform.logins.complete(caller, login.id, other, idempotency_key="k")) == (
        "verification.idempotency_conflict",
        409,
    )
    done = platform.logins.complete(caller, login.id, body, idempotency_key="another")
    assert done.status == "passed"
    assert platform.logins.complete(caller, login.id, body, idempotency_key="another") == done
    assert refusal(lambda: platform.logins.complete(caller, login.id, body)) == ("login.used", 409)
