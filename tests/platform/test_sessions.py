"""Sessions: made, signed once, cancelled, expired; four items for ten minutes; the way back carries the state."""

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from tests.waiting import joined

from honnin.errors import GoneError, HonninError, InputError, KeyRefusedError, NotFoundError, StateError
from honnin.platform import Platform
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.models import Caller, Session, SessionRequest, SessionSignature
from honnin.sandbox import people
from honnin.sandbox.life import happen
from honnin.sandbox.world import World

sqlite_alone = pytest.mark.parametrize("database_url", [None])  # nothing here depends on the engine
Cards = Callable[[str], Any]
RETURN = "http://bank.localhost:8600/return?from=honnin"


def request(**members: Any) -> SessionRequest:
    members = {"purpose": "account_opening", "text": "見本銀行に口座を開きます。", "return_url": RETURN, **members}
    return SessionRequest(**members)


def key_of(session: Session) -> str:
    assert session.url is not None
    return session.url.removeprefix("/check/")


def signed(platform: Platform, session: Session, card: Any) -> SessionSignature:
    document = platform.sessions.page(key_of(session)).document
    return SessionSignature(signature=card.sign(document), certificate=card.certificate, device="android")


def test_whole_way_from_making_to_deleting(platform: Platform, caller: Caller, card: Cards) -> None:
    session = platform.sessions.create(caller, request(law="aml", state="abc/=&"))
    assert (session.status, session.method, session.url is not None) == ("open", "aml.jpki_signature", True)
    assert platform.sessions.read(caller, session.id).url is None
    page = platform.sessions.page(key_of(session))
    assert (page.tenant_name, page.text, page.document.decode()) == ("試験銀行", page.text, page.text)
    ended = platform.sessions.complete(key_of(session), signed(platform, session, card("hanako")))
    assert ended.verdict is not None
    assert ended.verdict.indication == "TOTAL-PASSED"
    query = parse_qs(urlsplit(ended.url).query)
    assert query == {
        "from": ["honnin"],
        "session": [session.id],
        "status": ["completed"],
        "state": ["abc/=&"],
        "code": [ended.code],
    }
    done = platform.sessions.read(caller, session.id)
    assert (done.status, done.person_status) == ("completed", "linked")
    assert done.verification is not None
    assert platform.verification(caller, done.verification).session == session.id
    for _ in range(2):
        items = platform.sessions.four_items(caller, session.id)
        assert items.four_items.name == "見本　花子"
    platform.sessions.delete_four_items(caller, session.id)
    platform.sessions.delete_four_items(caller, session.id)
    with pytest.raises(GoneError) as gone:
        platform.sessions.four_items(caller, session.id)
    assert (gone.value.code, gone.value.http_status) == ("session.four_items_gone", 410)
    types = [event.type for event in platform.events(caller).data]
    assert types == ["session.created", "session.completed", "verification.completed", "session.four_items_deleted"]
    assert platform.sessions.ending(key_of(session), ended.code).url == ended.url
    assert "code" not in platform.sessions.ending(key_of(session)).url
    assert "code" not in platform.sessions.ending(key_of(session), "0" * 32).url


def test_four_items_end_after_ten_minutes(
    platform: Platform, caller: Caller, card: Cards, later: Callable[..., None]
) -> None:
    session = platform.sessions.create(caller, request())
    platform.sessions.complete(key_of(session), signed(platform, session, card("hanako")))
    later(minutes=9, seconds=59)
    platform.sessions.four_items(caller, session.id)
    later(seconds=1)
    with pytest.raises(GoneError):
        platform.sessions.four_items(caller, session.id)
    assert platform.sweep() == 1
    with platform.store.read() as db:
        assert "four_items" not in db.exec_driver_sql("SELECT kind FROM sealed").scalars().all()


def test_session_is_completed_once(platform: Platform, caller: Caller, card: Cards) -> None:
    session = platform.sessions.create(caller, request())
    signature, outcomes = signed(platform, session, card("hanako")), []

    def complete() -> None:
        try:
            outcomes.append(platform.sessions.complete(key_of(session), signature).session.status)
        except HonninError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=complete) for _ in range(4)]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert sorted(outcomes) == ["completed", *["session.not_open"] * 3]
    with platform.store.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM verifications").scalar_one() == 1
        assert db.exec_driver_sql("SELECT count(*) FROM evidence").scalar_one() == 1


def test_failed_check_completes_without_four_items(
    platform: Platform, caller: Caller, card: Cards, world: World
) -> None:
    hanako = card("hanako")
    happen(world, "hanako", "lose", at=world.now())
    session = platform.sessions.create(caller, request())
    ended = platform.sessions.complete(key_of(session), signed(platform, session, hanako))
    assert ended.verdict is not None
    assert ended.verdict.sub_indication == "REVOKED"
    assert ended.messages["ja"]
    assert ended.session.status == "completed"
    with pytest.raises(GoneError):
        platform.sessions.four_items(caller, session.id)


def test_could_not_tell_leaves_the_session_open(platform: Platform, caller: Caller, card: Cards, jlis: Any) -> None:
    session = platform.sessions.create(caller, request())
    jlis.down = True
    ended = platform.sessions.complete(key_of(session), signed(platform, session, card("hanako")))
    assert ended.session.status == "open"
    jlis.down = False
    ended = platform.sessions.complete(key_of(session), signed(platform, session, card("hanako")))
    assert ended.session.status == "completed"


def test_who_cannot_go_on_is_told_apart_from_who_gives_up(
    platform: Platform, caller: Caller, card: Cards, jlis: Any
) -> None:
    """After a card that cannot sign: `failed`; after a check that could not tell: `undetermined`, with its id."""
    locked = platform.sessions.create(caller, request(state="s"))
    ended = platform.sessions.abandon(key_of(locked), unable=True)
    assert (ended.session.status, ended.session.verification) == ("failed", None)
    assert parse_qs(urlsplit(ended.url).query)["status"] == ["failed"]
    later = platform.sessions.create(caller, request())
    jlis.down = True
    platform.sessions.complete(key_of(later), signed(platform, later, card("hanako")))
    open_still = platform.sessions.ending(key_of(later))
    assert open_still.verdict is not None
    assert (open_still.session.status, open_still.verdict.indication) == ("open", "INDETERMINATE")
    assert platform.sessions.page(key_of(later)).verification == open_still.session.verification
    left = platform.sessions.abandon(key_of(later), unable=True).session
    assert (left.status, left.verification) == ("undetermined", open_still.session.verification)
    shown = platform.sessions.ending(key_of(later)).verdict
    assert shown is not None
    with pytest.raises(StateError):
        platform.sessions.abandon(key_of(later), unable=True)
    with pytest.raises(StateError):
        platform.sessions.four_items(caller, later.id)
    told = [
        event.data for event in platform.events(caller).data if event.type in {"session.failed", "session.undetermined"}
    ]
    assert told == [{"session": locked.id}, {"session": later.id, "verification": left.verification}]


@pytest.mark.parametrize("side", ["person", "provider"])
def test_cancelled_from_either_side(platform: Platform, caller: Caller, card: Cards, side: str) -> None:
    session = platform.sessions.create(caller, request(state="s"))
    if side == "person":
        ended = platform.sessions.abandon(key_of(session))
        assert parse_qs(urlsplit(ended.url).query)["status"] == ["cancelled"]
        assert parse_qs(urlsplit(ended.url).query)["state"] == ["s"]
    else:
        assert platform.sessions.cancel(caller, session.id).status == "cancelled"
    for again in (
        lambda: platform.sessions.cancel(caller, session.id),
        lambda: platform.sessions.abandon(key_of(session)),
        lambda: platform.sessions.complete(
            key_of(session), SessionSignature(signature=b"x", certificate=card("hanako").certificate)
        ),
    ):
        with pytest.raises(StateError) as refused:
            again()
        assert refused.value.code == "session.not_open"
    page = platform.sessions.page(key_of(session))
    assert (page.status, page.text, page.document) == ("cancelled", "", b"")
    with pytest.raises(StateError):
        platform.sessions.four_items(caller, session.id)


def test_session_expires(platform: Platform, caller: Caller, card: Cards, later: Callable[..., None]) -> None:
    session = platform.sessions.create(caller, request(expires_in=60))
    signature = signed(platform, session, card("hanako"))
    with pytest.raises(StateError) as open_still:
        platform.sessions.ending(key_of(session))
    assert open_still.value.code == "session.still_open"
    later(seconds=61)
    assert platform.sessions.read(caller, session.id).status == "expired"
    for late in (
        lambda: platform.sessions.complete(key_of(session), signature),
        lambda: platform.sessions.cancel(caller, session.id),
    ):
        with pytest.raises(StateError):
            late()
    assert parse_qs(urlsplit(platform.sessions.ending(key_of(session)).url).query)["status"] == ["expired"]
    assert platform.sweep() == 1
    assert platform.sweep() == 0
    assert [event.type for event in platform.events(caller).data] == ["session.created", "session.expired"]
    with platform.store.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM sealed").scalar_one() == 0


def test_a_step_that_fails_keeps_no_session_from_its_end_nor_does_another_session(
    platform: Platform,
    caller: Caller,
    later: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = (platform.sessions.create(caller, request(expires_in=60)).id for _ in range(2))
    platform.store.write(lambda db: db.exec_driver_sql("ALTER TABLE staff_sign_ins RENAME TO elsewhere"))
    end = Sealer.end

    def damaged(self: Sealer, db: Any, tenant_id: str, subject: str, *given: Any, **named: Any) -> int:
        if subject == first:
            raise ValueError
        return end(self, db, tenant_id, subject, *given, **named)

    monkeypatch.setattr(Sealer, "end", damaged)
    later(seconds=61)
    assert platform.sweep() == 2  # the second session, and what the first had sealed, which ends by itself
    assert platform.sweep() == 0
    assert [event.data for event in platform.events(caller).data if event.type == "session.expired"] == [
        {"session": second}
    ]
    assert [record.getMessage() for record in caplog.records if record.name == "honnin.platform"] == [
        "sweep: sign-ins: store.down",
        f"sessions: {first} of {caller.id}: ValueError",
    ]


def test_same_key_makes_one_session(platform: Platform, caller: Caller) -> None:
    first = platform.sessions.create(caller, request(), idempotency_key="k")
    assert platform.sessions.create(caller, request(), idempotency_key="k") == first
    with pytest.raises(StateError) as conflict:
        platform.sessions.create(caller, request(purpose="loan"), idempotency_key="k")
    assert conflict.value.code == "verification.idempotency_conflict"


@pytest.mark.parametrize(
    "url",
    [
        "http://bank.example/return",
        "ftp://bank.example/",
        "https://user@bank.example/",
        "https://bank.example/#x",
        "javascript:alert(1)",
        "https:///x",
        "https://bank.example\\@evil.example/",
        "https://bank.example/ x",
        "//bank.example/",
        "https://bank.example:99999/",
        "https://[::1/",
        "https://bänk.example/",
        "https://bank.example/\n",
    ],
)
@sqlite_alone
def test_unsafe_return_urls_are_refused(platform: Platform, caller: Caller, url: str) -> None:
    with pytest.raises(InputError) as refused:
        platform.sessions.create(caller, request(return_url=url))
    assert refused.value.code == "tenant.return_url"


def test_registered_return_urls_bind(platform: Platform) -> None:
    made = platform.create_tenant("登録した銀行", return_urls=("https://bank.example/return",))
    caller = platform.authenticate(made.api_key)
    for url in ("https://bank.example/return", "https://bank.example/return?x=1", RETURN):
        platform.sessions.create(caller, request(return_url=url))
    for url in ("https://bank.example/returned", "https://bank.example/return/x", "https://evil.example/return"):
        with pytest.raises(InputError) as refused:
            platform.sessions.create(caller, request(return_url=url))
        assert refused.value.code == "session.return_url"


def test_live_return_urls_must_be_registered_and_https(platform: Platform) -> None:
    live = platform.create_tenant("本番の銀行", livemode=True)
    caller = platform.authenticate(live.api_key)
    for url in ("https://bank.example/return", RETURN):
        with pytest.raises(InputError):
            platform.sessions.create(caller, request(return_url=url))
    with pytest.raises(InputError):
        platform.change_tenant(live.tenant, return_urls=("http://localhost/return",))


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"text": None}, "session.content"),
        ({"document": b"x" * ((8 << 20) + 1)}, "verification.too_large"),
        ({"method": "aml.tarot"}, "law.unknown_method"),
    ],
)
@sqlite_alone
def test_impossible_sessions_are_refused(
    platform: Platform, caller: Caller, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(InputError) as refused:
        platform.sessions.create(caller, request(**members))
    assert refused.value.code == code


@sqlite_alone
def test_document_is_signed_and_shown_as_text_where_it_is_text(platform: Platform, caller: Caller) -> None:
    plain = platform.sessions.create(caller, request(text=None, document="契約書".encode()))
    assert platform.sessions.page(key_of(plain)).text == "契約書"
    binary = platform.sessions.create(caller, request(text="契約書のPDF", document=b"%PDF-\xff"))
    page = platform.sessions.page(key_of(binary))
    assert (page.text, page.document) == ("契約書のPDF", b"%PDF-\xff")


@pytest.mark.parametrize("key", ["", "x", "0" * 80, "é" * 80])
@sqlite_alone
def test_unknown_page_keys_are_refused(platform: Platform, caller: Caller, key: str) -> None:
    session = platform.sessions.create(caller, request())
    good = key_of(session)
    for wrong in (key, good[:-1] + ("0" if good[-1] != "0" else "1"), good + "\n"):
        for call in (platform.sessions.page, platform.sessions.abandon, platform.sessions.ending):
            with pytest.raises(KeyRefusedError) as refused:
                call(wrong)
            assert refused.value.code == "session.key"


def test_sessions_of_others_are_not_found(platform: Platform, caller: Caller) -> None:
    session = platform.sessions.create(caller, request())
    other = platform.authenticate(platform.create_tenant("別の銀行").api_key)
    for call in (
        platform.sessions.read,
        platform.sessions.cancel,
        platform.sessions.four_items,
        platform.sessions.delete_four_items,
    ):
        with pytest.raises(NotFoundError):
            call(other, session.id)
    assert platform.sessions.list(other).data == ()


def test_sessions_page_newest_first(platform: Platform, caller: Caller, later: Callable[..., None]) -> None:
    made = []
    for _ in range(3):
        made.append(platform.sessions.create(caller, request()).id)
        later(seconds=1)
    first = platform.sessions.list(caller, limit=2)
    second = platform.sessions.list(caller, after=first.next, limit=2)
    assert [one.id for one in (*first.data, *second.data)] == made[::-1]
    assert (first.has_more, second.has_more) == (True, False)


def test_wanted_attributes_bound_what_is_given(platform: Platform, caller: Caller, card: Cards) -> None:
    session = platform.sessions.create(caller, request(attributes=("name",)))
    platform.sessions.complete(key_of(session), signed(platform, session, card("hanako")))
    items = msgspec.json.decode(msgspec.json.encode(platform.sessions.four_items(caller, session.id).four_items))
    assert set(items) == {"name", "substitute_characters"}
    platform.change_tenant(caller.id, attributes=("birth_date",))
    narrowed = Caller(tenant=platform.tenants()[0])
    with pytest.raises(InputError) as refused:
        platform.sessions.create(narrowed, request(attributes=("name",)))
    assert refused.value.code == "session.attributes"


def refusal(work: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(HonninError) as refused:
        work()
    return refused.value.code, refused.value.http_status


@sqlite_alone
def test_return_code_proves_once_that_the_signer_came_back(platform: Platform, caller: Caller, card: Cards) -> None:
    session = platform.sessions.create(caller, request(return_code=True))
    sessions = platform.sessions
    assert session.return_code
    assert refusal(lambda: sessions.redeem(caller, session.id, "x")) == ("session.not_ended", 409)
    ended = sessions.complete(key_of(session), signed(platform, session, card("hanako")))
    assert refusal(lambda: sessions.four_items(caller, session.id)) == ("session.code_missing", 403)
    assert refusal(lambda: sessions.four_items(caller, session.id, code="0" * 32)) == ("session.code", 403)
    assert sessions.four_items(caller, session.id, code=ended.code).four_items.name == "見本　花子"
    assert refusal(lambda: sessions.four_items(caller, session.id, code=ended.code)) == ("session.code_used", 409)
    assert refusal(lambda: sessions.redeem(caller, session.id, ended.code)) == ("session.code_used", 409)
    assert sessions.four_items(caller, session.id).four_items.name == "見本　花子"  # an answer that was lost
    with platform.store.read() as db:
        row = db.exec_driver_sql("SELECT code_hash, body FROM sessions").one()
    assert ended.code not in "".join(row)


@sqlite_alone
def test_return_code_belongs_to_one_session_and_ten_minutes(
    platform: Platform, caller: Caller, card: Cards, later: Callable[..., None]
) -> None:
    sessions = platform.sessions
    first, second = (sessions.create(caller, request(return_code=True)) for _ in range(2))
    codes = [sessions.complete(key_of(one), signed(platform, one, card("hanako"))).code for one in (first, second)]
    assert codes[0] != codes[1]
    assert refusal(lambda: sessions.redeem(caller, first.id, codes[1])) == ("session.code", 403)
    stranger = platform.authenticate(platform.create_tenant("他の銀行").api_key)
    assert refusal(lambda: sessions.redeem(stranger, first.id, codes[0])) == ("session.unknown", 404)
    later(minutes=10)
    assert refusal(lambda: sessions.redeem(caller, first.id, codes[0])) == ("session.code_late", 410)


@sqlite_alone
@pytest.mark.parametrize("unable", [False, True])
def test_return_without_a_result_has_a_code_too(platform: Platform, caller: Caller, unable: bool) -> None:
    session = platform.sessions.create(caller, request(return_code=True))
    ended = platform.sessions.abandon(key_of(session), unable=unable)
    assert platform.sessions.redeem(caller, session.id, ended.code).status == ("failed" if unable else "cancelled")
    mine = platform.sessions.create(caller, request())
    platform.sessions.cancel(caller, mine.id)
    assert "code=" not in platform.sessions.ending(key_of(mine)).url
    assert refusal(lambda: platform.sessions.redeem(caller, mine.id, "0" * 32)) == ("session.code", 403)


@sqlite_alone
def test_of_many_who_bring_the_code_at_once_one_succeeds(platform: Platform, caller: Caller, card: Cards) -> None:
    session = platform.sessions.create(caller, request())
    code = platform.sessions.complete(key_of(session), signed(platform, session, card("hanako"))).code
    outcomes: list[str] = []

    def redeem() -> None:
        try:
            outcomes.append(platform.sessions.redeem(caller, session.id, code).status)
        except HonninError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=redeem) for _ in range(6)]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert sorted(outcomes) == ["completed", *["session.code_used"] * 5]


@sqlite_alone
def test_live_tenant_reads_by_code_unless_it_says_otherwise(platform: Platform, caller: Caller) -> None:
    assert not platform.sessions.create(caller, request()).return_code
    made = platform.create_tenant("本番銀行", livemode=True, return_urls=("https://bank.example/return",))
    live = platform.authenticate(made.api_key)
    asked = request(return_url="https://bank.example/return")
    assert platform.sessions.create(live, asked).return_code
    assert not platform.sessions.create(live, msgspec.structs.replace(asked, return_code=False)).return_code


@sqlite_alone
@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"text": "x"}, "session.content"),
        ({"document": b"x"}, "session.content"),
        ({"law": "aml"}, "session.content"),
        ({"method": "aml.jpki_signature"}, "session.content"),
        ({"signed_items": ("name",)}, "session.content"),
        ({"template": "bank_account"}, "template.conflict"),
        ({"attributes": ("name", "name")}, "session.attributes_twice"),
        ({"purpose": "a\u202eb"}, "session.hidden_characters"),
    ],
)
def test_login_that_signs_something_is_refused(
    platform: Platform, caller: Caller, members: dict[str, Any], code: str
) -> None:
    asked = {"certificate_kind": "user_authentication", "return_url": RETURN, **members}
    with pytest.raises(InputError) as refused:
        platform.sessions.create(caller, SessionRequest(**asked))
    assert refused.value.code == code


@sqlite_alone
def test_login_has_a_challenge_of_its_own_and_takes_the_login_key_alone(
    platform: Platform, caller: Caller, card: Cards, world: World
) -> None:
    asked = SessionRequest(certificate_kind="user_authentication", return_url=RETURN)
    session, other = platform.sessions.create(caller, asked), platform.sessions.create(caller, asked)
    assert (session.purpose, session.attributes, session.certificate_kind) == ("login", (), "user_authentication")
    page = platform.sessions.page(key_of(session))
    said = json.loads(page.document)
    assert (said["audience"], said["purpose"], said["login"]) == ("http://bank.localhost:8600", "login", session.id)
    assert (said["tenant"], page.text, page.ways) == (caller.id, "", ("card",))
    material = people.card_material(world, "hanako")
    key = type(card("hanako"))(material.user_authentication_certificate, material.user_authentication_key)
    with pytest.raises(InputError) as refused:
        platform.sessions.complete(key_of(session), signed(platform, session, card("hanako")))
    assert refused.value.code == "verification.certificate_kind"
    ended = platform.sessions.complete(key_of(session), signed(platform, session, key))
    assert ended.session.person_status == "linked"
    carried = platform.sessions.complete(
        key_of(other), SessionSignature(signature=key.sign(page.document), certificate=key.certificate)
    )
    assert carried.verdict is not None
    assert carried.verdict.indication == "TOTAL-FAILED"
    with pytest.raises(InputError) as refused:
        platform.sessions.complete(
            key_of(platform.sessions.create(caller, request())),
            SessionSignature(signature=key.sign(b"x"), certificate=key.certificate),
        )
    assert refused.value.code == "verification.certificate_kind"
