"""The sample of tap use in a real Chromium: registered with a PIN, then tapped by keyboard, in three languages."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_access import inspect

from honnin.web.serving import Running

pytestmark = [pytest.mark.peer("/usr/bin/chromium", "node_modules/axe-core/axe.min.js")]

Axe = Callable[[Page], list[dict[str, Any]]]


def picture(page: Page, name: str) -> None:
    """Keep a screenshot where somebody asked for them."""
    if folder := os.environ.get("HONNIN_PICTURES"):
        page.screenshot(path=Path(folder) / f"tap-{name}.png", full_page=True)


def choose(page: Page, person: str) -> None:
    page.check("input[name=reader][value=sandbox]")
    page.select_option("#person", person)


@pytest.mark.parametrize(("language", "person"), [("ja", "hanako"), ("ja-simple", "taro"), ("en", "misaki")])
def test_registered_once_then_tapped(server: Running, page: Page, axe: Axe, language: str, person: str) -> None:
    pin = {"hanako": "HANAKO2468", "taro": "TARO97531", "misaki": "MISAKI1402"}[person]
    page.goto(f"{server.origin('tap')}/?lang={language}")
    inspect(page, axe)
    picture(page, f"start-{language}")
    page.click("a[href='/at/event']")
    inspect(page, axe)
    choose(page, person)
    page.click("button[type=submit]")
    expect(page.locator("code", has_text="not_registered")).to_be_visible()
    inspect(page, axe)
    picture(page, f"refused-{language}")
    page.click("a[href='/at/event/register']")
    choose(page, person)
    page.click("button[type=submit]")
    expect(page.locator("#error-summary")).to_be_focused()
    inspect(page, axe)
    page.fill("#pin", pin)
    picture(page, f"register-{language}")
    page.click("button[type=submit]")
    expect(page.locator("code", has_text="accepted")).to_be_visible()
    registered = page.inner_text(".told--good h1")
    expect(page.locator("button[type=submit]")).to_be_focused()
    with page.expect_navigation():  # what was registered is told as good already
        page.keyboard.press("Enter")  # the next tap needs no mouse
    expect(page.locator(".told--good h1")).not_to_have_text(registered)
    inspect(page, axe)
    picture(page, f"accepted-{language}")
    page.keyboard.press("Enter")
    expect(page.locator(".told--wait")).to_be_visible()  # one entry each
    inspect(page, axe)
    page.goto(f"{server.origin('tap')}/desk")
    expect(page.locator("td code", has_text="not_registered").first).to_be_visible()
    inspect(page, axe)
    picture(page, f"desk-{language}")


def test_place_outdoors_is_refused_with_the_reason(server: Running, page: Page, axe: Axe) -> None:
    page.goto(f"{server.origin('tap')}/desk?lang=en")
    page.click("form[action='/desk/terminals'] button")
    expect(page.locator("#error-summary")).to_be_focused()
    expect(page).to_have_title("Error: For the staff – honnin")
    page.click("#error-summary a:has-text('Name of the terminal: Please fill this in.')")
    expect(page.locator("#name")).to_be_focused()
    expect(page.locator("#name")).to_have_accessible_description("Please fill this in.")
    inspect(page, axe)
    page.goto(page.url)  # as the address bar's "go": no form is sent
    expect(page.locator("h1")).to_have_text("For the staff")
    page.fill("#name", "Gate")
    page.check("input[name=supervised]")
    page.check("input[name=outdoors]")
    page.click("form[action='/desk/terminals'] button")
    expect(page.locator(".notice--error")).to_contain_text("not allowed outdoors")
    inspect(page, axe)
    page.uncheck("input[name=outdoors]")
    page.click("form[action='/desk/terminals'] button")
    expect(page.locator("th", has_text="Gate")).to_be_visible()
