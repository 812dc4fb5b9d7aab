"""The hosted check over HTTP: what it refuses, what it never shows, and how it ends."""

import hashlib
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from tests.waiting import LONG

from honnin.errors import InputError
from honnin.platform.models import SessionRequest
from honnin.platform.store import schema
from honnin.web.check.persons import folded, persons
from honnin.web.serving import Running

WRONG = "SECRET7PIN"
SHOWN = re.compile(r'name="shown" value="([^"]+)"')


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
    assert answer.status_code == 303
    shown = visitor.follow(answer)
    assert "暗証番号が違います" in shown.text
    assert WRONG not in shown.text
    assert WRONG not in str(shown.url)
    assert WRONG not in str(answer.headers)
    assert WRONG not in caplog.text
    for file in server.platform.settings.data.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):  # the server goes on, and forgets files of its own
            assert WRONG.encode() not in file.read_bytes()


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


def test_no_item_at_all_is_said_plainly(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    page = session_page(server, attributes=())
    words = "氏名・住所・生年月日・性別は渡りません"
    assert words in visitor.get(page).text
    assert words in visitor.get(f"{page}/review?person=hanako").text
    done = visitor.follow(visitor.sign(page, "hanako", pins["hanako"]))
    assert "本人確認ができました" in done.text
    assert words in done.text


@pytest.mark.parametrize(
    ("members", "shown", "unseen"),
    [
        ({"text": "申込書です。\r\n2行目\t終"}, "申込書です。", False),
        ({"text": None, "document": "葛\U000e0100飾区".encode()}, "葛\U000e0100飾区", False),
        ({"text": None, "document": b"%PDF-1.7 \xff\xfe"}, "", True),
        ({"text": None, "document": "100\u202e円".encode()}, "", True),
        ({"text": "要約です", "document": b"%PDF-1.7 \xff"}, "要約です", True),
    ],
)
def test_what_is_not_shown_is_said_with_its_digest(
    visitor: Any, server: Running, members: dict[str, Any], shown: str, unseen: bool
) -> None:
    page = session_page(server, **members)
    review = visitor.get(f"{page}/review?person=hanako").text
    assert shown in review
    assert ("そのものは、この画面に文字で表示していません" in review) is unseen
    if unseen:
        digest = hashlib.sha256(members["document"]).hexdigest()
        assert digest in review.replace(" ", "")
        assert "\u202e" not in review


def test_requester_is_named_in_the_language_of_the_page(visitor: Any, server: Running) -> None:
    """The registered name stands beside the other one, so that nobody can pass for somebody else."""
    page = session_page(server, requester={"en": "Mihon <Bank>"})
    assert 'Mihon &lt;Bank&gt; (<span lang="ja">見本銀行</span>) asks you' in visitor.get(f"{page}?lang=en").text
    japanese = visitor.get(f"{page}?lang=ja").text
    assert "見本銀行が本人確認を" in japanese
    assert "Mihon" not in japanese
    bank = visitor.apply()
    review = visitor.get(f"{bank}/review?person=hanako&lang=en").text
    assert '<dd>Mihon Bank (<span lang="ja">見本銀行</span>)</dd>' in review
    with pytest.raises(InputError) as refused:
        session_page(server, requester={"ja": "見本\u200b銀行"})
    assert refused.value.code == "session.hidden_characters"


@pytest.mark.parametrize(
    "typed", ["はなこ", "ハナコ", "ﾊﾅｺ", "ＨＡＮＡＫＯ", "Hanako", "見本花子", "見本　花子", "みほんはなこ"]
)
def test_person_is_found_however_the_name_is_typed(server: Running, typed: str) -> None:
    everyone = persons(server.world, "ja") if server.world else []
    found = [one.id for one in everyone if all(word in one.search for word in folded(typed).split())]
    assert "hanako" in found
    assert len(found) <= 2


def test_long_name_stands_on_the_card_whole(visitor: Any, server: Running) -> None:
    everyone = persons(server.world, "ja") if server.world else []
    for one in everyone:
        assert all(len(line) <= 16 for line in one.name_lines)
        assert len(one.name_lines) <= 6
        assert "".join("".join(one.name_lines).split()) == "".join(one.name.split())
    page = visitor.apply()
    shown = visitor.get(f"{page}/card?person=maximilian").text
    assert shown.count('font-size="12"') == len(next(one for one in everyone if one.id == "maximilian").name_lines)


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
    assert re.search(r"status=completed&amp;state=my\+state%26x%3D1&amp;code=[0-9a-z]{32}&amp;lang=ja", shown)
    for step in ("/card", "/review", "/sign"):
        assert visitor.get(f"{page}{step}?person=hanako").headers["location"].endswith("/result?person=hanako")


def test_result_shows_the_steps_of_the_way_that_was_gone_where_it_is_known(
    visitor: Any, server: Running, pins: dict[str, str]
) -> None:
    page = session_page(server)
    assert visitor.sign(page, "kaede", pins["kaede"]).headers["location"].endswith("/result?person=kaede")
    client, path = visitor.client(f"localhost:{server.port}"), page.partition(str(server.port))[2]
    again = client.post(f"{path}/sign", data={"person": "kaede", "form_token": client.cookies["honnin_form"]})
    assert again.headers["location"] == f"{path}/result?person=kaede"
    assert "<li data-done>カード</li>" in visitor.follow(again).text
    assert visitor.get(page).headers["location"] == f"{path}/result"
    unknown = visitor.get(f"{page}/result").text
    assert "本人確認ができました" in unknown
    assert 'class="steps"' not in unknown


def test_second_signature_ends_nothing_twice(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    page = session_page(server)
    path = page.partition(str(server.port))[2]
    shown = SHOWN.search(visitor.get(f"{page}/sign?person=shin").text)
    token = visitor.client(f"localhost:{server.port}").cookies["honnin_form"]
    fields = {"person": "shin", "pin": pins["shin"], "form_token": token, "shown": shown[1] if shown else ""}
    headers = {"host": f"localhost:{server.port}", "cookie": f"honnin_form={token}"}

    def send(_: int) -> int:
        return httpx.post(
            f"{server.base}{path}/sign", data=fields, headers=headers, timeout=LONG, trust_env=False
        ).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(send, range(2)))
    assert statuses == [303, 303]
    assert "本人確認ができました" in visitor.get(f"{page}/result").text


def verifications(server: Running) -> int:
    """Return how many verifications the demo tenant has; others of these tests make some, too."""
    caller = server.platform.authenticate(server.api_key)
    with server.platform.store.read() as db:
        counted = select(func.count()).where(schema.verifications.c.tenant_id == caller.id)
        return int(db.execute(counted).scalar_one())


def test_form_that_signs_reaches_the_card_once(visitor: Any, server: Running) -> None:
    """A wrong PIN sent again (reload, back, two clicks without a script) spends no further try."""
    page = session_page(server)
    form = visitor.get(f"{page}/sign?person=madoka")
    before = SHOWN.search(form.text)
    assert before
    again = {"shown": before[1]}
    first = visitor.sign(page, "madoka", WRONG, **again)
    assert first.headers["location"].endswith("/sign?person=madoka&told=card.pin_wrong")
    assert "あと 4 回" in visitor.follow(first).text
    for _ in range(3):
        sent = visitor.follow(visitor.sign(page, "madoka", WRONG, **again))
        assert "すでに送信されています" in sent.text
        assert "あと 4 回" in sent.text
    client = visitor.client(f"localhost:{server.port}")
    path = page.partition(str(server.port))[2]
    fields = {"person": "madoka", "pin": WRONG, "form_token": client.cookies["honnin_form"]}
    assert client.post(f"{path}/sign", data=fields).headers["location"].endswith("told=check.sent_before")


def test_what_could_not_be_told_is_recorded_once(visitor: Any, server: Running, pins: dict[str, str]) -> None:
    page = session_page(server, state="mine")
    shown = SHOWN.search(visitor.get(f"{page}/sign?person=kumo").text)
    assert shown
    before = verifications(server)
    answer = visitor.sign(page, "kumo", pins["kumo"])
    assert answer.headers["location"].endswith("/result?person=kumo")
    for language, words in (("ja", "今は確認できませんでした"), ("en", "It could not be checked just now")):
        assert words in visitor.get(f"{page}/result?person=kumo&lang={language}").text
    again = visitor.follow(visitor.sign(page, "kumo", pins["kumo"], shown=shown[1]))
    assert "had already been sent" in again.text
    assert verifications(server) == before + 1
    left = visitor.post(f"{page}/leave", form=f"{page}/result")
    assert left.headers["location"].startswith(f"{server.origin('bank')}/return?session=ses_")
    assert re.search(r"&status=undetermined&state=mine&code=[0-9a-z]{32}&lang=en\Z", left.headers["location"])
    ended = visitor.get(f"{page}/result?lang=ja").text
    assert "今は確認できませんでした" in ended
    assert "ほかの方法" in ended
    assert "status=undetermined" in ended


def test_card_that_cannot_sign_leads_back_as_failed(visitor: Any, server: Running) -> None:
    page = visitor.apply()
    stopped = visitor.post(f"{page}/card", {"person": "goro"}, form=f"{page}/card?person=goro")
    assert stopped.headers["location"].endswith("/stopped?person=goro")
    shown = visitor.follow(stopped)
    assert "ロックは電子証明書の失効ではありません" in shown.text
    assert "有効です" not in shown.text
    assert "The PIN is locked" in visitor.get(f"{page}/stopped?person=goro&lang=en").text
    assert visitor.get(f"{page}/stopped?person=hanako").headers["location"].endswith("/sign?person=hanako")
    assert f"form-action 'self' {server.origin('bank')}" in shown.headers["content-security-policy"]
    left = visitor.post(f"{page}/leave", form=page)
    assert "&status=failed&state=" in left.headers["location"]
    bank = visitor.follow(left)
    assert "could not sign" in bank.text
    assert "カードで署名できなかった" in visitor.get(left.headers["location"].replace("lang=en", "lang=ja")).text
    assert "取りやめ" not in bank.text
    assert "カードで署名できない" in visitor.get(f"{page}/result?lang=ja").text
    token = {"form_token": visitor.client(f"localhost:{server.port}").cookies["honnin_form"]}
    for step in ("leave", "cancel"):
        assert visitor.post(f"{page}/{step}", token, form=f"{page}/result").headers["location"].endswith("/result")


def test_address_tells_only_what_has_words(visitor: Any, server: Running) -> None:
    page = session_page(server)
    for code in ("", "card.", "card.nothing_of_ours", "page.title", "../card", "card.pin_wrong%0a", "x" * 300):
        shown = visitor.get(f"{page}/sign?person=hanako&told={code}")
        assert shown.status_code == 200
        assert "error-summary" not in shown.text


def test_refused_page_does_not_lead_to_itself(visitor: Any, server: Running) -> None:
    base = f"http://localhost:{server.port}/check/abc"
    assert "/check/abc" not in visitor.get(base).text
    page = session_page(server)
    refused = visitor.get(f"{page}/card?person=nobody")
    assert f'href="{page.partition(str(server.port))[2]}"' in refused.text
    client = visitor.client(f"localhost:{server.port}")
    stale = client.post(f"{page.partition(str(server.port))[2]}/cancel", data={})
    assert stale.status_code == 403
    for language in ("ja-simple", "en"):
        assert f'href="{page.partition(str(server.port))[2]}?lang={language}"' in stale.text


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
