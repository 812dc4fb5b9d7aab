"""English pages: what is Japanese there is marked so that it is read aloud as such, and no word is broken."""

import pytest
from playwright.sync_api import Page, expect

from honnin.web.serving import Running

pytestmark = [pytest.mark.peer("/usr/bin/chromium")]

# Every text with kana or kanji whose nearest `lang` is not Japanese; English sentences that name a thing by its
# Japanese word ("Mihon Bank (見本銀行)", "17条") are left out, and so are the pages' own lists of languages.
UNMARKED = r"""() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let one = texts.nextNode(); one; one = texts.nextNode()) {
    const text = one.textContent.trim();
    const japanese = /[\u3040-\u30ff\u3400-\u9fff]/.test(text);
    if (japanese && !/[a-z]{2}/.test(text) && one.parentElement.closest("[lang]").lang !== "ja") found.push(text);
  }
  return found;
}"""
# Words of a table's row headings that stand on more than one line.
BROKEN = r"""() => {
  const found = [];
  for (const cell of document.querySelectorAll("tbody th")) {
    const words = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let one = words.nextNode(); one; one = words.nextNode()) {
      if (one.parentElement.closest("code")) continue;
      for (const word of one.textContent.matchAll(/[A-Za-z]+/g)) {
        const range = document.createRange();
        range.setStart(one, word.index);
        range.setEnd(one, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map((box) => box.top)).size > 1) found.push(word[0]);
      }
    }
  }
  return found;
}"""


def test_what_is_japanese_is_marked(page: Page, server: Running) -> None:
    console = server.origin("console")
    for address in (
        f"{console}/",
        f"{console}/law",
        f"{server.origin('digital-auth')}/",
        f"{server.origin('tap')}/at/event",
        f"{server.origin('counter')}/",
    ):
        page.goto(f"{address}?lang=en")
        if page.url.partition("?")[0].endswith("/sign-in"):
            page.click("form.card button[type=submit]")
            page.wait_for_selector("[data-choices]")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        assert page.evaluate(UNMARKED) == [], page.url


def test_account_and_persons_of_a_check(in_language: object, page: Page) -> None:
    customer = in_language("en")  # type: ignore[operator]
    customer.apply()
    assert page.evaluate(UNMARKED) == []
    customer.finish("hanako")
    page.click(".screen a.button")
    expect(page.locator(".passbook__holder")).to_have_attribute("lang", "ja")
    assert page.evaluate(UNMARKED) == []


def test_no_word_is_broken_in_a_narrow_table(page: Page, server: Running) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{server.origin('console')}/introducing?lang=en")
    assert page.evaluate(BROKEN) == []
    region = page.locator(".scroll").first  # it moves sideways in place of breaking every word; the page does not
    assert region.evaluate("one => one.scrollWidth > one.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_name_in_an_english_heading_stays_whole(in_language: object, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    in_language("en").apply()  # type: ignore[operator]
    whole = """() => {
      const range = document.createRange();
      range.selectNodeContents(document.querySelector("h1 [lang=ja]"));
      return new Set([...range.getClientRects()].map((box) => box.top)).size;
    }"""
    assert page.evaluate(whole) == 1
    expect(page.locator("h1 [lang=ja]")).to_have_text("見本銀行")


def test_date_shows_where_the_keyboard_is(page: Page, server: Running) -> None:
    page.goto(f"{server.origin('tap')}/at/event/register?lang=en")
    page.locator("#pin").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#birth_date")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


# Lines that begin with a mark which JIS X 4051 lets no line begin with.
BEGUN_WRONG = r"""() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  const top = (text, at) => {
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().top;
  };
  const found = [];
  for (let one = texts.nextNode(); one; one = texts.nextNode()) {
    if (!one.parentElement.offsetParent) continue;
    for (const mark of one.data.matchAll(/[^\s][、。）」ー]/g)) {
      const next = top(one, mark.index + 1);
      if (next > top(one, mark.index) + 4) found.push(mark.input.slice(mark.index - 9, mark.index + 5));
    }
  }
  return found;
}"""


@pytest.mark.parametrize("language", ["ja", "ja-simple"])
def test_no_line_of_a_narrow_page_begins_with_a_mark(page: Page, server: Running, language: str) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{server.origin('bank')}/?lang={language}")
    assert page.evaluate(BEGUN_WRONG) == []
