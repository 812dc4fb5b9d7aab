"""The demo bank: its form, and that nobody is led into, or reads, what is another's."""

import asyncio
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.waiting import LONG

from honnin.web.bank import create_app
from honnin.web.serving import Running

TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


def home(visitor: Any) -> str:
    return str(visitor.server.origin("bank"))


def back_of(page: Any) -> str:
    """Return the address that leads back to the bank from a result page."""
    return "http://bank" + page.text.partition('href="http://bank')[2].partition('"')[0].replace("&amp;", "&")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"account": ""}, "口座の種類を選んでください。"),
        ({"purpose": "gambling"}, "取引を行う目的を選んでください。"),
        ({"occupation": ""}, "職業を選んでください。"),
        ({"agree": ""}, "お申し込みには同意が必要です。"),
    ],
)
def test_form_says_what_is_missing(visitor: Any, changes: dict[str, str], words: str) -> None:
    fields = {"account": "ordinary", "purpose": "living", "occupation": "employee", "agree": "yes", **changes}
    answer = visitor.post(f"{home(visitor)}/open", fields)
    assert answer.status_code == 422
    assert answer.text.count(words) == 2  # in the summary and at the field
    assert "エラー：" in answer.text


def test_application_is_what_the_person_signs(visitor: Any) -> None:
    page = visitor.apply(purpose="remittance", occupation="student")
    review = visitor.get(f"{page}/review?person=hanako").text
    assert "2. 取引を行う目的：家族などへの送金" in review
    assert "3. 職業：学生" in review
    assert "申込番号：MB-" in review


def test_account_opens_once_and_only_for_its_browser(
    visitor: Any, new_visitor: Callable[[], Any], pins: dict[str, str]
) -> None:
    done = visitor.follow(visitor.sign(visitor.apply(), "misaki", pins["misaki"]))
    back = back_of(done)
    stranger = new_visitor()
    refused = stranger.get(back)
    assert refused.status_code == 404
    assert "見つかりません" in refused.text
    opened = visitor.follow(visitor.get(back))
    assert "見本［架空］　美咲" in opened.text
    again = visitor.follow(visitor.get(back))
    assert "見本［架空］　美咲" in again.text
    assert stranger.get(f"{home(visitor)}/account").is_redirect


def test_link_that_is_passed_on_opens_nothing_for_the_sender(
    visitor: Any, new_visitor: Callable[[], Any], pins: dict[str, str]
) -> None:
    """The sender knows the check's page and every word of the return address but its code."""
    page, victim = visitor.apply(), new_visitor()
    done = victim.follow(victim.sign(page, "kaede", pins["kaede"]))
    assert "code=" in back_of(done)
    assert victim.get(back_of(done)).status_code == 404
    sent = back_of(visitor.get(f"{page}/result"))  # the sender opens the page that the victim finished
    assert "code=" not in sent
    for address in (sent, sent + "&code=" + "0" * 32):
        answer = visitor.get(address)
        assert answer.status_code == (404 if "code=" in address else 200)
        assert "口座を開設しました" not in answer.text
    assert "本人確認のページから戻ってください" in visitor.get(sent).text
    assert visitor.get(f"{home(visitor)}/account").is_redirect


def test_person_whose_contact_was_lost_after_signing_comes_back_by_the_check(
    visitor: Any, pins: dict[str, str]
) -> None:
    page = visitor.apply()
    done = visitor.follow(visitor.sign(page, "aoi", pins["aoi"]))
    state = back_of(done).partition("state=")[2].partition("&")[0]
    waiting = visitor.get(f"{home(visitor)}/return?state={state}")
    assert f'href="{page}?lang=ja"' in waiting.text
    result = visitor.follow(visitor.get(page))
    assert "口座を開設しました" in visitor.follow(visitor.get(back_of(result))).text


def test_cancelled_check_is_believed_of_the_browser_that_cancelled_it(visitor: Any, new_visitor: Any) -> None:
    page, other = visitor.apply(), new_visitor()
    ended = other.follow(other.post(f"{page}/cancel", form=page))
    assert "code=" in back_of(ended)
    sent = back_of(visitor.get(f"{page}/result"))
    assert "本人確認のページから戻ってください" in visitor.get(sent).text
    mine = visitor.apply()
    back = back_of(visitor.follow(visitor.post(f"{mine}/cancel", form=mine)))
    assert "お申し込みを取りやめました" in visitor.get(back).text


def test_customer_who_cannot_log_in_signs_and_is_in_again(
    visitor: Any, new_visitor: Callable[[], Any], pins: dict[str, str]
) -> None:
    done = visitor.follow(visitor.sign(visitor.apply(), "kaede", pins["kaede"]))
    account = visitor.follow(visitor.get(back_of(done))).text
    number = re.search(r'<span class="mono">(\d+)</span>', account)
    assert number
    later = new_visitor()  # another browser: the cookie is lost, as a password would be
    assert later.get(f"{home(later)}/account").is_redirect
    sent = later.post(f"{home(later)}/recover")
    page = sent.headers["location"].partition("?")[0]
    review = later.get(f"{page}/review?person=kaede").text
    assert "口座へのログインを再開します" in review
    signed = later.follow(later.sign(page, "kaede", pins["kaede"]))
    again = later.follow(later.get(back_of(signed))).text
    assert number[0] in again
    assert visitor.get(f"{home(visitor)}/account").is_redirect  # the login before has ended
    left = later.post(f"{home(later)}/leave", form=f"{home(later)}/account")
    assert left.headers["location"] == "/"
    assert later.get(f"{home(later)}/account").is_redirect


def test_person_without_an_account_recovers_none(visitor: Any, pins: dict[str, str]) -> None:
    sent = visitor.post(f"{home(visitor)}/recover")
    page = sent.headers["location"].partition("?")[0]
    signed = visitor.follow(visitor.sign(page, "tomoko", pins["tomoko"]))
    answer = visitor.get(back_of(signed))
    assert "この方の口座が見つかりません" in answer.text
    assert visitor.get(f"{home(visitor)}/account").is_redirect


def test_recovery_that_was_cancelled_lets_nobody_in(visitor: Any) -> None:
    page = visitor.post(f"{home(visitor)}/recover").headers["location"].partition("?")[0]
    ended = visitor.follow(visitor.post(f"{page}/cancel", form=page))
    assert "本人確認ができませんでした" in visitor.get(back_of(ended)).text
    assert visitor.get(f"{home(visitor)}/account").is_redirect


def test_two_clicks_open_one_account(visitor: Any, pins: dict[str, str]) -> None:
    done = visitor.follow(visitor.sign(visitor.apply(), "toki", pins["toki"]))
    client = visitor.client(f"bank.localhost:{visitor.server.port}")
    path, cookies = back_of(done).partition(str(visitor.server.port))[2], dict(client.cookies)
    headers = {"host": f"bank.localhost:{visitor.server.port}"}

    def click(_: int) -> str:
        answer = httpx.get(visitor.server.base + path, headers=headers, cookies=cookies, timeout=LONG, trust_env=False)
        assert answer.status_code == 303
        return str(answer.cookies["mihon_account"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(click, range(4)))) == 1
    assert "架空　トキ" in visitor.follow(visitor.get(back_of(done))).text


def test_address_is_not_believed(visitor: Any) -> None:
    page = visitor.apply()
    state = visitor.client(f"bank.localhost:{visitor.server.port}").cookies["mihon_application"]
    answer = visitor.get(f"{home(visitor)}/return?session=ses_other&status=completed&state={state}")
    assert "本人確認がまだ終わっていません" in answer.text
    assert page in answer.text


def test_four_items_are_deleted_at_honnin_once_taken(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    done = visitor.follow(visitor.sign(visitor.apply(), "kou", pins["kou"]))
    visitor.follow(visitor.get(back_of(done)))
    session = back_of(done).partition("session=")[2].partition("&")[0]
    key = {"authorization": f"Bearer {server.api_key}"}
    answer = visitor.client(f"localhost:{server.port}").get(f"/v1/sessions/{session}/four-items", headers=key)
    assert answer.status_code == 410


def test_substitute_characters_are_pointed_out(visitor: Any, pins: dict[str, str]) -> None:
    done = visitor.follow(visitor.sign(visitor.apply(), "takako", pins["takako"]))
    assert visitor.follow(visitor.get(back_of(done))).text.count("代替文字あり") == 2
    english = visitor.get(f"{home(visitor)}/account?lang=en").text
    assert english.count('</span> <span class="tag tag--wait">') == 2
    assert '<dd lang="ja">' not in english


def test_pending_person_is_said_so(visitor: Any, pins: dict[str, str]) -> None:
    done = visitor.follow(visitor.sign(visitor.apply(), "sora", pins["sora"]))
    assert "後から決まります" in visitor.follow(visitor.get(back_of(done))).text


def test_bank_says_so_when_honnin_is_out_of_reach(tmp_path: Path) -> None:
    """A port on which nothing listens, a key file that is missing: the form stays in its words, without a trace."""
    keys = tmp_path / "keys.json"
    with socket.socket() as silent:  # held, so that nobody else comes to listen there
        silent.bind(("127.0.0.1", 0))
        app = create_app(
            api=f"http://127.0.0.1:{silent.getsockname()[1]}",
            pages="http://localhost",
            home="http://bank.localhost",
            console="http://console.localhost",
            keys=keys,
        )
        fields = {"account": "savings", "purpose": "saving", "occupation": "other", "agree": "yes"}
        for content in (None, "{}", '{"api_key": "sk_test_x"}'):
            if content is not None:
                keys.write_text(content, encoding="utf-8")
            answer = asyncio.run(_send_form(app, fields))
            assert answer.status_code in {400, 503}
            assert "ただいま本人確認のしくみにつながりません" in answer.text


async def _send_form(app: Any, fields: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bank.localhost") as client:
        token = TOKEN.search((await client.get("/open")).text)
        assert token
        return await client.post("/open", data={**fields, "form_token": token[1]})


@pytest.mark.parametrize("path", ["/nowhere", "/return?state=unknown", "/open/x"])
def test_refused_page_of_the_bank_looks_like_the_bank(visitor: Any, path: str) -> None:
    refused = visitor.get(f"{home(visitor)}{path}")
    assert refused.status_code == 404
    assert "見本銀行" in refused.text
    assert "/static/bank.css" in refused.text
