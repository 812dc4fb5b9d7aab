"""The Digital Authentication Service's screens in Chromium: login and signing, without script, by QR code."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.documents.files import pdf

from honnin.pki.signing import prepare
from honnin.sandbox.digital_auth.demonstration import CLIENT_ID
from honnin.sandbox.digital_auth.parties import party
from honnin.sandbox.digital_auth.transactions import start
from honnin.sandbox.opening import open_world
from honnin.web.serving import Running

pytestmark = [pytest.mark.peer("/usr/bin/chromium", "node_modules/axe-core/axe.min.js")]

Axe = Callable[[Page], list[dict[str, Any]]]
TEXT = "普通預金口座の開設を申し込みます。"


def address(server: Running, **more: str) -> str:
    query = {
        "response_type": "code",
        "scope": "openid name address birthdate gender",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{server.origin('bank')}/return",
        "state": secrets.token_urlsafe(12),
        "nonce": secrets.token_urlsafe(12),
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(b"x" * 43).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{server.origin('digital-auth')}/api/realms/main/protocol/openid-connect/auth?{urlencode(query | more)}"


def transaction(server: Running) -> str:
    world = open_world(server.platform.settings.data)
    client = party(world, CLIENT_ID)
    assert client is not None
    digest = base64.b64encode(hashlib.sha256(TEXT.encode()).digest()).decode()
    body = httpx.Request("POST", "http://x", json={"data": digest, "text": TEXT}).content
    return start(world, client, body)["sign_transaction_id"]


def document_transaction(server: Running) -> str:
    """A transaction over a PDF that names the words."""
    world = open_world(server.platform.settings.data)
    client = party(world, CLIENT_ID)
    assert client is not None
    prepared = prepare(pdf(), "pdf", at=world.now(), words=TEXT)
    data, content = (base64.b64encode(part).decode() for part in (prepared.digest_info, prepared.to_be_signed))
    body = httpx.Request("POST", "http://x", json={"data": data, "text": TEXT, "content": content}).content
    return start(world, client, body)["sign_transaction_id"]


def go(page: Page) -> None:
    """Press the screen's first button."""
    page.locator(".screen form button.button").first.click()


def fit(page: Page, axe: Axe) -> None:
    assert axe(page) == []
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("h1").count() == 1
    assert size
    page.set_viewport_size(size)


def held_back(page: Page) -> list[str]:
    """Remember the way back, whatever the bank makes of it."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if "/return?" in request.url else None)
    return seen


def at_the_bank(page: Page) -> None:
    page.wait_for_url(lambda url: "//bank." in url)


@pytest.mark.parametrize("language", ["ja", "ja-simple", "en"])
def test_login_for_everybody(server: Running, page: Page, axe: Axe, language: str) -> None:
    back = held_back(page)
    page.goto(address(server))
    page.goto(f"{page.url}?lang={language}")
    expect(page.locator("#person option[value=hanako]")).to_have_attribute("lang", "ja")
    fit(page, axe)
    go(page)
    page.fill("#pin", "12")
    go(page)
    fit(page, axe)
    page.fill("#pin", "2468")
    go(page)
    page.fill("#pin", "2468")
    go(page)
    fit(page, axe)
    go(page)
    fit(page, axe)
    go(page)
    at_the_bank(page)
    assert "code=" in back[-1]


def test_of_a_document_the_phone_says_that_it_names_the_words(server: Running, page: Page, axe: Axe) -> None:
    page.goto(address(server, scope="openid sign", sign_transaction_id=document_transaction(server)))
    page.select_option("#person", "taro")
    go(page)
    expect(page.locator(".document")).to_contain_text(TEXT)
    expect(page.locator(".screen")).to_contain_text("文書（PDF など）に署名します")
    expect(page.locator(".screen")).not_to_contain_text("一致することを")
    fit(page, axe)


def test_signing_shows_the_words_and_a_wrong_pin_the_tries(server: Running, page: Page, axe: Axe) -> None:
    back = held_back(page)
    page.goto(address(server, scope="openid sign", sign_transaction_id=transaction(server)))
    page.select_option("#person", "taro")
    go(page)
    expect(page.locator(".document")).to_contain_text(TEXT)
    fit(page, axe)
    go(page)
    page.fill("#pin", "1")
    go(page)
    expect(page.locator("#mistake")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#pin")).to_be_focused()
    page.fill("#pin", "WRONG123")
    go(page)
    go(page)
    expect(page.locator(".notice--bad")).to_contain_text("あと4回")
    expect(page.locator(".notice--bad")).to_be_focused()
    fit(page, axe)
    page.fill("#pin", "TARO97531")
    go(page)
    go(page)
    go(page)
    at_the_bank(page)
    assert "code=" in back[-1]


def test_without_script_and_by_keyboard(server: Running, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    back = held_back(page)
    page.goto(address(server, scope="openid"))
    for locator, typed in (("#person", None), ("#pin", "2468")):
        page.locator(locator).focus()
        if typed is not None:
            page.keyboard.type(typed)
        page.keyboard.press("Tab")
        with page.expect_navigation():
            page.keyboard.press("Enter")
    for _ in range(2):
        page.locator(".screen form button.button").first.focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
    at_the_bank(page)
    assert "code=" in back[-1]
    context.close()


def test_by_qr_code_on_another_device(server: Running, page: Page, browser: Browser, axe: Axe) -> None:
    from honnin.sandbox.digital_auth.visits import derived

    back = held_back(page)
    page.goto(address(server, scope="openid"))
    number = page.locator(".number").inner_text()
    cookie = next(c["value"] for c in page.context.cookies() if c["name"] == "honnin_digital_auth")
    visit = page.url.rpartition("/")[2].partition("?")[0]
    phone_context = browser.new_context(viewport={"width": 390, "height": 844}, locale="ja-JP")
    phone = phone_context.new_page()
    phone.goto(f"{page.url}?hand={derived('hand-over', cookie, visit)}")
    expect(phone.locator(".number")).to_have_text(number)
    fit(phone, axe)
    go(phone)
    page.get_by_role("link", name="読み取ったあとは").click()
    fit(page, axe)
    go(phone)
    phone.fill("#pin", "2468")
    go(phone)
    go(phone)
    go(phone)
    expect(phone.locator(".screen")).to_contain_text("パソコン")
    at_the_bank(page)
    assert "code=" in back[-1]
    phone_context.close()


@pytest.mark.parametrize("language", ["ja", "ja-simple", "en"])
def test_front_and_refusal_pages(server: Running, page: Page, axe: Axe, language: str) -> None:
    for path in ("/", "/app/nothing"):
        page.goto(f"{server.origin('digital-auth')}{path}?lang={language}")
        fit(page, axe)
