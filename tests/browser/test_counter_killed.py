"""The counter whose server is killed in the middle of a reading: what the clerk sees, and that going on works."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_counter import Agent, Clerk
from tests.ports import free_ports
from tests.virtual_reader import DRIVER, PCSCD, Pcsc, pcsc
from tests.waiting import LONG, until

from honnin.connect.worlds import open_world
from honnin.sandbox.cards import open_emulated

__all__ = ["pcsc"]
pytestmark = [pytest.mark.peer("/usr/bin/chromium", "node_modules/axe-core/axe.min.js", PCSCD, DRIVER, "opensc-tool")]

HALF_WAY = 12  # commands of a licence that is read


@dataclass
class Served:
    """`honnin up` as a process of its own, on a port that it gets back when it is started again."""

    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def platform(self) -> Any:
        return SimpleNamespace(settings=SimpleNamespace(data=self.data))

    def origin(self, label: str) -> str:
        return f"http://{label}.localhost:{self.port}"

    def start(self) -> None:
        command = Path(sys.executable).with_name("honnin")
        self.process = subprocess.Popen(
            [command, "up", "--port", str(self.port), "--data", self.data],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, "The server did not start.")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/openapi.json").is_success
        except httpx.TransportError:
            return False

    def end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(LONG)
            self.process = None


class Stopping:
    """A chip that waits in the middle of its commands until it is let go."""

    def __init__(self, chip: Any) -> None:
        self._chip, self._commands = chip, 0
        self.reached, self.go = threading.Event(), threading.Event()
        self.atr = chip.atr

    def transmit(self, apdu: bytes) -> bytes:
        self._commands += 1
        if self._commands == HALF_WAY:
            self.reached.set()
            self.go.wait(LONG)
        return bytes(self._chip.transmit(apdu))

    def reset(self) -> None:
        self._chip.reset()

    def close(self) -> None:
        self._chip.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "data", free_ports())
    made.start()
    yield made
    made.end(signal.SIGTERM)


def test_clerk_is_told_and_goes_on_after_the_server_was_killed(
    served: Served, pcsc: Pcsc, page: Page, axe: Callable[[Page], Any]
) -> None:
    agent = Agent(pcsc, served)  # type: ignore[arg-type]  # it asks origin and data folder alone
    clerk = Clerk(page, served)  # type: ignore[arg-type]  # it asks the origin alone
    people = {one["id"]: one["document_keys"] for one in open_world(served.data).people()}
    pins = people["hanako"]["drivers_licence"]
    card = Stopping(open_emulated("hanako/drivers_licence", served.data))
    try:
        with pcsc.holding(card):
            clerk.begin("drivers_licence")
            clerk.enter(**pins)
            clerk.pair(agent)
            until(card.reached.is_set, "The card was not read so far.")
            expect(page.locator(".steps li").first).to_be_visible()  # what the page says of readers hides no step
            served.end(signal.SIGKILL)
            card.go.set()
            expect(page.locator("[data-away]")).to_be_visible()
            expect(page.locator("[data-down]")).to_be_hidden()  # the reader is not what is missing
            assert axe(page) == []
            served.start()
            page.click("[data-away] a")
            expect(page.locator("main code")).to_have_text("counter.visit_gone")
        with agent.holding("hanako/drivers_licence"):
            page.click("main a.button")
            expect(page.locator("[data-choices]")).to_be_visible()  # still signed in
            clerk.begin("drivers_licence")
            clerk.enter(**pins)
            expect(page.locator(".answers")).to_be_visible()
            expect(page.locator(".mark--failed")).to_have_count(0)
    finally:
        card.go.set()
        agent.close()
