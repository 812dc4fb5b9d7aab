"""The hosted check by the Digital Authentication Service: there, back, and every return that is not this person's."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from tests.web.test_check import session_page

from honnin.platform.models import SessionRequest
from honnin.web.serving import Running

TEXT = "普通預金口座の開設を申し込みます。"


def leave(visitor: Any, page: str) -> httpx.Response:
    """Go from the check's first page to the service; return the redirect."""
    answer: httpx.Response = visitor.post(f"{page}/digital-auth", form=page)
    return answer


def at_service(visitor: Any, answer: httpx.Response, *, outcome: str = "ok", person: str = "hanako") -> str:
    """Let the service's headless switch decide; return the way back."""
    headers = {"Honnin-Sandbox-Person": person, "Honnin-Sandbox-Outcome": outcome}
    back = visitor.get(answer.headers["location"], headers=headers)
    assert back.is_redirect, back.text
    return str(back.headers["location"])


def sign_there(visitor: Any, page: str, **how: str) -> httpx.Response:
    came: httpx.Response = visitor.get(at_service(visitor, leave(visitor, page), **how))
    return came


def status(server: Running, page: str) -> str:
    return str(server.platform.sessions.page(page.rpartition("/")[2]).status)


def test_from_the_bank_to_an_account(visitor: Any, server: Running) -> None:
    page = visitor.apply()
    start = visitor.get(page).text
    assert "デジタル認証アプリ" in start
    review = visitor.get(f"{page}/digital-auth").text
    assert "見本銀行" in review
    came = sign_there(visitor, page)
    assert came.headers["location"].endswith("/result?way=digital_auth")
    shown = visitor.follow(came).text
    assert "result--success" in shown
    assert "<li data-done>アプリ</li>" in shown
    back = re.search(r'href="(http://bank[^"]+)"', shown)
    assert back
    assert "code=" in back[1]
    opened = visitor.follow(visitor.get(back[1].replace("&amp;", "&"))).text
    assert "花子" in opened
    assert status(server, page) == "completed"


def test_the_words_of_the_page_are_those_of_the_phone_and_in_the_evidence(visitor: Any, server: Running) -> None:
    page = session_page(server, text=TEXT)
    sign_there(visitor, page)
    platform = server.platform
    caller = platform.authenticate(server.api_key)
    made = platform.sessions.page(page.rpartition("/")[2]).verification
    assert made is not None
    shown = platform.shown(caller, made)
    assert (shown.what, shown.text_sha256) == ("text", hashlib.sha256(TEXT.encode()).hexdigest())
    platform.sequence()
    record = json.loads(platform.receipt(caller, made).record)
    assert record["signing"]["transaction"] == shown.transaction
    assert record["signing"]["shown"] == hashlib.sha256(shown.jws.encode()).hexdigest()


@pytest.mark.parametrize("outcome", ["cancelled", "pin_locked"])
def test_after_a_refusal_the_person_chooses_again(visitor: Any, server: Running, outcome: str) -> None:
    page = session_page(server, text=TEXT)
    came = sign_there(visitor, page, outcome=outcome)
    assert came.headers["location"].endswith(f"?told=digital_auth.{outcome}")
    again = visitor.follow(came).text
    assert "もう一度、方法を選べます" in again
    assert status(server, page) == "open"
    assert "result--success" in visitor.follow(sign_there(visitor, page)).text


def test_a_page_opened_again_and_the_other_way_end_one_session(
    visitor: Any, server: Running, pins: dict[str, str]
) -> None:
    page = session_page(server, text=TEXT)
    waiting = at_service(visitor, leave(visitor, page))
    assert "digital-auth" in visitor.get(page).text  # the link is opened again meanwhile
    visitor.sign(page, "taro", pins["taro"])
    assert status(server, page) == "completed"
    late = visitor.follow(visitor.get(waiting))
    assert late.url.path.endswith("/result")
    assert "result--success" in late.text
    assert 'class="steps"' not in late.text  # by which way it ended is not known here


def test_two_tabs_come_back_in_any_order(visitor: Any, server: Running) -> None:
    pages = [session_page(server, text=TEXT), session_page(server, text="別の契約")]
    ways = [at_service(visitor, leave(visitor, page)) for page in pages]
    for page, way in reversed(list(zip(pages, ways, strict=True))):
        assert urlsplit(visitor.get(way).headers["location"]).path == f"{urlsplit(page).path}/result"
        assert status(server, page) == "completed"


def changed(way: str, **members: str | None) -> str:
    query = dict(parse_qsl(urlsplit(way).query))
    kept = {name: value for name, value in {**query, **members}.items() if value is not None}
    return f"{way.partition('?')[0]}?{urlencode(kept)}"


def test_forged_returns_are_refused_and_end_nothing(
    visitor: Any, new_visitor: Callable[[], Any], server: Running
) -> None:
    page = session_page(server, text=TEXT)
    way = at_service(visitor, leave(visitor, page))
    for forged, code in (
        (changed(way, state="forged"), "digital_auth.state"),
        (changed(way, state=None), "digital_auth.return_malformed"),
        (f"{way}&state=x", "digital_auth.return_malformed"),
        (way.partition("?")[0], "digital_auth.return_malformed"),
        (changed(way, code="x" * 9000), "digital_auth.return_malformed"),
    ):
        answer = visitor.get(forged)
        assert answer.status_code >= 400
        assert code in answer.text
    stranger = new_visitor()
    assert "digital_auth.state" in stranger.get(way).text
    assert status(server, page) == "open"
    assert visitor.get(way).headers["location"].endswith("/result?way=digital_auth")
    replayed = visitor.get(way)
    assert replayed.status_code >= 400
    assert "digital_auth.state" in replayed.text
    assert f'href="{urlsplit(page).path}"' in replayed.text


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"iss": "https://attacker.example"}, "digital_auth.mix_up"),
        ({"code": "forged"}, "digital_auth.code_refused"),
        ({"code": None, "error": "server_error"}, "digital_auth.server_error"),
        ({"code": None, "error": "<script>"}, "digital_auth.request_refused"),
    ],
)
def test_a_return_that_says_something_else(
    visitor: Any, server: Running, members: dict[str, str | None], code: str
) -> None:
    page = session_page(server, text=TEXT)
    came = visitor.get(changed(at_service(visitor, leave(visitor, page)), **members))
    assert came.headers["location"].endswith(f"?told={code}")
    assert "<script>" not in visitor.follow(came).text
    assert status(server, page) == "open"


def test_a_return_cannot_be_carried_into_another_session(visitor: Any, server: Running) -> None:
    mine, other = session_page(server, text=TEXT), session_page(server, text=TEXT)
    way = at_service(visitor, leave(visitor, mine))
    client = visitor.client(f"localhost:{server.port}")
    kept = next(cookie for cookie in client.cookies.jar if cookie.name.startswith("honnin_service_"))
    kept.value = str(kept.value).replace(mine.rpartition("/")[2], other.rpartition("/")[2])
    assert "digital_auth.state" in visitor.get(way).text
    assert (status(server, mine), status(server, other)) == ("open", "open")


def test_cancelled_meanwhile(visitor: Any, server: Running) -> None:
    page = session_page(server, text=TEXT)
    way = at_service(visitor, leave(visitor, page))
    visitor.post(f"{page}/cancel", form=page)
    assert visitor.follow(visitor.get(way)).url.path.endswith("/result")
    assert status(server, page) == "cancelled"


def test_service_down_leaves_the_person_a_choice(visitor: Any, server: Running) -> None:
    modes = server.platform.sessions._modes(False)
    registered = modes.services.digital_auth
    closed = type(registered)(
        replace(registered.service, token="http://127.0.0.1:9/token"),
        "X",
        registered.redirect_uri,
        registered._keys,
    )
    modes.services = replace(modes.services, digital_auth=closed)
    try:
        came = leave(visitor, page := session_page(server, text=TEXT))
    finally:
        modes.services = replace(modes.services, digital_auth=registered)
    assert came.headers["location"].endswith("?told=digital_auth.unreachable")
    assert status(server, page) == "open"


@pytest.fixture
def live_page(server: Running) -> str:
    platform = server.platform
    made = platform.create_tenant("見本商店", livemode=True, return_urls=("https://shop.example/return",))
    request = SessionRequest(purpose="contract", text=TEXT, return_url="https://shop.example/return")
    session = platform.sessions.create(platform.authenticate(made.api_key), request)
    return f"http://localhost:{server.port}{session.url}"


def test_live_has_the_service_once_it_is_set_up(visitor: Any, server: Running, live_page: str) -> None:
    from honnin.connect.digital_auth import Service
    from honnin.connect.digital_auth.registration import Registration

    assert "check.no_reader" in visitor.get(live_page).text
    mode = server.platform.sessions._modes(True)
    before = mode.services
    keys = server.platform.settings.data / "keys" / "digital-auth" / "live"
    mode.services = replace(
        before,
        digital_auth=Registration(
            Service.of_environment("production"), "RP1", "https://check.example/digital-auth/return", keys
        ),
    )
    try:
        shown = visitor.get(live_page).text
        assert "デジタル認証アプリ" in shown
        assert "見本の人" not in shown
        assert visitor.get(f"{live_page}/card?person=hanako").status_code >= 400
        answer = leave(visitor, live_page)
        assert answer.headers["location"].endswith("?told=digital_auth.no_key")
    finally:
        mode.services = before
