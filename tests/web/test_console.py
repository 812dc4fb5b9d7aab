"""The console: the running world, evidence of the demo tenant alone, and the drawing of an inclusion proof."""

import json
from hashlib import sha256
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st
from tests.waiting import until

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.platform.counter import CounterReading
from honnin.platform.document_forms import DocumentRequest, DocumentSignature
from honnin.platform.evidence import rfc9162
from honnin.platform.evidence.receipt import read_receipt, verify_receipt
from honnin.platform.keys import LogPublicKey
from honnin.web.console.merkle import climb
from honnin.web.serving import Running
from honnin.web.tap.service import Service
from honnin.web.tap.terminal import tap


@given(st.integers(1, 70), st.data())
def test_drawing_climbs_to_the_root(size: int, data: st.DataObject) -> None:
    records = [b"%d" % n for n in range(size)]
    leaves = [rfc9162.leaf_hash(record) for record in records]
    index = data.draw(st.integers(0, size - 1))
    path = [digest.hex() for digest in rfc9162.inclusion_proof(leaves, index)]
    leaf, levels = climb(records[index], index, size, path)
    assert leaf == leaves[index].hex() == sha256(b"\x00" + records[index]).hexdigest()
    top = levels[-1].joined if levels else leaf
    assert top == rfc9162.root(leaves).hex()
    assert [level.sibling for level in levels] == path


def checked(visitor: Any, pins: dict[str, str]) -> str:
    """Make a check; return its verification's id."""
    key = {"authorization": f"Bearer {visitor.server.api_key}"}
    visitor.follow(visitor.sign(visitor.apply(), "hanako", pins["hanako"]))
    newest = visitor.client(f"localhost:{visitor.server.port}").get("/v1/verifications?limit=1", headers=key).json()
    return str(newest["data"][0]["id"])


def receipt_of(visitor: Any, verification: str) -> httpx.Response:
    """Return the receipt once it exists."""
    address = f"{visitor.server.origin('console')}/evidence/{verification}/receipt.json"

    def come() -> httpx.Response | None:
        answer: httpx.Response = visitor.get(address)
        if answer.status_code == 200:
            return answer
        assert "evidence.pending" in answer.text
        return None

    answer = until(come, "no receipt came")
    assert answer is not None
    return answer


def test_receipt_is_given_as_a_file_that_verifies(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    verification = checked(visitor, pins)
    answer = receipt_of(visitor, verification)
    assert answer.headers["content-disposition"].startswith('attachment; filename="evd_')
    key = LogPublicKey.read((server.platform.settings.data / "keys" / "log.pub.pem").read_bytes())
    receipt = read_receipt(answer.content)
    assert verify_receipt(receipt, key)
    page = visitor.get(f"{server.origin('console')}/evidence/{verification}").text
    assert f"{receipt.leaf_index} 番（全 {receipt.tree_size} 件のうち。0から数えます）" in page
    assert "受領証を今確かめました" in page
    assert "TOTAL-PASSED" in page
    assert "見本　花子" not in page
    assert "千代田区" not in page


def prepared_and_signed(server: Running, pin: str) -> tuple[str, str]:
    """Prepare two documents and sign one of them with a card; return the ids (prepared, signed)."""
    caller = server.platform.authenticate(server.api_key)
    wanted = DocumentRequest(purpose="lease", file="賃貸借契約".encode(), kind="cms", level="B")
    left, taken = (server.platform.documents.prepare(caller, wanted) for _ in range(2))
    assert taken.to_be_signed is not None
    with open_reader("emulated:hanako", data=server.platform.settings.data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("signature", pin))
        value = card.jpki.sign_message("signature", taken.to_be_signed.content).value
        certificate = card.jpki.certificate("signature")
    made = server.platform.documents.complete(
        caller, taken.id, DocumentSignature(signature=value, certificate=certificate)
    )
    assert made.report is not None
    assert made.report["indication"] == "TOTAL-PASSED", made.report
    return left.id, taken.id


def test_evidence_of_a_document_and_of_what_is_not_signed_yet(
    visitor: Any, server: Running, pins: dict[str, str]
) -> None:
    left, signed = prepared_and_signed(server, pins["hanako"])
    receipt = read_receipt(receipt_of(visitor, signed).content)
    assert json.loads(receipt.record)["verification"] == signed
    page = visitor.get(f"{server.origin('console')}/evidence/{signed}").text
    for shown in ("TOTAL-PASSED", "受領証を今確かめました", "失効していないこと", "署名された内容", signed):
        assert shown in page
    assert "見本　花子" not in page
    unsigned = visitor.get(f"{server.origin('console')}/evidence/{left}")
    assert unsigned.status_code == 404
    assert "証跡は見つかりません" in unsigned.text


def test_evidence_of_a_check_at_the_counter_and_of_a_tap(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    platform, data = server.platform, server.platform.settings.data
    reading = CounterReading(
        document="my_number_card", purpose="hotel", staff="見本　係員", place="見本支店", terminal="見本窓口",
        law=None, kept="1234", authentic="verified", current="current", date_by="chip", same_person=True,
        checks=({"id": "issuer", "result": "passed", "reason": "", "code": "proof.card_issuer_signed"},),
    )  # fmt: skip
    caller = platform.authenticate(server.api_key)
    check = platform.counter.record(caller.tenant, reading, at=platform.clock(caller))
    with Service(server.base, server.api_key) as service, open_reader("emulated:taro", data=data) as reader:
        terminal = service.add_terminal("入口", "見本図書館", supervised=True, outdoors=False, online=False)
        made = tap(service, terminal.id, "library", reader)
    for name, words in (
        (check.id, ("本人確認ができました", "顔と写真の照合")),
        (made.id, ("登録された利用者か", "端末")),
    ):
        record = json.loads(read_receipt(receipt_of(visitor, name).content).record)
        assert record["verification"] == name
        page = visitor.get(f"{server.origin('console')}/evidence/{name}?lang=ja").text
        for shown in ("受領証を今確かめました", *words):
            assert shown in page, (name, shown)


def test_evidence_of_a_session_is_that_of_its_check(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    verification = checked(visitor, pins)
    caller = server.platform.authenticate(server.api_key)
    session = server.platform.sessions.list(caller, limit=1).data[0]
    assert session.verification == verification
    pages = [visitor.get(f"{server.origin('console')}/evidence/{name}").text for name in (session.id, verification)]
    assert all(f'/evidence/{verification}/receipt.json"' in page for page in pages)


def test_evidence_of_another_tenant_is_not_shown(visitor: Any, server: Running) -> None:
    unknown = "_000000000000000000000000"
    kinds = tuple(f"{kind}{unknown}" for kind in ("ver", "doc", "cch", "tap", "ses", "lgn", "rec"))
    for name in (*kinds, "evd_x", "%2e%2e", "a" * 300):
        answer = visitor.get(f"{server.origin('console')}/evidence/{name}")
        assert answer.status_code == 404, name
        assert "続けられませんでした" in answer.text


def test_start_page_shows_the_world_and_not_the_key(visitor: Any, server: Running) -> None:
    page = visitor.get(f"{server.origin('console')}/?lang=en").text
    assert server.api_key not in page
    assert str(server.platform.settings.data / "keys.json") in page
    assert server.origin("bank") in page
    for institution in ("jlis", "digital-auth", "tsa"):
        assert f'href="{server.origin(institution)}"' in page
    assert page.partition('id="people"')[2].count('<th scope="row">') == 40


def test_law_page_answers_by_its_day(visitor: Any, server: Running) -> None:
    def page(query: str) -> str:
        return str(visitor.get(f"{server.origin('console')}/law?{query}").text)

    before, after = page("on=2027-03-31&lang=en"), page("on=2027-04-01&lang=en")
    assert "What changes on 1 April 2027" in before
    assert "What changes on" not in after
    assert "until 31 March 2027" in before
    assert "ended on 31 March 2027" in after
    assert "aml.in_person_ic" in after
    assert "規則6条1項1号 ヌ" in after
    assert "DS-511: not defined here" in after
    for words in ("lang=ja", "lang=ja-simple", "on=never", "on=0001-01-01", "on=9999-12-31"):
        assert "aml.jpki_signature" in page(words)


def test_questionnaire_ends_in_a_level_with_its_reason(visitor: Any) -> None:
    console = visitor.client(f"console.localhost:{visitor.server.port}")
    empty = console.get("/assess", params={"lang": "en"})
    assert empty.status_code == 200
    assert "The level needed" not in empty.text
    query = {"lang": "en", "go": "1", "financial": "high", "excluded": "no_my_number_card", "again": "1"}
    found = console.get("/assess", params=query).text
    for words in ("Identity proofing level 3", "financial loss: high → level 3", "not defined here", "about 20 s"):
        assert words in found
    assert "Residual" in found
    assert "no level follows" in console.get("/assess", params={"lang": "en", "go": "1"}).text
    profile = console.get("/assess", params={"lang": "en", "go": "1", "profile": "convenience_store_age"}).text
    assert "plain point card" in profile
    assert console.get("/assess", params={"go": "1", "financial": "<script>", "channel": "x"}).status_code == 200


def test_five_steps_and_effects_beside_own_figures(visitor: Any, pins: dict[str, str]) -> None:
    checked(visitor, pins)
    found = visitor.client(f"console.localhost:{visitor.server.port}").get("/introducing", params={"lang": "en"}).text
    assert found.count('type="checkbox"') == 13
    for words in ("10 % → 40 %", "about 1/3", "This environment", "passed", "median"):
        assert words in found, words


def test_law_page_applies_the_rules_of_2027_and_judges_past_checks(visitor: Any, pins: dict[str, str]) -> None:
    checked(visitor, pins)
    console = visitor.client(f"console.localhost:{visitor.server.port}")
    today = console.get("/law", params={"lang": "en", "on": "2026-11-21"}).text
    early = console.get("/law", params={"lang": "en", "on": "2026-11-21", "early": "1"}).text
    assert "refused by the 2027 rules" not in today
    assert early.count("refused by the 2027 rules") >= 3
    assert "of them would not have been lawful" in today


def test_start_links_the_counter_and_lists_its_checks(server: Running, new_visitor: Any) -> None:
    from tests.platform.test_counter import PERSON, reading

    visitor, origin = new_visitor(), server.origin("console")
    assert f'href="{server.origin("counter")}"' in visitor.get(f"{origin}/").text
    tenant = server.platform.authenticate(server.api_key).tenant
    now = server.platform.clock(server.platform.authenticate(server.api_key))
    made = server.platform.counter.record(tenant, reading(law="aml", document="drivers_licence", person=PERSON), at=now)
    other = server.platform.authenticate(server.platform.create_tenant("よその店").api_key).tenant
    theirs = server.platform.counter.record(other, reading(), at=now)
    page = visitor.get(f"{origin}/?lang=en").text
    assert f"{server.origin('counter')}/checks/{made.id}" in page
    assert theirs.id not in page
    assert PERSON["address"] not in page
