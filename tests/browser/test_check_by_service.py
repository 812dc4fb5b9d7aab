"""The hosted check by the Digital Authentication Service in Chromium: on a phone, at a computer by QR code, retried."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

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
