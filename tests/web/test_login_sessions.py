"""Hosted logins: nothing is signed; by a card on the page or the agency's service; customers are known again."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.web.test_bank import back_of
from tests.web.test_check import SHOWN, session_page
from tests.web.test_check_by_service import at_service, leave, sign_there, status

from honnin.connect.digital_auth import KeyFile
from honnin.connect.worlds import open_world
from honnin.platform.evidence.receipt import verify_receipt
from honnin.platform.models import SessionRequest
from honnin.sandbox.life import happen
from honnin.sandbox.opening import open_world as open_sandbox
from honnin.web.serving import Running

LOGIN: dict[str, Any] = {"certificate_kind": "user_authentication", "text": None, "purpose": "login"}


@pytest.fixture(scope="module")
def digits(server: Running) -> dict[str, str]:
    people = open_world(server.platform.settings.data).people()
    return {person["id"]: person["pins"].get("user_authentication", "") for person in people}


def login_page(server: Running, **members: Any) -> str:
    return session_page(server, **{**LOGIN, **members})


def result_of(server: Running, page: str) -> Any:
    """Return the session's check, as the service provider reads it."""
    caller = server.platform.authenticate(server.api_key)
    session = server.platform.sessions.read(caller, server.platform.sessions.page(page.rpartition("/")[2]).id)
    return server.platform.verification(caller, str(session.verification))


def test_card_logs_in_with_four_digits_and_signs_nothing(
    visitor: Any, server: Running, digits: dict[str, str], pins: dict[str, str]
) -> None:
    page = login_page(server)
    start = visitor.get(page).text
    assert "ログインを求めています" in start
    assert "数字4桁" in start
    assert "署名用" not in start.partition("</section>")[0]
    assert visitor.get(f"{page}/review?person=taro").headers["location"].endswith("/sign?person=taro")
    asked = visitor.get(f"{page}/sign?person=taro").text
    assert 'maxlength="4" inputmode="numeric"' in asked
    refused = visitor.follow(visitor.sign(page, "taro", "0000")).text
    assert "暗証番号が違います" in refused
    assert "まだログインしていません" in refused
    assert "あと 2 回" in refused
    visitor.sign(page, "taro", pins["taro"])  # the signature PIN has another shape: no try is spent
    assert SHOWN.search(visitor.get(f"{page}/sign?person=taro").text)[1].startswith("2.")  # type: ignore[index]
    done = visitor.follow(visitor.sign(page, "taro", digits["taro"]))
    assert "ログインできます" in done.text
    check = result_of(server, page)
    assert (check.verdict.indication, check.certificate_kind) == ("TOTAL-PASSED", "user_authentication")
    assert check.assurance.aal_2019.level == "3"
    assert check.person_status == "linked"


def test_service_logs_in_and_its_token_is_the_evidence(visitor: Any, server: Running) -> None:
    page = login_page(server)
    left = leave(visitor, page)
    assert "scope=openid&" in left.headers["location"]
    came = visitor.get(at_service(visitor, left))
    assert came.headers["location"].endswith("/result?way=digital_auth")
    assert "ログインできます" in visitor.follow(came).text
    check = result_of(server, page)
    assert (check.verdict.indication, check.certificate_kind) == ("TOTAL-PASSED", "user_authentication")
    assert [found["id"] for found in check.verdict.checks] == ["digital_auth.id_token", "digital_auth.certificate"]
    assert check.assurance.aal_2019.level == "3"
    platform = server.platform
    receipt = platform.export_receipt(check.id)
    verify_receipt(receipt, platform.keys.log.public)
    record = json.loads(receipt.record)
    assert (record["covers"], record["device"], record["client"]) == ("id_token", "digital_auth", check.session)
    assert "id_token" in record["commitments"]
    caller = platform.authenticate(server.api_key)
    page = platform.events(caller, limit=100)
    events = list(page.data)
    while page.has_more:
        page = platform.events(caller, after=page.next, limit=100)
        events += page.data
    mine = [event.type for event in events if event.data.get("verification") == check.id]
    assert mine == ["session.completed", "verification.completed"]


def test_who_signed_by_the_service_is_known_at_a_login_there(visitor: Any, server: Running) -> None:
    signed, again = session_page(server, text="申込書"), login_page(server)
    sign_there(visitor, signed, person="kaede")
    sign_there(visitor, again, person="kaede")
    first, second = result_of(server, signed), result_of(server, again)
    assert first.person == second.person is not None
    stranger = login_page(server)
    sign_there(visitor, stranger, person="mayu")
    assert result_of(server, stranger).person not in {first.person, None}


def test_login_before_the_signature_becomes_the_same_person(visitor: Any, server: Running) -> None:
    early, signed = login_page(server), session_page(server, text="申込書")
    sign_there(visitor, early, person="niko")
    before = result_of(server, early).person
    sign_there(visitor, signed, person="niko")
    assert result_of(server, signed).person == result_of(server, early).person == before


def test_another_tenant_knows_the_person_by_another_id(visitor: Any, server: Running) -> None:
    page, (tenant, elsewhere) = login_page(server), of_tenant(server, "見本商店")
    for one in (page, elsewhere):
        sign_there(visitor, one, person="aoi")
    other = server.platform.sessions.list(server.platform.caller_of(tenant)).data[0]
    assert other.person not in {result_of(server, page).person, None}


def test_items_come_from_the_card_only_when_asked_for(visitor: Any, server: Running) -> None:
    page = login_page(server, attributes=("name", "age_over_20"))
    assert "見本のカードを読む" not in visitor.get(page).text
    assert visitor.get(f"{page}/card?person=hanako").status_code >= 400
    left = leave(visitor, page)
    assert "scope=openid+name+birthdate&" in left.headers["location"]
    visitor.get(at_service(visitor, left))
    caller = server.platform.authenticate(server.api_key)
    items = server.platform.sessions.four_items(caller, str(result_of(server, page).session))
    assert items.source == "card"
    assert (items.four_items.name, items.four_items.age_over_20, items.four_items.address) == ("見本　花子", True, None)


def test_revoked_at_the_service_leads_back_with_the_reason(visitor: Any, server: Running) -> None:
    page = login_page(server)
    came = sign_there(visitor, page, outcome="revoked")
    assert came.headers["location"].endswith("?told=digital_auth.certificate_revoked")
    assert "失効しています" in visitor.follow(came).text
    assert status(server, page) == "open"


def test_revoked_card_fails_the_login_for_good(visitor: Any, server: Running, digits: dict[str, str]) -> None:
    """Of somebody whom no other test of this server needs."""
    world = open_sandbox(server.platform.settings.data)
    happen(world, "katsura", "lose", at=world.now())
    page = login_page(server)
    done = visitor.follow(visitor.sign(page, "katsura", digits["katsura"])).text
    assert "ログインできませんでした" in done
    assert "利用者証明用電子証明書の発行" in done
    check = result_of(server, page)
    assert check.verdict.indication == "TOTAL-FAILED"
    assert (check.person, check.assurance) == (None, None)


def test_child_without_a_signature_certificate_logs_in(visitor: Any, server: Running, digits: dict[str, str]) -> None:
    page = login_page(server)
    assert "ログインできます" in visitor.follow(visitor.sign(page, "yui", digits["yui"])).text


def test_customer_of_the_bank_logs_in(
    visitor: Any, server: Running, pins: dict[str, str], digits: dict[str, str]
) -> None:
    opened = visitor.follow(visitor.get(back_of(visitor.follow(visitor.sign(visitor.apply(), "asuka", pins["asuka"])))))
    number = re.search(r'class="mono">(9\d{6})<', opened.text)
    assert number
    bank = server.origin("bank")
    visitor.post(f"{bank}/leave", form=f"{bank}/account")
    page = visitor.post(f"{bank}/login").headers["location"].partition("?")[0]
    done = visitor.follow(visitor.sign(page, "asuka", digits["asuka"]))
    home = visitor.follow(visitor.get(back_of(done))).text
    assert "おかえりなさい" in home
    assert number[1] in home


def test_customer_of_the_bank_by_the_service_and_a_stranger(visitor: Any, server: Running) -> None:
    visitor.follow(visitor.get(back_of(visitor.follow(sign_there(visitor, visitor.apply(), person="madoka")))))
    bank = server.origin("bank")
    visitor.post(f"{bank}/leave", form=f"{bank}/account")
    for person, words in (("tomoko", "この方の口座が見つかりません"), ("madoka", "おかえりなさい")):
        page = visitor.post(f"{bank}/login").headers["location"].partition("?")[0]
        done = visitor.follow(sign_there(visitor, page, person=person))
        assert words in visitor.follow(visitor.get(back_of(done))).text


def of_tenant(server: Running, name: str) -> tuple[str, str]:
    """Return a new tenant's id and the page of a login of its customer."""
    made = server.platform.create_tenant(name)
    request = SessionRequest(certificate_kind="user_authentication", return_url=f"{server.origin('bank')}/return")
    session = server.platform.sessions.create(server.platform.authenticate(made.api_key), request)
    return made.tenant, f"http://localhost:{server.port}{session.url}"


def test_service_names_the_provider_for_whom_the_check_is_made(visitor: Any, server: Running) -> None:
    for name, shown in (("見本商店", "見本商店"), ("とても長い名前の" * 25, "とても長い名前の" * 12 + "とても長")):
        tenant, page = of_tenant(server, name)
        left = leave(visitor, page).headers["location"]
        assert dict(parse_qsl(urlsplit(left).query))["client_id"] == f"HONNIN{tenant.replace('_', '')}"
        screen = visitor.follow(visitor.get(left)).text
        assert f'<strong lang="ja">{shown}</strong>' in screen
        assert "honnin 本人確認" not in screen


def test_new_keys_of_the_platform_are_registered_at_the_next_visit(visitor: Any, server: Running) -> None:
    _, before = of_tenant(server, "見本商店")
    assert sign_there(visitor, before).headers["location"].endswith("/result?way=digital_auth")
    keys = KeyFile(server.platform.settings.data / "keys" / "digital-auth" / "test", "sign")
    keys.new("ES256", at=datetime.now(UTC))
    keys.rotate()
    _, after = of_tenant(server, "見本書店")
    assert sign_there(visitor, after).headers["location"].endswith("/result?way=digital_auth")
    again = login_page(server)
    assert sign_there(visitor, again).headers["location"].endswith("/result?way=digital_auth")
