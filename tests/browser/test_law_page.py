"""The law's page by keyboard: move the day, open a cell, read its article."""

import re

import pytest
from playwright.sync_api import Page, expect

from honnin.web.serving import Running

pytestmark = [pytest.mark.peer("/usr/bin/chromium")]


def test_keyboard_moves_the_day_and_opens_a_cell(page: Page, server: Running) -> None:
    page.goto(f"{server.origin('console')}/law?on=2027-03-31&lang=en")
    slide = page.locator("#slide")
    slide.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#on")).to_have_value("2027-04-01")
    page.wait_for_url(re.compile("on=2027-04-01"))
    expect(page.locator("h2#matrix")).to_have_text("What may be used on 1 April 2027")
    entry = page.locator("details.entry", has_text="aml.jpki_signature")
    entry.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(entry).to_have_attribute("open", "")
    expect(entry.locator("dd").first).to_have_text("規則6条1項1号 ヌ")


def test_page_works_without_script(page: Page, server: Running) -> None:
    page.route("**/static/*.js*", lambda route: route.abort())
    page.goto(f"{server.origin('console')}/law?on=2026-11-21&lang=en")
    expect(page.locator("#slide")).to_be_hidden()
    page.fill("#on", "2027-04-01")
    page.click("form.days button")
    expect(page.locator("h2#matrix")).to_have_text("What may be used on 1 April 2027")
