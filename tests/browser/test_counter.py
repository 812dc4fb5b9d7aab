"""The counter in a real Chromium: a card of the sandbox, and a reader of the clerk's computer through the agent."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from honnin.api.wire import Server, bind, configuration
from honnin.chip import open_reader
from honnin.chip.readers import ReaderStatus
from honnin.errors import ReaderError
from honnin.sandbox.command import sandbox
from honnin.web.agent import Pairing, create_app
from honnin.web.agent.held import Held
from honnin.web.serving import Running

pytestmark = [pytest.mark.peer("/usr/bin/chromium")]

AGENT_PORT = 8642


class Agent:
    """A reader agent with one card, whose contact a test can cut after some commands."""

    def __init__(self, server: Running) -> None:
        self.url = "emulated:hanako/passport"
        self.codes: list[str] = []
        self.left = 10_000
        self.data = server.platform.settings.data
        self.pairing = Pairing([server.origin("counter"), server.origin("tap")], self.codes.append)
        self.held = Held(self._open)
        self.app = create_app(self.pairing, self.held, lambda: (ReaderStatus(self.url, "見本リーダー", card=True),))

    def _open(self, url: str) -> Any:
        return _Cut(open_reader(url, data=self.data), self)


class _Cut:
    def __init__(self, inner: Any, agent: Agent) -> None:
        self.name, self.atr, self._inner, self._agent = inner.name, inner.atr, inner, agent

    def transmit(self, apdu: bytes) -> bytes:
        self._agent.left -= 1
        if self._agent.left < 0:
            raise ReaderError("reader.contact_lost", "The card was taken away.")
        return bytes(self._inner.transmit(apdu))

    def reset(self) -> None:
        self._inner.reset()

    def close(self) -> None:
        self._inner.close()


@pytest.fixture
def agent(server: Running) -> Iterator[Agent]:
    made = Agent(server)
    listener = bind("127.0.0.1", AGENT_PORT)
    running = Server(configuration(made.app))
    thread = Thread(target=running.run, args=([listener],), daemon=True)
    thread.start()
    with closing(listener):
        yield made
        running.should_exit = True
        thread.join(timeout=10)
        made.held.close_all()


class Clerk:
    """A clerk at the counter."""

    def __init__(self, page: Page, server: Running) -> None:
        self.page, self.server = page, server

    def begin(self, document: str, *, person: str = "", language: str = "ja", purpose: str = "age_check") -> None:
        self.page.goto(f"{self.server.origin('counter')}/?lang={language}")
        for name in ("staff", "place", "terminal"):
            self.page.fill(f"#{name}", f"見本{name}")
        self.page.check(f"input[name=purpose][value={purpose}]")
        self.page.check(f"input[name=document][value={document}]")
        self.page.check(f"input[name=reader][value={'sandbox' if person else 'agent'}]")
        if person:
            self.page.select_option("#person", person)
        self.page.click("form.card button[type=submit]")
        self.page.wait_for_url("**/visit/*")

    def enter(self, **entries: str) -> None:
        for name, text in entries.items():
            self.page.fill(f"#{name}", text)
        self.page.click("form[data-key] button[type=submit]")


@pytest.fixture
def clerk(page: Page, server: Running) -> Clerk:
    return Clerk(page, server)


@pytest.fixture(scope="module")
def key(server: Running) -> dict[str, str]:
    command = ["passport", "hanako", "--data", str(server.platform.settings.data)]
    number, born, until = CliRunner().invoke(sandbox, command).stdout.split()
    return {"document_number": number, "birth_date": f"19{born}", "expiry_date": f"20{until}"}


def test_passport_of_the_sandbox_is_read_and_recorded(clerk: Clerk, page: Page, key: dict[str, str]) -> None:
    clerk.begin("passport", person="hanako")
    clerk.enter(**key)
    expect(page.locator(".answers")).to_contain_text("本物と確認できました")
    expect(page.locator(".answers")).to_contain_text("有効期限内")
    assert page.locator(".mark--covered").count() >= 7
    assert page.locator(".mark--failed").count() == 0
    page.click("button[value=yes]")
    expect(page.locator(".notice--success")).to_be_visible()
    kept = page.inner_text("main")
    assert "MIHON" not in kept
    assert "900412" not in kept
    assert key["document_number"] not in kept
    page.goto(clerk.server.origin("counter") + "/checks")
    assert "MIHON" not in page.content()


def test_reader_of_this_computer_is_paired_once_and_read(
    clerk: Clerk, page: Page, agent: Agent, key: dict[str, str]
) -> None:
    clerk.begin("passport")
    clerk.enter(**key)
    page.fill("#code", "00000000" if agent.codes[-1] != "00000000" else "11111111")
    page.click("[data-pair] button")
    expect(page.locator("#code-error")).to_be_visible()
    page.fill("#code", agent.codes[-1])
    page.click("[data-pair] button")
    expect(page.locator(".answers")).to_contain_text("本物と確認できました", timeout=30_000)
    page.click("button[value=no]")
    expect(page.locator(".notice--error")).to_be_visible()
    clerk.begin("passport")
    clerk.enter(**key)
    expect(page.locator(".answers")).to_contain_text("本物と確認できました", timeout=30_000)


def test_wrong_number_and_lost_contact_are_said(clerk: Clerk, page: Page, agent: Agent, key: dict[str, str]) -> None:
    clerk.begin("passport", person="hanako")
    clerk.enter(**{**key, "birth_date": "19900413"})
    expect(page.locator("h1")).to_have_text("読み取れませんでした")
    agent.left = 12
    clerk.begin("passport")
    clerk.enter(**key)
    page.fill("#code", agent.codes[-1])
    page.click("[data-pair] button")
    expect(page.locator("h1")).to_have_text("読み取れませんでした", timeout=30_000)
    expect(page.locator("main")).to_contain_text("reader.contact_lost")


def test_agent_that_does_not_run_is_said(clerk: Clerk, page: Page, key: dict[str, str]) -> None:
    clerk.begin("passport")
    clerk.enter(**key)
    expect(page.locator("[data-down]")).to_be_visible()


def test_form_says_what_is_missing_and_works_by_keyboard(clerk: Clerk, page: Page, server: Running) -> None:
    page.goto(server.origin("counter"))
    page.focus("#staff")
    page.keyboard.type("見本")
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_be_focused()
    assert page.input_value("#staff") == "見本"


def test_licence_shows_what_was_appended_in_grey_and_a_wrong_pin_costs_one_try(clerk: Clerk, page: Page) -> None:
    clerk.begin("drivers_licence", person="hanako")
    clerk.enter(pin_1="9999", pin_2="5678")
    expect(page.locator("main")).to_contain_text("card.pin_wrong")
    assert "9999" not in page.content()
    clerk.begin("drivers_licence", person="hanako")
    clerk.enter(pin_1="1234", pin_2="5678")
    expect(page.locator(".answers")).to_contain_text("本物と確認できました")
    expect(page.locator(".mark--failed")).to_have_count(0)


@pytest.mark.parametrize("language", ["ja", "ja-simple", "en"])
def test_pages_are_accessible(
    clerk: Clerk, page: Page, key: dict[str, str], axe: Callable[[Page], Any], language: str
) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{clerk.server.origin('counter')}/?lang={language}")
    assert axe(page) == []
    clerk.begin("passport", person="hanako", language=language)
    assert axe(page) == []
    clerk.enter(**key)
    expect(page.locator(".answers")).to_be_visible()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.click("button[value=yes]")
    page.wait_for_url(re.compile("/checks/"))
    assert axe(page) == []
    page.goto(f"{clerk.server.origin('counter')}/checks")
    assert axe(page) == []


def test_card_of_this_computers_reader_is_registered_and_tapped(agent: Agent, page: Page, server: Running) -> None:
    """The sample of tap use (`test_taps`), with the one agent that this machine can have."""
    agent.url = "emulated:hanako"
    page.goto(f"{server.origin('tap')}/at/library/register?lang=en")
    page.check("input[name=reader][value=agent]")
    page.fill("#pin", "HANAKO2468")
    page.click("button[type=submit]")
    page.wait_for_selector("[data-pair]:not([hidden])")
    page.fill("#code", agent.codes[-1])
    page.click("[data-pair] button")
    expect(page.locator("h1", has_text="Registered")).to_be_visible()
    page.click("button[type=submit]")
    expect(page.locator(".told--good h1", has_text="Lent")).to_be_visible()
