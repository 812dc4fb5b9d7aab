"""The hosted check over HTTP: what it refuses, what it never shows, and how it ends."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from honnin.platform.models import SessionRequest
from honnin.web.serving import Running

WRONG = "SECRET7PIN"


def session_page(server: Running, **members: Any) -> str:
    """Open a session at the platform; return the address of its page."""
    request = {"purpose": "contract", "text": "申込書", "return_url": f"{server.origin('bank')}/return", **members}
    made = server.platform.sessions.create(server.platform.authenticate(server.api_key), SessionRequest(**request))
    return f"http://localhost:{server.port}{made.url}"


def test_unknown_key_is_refused_in_words(visitor: Any, server: Running) -> None:
    for key in ("unknown", "0" * 80, "%00", "a" * 4000):
        answer = visitor.get(f"http://localhost:{server.port}/check/{key}")
        assert 400 <= answer.status_code < 500
        assert "続けられませんでした" in answer.text


def test_pin_is_never_in_a_page_a_log_or_an_address(
    visitor: Any, server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = visitor.apply()
    answer = visitor.sign(page, "hanako", WRONG)
    assert answer.status_code == 422
    assert "暗証番号が違います" in answer.text
    assert WRONG not in answer.text
    assert WRONG not in str(answer.headers)
    assert WRONG not in caplog.text
    for file in server.platform.settings.data.rglob("*"):
        assert not file.is_file() or WRONG.encode() not in file.read_bytes()


def test_each_page_carries_its_protection(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    page = visitor.apply()
    seen = [visitor.get(page), visitor.get(f"{page}/card?person=hanako"), visitor.get(f"{page}/review?person=hanako")]
    seen += [visitor.get(f"{page}/sign?person=hanako"), visitor.get(f"{server.origin('bank')}/")]
    seen += [visitor.get(f"{server.origin('console')}/"), visitor.get(f"{server.origin('bank')}/nowhere")]
    seen.append(visitor.follow(visitor.sign(page, "hanako", pins["hanako"])))
    for answer in seen:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script>" not in answer.text
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({}, ""),
        ({}, "another"),
        ({"origin": "https://attacker.example"}, "right"),
        ({"origin": "http://bank.localhost"}, "right"),
    ],
)
def test_form_of_another_page_is_refused(
    visitor: Any, server: Running, headers: dict[str, str], token: str | None
) -> None:
    page = visitor.apply()
    fields = {"person": "hanako"} if token is None else {"person": "hanako", "form_token": token}
    if token == "right":
        fields.pop("form_token")
    client, path = visitor.client(f"localhost:{server.port}"), page.partition(str(server.port))[2]
    if token == "right":
        answer = visitor.post(f"{page}/cancel", fields, form=page, headers=headers)
    else:
        visitor.get(page)
        answer = client.post(f"{path}/cancel", data=fields, headers=headers)
    assert answer.status_code == 403
    assert "page.form_stale" in answer.text
    assert "本人確認を求めています" in visitor.get(page).text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a" * 20_000, 400),
        (b"&".join(b"a%d=1" % n for n in range(100)), 400),
        (b"\xff\xfe=1", 400),
        (b"", 403),
        (b"form_token", 403),
    ],
)
def test_unfit_form_is_refused(visitor: Any, body: bytes, status: int, server: Running) -> None:
    path = visitor.apply().partition(str(server.port))[2]
    answer = visitor.client(f"localhost:{server.port}").post(f"{path}/sign", content=body)
    assert answer.status_code == status
    assert "続けられませんでした" in answer.text


@pytest.mark.parametrize("person", ["", "nobody", "../../etc", "hanako/passport", "a" * 500])
def test_unknown_person_is_refused(visitor: Any, person: str) -> None:
    page = visitor.apply()
    assert visitor.get(f"{page}/card", params=None).status_code == 404
    answer = visitor.get(f"{page}/sign?person={person}")
    assert answer.status_code == 404
    assert "見本の人" in answer.text
    assert visitor.post(f"{page}/card", {"person": person}, form=page).status_code == 404


def test_words_of_a_service_provider_are_not_markup(visitor: Any, server: Running) -> None:
    text = "<script>alert(1)</script><b>太字</b>{{ 7 * 7 }}"
    page = session_page(server, purpose="<img src=x>", text=text)
    review = visitor.get(f"{page}/review?person=hanako").text
    assert "<script>alert" not in review
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in review
    assert "{{ 7 * 7 }}" in review
    assert "&lt;img src=x&gt;" in review


def test_only_the_asked_items_are_named(visitor: Any, server: Running) -> None:
    page = session_page(server, attributes=("birth_date",))
    shown = visitor.get(page).text
    assert '<span class="pill">生年月日</span>' in shown
    assert '<span class="pill">氏名</span>' not in shown


def test_signed_document_is_what_was_shown(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    page = session_page(server, text="要約", document="本文です。".encode())
    assert "要約" in visitor.get(f"{page}/review?person=hanako").text
    done = visitor.follow(visitor.sign(page, "hanako", pins["hanako"]))
    assert "本人確認ができました" in done.text


def test_ended_session_leads_back_with_its_state(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    page = session_page(server, state="my state&x=1")
    answer = visitor.sign(page, "kaede", pins["kaede"])
    assert answer.status_code == 303
    shown = visitor.follow(answer).text
    back = f"{server.origin('bank')}/return?session=ses_"
    assert back in shown
    assert "status=completed&amp;state=my+state%26x%3D1&amp;lang=ja" in shown
    for step in ("", "/card?person=hanako", "/review?person=hanako", "/sign?person=hanako"):
        assert visitor.get(f"{page}{step}").headers["location"].endswith("/result")


def test_second_signature_ends_nothing_twice(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    page = session_page(server)
    path = page.partition(str(server.port))[2]
    visitor.get(f"{page}/sign?person=shin")
    token = visitor.client(f"localhost:{server.port}").cookies["honnin_form"]
    fields = {"person": "shin", "pin": pins["shin"], "form_token": token}
    headers = {"host": f"localhost:{server.port}", "cookie": f"honnin_form={token}"}

    def send(_: int) -> int:
        return httpx.post(
            f"{server.base}{path}/sign", data=fields, headers=headers, timeout=30, trust_env=False
        ).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(send, range(2)))
    assert statuses[0] == 303
    assert statuses[1] in {303, 409}
    assert "本人確認ができました" in visitor.get(f"{page}/result").text


def test_live_session_reaches_no_sandbox_card(visitor: Any, server: Running) -> None:
    made = server.platform.create_tenant(
        "本番商店", livemode=True, verifier_status="deemed", return_urls=("https://shop.example/back",)
    )
    caller = server.platform.authenticate(made.api_key)
    request = SessionRequest(purpose="contract", text="申込書", return_url="https://shop.example/back")
    page = f"http://localhost:{server.port}{server.platform.sessions.create(caller, request).url}"
    for step in ("", "/card?person=hanako", "/sign?person=hanako"):
        answer = visitor.get(page + step)
        assert answer.status_code == 409
        assert "見本" not in answer.text
        assert "check.no_reader" in answer.text


def test_phone_is_not_asked_for_a_card(visitor: Any, pins: dict[str, str]) -> None:
    page = visitor.apply()
    assert "カードは要りません" in visitor.get(f"{page}/card?person=keita").text
    assert "本人確認ができました" in visitor.follow(visitor.sign(page, "keita", pins["keita"])).text


def test_next_generation_card_signs(visitor: Any, pins: dict[str, str]) -> None:
    done = visitor.follow(visitor.sign(visitor.apply(), "mirai", pins["mirai"]))
    assert "本人確認ができました" in done.text


def test_front_of_the_main_origin_leads_on(visitor: Any, server: Running) -> None:
    answer = visitor.get(f"http://localhost:{server.port}/")
    assert answer.is_redirect
    assert ".localhost" in answer.headers["location"]


def test_two_people_at_once_do_not_mix(new_visitor: Callable[[], Any], pins: dict[str, str]) -> None:
    def one(person: str) -> str:
        visitor = new_visitor()
        done = visitor.follow(visitor.sign(visitor.apply(), person, pins[person]))
        back = done.text.partition('href="http://bank')[2].partition('"')[0].replace("&amp;", "&")
        return str(visitor.follow(visitor.get("http://bank" + back)).text)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, ["kyoko", "aoi"])
    assert "見本　京子" in first
    assert "架空　葵" in second
    assert "架空　葵" not in first
