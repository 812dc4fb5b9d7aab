"""The demo in a real Chromium: success, wrong PIN, locked PIN, revoked certificate, cancel, expiry, ways back."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from honnin.connect.worlds import open_world
from honnin.platform.evidence.receipt import read_receipt, verify_receipt
from honnin.platform.keys import LogPublicKey
from honnin.web.serving import Running

pytestmark = [pytest.mark.peer("/usr/bin/chromium")]

WRONG = "WRONG99999"


def test_account_is_opened_with_verified_items(customer: Any, page: Page) -> None:
    customer.reach("hanako")
    for character in customer.pins["hanako"]:
        page.click(f".pad button:text-is('{character}')")
    expect(page.locator("[data-pin-count]")).to_have_text("10 文字入力しました")
    page.click("[data-pin-form] button[type=submit]")
    expect(page.locator("h1")).to_have_text("本人確認ができました")
    page.click(".screen a.button")
    expect(page).to_have_url(re.compile(r"bank\.localhost:\d+/account"))
    expect(page.locator("h1")).to_have_text("口座を開設しました")
    shown = page.inner_text("main")
    assert "見本　花子" in shown
    assert "東京都千代田区見本町一丁目２番３号" in shown
    assert "1990年4月12日" in shown


def test_check_takes_six_taps_besides_the_pin(customer: Any, page: Page) -> None:
    """Counted by the browser from the check's first page to the open account; the PIN's characters are not."""
    taps: list[str] = []
    page.expose_function("told", lambda tap: taps.append(tap))
    page.add_init_script(
        """for (const kind of ["click", "change"]) document.addEventListener(kind, (event) => {
             if (event.isTrusted && event.target.id !== "pin" && !event.target.closest("[data-pad]"))
               window.told(kind + " " + event.target.tagName);
           }, true);"""
    )
    customer.apply()
    taps.clear()
    page.click("form[data-pick] button[type=submit]")  # the card in hand is offered first
    page.wait_for_url("**/card?*")
    customer.put()
    customer.read()
    for character in customer.pins["hanako"]:
        page.click(f".pad button:text-is('{character}')")
    page.click("[data-pin-form] button[type=submit]")
    expect(page.locator("h1")).to_have_text("本人確認ができました")
    page.click(".screen a.button")
    expect(page).to_have_url(re.compile(r"bank\.localhost:\d+/account"))
    assert 3 <= len(taps) <= 6, taps


def test_customer_gets_back_in_with_the_card(customer: Any, page: Page, server: Running) -> None:
    customer.finish("hanako")
    page.click(".screen a.button")
    number = page.inner_text(".passbook__number")
    page.click("form[action='/leave'] button")
    page.click("a[href='/recover']")
    expect(page.locator("h1")).to_have_text("マイナンバーカードでログインし直す")
    page.click("form[action='/recover'] button")
    page.wait_for_url("**/check/**")
    page.click("form[data-pick] button[type=submit]")
    page.wait_for_url("**/card?*")
    customer.put()
    customer.read()
    customer.type_pin(customer.pins["hanako"])
    page.click(".screen a.button")
    expect(page).to_have_url(re.compile(r"bank\.localhost:\d+/account"))
    expect(page.locator(".passbook__number")).to_have_text(number, use_inner_text=True)


def test_evidence_can_be_seen_and_proven_offline(customer: Any, page: Page, server: Running) -> None:
    customer.finish("kaede")
    page.click(".screen a.button")
    page.click("a[href*='/evidence/']")
    link = page.locator("a[download]")
    while not link.count():
        page.reload()
    expect(page.locator("#receipt ~ .notice--success")).to_be_visible()
    assert page.locator(".checks__item--passed").count() >= 8
    with page.expect_download() as download:
        link.click()
    receipt = read_receipt(download.value.path().read_bytes())
    key = (server.platform.settings.data / "keys" / "log.pub.pem").read_bytes()
    record = verify_receipt(receipt, LogPublicKey.read(key))
    assert record["log_id"] == receipt.log_id
    assert "例示" not in json.dumps(record, ensure_ascii=False)


def test_wrong_pin_says_what_is_left_and_lets_go_on(customer: Any, page: Page) -> None:
    customer.reach("nana")
    expect(page.locator("#tries")).to_contain_text("あと 5 回")
    customer.type_pin(WRONG)
    expect(page.locator("#error-summary")).to_be_focused()
    expect(page.locator("#error-summary")).to_contain_text("あと 4 回")
    expect(page.locator("#tries")).to_contain_text("あと 4 回")
    assert page.input_value("#pin") == ""
    assert WRONG not in page.content()
    customer.type_pin(customer.pins["nana"])
    expect(page.locator("h1")).to_have_text("本人確認ができました")


def test_pin_of_a_wrong_form_never_reaches_the_card(customer: Any, page: Page) -> None:
    customer.reach("aoi")
    customer.type_pin("1234")
    expect(page.locator("#error-summary")).to_contain_text("カードには送っていません")
    expect(page.locator("#tries")).to_contain_text("あと 5 回")
    customer.type_pin("")
    expect(page.locator("#pin-error")).to_contain_text("入力されていません")


def test_last_try_needs_to_be_asked_for(customer: Any, page: Page) -> None:
    customer.reach("ichika")
    expect(page.locator("#tries")).to_contain_text("最後の 1 回")
    customer.type_pin(customer.pins["ichika"])
    expect(page.locator("#last-try-error")).to_be_visible()
    expect(page.locator("#tries")).to_contain_text("最後の 1 回")
    page.check("#last-try")
    customer.type_pin(customer.pins["ichika"])
    expect(page.locator("h1")).to_have_text("本人確認ができました")


def test_locked_pin_says_where_to_unlock_it(customer: Any, page: Page) -> None:
    customer.reach("goro", "card")
    customer.put()
    expect(page.locator("h1")).to_have_text("暗証番号がロックされています")
    expect(page.locator(".next")).to_contain_text("市区町村の窓口")
    page.click("form[action$='/leave'] button")
    expect(page.locator("h1")).to_have_text("本人確認ができませんでした")
    expect(page.locator(".notice")).to_contain_text("カードで署名できなかった")
    expect(page).to_have_url(re.compile(r"bank\.localhost:\d+/return\?.*status=failed"))


def test_reload_and_back_never_send_a_pin_again(customer: Any, page: Page) -> None:
    customer.reach("tomoko")
    customer.type_pin(WRONG)
    expect(page.locator("#tries")).to_contain_text("あと 4 回")
    for _ in range(2):
        page.reload()
        expect(page.locator("#tries")).to_contain_text("あと 4 回")
    page.click("a[hreflang=en]")
    expect(page.locator("#tries")).to_contain_text("4 tries left")
    page.go_back()
    expect(page.locator("#tries .on")).to_have_count(4)
    page.click("a[hreflang=ja] >> text=/^日本語$/") if page.locator("html[lang=en]").count() else None
    customer.type_pin(customer.pins["tomoko"])
    expect(page.locator("h1")).to_have_text("本人確認ができました")
    page.go_back()
    expect(page.locator("h1")).to_have_text("本人確認ができました")


def test_fifth_wrong_pin_locks_and_says_so(customer: Any, page: Page) -> None:
    customer.reach("iku")
    for left in (4, 3, 2, 1):
        customer.type_pin(WRONG)
        expect(page.locator("#tries .on")).to_have_count(left)
    page.check("#last-try")
    customer.type_pin(WRONG)
    expect(page.locator("h1")).to_have_text("暗証番号がロックされています")


def test_child_is_told_of_another_way(customer: Any, page: Page) -> None:
    customer.reach("yui", "card")
    customer.put()
    expect(page.locator("h1")).to_have_text("このカードでは署名できません")
    expect(page.locator(".next")).to_contain_text("15歳未満")
    page.click("text=別の人のカードで試す")
    expect(page.locator("form[data-pick]")).to_be_visible()


def test_revoked_certificate_opens_no_account(customer: Any, page: Page) -> None:
    customer.finish("minoru")
    expect(page.locator("h1")).to_have_text("本人確認ができませんでした")
    expect(page.locator(".next")).to_contain_text("新しい署名用電子証明書の発行")
    page.click(".screen a.button")
    expect(page.locator("h1")).to_have_text("口座を開設できませんでした")
    assert "架空" not in page.inner_text("main")
    page.click("a[href*='/evidence/']")
    expect(page.locator(".verdict__name")).to_have_text("TOTAL-FAILED / REVOKED")


def test_expired_certificate_is_renewed_at_the_counter(customer: Any, page: Page) -> None:
    customer.finish("saku")
    expect(page.locator(".next")).to_contain_text("更新")


def test_what_could_not_be_told_may_be_tried_again(customer: Any, page: Page) -> None:
    customer.finish("kumo")
    expect(page.locator("h1")).to_have_text("今は確認できませんでした")
    page.click("text=もう一度試す")
    expect(page.locator("form[data-pick]")).to_be_visible()


@pytest.mark.parametrize("step", ["start", "card", "review", "sign"])
def test_check_can_be_cancelled_at_every_step(customer: Any, page: Page, step: str) -> None:
    customer.reach("hanako", step)
    page.click("form[action$='/cancel'] button")
    expect(page.locator("h1")).to_have_text("本人確認を取りやめました")
    page.click(".screen a.button")
    expect(page.locator("h1")).to_have_text("お申し込みを取りやめました")
    page.click("text=もう一度申し込む")
    expect(page.locator("h1")).to_have_text("口座開設のお申し込み")


def test_person_who_left_the_check_can_take_it_up_again(customer: Any, page: Page, server: Running) -> None:
    customer.reach("hanako", "review")
    here = page.url
    state = next(c["value"] for c in page.context.cookies() if c["name"] == "mihon_application")
    page.goto(f"{server.origin('bank')}/return?state={state}")
    expect(page.locator("h1")).to_have_text("本人確認がまだ終わっていません")
    page.click("text=本人確認を続ける")
    expect(page).to_have_url(re.compile(re.escape(here.rpartition("/")[0]) + r"(\?.*)?$"))


def test_time_runs_out(customer: Any, page: Page, server: Running) -> None:
    customer.reach("hanako", "review")
    open_world(server.platform.settings.data).advance(timedelta(minutes=16))  # type: ignore[attr-defined]
    page.click("a.button--wide")
    expect(page.locator("h1")).to_have_text("時間切れになりました")
    page.click(".screen a.button")
    expect(page.locator("h1")).to_have_text("時間切れになりました")
    expect(page.locator("text=もう一度申し込む")).to_be_visible()


def test_everything_works_without_scripts(browser: Browser, server: Running, pins: dict[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.origin('bank')}/open?lang=en")
    page.check("input[name=purpose][value=salary]")
    page.select_option("#occupation", "student")
    page.check("#agree")
    page.click("form button[type=submit]")
    page.click("form[data-pick] button[type=submit]")
    page.click("form[data-busy] button[type=submit]")
    page.click("a.button--wide")
    expect(page.locator("[data-pad]")).to_be_hidden()
    page.fill("#pin", pins["hanako"].lower())
    page.click("[data-pin-form] button[type=submit]")
    expect(page.locator("h1")).to_have_text("Your identity is confirmed")
    page.click(".screen a.button")
    expect(page.locator("h1")).to_have_text("Your account is open")
    context.close()


@pytest.mark.parametrize(
    ("language", "tag", "asks", "opened"),
    [
        ("en", "en", "asks you to confirm who you are", "Your account is open"),
        ("ja-simple", "ja", "本人確認を おねがいして います", "口座が できました"),
    ],
)
def test_language_goes_with_the_person(
    in_language: Callable[[str], Any], page: Page, language: str, tag: str, asks: str, opened: str
) -> None:
    customer = in_language(language)
    customer.apply()
    expect(page.locator("html")).to_have_attribute("lang", tag)
    expect(page.locator("h1")).to_contain_text(asks)
    customer.choose("hanako")
    customer.put()
    customer.read()
    customer.type_pin(customer.pins["hanako"])
    page.click(".screen a.button")
    expect(page.locator("h1")).to_have_text(opened)
    page.click("nav a[hreflang=ja] >> nth=0")
    expect(page.locator("h1")).to_have_text("口座を開設しました")
    page.reload()
    expect(page.locator("h1")).to_have_text("口座を開設しました")


def test_console_shows_the_running_world(page: Page, server: Running) -> None:
    page.goto(f"{server.origin('console')}/")
    expect(page.locator(".table--people tbody tr")).to_have_count(40)
    assert server.api_key not in page.content()
    expect(page.locator("main")).to_contain_text("keys.json")
    page.click("text=見本銀行で口座を開設する")
    expect(page.locator("h1")).to_contain_text("口座開設")
