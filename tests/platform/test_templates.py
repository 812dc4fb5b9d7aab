"""Every template whose parts exist, end to end in the sandbox: opened by its id, signed by a card, answered."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from honnin.errors import GoneError, HonninError, InputError, StateError
from honnin.law import templates
from honnin.platform import Platform
from honnin.platform.bundle import bundle_document
from honnin.platform.comparing import ComparisonRequest, Decided, Least
from honnin.platform.models import BundledFile, Caller, Session, SessionRequest, SessionSignature

Cards = Callable[[str], Any]
READY = tuple(one for one in templates() if not one.pending and one.by == "session")
PENDING = tuple(one for one in templates() if one.pending)
RETURN = "http://bank.localhost:8600/return"
FILES = (
    BundledFile(name="発行申請書.json", content="医籍登録番号 000000".encode()),
    BundledFile(name="医師免許証.jpg", content=b"\xff\xd8 licence"),
    BundledFile(name="顔写真.jpg", content=b"\xff\xd8 portrait"),
)


@pytest.fixture
def database_url() -> None:
    """SQLite: nothing here depends on the engine."""


def opened(platform: Platform, caller: Caller, name: str, **members: Any) -> Session:
    signs = next(one.signs for one in templates() if one.id == name)
    if signs == "document":
        members.setdefault("document", "売買契約書".encode())
    if signs == "files":
        members.setdefault("files", FILES)
    return platform.sessions.create(caller, SessionRequest(template=name, return_url=RETURN, **members))


def finished(platform: Platform, caller: Caller, session: Session, card: Any) -> Session:
    assert session.url is not None
    key = session.url.removeprefix("/check/")
    document = platform.sessions.page(key).document
    signed = SessionSignature(signature=card.sign(document), certificate=card.certificate)
    assert platform.sessions.complete(key, signed).session.status == "completed"
    return platform.sessions.read(caller, session.id)


@pytest.mark.parametrize("one", READY, ids=lambda one: one.id)
def test_template_runs_end_to_end(platform: Platform, caller: Caller, card: Cards, one: Any) -> None:
    session = opened(platform, caller, one.id)
    assert (session.template, session.purpose, session.law, session.method) == (
        one.id,
        one.purpose,
        one.law,
        one.method,
    )
    assert session.attributes == one.attributes
    done = finished(platform, caller, session, card("hanako"))
    assert done.verification is not None
    check = platform.verification(caller, done.verification)
    assert (check.verdict.indication, check.channel) == ("TOTAL-PASSED", one.channel)
    if one.law is not None:
        assert check.law is not None
        expected = "missing" if one.law == "golf_tax" else "satisfied"  # of 44 years: not exempt
        assert check.law.status == expected
    items = platform.sessions.four_items(caller, session.id).four_items
    given = {name for name in ("name", "address", "birth_date", "sex") if getattr(items, name) is not None}
    derived = {
        name: value for name in one.attributes if name not in given and (value := getattr(items, name)) is not None
    }
    assert given | set(derived) == set(one.attributes)
    assert all(value is (name != "age_over_70") for name, value in derived.items() if name.startswith("age_over_"))


@pytest.mark.parametrize("one", PENDING, ids=lambda one: one.id)
def test_pending_template_is_not_faked(platform: Platform, caller: Caller, one: Any) -> None:
    with pytest.raises(StateError) as refused:
        opened(platform, caller, one.id)
    assert refused.value.code == "template.pending"
    assert all(need in refused.value.message for need in one.needs)


def test_age_answer_hides_the_birth_date_and_turns_at_midnight(platform: Platform, caller: Caller, card: Cards) -> None:
    done = finished(platform, caller, opened(platform, caller, "event_alcohol_age"), card("hanako"))
    items = platform.sessions.four_items(caller, done.id).four_items
    assert (items.age_over_20, items.birth_date, items.name, items.address) == (True, None, None, None)


def test_a_tenant_without_the_date_of_birth_may_still_ask_for_the_age(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    tenant = platform.change_tenant(caller.id, attributes=("name", "age_over_20"))
    narrow = Caller(tenant=tenant)
    done = finished(platform, narrow, opened(platform, narrow, "event_alcohol_age"), card("hanako"))
    assert platform.sessions.four_items(narrow, done.id).four_items.age_over_20 is True
    with pytest.raises(InputError) as refused:
        opened(platform, narrow, "micro_mobility_age")
    assert refused.value.code == "session.attributes"


def test_account_recovery_finds_the_person_checked_before(platform: Platform, caller: Caller, card: Cards) -> None:
    before = finished(platform, caller, opened(platform, caller, "bank_account"), card("hanako"))
    again = finished(platform, caller, opened(platform, caller, "account_recovery"), card("hanako"))
    other = finished(platform, caller, opened(platform, caller, "account_recovery"), card("kyoko"))
    assert None not in {before.person, other.person}
    assert before.person == again.person != other.person


def test_bundle_of_files_is_signed_as_one(platform: Platform, caller: Caller, card: Cards) -> None:
    session = opened(platform, caller, "medical_card")
    assert session.url is not None
    page = platform.sessions.page(session.url.removeprefix("/check/"))
    assert page.document.decode() == page.text
    assert all(one.name in page.text and hashlib.sha256(one.content).hexdigest() in page.text for one in FILES)
    words = page.text.partition("\n")[0]
    assert bundle_document(words, FILES) == page.document
    swapped = (*FILES[:2], BundledFile(name=FILES[2].name, content=b"another face"))
    assert bundle_document(words, swapped) != page.document
    finished(platform, caller, session, card("hanako"))


@pytest.mark.parametrize(
    "names",
    [[], ["a"] * 2, ["ａ.pdf", "a.pdf"], ["a\u202egpj.exe"], ["a\nb"], [" "], [f"{n}" for n in range(21)]],
    ids=["none", "twice", "twice_in_width", "reordered", "line_end", "blank", "many"],
)
def test_bundle_that_would_not_be_seen_as_it_is_is_refused(names: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        bundle_document("", [BundledFile(name=name, content=b"x") for name in names])
    assert refused.value.code == "session.files"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"template": "casino"}, "template.unknown"),
        ({"template": "bank_account", "law": "mobile_phone"}, "template.conflict"),
        ({"template": "bank_account", "method": "aml.ic_selfie"}, "template.conflict"),
        ({"template": "bank_account", "channel": "in_person"}, "template.conflict"),
        ({"template": "micro_mobility_age", "attributes": ("birth_date",)}, "template.conflict"),
        ({"template": "electronic_contract"}, "template.content"),
        ({"template": "medical_card"}, "template.content"),
        ({"template": "medical_card", "files": FILES, "document": b"x"}, "session.content"),
        ({"text": "なし"}, "session.purpose"),
    ],
)
def test_request_that_contradicts_its_template_is_refused(
    platform: Platform, caller: Caller, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(HonninError) as refused:
        platform.sessions.create(caller, SessionRequest(return_url=RETURN, **members))
    assert refused.value.code == code


def test_less_than_the_template_may_be_asked_for(platform: Platform, caller: Caller) -> None:
    session = opened(platform, caller, "bank_account", attributes=("name",), text="定期預金を始めます。")
    assert session.attributes == ("name",)


LEDGER = {"name": "見本花子", "birth_date": "1989-03-31", "sex": "female"}


def ledger_of(platform: Platform, caller: Caller, session: Session) -> dict[str, Any]:
    held = platform.sessions.four_items(caller, session.id).four_items
    return {name: getattr(held, name) for name in ("name", "address", "birth_date", "sex")}


def test_four_items_are_compared_with_the_ledger(platform: Platform, caller: Caller, card: Cards) -> None:
    done = finished(platform, caller, opened(platform, caller, "bank_procedure"), card("hanako"))
    ledger = ledger_of(platform, caller, done)
    whole = platform.compare(caller, done.id, ComparisonRequest(**ledger))
    assert (whole.outcome, whole.name.result, whole.address.result) == ("agrees", "same", "same")
    typed = platform.compare(caller, done.id, ComparisonRequest(**{**ledger, "name": ledger["name"].replace("　", "")}))
    assert typed.outcome == "agrees"
    wrong = ComparisonRequest(**{**ledger, "name": "見本　太郎"})
    assert platform.compare(caller, done.id, wrong).outcome == "differs"
    born = ComparisonRequest(**{**ledger, "birth_date": "1901-01-01"})
    assert platform.compare(caller, done.id, born).outcome == "differs"
    assert platform.compare(caller, done.id, ComparisonRequest()).outcome == "review"
    strict = ComparisonRequest(name="ミホン　ハナコ", least=Least(name="same"))
    found = platform.compare(caller, done.id, strict)
    assert found.outcome in {"review", "differs"}
    decided = Decided(by="staff-7", reason="窓口で旧字体と確かめた")
    over = platform.compare(caller, done.id, ComparisonRequest(name="見本　太郎", override=decided))
    assert (over.outcome, over.name.result, over.override) == ("overridden", "different", decided)
    events = [event for event in platform.events(caller).data if event.type == "session.compared"]
    assert {tuple(sorted(event.data)) for event in events} == {("outcome", "session")}
    platform.sessions.delete_four_items(caller, done.id)
    with pytest.raises(GoneError):
        platform.compare(caller, done.id, ComparisonRequest(**ledger))


def test_comparison_shows_no_item_in_its_repr() -> None:
    assert "見本" not in repr(ComparisonRequest(**LEDGER))  # type: ignore[arg-type]
