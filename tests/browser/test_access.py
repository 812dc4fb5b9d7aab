"""Every page for everybody: axe-core without a finding, keyboard alone, 320 CSS pixels (400 % zoom), reduced motion."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from honnin.platform.models import SessionRequest
from honnin.web.serving import Running

pytestmark = [
    pytest.mark.peer("/usr/bin/chromium", "node_modules/axe-core/axe.min.js"),
]

Axe = Callable[[Page], list[dict[str, Any]]]
NARROW = {"width": 320, "height": 640}


def inspect(page: Page, axe: Axe) -> None:
    """Judge the page as it stands, then narrowed to 320 pixels, where nothing may need scrolling sideways."""
    assert axe(page) == []
    wide = page.viewport_size
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], page.url
    assert wide
    page.set_viewport_size(wide)
    assert page.locator("main").count() == 1
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("language", ["ja", "ja-simple", "en"])
def test_way_to_an_account(in_language: Callable[[str], Any], page: Page, axe: Axe, language: str) -> None:
    customer = in_language(language)
    page.goto(f"{customer.server.origin('bank')}/?lang={language}")
    inspect(page, axe)
    page.click("a[href='/recover']")
    inspect(page, axe)
    page.go_back()
    page.click("a[href='/open']")
    page.click("form button[type=submit]")
    expect(page.locator("#error-summary")).to_be_focused()
    inspect(page, axe)
    customer.apply()
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    inspect(page, axe)
    customer.choose("hanako")
    inspect(page, axe)
    customer.put()
    page.wait_for_url("**/review?*")
    inspect(page, axe)
    customer.read()
    inspect(page, axe)
    customer.type_pin(customer.pins["hanako"])
    page.wait_for_selector(".result--success")
    inspect(page, axe)
    page.click(".screen a.button")
    inspect(page, axe)
    page.click("a[href*='/evidence/']")
    while not page.locator("a[download]").count():
        page.reload()
    inspect(page, axe)


def test_ways_that_stop(customer: Any, page: Page, axe: Axe) -> None:
    customer.reach("ichika")
    customer.type_pin(customer.pins["ichika"])
    expect(page.locator("#last-try-error")).to_be_visible()
    inspect(page, axe)
    customer.finish("minoru")
    inspect(page, axe)
    page.click(".screen a.button")
    inspect(page, axe)
    page.click("a[href*='/evidence/']")
    inspect(page, axe)
    customer.finish("kumo")
    inspect(page, axe)
    page.click("form[action$='/leave'] button")
    page.wait_for_url("**/return?*")
    inspect(page, axe)


def test_unseen_document(page: Page, axe: Axe, server: Running) -> None:
    """A document that is not text, asked for without any of the four items."""
    caller = server.platform.authenticate(server.api_key)
    request = SessionRequest(
        purpose="contract",
        text="Summary",
        document=b"%PDF \xff",
        attributes=(),
        return_url=f"{server.origin('bank')}/return",
        requester={"en": "Mihon Bank"},
    )
    made = server.platform.sessions.create(caller, request)
    for step in ("review?person=maximilian", "review?person=maximilian&lang=en", "stopped?person=yui"):
        page.goto(f"http://localhost:{server.port}{made.url}/{step}")
        inspect(page, axe)


def test_pages_beside_the_way(page: Page, axe: Axe, server: Running) -> None:
    for address in (
        f"{server.origin('console')}/?lang=en",
        f"{server.origin('console')}/law?on=2026-11-21",
        f"{server.origin('console')}/law?on=2027-04-01&lang=en",
        f"{server.origin('console')}/assess?lang=en&go=1&financial=high&again=1&excluded=no_my_number_card",
        f"{server.origin('console')}/assess?go=1&profile=convenience_store_age",
        f"{server.origin('console')}/introducing?lang=ja-simple",
        f"{server.origin('console')}/evidence/ver_000000000000000000000000",
        f"{server.origin('bank')}/nowhere",
        f"{server.origin('jlis')}/",
        f"{server.origin('jlis')}/?lang=ja-simple",
        f"{server.origin('jlis')}/?lang=en",
        f"{server.origin('bank')}/return?state=unknown",
        f"http://localhost:{server.port}/check/unknown",
    ):
        page.goto(address)
        inspect(page, axe)


def test_keyboard_alone_opens_an_account(customer: Any, page: Page) -> None:
    keys = page.keyboard

    def tab_to(selector: str) -> None:
        """Press Tab until the focus stands on an element; it must be seen there."""
        for _ in range(80):
            keys.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid", selector
                return
        raise AssertionError(selector)

    page.goto(f"{customer.server.origin('bank')}/")
    keys.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    tab_to("a.button[href='/open']")
    keys.press("Enter")
    page.wait_for_url("**/open")
    tab_to("input[name=purpose]")
    keys.press("Space")
    tab_to("#occupation")
    page.keyboard.press("ArrowDown")
    tab_to("#agree")
    keys.press("Space")
    tab_to("form button[type=submit]")
    keys.press("Enter")
    page.wait_for_url("**/check/**")
    tab_to("input[value=hanako]")
    tab_to("form[data-pick] button[type=submit]")
    keys.press("Enter")
    page.wait_for_url("**/card?*")
    tab_to("form[data-busy] button[type=submit]")
    keys.press("Enter")
    page.wait_for_url("**/review?*")
    tab_to(".document")
    tab_to("a.button--wide")
    keys.press("Enter")
    page.wait_for_url("**/sign?*")
    tab_to("#pin")
    pin = customer.pins["hanako"]
    keys.type(pin[:-1].lower())
    tab_to(".pad button")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "2"
    while page.evaluate("document.activeElement.textContent") != pin[-1]:
        page.keyboard.press("ArrowRight")
    keys.press("Enter")
    assert page.input_value("#pin") == pin
    tab_to("[data-pin-form] button[type=submit]")
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("本人確認ができました")
    expect(page.locator("h1")).to_be_focused()
    tab_to(".screen a.button")
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("口座を開設しました")


def test_nothing_moves_for_those_who_want_it_still(browser: Browser, server: Running, pins: dict[str, str]) -> None:
    from tests.browser.conftest import Customer

    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    Customer(page, server, pins).reach("hanako", "card")
    assert page.evaluate("document.getAnimations().length") == 0
    context.close()


def test_group_of_choices_says_what_is_wrong_with_it(page: Page, server: Running) -> None:
    """Where the summary's link leads, a screen reader says the name of the group and the error."""
    page.goto(f"{server.origin('bank')}/open?lang=en")
    page.click("form button[type=submit]")
    expect(page.locator("#purpose")).to_have_accessible_description("Please choose what the account is for.")
    page.goto(f"{server.origin('counter')}/?lang=en")
    page.click("form.card button[type=submit]")
    page.locator("[data-choices] button[type=submit]").click()
    for name in ("purpose", "reader"):
        page.click(f"#error-summary a[href='#{name}']")
        expect(page.locator(f"#{name}")).to_be_focused()
        expect(page.locator(f"#{name}")).to_have_accessible_description("Choose one.")
    page.goto(f"{server.origin('tap')}/at/library?lang=en")
    page.evaluate("document.querySelector('input[name=reader]:checked').checked = false")
    page.click("form.card button[type=submit]")
    expect(page.locator("#error-summary")).to_be_focused()
    page.click("#error-summary a[href='#reader']")
    expect(page.locator("#reader")).to_be_focused()
    expect(page.locator("#reader")).to_have_accessible_description("Please choose.")


def test_progress_is_told_while_the_card_signs(customer: Any, page: Page) -> None:
    customer.reach("hanako")
    page.fill("#pin", customer.pins["hanako"])
    page.evaluate(
        """() => document.querySelector('[data-pin-form]').addEventListener('submit', (event) => {
            event.preventDefault();
        })"""
    )
    page.click("[data-pin-form] button[type=submit]")
    expect(page.locator("[data-pin-form] [data-busy-status]")).to_contain_text("そのままお待ちください")
    expect(page.locator("[data-pin-form] button[type=submit]")).to_have_attribute("aria-disabled", "true")


@pytest.mark.parametrize("language", ["ja", "ja-simple", "en"])
def test_door_of_the_counter(page: Page, axe: Axe, server: Running, language: str) -> None:
    """From the terminal's code over a wrong password and the choice of an own one to the lists behind it."""
    origin = server.origin("counter")
    page.context.add_cookies([{"name": "honnin_terminal", "value": "gone", "url": origin}])
    page.goto(f"{origin}/sign-in?lang={language}")
    inspect(page, axe)
    page.fill("#code", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_be_focused()
    inspect(page, axe)
    page.context.clear_cookies(name="honnin_terminal")
    page.goto(f"{origin}/?lang={language}")
    page.wait_for_url(f"{origin}/sign-in?lang={language}")
    inspect(page, axe)
    tenant = server.platform.authenticate(server.api_key).id
    _, given = server.platform.staff.add(tenant, f"neu-{language}", "新人　太郎")
    for password in ("wrong wrong", given):
        page.fill("#login", f"neu-{language}")
        page.fill("#password", password)
        page.keyboard.press("Enter")
        if password == given:
            page.wait_for_url("**/password")
        else:
            expect(page.locator("#error-summary")).to_be_focused()
        inspect(page, axe)
    page.fill("#password", "short")
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_be_focused()
    inspect(page, axe)
    for name in ("password", "again"):
        page.fill(f"#{name}", "umi kaze hikari 9")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{origin}/")
    inspect(page, axe)
    page.goto(f"{origin}/checks")
    inspect(page, axe)
    page.click("form[action='/sign-out'] button")
    page.wait_for_url("**/sign-in")
