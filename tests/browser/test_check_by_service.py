"""The hosted check by the Digital Authentication Service in Chromium: on a phone, at a computer by QR code, retried."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from honnin.connect.worlds import open_world
from honnin.sandbox.digital_auth.visits import derived
from honnin.web.serving import Running

pytestmark = [pytest.mark.peer("/usr/bin/chromium", "node_modules/axe-core/axe.min.js")]

Axe = Callable[[Page], list[dict[str, Any]]]
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148"


def go(page: Page) -> None:
    """Press the first button of the service's screen."""
    page.locator(".screen form button.button").first.click()


def to_service(page: Page, axe: Axe | None = None) -> None:
    """From the check's first page to the service."""
    page.click(".way a.button")
    page.wait_for_url("**/digital-auth")
    expect(page.locator(".steps li")).to_have_text(
        ["はじめに", "内容", "アプリ", "完了"]
    )  # no card was held to anything yet
    expect(page.locator(".steps [aria-current]")).to_have_text("内容")
    if axe is not None:
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= (page.viewport_size or {"width": 0})["width"]
    page.click(".screen form button.button >> nth=0")
    page.wait_for_url(lambda url: "//digital-auth." in url)


def sign(page: Page, pin: str) -> None:
    """On the service's screens: person, words, PIN, card, done."""
    page.fill("#pin", pin)
    go(page)
    go(page)


def test_on_a_phone(browser: Browser, server: Running, pins: dict[str, str], axe: Axe) -> None:
    from tests.browser.conftest import Customer

    context = browser.new_context(viewport={"width": 390, "height": 844}, user_agent=IPHONE, locale="ja-JP")
    page = context.new_page()
    Customer(page, server, pins).apply()
    for language in ("en", "ja-simple", "ja"):
        page.goto(f"{page.url.partition('?')[0]}?lang={language}")
        assert axe(page) == []
    to_service(page, axe)
    go(page)
    assert page.locator(".document").inner_text()
    go(page)
    sign(page, pins["hanako"])
    while "//digital-auth." in page.url:
        go(page)
        page.wait_for_load_state()
    page.wait_for_selector(".result--success")
    expect(page.locator(".steps li")).to_have_text(["はじめに", "内容", "アプリ", "完了"])
    assert axe(page) == []
    page.click(".screen a.button")
    page.wait_for_url(lambda url: "//bank." in url)
    expect(page.locator("main")).to_contain_text("花子")
    context.close()


def test_at_a_computer_by_qr_code(server: Running, page: Page, customer: Any, browser: Browser) -> None:
    customer.apply()
    expect(page.locator(".way")).to_contain_text("QRコード")
    to_service(page)
    cookie = next(c["value"] for c in page.context.cookies() if c["name"] == "honnin_digital_auth")
    visit = page.url.rpartition("/")[2].partition("?")[0]
    phone_context = browser.new_context(viewport={"width": 390, "height": 844}, locale="ja-JP")
    phone = phone_context.new_page()
    phone.goto(f"{page.url}?hand={derived('hand-over', cookie, visit)}")
    go(phone)  # the number is the same
    page.get_by_role("link", name="読み取ったあとは").click()
    for _ in range(2):  # the start, the words
        phone.wait_for_load_state()
        go(phone)
    sign(phone, customer.pins["hanako"])
    while "パソコン" not in phone.locator(".screen").inner_text():
        go(phone)
        phone.wait_for_load_state()
    page.wait_for_selector(".result--success")
    page.click(".screen a.button")
    page.wait_for_url(lambda url: "//bank." in url)
    expect(page.locator("main")).to_contain_text("花子")
    phone_context.close()


def test_cancelled_there_chosen_again_here(page: Page, customer: Any) -> None:
    customer.apply()
    start = page.url
    to_service(page)
    page.locator("form[action*=cancel] button").first.click()
    page.wait_for_url("**/check/**")
    expect(page.locator("#error-summary")).to_contain_text("もう一度、方法を選べます")
    page.go_back()  # the way back is no page of its own: nothing of it is sent again
    page.goto(start)
    customer.choose("hanako")
    customer.put()
    customer.read()
    customer.type_pin(customer.pins["hanako"])
    page.wait_for_selector(".result--success")


@pytest.fixture
def digits(server: Running) -> dict[str, str]:
    people = open_world(server.platform.settings.data).people()
    return {person["id"]: person["pins"].get("user_authentication", "") for person in people}


def log_in(page: Page, server: Running, person: str) -> None:
    """From the bank's login to the service's PIN screen, with one person's card."""
    page.goto(f"{server.origin('bank')}/login")
    page.click("form.card button")
    page.wait_for_url("**/check/**")
    page.click(".way form button")
    page.wait_for_url(lambda url: "//digital-auth." in url)
    expect(page.locator(".who")).to_contain_text("見本銀行")
    page.select_option("#person", person)
    go(page)
    page.wait_for_selector("#pin")


def enter(page: Page, pin: str) -> None:
    """Type a PIN and hold the card."""
    page.fill("#pin", pin)
    if page.locator("#last_try").count():
        page.check("#last_try")
    go(page)
    page.get_by_role("button", name="かざしました").or_(page.locator(".screen form button.button")).first.click()
    page.wait_for_load_state()


def test_wrong_pin_there_is_told_with_its_tries_and_put_right(
    server: Running, page: Page, axe: Axe, digits: dict[str, str]
) -> None:
    log_in(page, server, "kyoko")
    expect(page.locator("#tries")).to_contain_text("あと3回")
    enter(page, "0000")
    expect(page.get_by_role("alert")).to_contain_text("あと2回入力できます")
    expect(page.locator("#tries")).to_contain_text("あと2回")
    assert axe(page) == []
    enter(page, digits["kyoko"])
    go(page)  # allow
    page.wait_for_selector(".result--success")
    page.click(".screen a.button")
    expect(page.locator("main")).to_contain_text("この方の口座が見つかりません")  # she has never opened one


def test_locked_there_leads_back_with_the_reason_and_a_way_on(
    server: Running, page: Page, axe: Axe, digits: dict[str, str]
) -> None:
    log_in(page, server, "iku")
    for _ in range(2):
        enter(page, "0000")
    page.fill("#pin", "0000")
    go(page)
    expect(page.locator("#mistake")).to_contain_text("最後の1回です")  # it is not spent unasked
    enter(page, "0000")
    expect(page.locator(".notice")).to_contain_text("ロックされています")
    page.get_by_role("link", name="サービスに戻る").click()
    page.wait_for_url("**/check/**")
    summary = page.locator("#error-summary")
    expect(summary).to_contain_text("暗証番号がロックされています")
    expect(summary).to_contain_text("ほかの方法を選んでください")
    expect(summary).to_be_focused()
    for language in ("en", "ja-simple", "ja"):
        page.goto(f"{page.url}&lang={language}")
        assert axe(page) == []
    page.check("input[name=person][value=hanako]")
    page.click("form[data-pick] button[type=submit]")
    page.click("form[data-busy] button[type=submit]")
    page.wait_for_url("**/sign?*")
    assert axe(page) == []
    pad = page.locator("[data-pad]")
    expect(pad.locator("button")).to_have_count(11)  # digits alone, and the one that deletes
    for digit in digits["hanako"]:
        pad.get_by_role("button", name=digit, exact=True).click()
    page.click("[data-pin-form] button[type=submit]")
    page.wait_for_selector(".result--success")


def test_person_says_which_device_it_is_by_keyboard(server: Running, page: Page, customer: Any, axe: Axe) -> None:
    customer.apply()
    words = page.locator(".way > p")
    expect(words).to_contain_text("QRコード")
    choice = page.get_by_role("navigation", name="お使いの端末")
    expect(choice.locator("[aria-current=true]")).to_have_text("パソコン")
    choice.get_by_role("link", name="スマートフォン").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**device=phone*")
    expect(words).to_contain_text("このスマートフォンの")
    expect(choice.locator("[aria-current=true]")).to_have_text("スマートフォン")
    assert axe(page) == []
    page.click(".way a.button")
    page.wait_for_url("**/digital-auth")
    expect(page.locator("main")).to_contain_text("デジタル認証アプリに移ります")  # it is remembered
    assert axe(page) == []


def test_browser_that_names_itself_by_hint_is_heard(browser: Browser, server: Running, pins: dict[str, str]) -> None:
    from tests.browser.conftest import Customer

    context = browser.new_context(locale="ja-JP")
    page = context.new_page()
    named = {"platform": "Android", "platformVersion": "16", "architecture": "", "model": "", "mobile": True}
    context.new_cdp_session(page).send(
        "Emulation.setUserAgentOverride",
        {"userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/150", "userAgentMetadata": named},
    )
    Customer(page, server, pins).apply()
    expect(page.locator(".way > p")).to_contain_text("このスマートフォンの")
    context.close()
