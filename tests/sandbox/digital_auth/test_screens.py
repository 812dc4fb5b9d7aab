"""The phone screens: official order, tries, words, hand-over by QR code, and forms that others try to send."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.searching import tells

from honnin.sandbox.digital_auth.app_card import AppCard, Pin
from honnin.sandbox.digital_auth.refusals import PageRefusal
from honnin.sandbox.digital_auth.visits import change, load

from .conftest import BACK, HOST, Browser, Party

NewParty = Callable[..., Party]
TEXT = "利用規約に同意します。"
TEXT_DATA = "XIh3yqL9yiAUQkuovXqx+xKZOwameHZx7OCoTRdlJrQ="  # §1.11


class Phone:
    """A browser in front of the screens: reads the hidden fields and presses buttons."""

    def __init__(self, browser: Browser, path: str) -> None:
        self.browser = browser
        self.path = path
        self.page = browser.get(path)

    @property
    def title(self) -> str:
        return unescape(re.search(r"<h1>(.*?)</h1>", self.page.text)[1])  # type: ignore[index]

    @property
    def hidden(self) -> dict[str, str]:
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.page.text))

    def press(
        self, action: str, *, follow: bool = True, headers: dict[str, str] | None = None, **fields: str
    ) -> "Phone":
        self.page = self.browser.post(
            f"{self.path}/{action}", data=self.hidden | fields, headers={"Origin": HOST} | (headers or {})
        )
        if follow and self.page.headers.get("location") == self.path:
            self.page = self.browser.get(self.path)
        return self

    @property
    def back(self) -> dict[str, str]:
        location = self.page.headers["location"]
        assert location.startswith(BACK)
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def phone(party: Party, **options: Any) -> Phone:
    answer = party.ask(person=None, **options)
    assert answer.status_code == 302
    return Phone(party.browser, answer.headers["location"])


def tries(party: Party, person: str, pin: Pin) -> int:
    return AppCard(party.world, person).tries(pin)


class TestLogin:
    def test_official_order(self, party: Party) -> None:
        screen = phone(party, scope="openid name gender birthdate")
        seen = [screen.title]
        for action, fields in (
            ("start", {"person": "hanako"}),
            ("pin", {"pin": "2468"}),
            ("items_pin", {"pin": "2468"}),
            ("card", {}),
        ):
            seen.append(screen.press(action, **fields).title)
        assert seen == [
            "マイナンバーカードでログイン",
            "利用者証明用の暗証番号",
            "券面事項入力補助用の暗証番号",
            "カードをかざしてください",
            "提供を許可しますか",
        ]
        assert "見本　花子" in screen.page.text
        assert "女性" in screen.page.text
        assert re.search(r"\d{4}年\d{1,2}月\d{1,2}日", screen.page.text)
        answer = party.exchange(screen.press("allow").back["code"]).json()
        assert party.userinfo(answer["access_token"]).json()["gender"] == "2"

    def test_no_second_pin_without_items(self, party: Party) -> None:
        screen = phone(party).press("start", person="taro").press("pin", pin="9753")
        assert screen.title == "カードをかざしてください"
        assert screen.press("card").press("allow").back["code"]

    def test_face_or_finger_on_a_phone(self, party: Party) -> None:
        screen = phone(party, scope="openid name").press("start", person="keita")
        assert "顔認証・指紋認証で続ける" in screen.page.text
        assert screen.press("pin", biometrics="yes").title == "スマートフォンの証明書を使います"
        assert screen.press("card").press("allow").back["code"]

    @pytest.mark.parametrize("language", ["ja", "ja-simple", "en"])
    def test_every_screen_in_every_language(self, party: Party, language: str) -> None:
        screen = phone(party, scope="openid name address birthdate gender")
        screen.page = screen.browser.get(f"{screen.path}?lang={language}")
        for action, fields in (
            ("start", {"person": "hanako"}),
            ("pin", {"pin": "2468"}),
            ("items_pin", {"pin": "2468"}),
            ("card", {}),
        ):
            assert f'data-words="{language}"' in screen.press(action, **fields).page.text
        screen.browser.cookies.clear()

    @pytest.mark.parametrize(
        ("steps", "ending"),
        [
            ([], "cancelled"),
            ([("start", {"person": "hanako"})], "cancelled"),
            ([("start", {"person": "hanako"}), ("pin", {"pin": "2468"})], "cancelled"),
        ],
    )
    def test_cancel(self, party: Party, steps: list[Any], ending: str) -> None:
        screen = phone(party)
        for action, fields in steps:
            screen.press(action, **fields)
        assert screen.press("cancel").back["error"] == "access_denied"

    def test_items_declined(self, party: Party) -> None:
        screen = phone(party, scope="openid name").press("start", person="hanako")
        screen.press("pin", pin="2468").press("items_pin", pin="2468").press("card").press("decline")
        assert screen.back["error_description"] == "The user declined to give the four items."

    @pytest.mark.parametrize(
        ("person", "words"),
        [("sanji", "ロックされています"), ("shin", "必要な電子証明書がありません")],
    )
    def test_cards_that_cannot_even_begin(self, party: Party, person: str, words: str) -> None:
        screen = phone(party).press("start", person=person)
        assert words in screen.page.text
        assert "error=access_denied" in screen.page.text

    def test_ended_certificate(self, party: Party) -> None:
        screen = phone(party).press("start", person="toru").press("pin", pin="7168").press("card")
        assert "失効しています" in screen.page.text


class TestPins:
    def test_wrong_one_costs_a_try_and_says_so(self, new_party: NewParty) -> None:
        party = new_party()
        screen = phone(party).press("start", person="hanako")
        assert "あと3回" in screen.page.text
        screen.press("pin", pin="0000").press("card")
        assert screen.title == "利用者証明用の暗証番号"
        assert "暗証番号が違います" in screen.page.text
        assert "あと2回" in screen.page.text
        assert tries(party, "hanako", "user_authentication") == 2
        assert screen.press("pin", pin="2468").press("card").press("allow").back["code"]
        assert tries(party, "hanako", "user_authentication") == 3

    @pytest.mark.parametrize("pin", ["", "1", "12345", "abcd", "２４６８"])
    def test_wrong_shape_never_reaches_the_card(self, party: Party, pin: str) -> None:
        screen = phone(party).press("start", person="hanako").press("pin", pin=pin)
        assert screen.page.status_code == 400
        assert tries(party, "hanako", "user_authentication") == 3

    def test_last_try_only_when_asked(self, new_party: NewParty) -> None:
        party = new_party()
        for _ in range(2):
            phone(party).press("start", person="hanako").press("pin", pin="0000").press("card")
        screen = phone(party).press("start", person="hanako")
        assert "あと1回" in screen.page.text
        screen.press("pin", pin="0000")
        assert screen.page.status_code == 400
        assert tries(party, "hanako", "user_authentication") == 1
        screen.press("pin", pin="0000", last_try="yes").press("card")
        assert "ロックされています" in screen.page.text
        assert tries(party, "hanako", "user_authentication") == 0

    def test_tries_lost_elsewhere_meanwhile_are_seen(self, new_party: NewParty) -> None:
        party = new_party()
        screen = phone(party).press("start", person="hanako").press("pin", pin="0000")
        other = phone(party)
        for _ in range(2):
            other.press("start", person="hanako").press("pin", pin="0000").press("card").press("back")
        assert tries(party, "hanako", "user_authentication") == 1
        screen.page = screen.browser.get(screen.path)
        assert screen.press("card").title == "利用者証明用の暗証番号"
        assert tries(party, "hanako", "user_authentication") == 1

    def test_what_was_typed_is_not_kept_in_the_clear(self, new_party: NewParty) -> None:
        party = new_party()
        screen = phone(party).press("start", person="hanako").press("pin", pin="8642")
        kept = "".join(
            row["state"] for row in party.world.connection().execute("SELECT state FROM dauth_visits").fetchall()
        )
        assert kept
        assert not tells(kept, "8642")
        assert not tells(screen.page.text, "8642")


class TestHandOver:
    def test_phone_takes_over_and_the_pc_goes_on(self, party: Party) -> None:
        screen = phone(party)
        number = re.search(r'class="number">(\d\d)<', screen.page.text)[1]  # type: ignore[index]
        hand = self.hand(party, screen)
        mobile = Browser(party.app)
        joined = Phone(mobile, screen.path)
        joined.page = mobile.get(f"{screen.path}?hand={hand}")
        assert number in joined.page.text
        joined.press("join").press("start", person="hanako").press("pin", pin="2468").press("card")
        assert screen.browser.get(f"{screen.path}/done").json() == {"done": False}
        assert "スマートフォンで操作しています" in screen.browser.get(screen.path).text
        assert "パソコンの画面に戻って" in joined.press("allow").page.text
        assert "code=" not in joined.page.text
        assert screen.browser.get(f"{screen.path}/done").json() == {"done": True}
        screen.page = screen.browser.get(screen.path)
        assert party.exchange(screen.back["code"]).status_code == 200

    def test_a_stranger_with_the_address_alone_is_refused(self, party: Party) -> None:
        screen = phone(party)
        assert Browser(party.app).get(screen.path).status_code == 403
        assert Browser(party.app).get(f"{screen.path}?hand={'0' * 64}").status_code == 403

    def test_once(self, party: Party) -> None:
        screen = phone(party)
        hand = self.hand(party, screen)
        first, second = Browser(party.app), Browser(party.app)
        taken = Phone(first, screen.path)
        taken.page = first.get(f"{screen.path}?hand={hand}")
        taken.press("join")
        assert second.get(f"{screen.path}?hand={hand}").status_code == 403

    @staticmethod
    def hand(party: Party, screen: Phone) -> str:
        from honnin.sandbox.digital_auth.visits import derived

        cookie = screen.browser.cookies["honnin_digital_auth"]
        assert 'src="data:image/svg+xml' in screen.page.text
        return derived("hand-over", cookie, screen.path.rsplit("/", 1)[1])


class TestForms:
    @pytest.mark.parametrize("action", ["start", "cancel", "join"])
    def test_without_the_token(self, party: Party, action: str) -> None:
        screen = phone(party)
        answer = screen.browser.post(f"{screen.path}/{action}", data={"person": "hanako"})
        assert answer.status_code == 403

    def test_from_another_origin(self, party: Party) -> None:
        screen = phone(party).press("start", person="hanako", headers={"Origin": "https://evil.example"})
        assert screen.page.status_code == 403

    def test_from_another_browser(self, party: Party) -> None:
        screen = phone(party)
        answer = Browser(party.app).post(f"{screen.path}/start", data=screen.hidden | {"person": "hanako"})
        assert answer.status_code == 403

    def test_steps_cannot_be_skipped(self, party: Party) -> None:
        screen = phone(party)
        for action in ("card", "allow", "pin", "items_pin", "decline"):
            answer = screen.browser.post(f"{screen.path}/{action}", data=screen.hidden | {"pin": "2468"})
            assert answer.status_code == 409

    def test_address_of_a_form_leads_to_the_screen(self, party: Party) -> None:
        """As the address bar's "go" opens it after a mistake."""
        screen = phone(party).press("start", person="hanako").press("pin", pin="1")
        answer = screen.browser.get(f"{screen.path}/pin")
        assert (answer.status_code, answer.headers["location"]) == (303, screen.path)

    def test_screen_that_moved_on_leads_to_where_it_stands(self, party: Party) -> None:
        screen = phone(party)
        moved = screen.press("pin", pin="2468").page
        assert moved.status_code == 409
        assert f'href="{screen.path}"' in moved.text

    def test_sent_twice(self, party: Party) -> None:
        screen = phone(party).press("start", person="hanako").press("pin", pin="2468").press("card")
        visit = load(party.world, screen.path.rsplit("/", 1)[1])
        assert screen.press("allow").back["code"]
        with pytest.raises(PageRefusal), change(party.world, visit) as after:
            after.append(visit.state)

    def test_unknown_action_and_visit(self, party: Party) -> None:
        screen = phone(party)
        assert screen.browser.post(f"{screen.path}/steal", data=screen.hidden).status_code == 404
        assert screen.browser.get("/app/nothing").status_code == 404

    def test_late(self, new_party: NewParty) -> None:
        from datetime import timedelta

        party = new_party()
        screen = phone(party)
        party.world.advance(timedelta(seconds=601))
        assert screen.browser.get(screen.path).status_code == 410

    def test_headers(self, party: Party) -> None:
        page: httpx.Response = phone(party).page
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert "script" not in re.sub(r"script-src", "", page.text)


class TestSubstitute:
    @pytest.mark.parametrize(
        ("outcome", "found"), [("ok", "code"), ("cancelled", "error"), ("revoked", "error"), ("jlis_down", "error")]
    )
    def test_persons_and_outcomes(self, party: Party, outcome: str, found: str) -> None:
        substitute = Party(party.world, party.app, "RP00000009", mode="test_card")
        screen = phone(substitute)
        assert screen.path.startswith("/test-card/")
        assert "テスト応答の設定" in screen.page.text
        screen.press("use", person="taro", outcome=outcome, follow=False)
        assert found in screen.back

    def test_not_beside_the_phone(self, party: Party) -> None:
        """A client in one mode cannot use the other (§1.15)."""
        screen = phone(party)
        visit = screen.path.rsplit("/", 1)[1]
        assert screen.browser.get(f"/test-card/{visit}").status_code == 403


class TestSigning:
    def test_words_come_first_and_are_bound(self, party: Party) -> None:
        transaction = party.start({"data": TEXT_DATA, "text": TEXT}).json()["sign_transaction_id"]
        screen = phone(party, scope="openid sign", sign_transaction_id=transaction).press("start", person="hanako")
        assert screen.title == "署名する内容"
        assert TEXT in screen.page.text
        hidden = screen.hidden
        screen.press("words", shown="0" * 64)
        assert screen.page.status_code == 409
        screen.page = screen.browser.get(screen.path)
        assert screen.hidden == hidden
        screen.press("words").press("pin", pin="HANAKO2468").press("card")
        assert party.exchange(screen.press("allow").back["code"]).status_code == 200

    @pytest.mark.parametrize(("text", "tongue"), [(TEXT, ' lang="ja"'), ("I agree.", "")])
    def test_words_are_read_aloud_in_their_own_language(self, party: Party, text: str, tongue: str) -> None:
        digest = b64encode(sha256(text.encode()).digest()).decode()
        transaction = party.start({"data": digest, "text": text}).json()["sign_transaction_id"]
        screen = phone(party, scope="openid sign", sign_transaction_id=transaction).press("start", person="hanako")
        assert re.search(rf'<div class="document"[^>]*"{tongue}>{re.escape(text)}', screen.page.text)
        assert (f'lang="ja">{text}' in screen.page.text) == bool(tongue)

    def test_without_words_the_screen_warns(self, party: Party) -> None:
        transaction = party.start({"data": TEXT_DATA}).json()["sign_transaction_id"]
        screen = phone(party, scope="openid sign", sign_transaction_id=transaction).press("start", person="hanako")
        assert "文章を送っていません" in screen.page.text

    def test_a_refusal_signs_nothing(self, party: Party) -> None:
        transaction = party.start({"data": TEXT_DATA, "text": TEXT}).json()["sign_transaction_id"]
        screen = phone(party, scope="openid sign", sign_transaction_id=transaction).press("start", person="hanako")
        screen.press("words").press("pin", pin="HANAKO2468").press("card").press("cancel")
        row = (
            party.world.connection()
            .execute("SELECT signature FROM dauth_transactions WHERE transaction_id = ?", (transaction,))
            .fetchone()
        )
        assert row["signature"] is None


def test_front_page_lists_and_registers(party: Party) -> None:
    from .test_registration import registration

    front = Phone(Browser(party.app), "/")
    assert "RP00000001" in front.page.text
    front.path = ""
    front.press("register", registration=registration("RP00000077"))
    assert front.page.status_code == 200
    assert "RP00000077" in front.page.text
    front.page = front.browser.get("/")
    front.press("register", registration="{}")
    assert front.page.status_code == 400
