"""A real server, a real Chromium, and a person at the keyboard: what the browser tests share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.waiting import LONG

from honnin.connect.worlds import open_world
from honnin.platform import Settings
from honnin.web.serving import Running, serve_in_thread

CHROMIUM = "/usr/bin/chromium"
AXE = "node_modules/axe-core/axe.min.js"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = LONG * 1000  # milliseconds for anything a page does; other tests share the machine
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a world of the module's own."""
    data = tmp_path_factory.mktemp("browser") / "data"
    data.mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as running:
        yield running


def needed(peer: str) -> None:
    """Skip by name, or fail where all is required, before a shared fixture would miss its program."""
    if Path(peer).exists():
        return
    sentence = f"peer {peer} is not installed (scripts/install-peers)"
    if os.environ.get("HONNIN_REQUIRE_ALL") == "1":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needed(CHROMIUM)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900}, locale="ja-JP")
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which a script error or a blocked resource fails the test."""
    made = context.new_page()
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on(
        "console", lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None
    )
    yield made
    assert wrong == []


@pytest.fixture(scope="module")
def pins(server: Running) -> dict[str, str]:
    people = open_world(server.platform.settings.data).people()
    return {person["id"]: person["pins"].get("signature", "") for person in people}


class Customer:
    """A person who applies at the demo bank with a card of the sandbox."""

    def __init__(self, page: Page, server: Running, pins: dict[str, str], language: str = "ja") -> None:
        self.page = page
        self.server = server
        self.pins = pins
        self.language = language

    def apply(self) -> None:
        """Fill in the bank's form, as far as the check's first page."""
        self.page.goto(f"{self.server.origin('bank')}/open?lang={self.language}")
        self.page.check("input[name=purpose][value=living]")
        self.page.select_option("#occupation", "employee")
        self.page.check("#agree")
        self.page.click("form button[type=submit]")
        self.page.wait_for_url("**/check/**")

    def choose(self, person: str) -> None:
        """Choose whose card it is."""
        radio = self.page.locator(f"input[name=person][value={person}]")
        if not radio.is_visible():
            self.page.locator("details", has=radio).locator("summary").click()
        radio.check()
        self.page.click("form[data-pick] button[type=submit]")
        self.page.wait_for_url("**/card?*")

    def put(self) -> None:
        """Hold the card against the phone."""
        self.page.click("form[data-busy] button[type=submit]")

    def read(self) -> None:
        """Read what will be signed, and go on."""
        self.page.wait_for_url("**/review?*")
        self.page.click("a.button--wide")
        self.page.wait_for_url("**/sign?*")

    def type_pin(self, pin: str) -> None:
        """Type a PIN and send it."""
        self.page.fill("#pin", pin)
        self.page.click("[data-pin-form] button[type=submit]")

    def reach(self, person: str, step: str = "sign") -> None:
        """Go as far as a step: `start`, `card`, `review`, `sign`."""
        self.apply()
        if step == "start":
            return
        self.choose(person)
        if step == "card":
            return
        self.put()
        self.page.wait_for_url("**/review?*")
        if step == "sign":
            self.read()

    def finish(self, person: str) -> None:
        """Go through to the result with the person's own PIN."""
        self.reach(person)
        self.type_pin(self.pins[person])
        self.page.wait_for_selector(".result")


@pytest.fixture
def customer(page: Page, server: Running, pins: dict[str, str]) -> Customer:
    return Customer(page, server, pins)


@pytest.fixture
def in_language(page: Page, server: Running, pins: dict[str, str]) -> Callable[[str], Customer]:
    return lambda language: Customer(page, server, pins, language)


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[dict[str, Any]]]:
    """Return a function that gives axe-core's violations on a page (WCAG 2.2 A and AA, and best practice)."""
    needed(AXE)
    source = Path(AXE).read_text(encoding="utf-8")

    def judge(page: Page) -> list[dict[str, Any]]:
        page.wait_for_load_state()  # a page without its style yet has other colours and widths
        page.evaluate(source)
        found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            {"rule": violation["id"], "where": [node["html"][:160] for node in violation["nodes"]]}
            for violation in found["violations"]
        ]

    return judge
