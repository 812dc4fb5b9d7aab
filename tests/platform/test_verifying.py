"""Checks: what the service provider gets, what is recorded, who the person is, and what repeats and refusals do."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from tests.waiting import LONG, joined, until

from honnin.connect.jlis import RevocationData
from honnin.errors import AccessError, GoneError, InputError, NotFoundError, ServiceError, StateError
from honnin.pki import Facts, judge
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5280.extensions import authority_key_identifier
from honnin.platform import Platform, linking
from honnin.platform.drafting import Made
from honnin.platform.evidence.kept_once import read_kept
from honnin.platform.evidence.packing import read_custody, read_opening
from honnin.platform.evidence.receipt import verify_receipt
from honnin.platform.models import Caller, DigestInput, VerificationAnswer, VerificationRequest
from honnin.sandbox import people
from honnin.sandbox.jlis import crl
from honnin.sandbox.jlis.authorities import by_key_id
from honnin.sandbox.life import happen
from honnin.sandbox.world import World

sqlite_alone = pytest.mark.parametrize("database_url", [None])  # nothing here depends on the engine
Cards = Callable[[str], Any]


def count(platform: Platform, table: str) -> int:
    with platform.store.read() as db:
        return int(db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


def test_passed_check_gives_verdict_person_and_the_four_items_once(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    answer = platform.verify(caller, card("hanako").request())
    assert answer.verdict.indication == "TOTAL-PASSED"
    assert answer.four_items is not None
    assert (answer.four_items.name, answer.four_items.birth_date, answer.four_items.sex) == (
        "見本　花子",
        "1990-04-12",
        "female",
    )
    assert answer.person is not None
    assert answer.person_status == "linked"
    assert answer.revocation is not None
    assert (answer.revocation.status, answer.revocation.source) == ("good", "ocsp")
    assert all({"id", "result", "reason"} <= set(check) for check in answer.verdict.checks)
    read = platform.verification(caller, answer.id)
    assert not hasattr(read, "four_items")
    shown = msgspec.json.encode(read).decode()
    assert "花子" not in shown
    assert "見本" not in shown


def test_answer_carries_no_certificate_or_revocation_data(platform: Platform, caller: Caller, card: Cards) -> None:
    answer = msgspec.to_builtins(platform.verify(caller, card("hanako").request()))
    assert set(answer) == {
        *("id", "object", "livemode", "created_at", "purpose", "channel", "verdict", "law", "revocation", "person"),
        *("person_status", "evidence", "session", "messages", "four_items", "certificate_kind", "assurance", "shown"),
    }


def test_failed_check_is_recorded_and_withholds_the_four_items(
    platform: Platform, caller: Caller, card: Cards, world: World
) -> None:
    hanako = card("hanako")
    happen(world, "hanako", "lose", at=world.now())
    answer = platform.verify(caller, hanako.request(law="aml"))
    assert (answer.verdict.indication, answer.verdict.sub_indication) == ("TOTAL-FAILED", "REVOKED")
    assert answer.four_items is None
    assert answer.person is None
    assert answer.person_status == "none"
    assert answer.law is not None
    assert answer.law.status == "missing"
    assert answer.law.missing == ("cert.jpki", "sig.tx", "revocation")
    assert count(platform, "evidence") == 1
    with platform.store.read() as db:
        kinds = db.exec_driver_sql("SELECT kind FROM sealed").scalars().all()
    assert kinds == ["opening"]


def test_end_of_a_certificate_is_not_told_because_it_is_a_birthday(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    saku = card("saku")
    answer = platform.verify(caller, saku.request())
    assert (answer.verdict.indication, answer.verdict.sub_indication) == ("TOTAL-FAILED", "EXPIRED")
    not_after = parse_certificate(saku.certificate).not_after
    platform.sequence()
    record = platform.receipt(caller, answer.id).record
    for shown in (msgspec.json.encode(answer).decode(), record):
        # today may be the birthday, and the check's own moments may be told
        assert f"{not_after:%m-%dT}" not in shown.replace(f"{answer.created_at:%Y-%m-%dT}", "")


def test_source_that_is_down_is_could_not_tell(platform: Platform, caller: Caller, card: Cards, jlis: Any) -> None:
    jlis.down = True
    answer = platform.verify(caller, card("hanako").request())
    assert (answer.verdict.indication, answer.verdict.sub_indication) == ("INDETERMINATE", "TRY_LATER")
    assert answer.four_items is None
    assert answer.revocation is None or answer.revocation.source is None


def test_wrong_signature_fails(platform: Platform, caller: Caller, card: Cards) -> None:
    request = card("hanako").request()
    other = msgspec.structs.replace(request, document=b"another document")
    assert platform.verify(caller, other).verdict.indication == "TOTAL-FAILED"


@pytest.mark.parametrize("certificate", [b"\x30\x03\x02\x01\x00", b"", b"\xff" * 500])
@sqlite_alone
def test_malformed_certificate_is_a_verdict(
    platform: Platform, caller: Caller, card: Cards, certificate: bytes
) -> None:
    request = msgspec.structs.replace(card("hanako").request(), certificate=certificate)
    answer = platform.verify(caller, request)
    assert answer.verdict.sub_indication == "FORMAT_FAILURE"
    assert count(platform, "evidence") == 1


def test_person_is_stable_over_renewal_and_differs_between_tenants(
    platform: Platform, caller: Caller, card: Cards, world: World, later: Callable[..., None]
) -> None:
    before = platform.verify(caller, card("hanako").request())
    happen(world, "hanako", "renew", at=world.now())
    later(hours=2)
    after = platform.verify(caller, card("hanako").request())
    assert after.person == before.person
    other = platform.authenticate(platform.create_tenant("別の銀行").api_key)
    assert platform.verify(other, card("hanako").request()).person not in {before.person, None}
    assert platform.verify(caller, card("kyoko").request()).person not in {before.person, None}


def test_counterpart_leads_to_the_same_person(platform: Platform, caller: Caller, world: World, card: Cards) -> None:
    material = people.card_material(world, "hanako")
    by_signature = platform.verify(caller, card("hanako").request())
    authentication = type(card("hanako"))(material.user_authentication_certificate, material.user_authentication_key)
    answer = platform.verify(caller, authentication.request(purpose="login"))
    assert answer.verdict.indication == "TOTAL-PASSED"
    assert answer.four_items is None
    assert answer.person == by_signature.person


def test_fresh_certificate_is_pending_and_never_a_second_person(
    platform: Platform, caller: Caller, card: Cards, world: World, later: Callable[..., None]
) -> None:
    before = platform.verify(caller, card("hanako").request())
    happen(world, "hanako", "renew", at=world.now())
    later(minutes=5)
    pending = platform.verify(caller, card("hanako").request())
    assert (pending.person, pending.person_status) == (None, "pending")
    assert pending.four_items is not None
    assert platform.verification(caller, pending.id).person_status == "pending"
    later(hours=2)
    settled = platform.verification(caller, pending.id)
    assert (settled.person, settled.person_status) == (before.person, "linked")
    assert count(platform, "persons") == 1
    types = [event.type for event in platform.events(caller).data]
    assert types == ["verification.completed", "verification.completed", "verification.person_linked"]


def test_pending_check_is_settled_by_a_later_one(
    platform: Platform, caller: Caller, card: Cards, world: World, later: Callable[..., None]
) -> None:
    happen(world, "hanako", "renew", at=world.now())
    later(minutes=5)
    first = platform.verify(caller, card("hanako").request())
    later(hours=2)
    second = platform.verify(caller, card("hanako").request())
    assert second.person is not None
    assert platform.verification(caller, first.id).person == second.person


def test_same_key_gets_the_same_sealed_answer_for_a_day(
    platform: Platform, caller: Caller, card: Cards, later: Callable[..., None]
) -> None:
    request = card("hanako").request()
    first = platform.verify(caller, request, idempotency_key="k")
    later(hours=23)
    again = platform.verify(caller, request, idempotency_key="k")
    assert msgspec.json.encode(again) == msgspec.json.encode(first)
    assert count(platform, "verifications") == count(platform, "evidence") == count(platform, "events") == 1
    with pytest.raises(StateError) as conflict:
        platform.verify(caller, msgspec.structs.replace(request, purpose="loan"), idempotency_key="k")
    assert conflict.value.code == "verification.idempotency_conflict"
    other = platform.authenticate(platform.create_tenant("別の銀行").api_key)
    assert platform.verify(other, request, idempotency_key="k").id != first.id
    later(hours=2)
    assert platform.verify(caller, request, idempotency_key="k").id != first.id


def test_sealed_answer_ends_with_its_day(
    platform: Platform, caller: Caller, card: Cards, later: Callable[..., None]
) -> None:
    platform.verify(caller, card("hanako").request(), idempotency_key="k")
    later(hours=25)
    assert platform.sweep() == 1
    with platform.store.read() as db:
        assert "answer" not in db.exec_driver_sql("SELECT kind FROM sealed").scalars().all()


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "鍵", "a\n"])
@sqlite_alone
def test_impossible_idempotency_keys_are_refused(platform: Platform, caller: Caller, card: Cards, key: str) -> None:
    with pytest.raises(InputError) as refused:
        platform.verify(caller, card("hanako").request(), idempotency_key=key)
    assert refused.value.code == "verification.idempotency_key"


def test_law_satisfied_keeps_custody_that_opens_the_commitments(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    hanako = card("hanako")
    answer = platform.verify(caller, hanako.request(b"transfer 1000 yen", law="aml"))
    assert answer.law is not None
    assert (answer.law.status, answer.law.label, answer.law.method) == ("satisfied", "カ", "aml.jpki_signature")
    platform.sequence()
    record = verify_receipt(platform.receipt(caller, answer.id), platform.keys.log.public)
    with platform.store.read() as db:
        custody = read_custody(db, platform._sealer, caller.id, answer.evidence)
        opening = read_opening(db, platform._sealer, caller.id, answer.evidence)
    assert custody.certificate == hanako.certificate
    assert custody.content == b"transfer 1000 yen"
    from honnin.platform.evidence.commitments import opens

    commitments = record["commitments"]
    for role, content in (
        ("certificate", custody.certificate),
        ("signed", custody.signed),
        ("content", custody.content),
    ):
        assert opens(opening.key, role, content, commitments[role])
    assert not opens(opening.key, "certificate", custody.signed, commitments["certificate"])
    facts = Facts.decode(opening.facts)
    assert facts.signers[0].certificate is not None
    assert facts.signers[0].certificate.commitment == commitments["certificate"]
    assert judge(facts, "jpki_signature").indication == answer.verdict.indication


def test_no_law_keeps_no_custody(platform: Platform, caller: Caller, card: Cards) -> None:
    answer = platform.verify(caller, card("hanako").request())
    with platform.store.read() as db:
        kinds = db.exec_driver_sql("SELECT kind FROM sealed").scalars().all()
    assert kinds == ["opening"]
    assert answer.law is None


@sqlite_alone
def test_digest_only_passes_without_a_law_and_is_refused_where_one_keeps_the_document(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    document = b"signed elsewhere"
    hanako = card("hanako")
    digest = DigestInput(alg="sha256", value=hashlib.sha256(document).hexdigest())
    request = VerificationRequest(
        purpose="contract", digest=digest, signature=hanako.sign(document), certificate=hanako.certificate
    )
    assert platform.verify(caller, request).verdict.indication == "TOTAL-PASSED"
    for law in ("aml", "mobile_phone", "second_hand"):
        with pytest.raises(InputError) as refused:
            platform.verify(caller, msgspec.structs.replace(request, law=law))
        assert refused.value.code == "law.document_required"


def test_tenant_without_verifier_status_may_not_use_the_statutory_method(platform: Platform, card: Cards) -> None:
    made = platform.create_tenant("無資格の会社", verifier_status="none")
    caller = platform.authenticate(made.api_key)
    with pytest.raises(StateError) as refused:
        platform.verify(caller, card("hanako").request(law="aml"))
    assert refused.value.code == "law.not_lawful"
    assert platform.verify(caller, card("hanako").request()).verdict.indication == "TOTAL-PASSED"


def test_my_number_needs_a_number_handler_and_the_chips_number(platform: Platform, caller: Caller, card: Cards) -> None:
    with pytest.raises(StateError):
        platform.verify(caller, card("hanako").request(law="my_number"))
    platform.change_tenant(caller.id, number_handler=True)
    with platform.store.read() as db:
        from honnin.platform.tenants import get_tenant

        caller = Caller(tenant=get_tenant(db, caller.id))
    answer = platform.verify(caller, card("hanako").request(law="my_number"))
    assert answer.law is not None
    assert (answer.law.status, answer.law.missing) == ("missing", ("ic.number_signed",))


@sqlite_alone
def test_second_hand_wants_the_facts_inside_the_signed_document(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    answer = platform.verify(caller, card("hanako").request(law="second_hand", signed_items=("name", "address")))
    assert answer.law is not None
    assert answer.law.missing == ("signed_item.occupation", "signed_item.age")
    whole = card("hanako").request(law="second_hand", signed_items=("name", "address", "occupation", "age"))
    satisfied = platform.verify(caller, whole).law
    assert satisfied is not None
    assert satisfied.status == "satisfied"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"method": "aml.tarot"}, "law.unknown_method"),
        ({"method": "aml.jpki_signature", "law": "second_hand"}, "law.unknown_method"),
        ({"law": "aml", "channel": "in_person"}, "law.not_lawful"),
        ({"document": None}, "verification.incomplete"),
        ({"signature": None}, "verification.incomplete"),
        ({"certificate": None}, "verification.incomplete"),
        ({"cms": b"0"}, "verification.ambiguous"),
        ({"digest": DigestInput(alg="sha256", value="00" * 32)}, "verification.ambiguous"),
        ({"document": None, "digest": DigestInput(alg="sha512", value="00" * 32)}, "verification.digest"),
        ({"document": b"x" * ((8 << 20) + 1)}, "verification.too_large"),
        ({"signature": b"x" * 2049}, "verification.too_large"),
        ({"certificate": b"x" * 20000}, "verification.too_large"),
    ],
)
@sqlite_alone
def test_impossible_requests_are_refused_and_leave_nothing(
    platform: Platform, caller: Caller, card: Cards, members: dict[str, Any], code: str
) -> None:
    request = msgspec.structs.replace(card("hanako").request(), **members)
    with pytest.raises((InputError, StateError)) as refused:
        platform.verify(caller, request)
    assert refused.value.code == code
    assert count(platform, "verifications") == count(platform, "evidence") == count(platform, "events") == 0


def test_attributes_are_those_the_tenant_may_have(platform: Platform, caller: Caller, card: Cards) -> None:
    platform.change_tenant(caller.id, attributes=("birth_date",))
    with platform.store.read() as db:
        from honnin.platform.tenants import get_tenant

        caller = Caller(tenant=get_tenant(db, caller.id))
    items = platform.verify(caller, card("hanako").request()).four_items
    assert items is not None
    assert msgspec.json.decode(msgspec.json.encode(items)) == {
        "birth_date": "1990-04-12",
        "substitute_characters": {"name": [], "address": []},
    }


def test_certified_verifier_with_its_ground_gets_the_certificate(platform: Platform, card: Cards) -> None:
    made = platform.create_tenant("認定事業者", verifier_status="certified")
    caller = platform.authenticate(made.api_key)
    hanako = card("hanako")
    assert platform.verify(caller, hanako.request()).certificate is msgspec.UNSET
    platform.change_tenant(made.tenant, certificate_ground="公的個人認証法17条1項6号の認定")
    answer = platform.verify(platform.authenticate(made.api_key), hanako.request())
    assert answer.certificate == hanako.certificate


def test_certificate_exception_needs_a_certified_verifier(platform: Platform, caller: Caller) -> None:
    with pytest.raises(InputError) as refused:
        platform.change_tenant(caller.id, certificate_ground="because")
    assert refused.value.code == "tenant.ground"


def test_live_tenant_refuses_a_sandbox_certificate(platform: Platform, card: Cards) -> None:
    made = platform.create_tenant("本番の銀行", livemode=True)
    assert made.api_key.startswith("sk_live_")
    caller = platform.authenticate(made.api_key)
    with pytest.raises(AccessError) as refused:
        platform.verify(caller, card("hanako").request())
    assert refused.value.code == "verification.sandbox_certificate"
    assert count(platform, "verifications") == 0


def test_tenants_do_not_see_each_other(platform: Platform, caller: Caller, card: Cards) -> None:
    answer = platform.verify(caller, card("hanako").request())
    other = platform.authenticate(platform.create_tenant("別の銀行").api_key)
    for look in (platform.verification, platform.receipt):
        with pytest.raises(NotFoundError):
            look(other, answer.id)
    assert platform.events(other).data == ()
    assert platform.verifications(other).data == ()


def test_verifications_page_newest_first(platform: Platform, caller: Caller, card: Cards, later: Any) -> None:
    made = []
    for _ in range(5):
        made.append(platform.verify(caller, card("hanako").request()).id)
        later(seconds=1)
    first = platform.verifications(caller, limit=2)
    second = platform.verifications(caller, after=first.next, limit=2)
    third = platform.verifications(caller, after=second.next, limit=2)
    seen = [v.id for page in (first, second, third) for v in page.data]
    assert seen == made[::-1]
    assert [page.has_more for page in (first, second, third)] == [True, True, False]


def test_forgetting_ends_the_sealed_data_and_the_log_still_proves(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    answer = platform.verify(caller, card("hanako").request(law="aml"), idempotency_key="k")
    assert answer.person is not None
    platform.sequence()
    assert platform.forget_person(caller.id, answer.person) >= 2
    assert count(platform, "sealed") == 0
    with platform.store.read() as db:
        assert not any(db.exec_driver_sql("SELECT wrapped FROM data_keys").scalars().all())
    record = verify_receipt(platform.receipt(caller, answer.id), platform.keys.log.public)
    assert record["verification"] == answer.id
    again = platform.verify(caller, card("hanako").request())
    assert again.person not in {None, answer.person}


def test_forgetting_waits_for_a_check_that_is_being_written(
    platform: Platform, caller: Caller, card: Cards, database_url: str | None
) -> None:
    """The command that forgets is another process than the servers."""
    if database_url is None:
        return  # SQLite has one writer
    before = platform.verify(caller, card("hanako").request())
    assert before.person is not None
    verifier = platform._verifier
    made = verifier._make(platform._modes[False], caller.tenant, card("hanako").request(), "key-1", None, None)
    assert isinstance(made, Made)
    recorder = verifier._recorder
    draft = recorder._drafter.predicted(made, recorder._known(caller.id, [made])[made.id])
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    def meets() -> bool:
        with platform.store.read() as db:
            return forgetting.done() or db.exec_driver_sql(waits).scalar_one() > 0

    with ThreadPoolExecutor(1) as pool:
        with platform.store.engine.connect() as db, db.begin():
            (written,) = recorder.record_together(db, [draft])
            assert isinstance(written, VerificationAnswer)
            assert written.person == before.person
            forgetting = pool.submit(platform.forget_person, caller.id, before.person)
            until(meets, "nobody forgot")
        assert forgetting.result(LONG) >= 2
    for table in ("sealed", "customer_certificates", "person_certificates"):
        assert count(platform, table) == 0, table
    with platform.store.read() as db:
        assert not any(db.exec_driver_sql("SELECT wrapped FROM data_keys").scalars().all())


@sqlite_alone
@pytest.mark.parametrize("given", [0, 1, 2])
def test_forgetting_ends_a_person_over_a_chain_of_merges(platform: Platform, caller: Caller, given: int) -> None:
    def join(tags: list[str], day: int) -> str:
        at = f"2026-01-0{day}T00:00:00Z"
        person = platform.store.write(lambda db: linking.join_person(db, caller.id, tags, at))
        platform.store.write(
            lambda db: platform._sealer.seal(
                db, caller.id, f"evd_{day}", "opening", b"name", subject=person, retention="default", now=at
            )
        )
        return person

    people = [join([f"tag{day}"], day) for day in (1, 2, 3)]
    join(["tag3", "tag2"], 4)
    join(["tag2", "tag1"], 5)
    assert platform.forget_person(caller.id, people[given]) == 3
    assert count(platform, "sealed") == count(platform, "person_certificates") == 0


def test_pending_check_is_forgotten_by_its_id(
    platform: Platform, caller: Caller, card: Cards, jlis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: Any, **__: Any) -> None:
        raise ServiceError("jlis.down", "J-LIS is away.", next="Ask again.", retryable=True)

    linked = platform.verify(caller, card("hanako").request(law="aml"))
    monkeypatch.setattr(type(jlis), "link", no_link)
    first, second = (platform.verify(caller, card("kyoko").request(law="aml")) for _ in range(2))
    assert first.person_status == "pending"
    assert platform.forget_person(caller.id, first.id) == 2  # the other check of the certificate too
    with platform.store.read() as db:
        for answer in (first, second):
            for kind in ("opening", "custody"):
                with pytest.raises(GoneError):
                    platform._sealer.open(db, caller.id, answer.evidence, kind)
        assert platform._sealer.open(db, caller.id, linked.evidence, "custody")
    assert platform.verification(caller, first.id).person_status == "none"
    with pytest.raises(NotFoundError, match="no such person"):
        platform.forget_person(caller.id, linked.id)


def test_check_that_is_forgotten_while_jlis_is_asked_brings_nobody_back(
    platform: Platform, caller: Caller, card: Cards, jlis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = type(jlis).link

    def no_link(*_: Any, **__: Any) -> None:
        raise ServiceError("jlis.down", "J-LIS is away.", next="Ask again.", retryable=True)

    def slow(*asked: Any, **at: Any) -> Any:
        platform.forget_person(caller.id, pending.id)
        return ask(*asked, **at)

    monkeypatch.setattr(type(jlis), "link", no_link)
    pending = platform.verify(caller, card("kyoko").request())
    assert pending.person_status == "pending"
    monkeypatch.setattr(type(jlis), "link", slow)
    shown = platform.verification(caller, pending.id)
    assert (shown.person, shown.person_status) == (None, "none")
    assert [event.type for event in platform.events(caller).data] == ["verification.completed"]
    for table in ("persons", "person_certificates", "customer_certificates", "pending_links"):
        assert count(platform, table) == 0, table


def test_one_key_sent_at_once_from_many_sides_makes_one_check(platform: Platform, caller: Caller, card: Cards) -> None:
    request, answers = card("hanako").request(), []
    threads = [
        threading.Thread(target=lambda: answers.append(platform.verify(caller, request, idempotency_key="k")))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert len({answer.id for answer in answers}) == 1
    assert len(answers) == 6
    assert count(platform, "verifications") == count(platform, "evidence") == count(platform, "events") == 1


def test_old_and_new_certificate_at_once_are_one_person(
    platform: Platform, caller: Caller, card: Cards, world: World, later: Callable[..., None]
) -> None:
    material = people.card_material(world, "hanako")
    authentication = type(card("hanako"))(material.user_authentication_certificate, material.user_authentication_key)
    requests, answers = [card("hanako").request(), authentication.request(purpose="login")] * 3, []
    threads = [
        threading.Thread(target=lambda one=one: answers.append(platform.verify(caller, one))) for one in requests
    ]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert len({answer.person for answer in answers}) == 1
    assert count(platform, "persons") == 1


def test_persons_met_before_their_link_become_the_older_one(
    platform: Platform, caller: Caller, card: Cards, jlis: Any
) -> None:
    from types import SimpleNamespace

    from honnin.platform import linking

    def alone(issuer_key_id: bytes, serial: int, *, at: object) -> object:
        return SimpleNamespace(state="linked", previous=None, counterpart=None)

    tags = {name: [name * 64] for name in "ab"}
    first = platform.store.write(lambda db: linking.join_person(db, caller.id, tags["a"], "2026-01-01"))
    second = platform.store.write(lambda db: linking.join_person(db, caller.id, tags["b"], "2026-01-02"))
    assert first != second
    joined = platform.store.write(lambda db: linking.join_person(db, caller.id, [*tags["a"], *tags["b"]], "2026-01-03"))
    assert joined == first
    with platform.store.read() as db:
        assert linking.known_person(db, caller.id, tags["b"][0]) == first
    kin = linking.learn_kin(SimpleNamespace(link=alone), b"k", 1, at=None)  # type: ignore[arg-type]
    assert (kin.certificates, kin.settled) == (((b"k", 1),), True)


def test_endless_succession_is_followed_so_far_only() -> None:
    from types import SimpleNamespace

    from honnin.platform import linking

    asked = []

    def endless(issuer_key_id: bytes, serial: int, *, at: object) -> object:
        asked.append(serial)
        before = SimpleNamespace(issuer_key_id=issuer_key_id, serial=serial + 1)
        return SimpleNamespace(state="linked", previous=before, counterpart=None)

    kin = linking.learn_kin(SimpleNamespace(link=endless), b"k", 1, at=None)  # type: ignore[arg-type]
    assert kin.settled
    assert len(asked) == linking.MOST_STEPS


def cms(card: Any, document: bytes, *options: pkcs7.PKCS7Options) -> bytes:
    """A CMS by a library that is not ours."""
    key: Any = serialization.load_der_private_key(card.key, None)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(document)
    builder = builder.add_signer(x509.load_der_x509_certificate(card.certificate), key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])


def test_cms_attached_and_detached(platform: Platform, caller: Caller, card: Cards) -> None:
    hanako, document = card("hanako"), b"an application form"
    attached = VerificationRequest(purpose="contract", law="aml", cms=cms(hanako, document))
    answer = platform.verify(caller, attached)
    assert answer.verdict.indication == "TOTAL-PASSED"
    assert answer.four_items is not None
    assert answer.law is not None
    assert answer.law.status == "satisfied"
    detached = cms(hanako, document, pkcs7.PKCS7Options.DetachedSignature)
    beside = VerificationRequest(purpose="contract", cms=detached, document=document)
    second = platform.verify(caller, beside)
    assert (second.verdict.indication, second.person) == ("TOTAL-PASSED", answer.person)
    other = platform.verify(caller, msgspec.structs.replace(beside, document=b"another"))
    assert (other.verdict.indication, other.verdict.sub_indication) == ("TOTAL-FAILED", "HASH_FAILURE")
    digest = DigestInput(alg="sha256", value=hashlib.sha256(document).hexdigest())
    by_digest = VerificationRequest(purpose="contract", cms=detached, digest=digest)
    assert platform.verify(caller, by_digest).verdict.indication == "TOTAL-PASSED"


@sqlite_alone
def test_cms_that_cannot_be_used(platform: Platform, caller: Caller, card: Cards) -> None:
    hanako, document = card("hanako"), b"an application form"
    attached = cms(hanako, document)
    detached = cms(hanako, document, pkcs7.PKCS7Options.DetachedSignature)
    bare = cms(hanako, document, pkcs7.PKCS7Options.NoCerts)
    for members, code in (
        ({"cms": detached}, "verification.incomplete"),
        ({"cms": attached, "document": document}, "verification.ambiguous"),
        ({"cms": b"\x30\x80\x00\x00"}, "verification.not_cms"),
        ({"cms": attached, "signature": b"x"}, "verification.ambiguous"),
        ({"signature": bare, "certificate": hanako.certificate, "document": b"x"}, "verification.ambiguous"),
    ):
        with pytest.raises(InputError) as refused:
            platform.verify(caller, VerificationRequest(purpose="contract", **members))  # type: ignore[arg-type]
        assert refused.value.code == code
    assert count(platform, "evidence") == 0
    for content in (attached[:-20], attached[:300] + b"\0" + attached[301:], bare):
        answer = platform.verify(caller, VerificationRequest(purpose="contract", cms=content))
        assert answer.verdict.indication in {"TOTAL-FAILED", "INDETERMINATE"}
        assert answer.four_items is None


@sqlite_alone
def test_nobody_is_asked_about_a_certificate_that_no_trusted_authority_signed(
    platform: Platform, caller: Caller, card: Cards, jlis: Any
) -> None:
    """It carries the names and key ids of a real one, and would choose which addresses are asked."""
    hanako = card("hanako")
    real, key = x509.load_der_x509_certificate(hanako.certificate), rsa.generate_private_key(65537, 2048)
    builder = x509.CertificateBuilder(
        real.issuer,
        real.subject,
        key.public_key(),
        real.serial_number,
        real.not_valid_before_utc,
        real.not_valid_after_utc,
    )
    for extension in real.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    forged = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    answer = platform.verify(caller, hanako.request(certificate=forged))
    assert answer.verdict.indication != "TOTAL-PASSED"
    assert jlis.asked == 0
    platform.verify(caller, hanako.request())
    assert jlis.asked == 1


def list_for(card: Any, world: World) -> bytes:
    """Return the list of today that the CA of a card's certificate publishes."""
    identifier = authority_key_identifier(parse_certificate(card.certificate))
    authority = by_key_id(world, (identifier and identifier.key_identifier) or b"")
    assert authority is not None
    return crl.full(world, authority, world.now())


def test_a_revocation_list_is_kept_once_for_all_checks_that_read_it(
    platform: Platform, caller: Caller, card: Cards, jlis: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanako = card("hanako")
    made = list_for(hanako, world)

    def fetch(certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:
        return RevocationData(crls=(made,), source="crl_http", fetched_at=at)

    monkeypatch.setattr(jlis, "fetch", fetch)
    answers = [platform.verify(caller, hanako.request(bytes([number]))) for number in range(3)]
    assert {answer.verdict.indication for answer in answers} == {"TOTAL-PASSED"}
    with platform.store.read() as db:
        kept = db.exec_driver_sql("SELECT tenant_id, digest, content FROM kept_once").all()
        openings = [read_opening(db, platform._sealer, caller.id, answer.evidence) for answer in answers]
    lists = {row.digest for row in kept if row.content == made}
    assert lists == {name for opening in openings for name in opening.lists}
    assert all(hashlib.sha256(row.content).hexdigest() == row.digest for row in kept)
    assert all(opening.lists and not opening.revocation for opening in openings)


def test_a_list_that_only_a_repeat_read_is_kept_with_the_next_check(
    platform: Platform, caller: Caller, card: Cards, jlis: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two calls at once under one key the later gets the earlier's answer; what it read itself is kept nowhere."""
    hanako = card("hanako")
    lists = [list_for(hanako, world)]
    world.advance(timedelta(days=1))
    lists.append(list_for(hanako, world))
    assert lists[0] != lists[1]

    def fetch(certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:
        asked.append(1)
        return RevocationData(crls=(lists[len(asked) > 1],), source="crl_http", fetched_at=at)

    asked: list[int] = []
    monkeypatch.setattr(jlis, "fetch", fetch)
    request = hanako.request()
    with platform.sitting():
        told = [platform.verify_soon(caller, request, "key-1") for _ in range(2)]
    assert told[0].result(LONG) == told[1].result(LONG)
    assert len(asked) == 2
    answer = platform.verify(caller, hanako.request(b"another"))
    with platform.store.read() as db:
        opening = read_opening(db, platform._sealer, caller.id, answer.evidence)
        (found,) = read_kept(db, caller.id, opening.lists)
    assert found == lists[1]
