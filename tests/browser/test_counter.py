"""The counter in a real Chromium: cards of the sandbox in a virtual reader (pcscd, vpcd), lent by `honnin reader`."""

import fcntl
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, Route, expect
from tests.virtual_reader import DRIVER, PCSCD, Pcsc, Slipping, pcsc
from tests.waiting import LONG, until

from honnin.connect.worlds import open_world
from honnin.sandbox.cards import open_emulated
from honnin.sandbox.command import sandbox
from honnin.web.serving import Running

__all__ = ["pcsc"]
pytestmark = [pytest.mark.peer("/usr/bin/chromium", PCSCD, DRIVER, "opensc-tool")]

AGENT_PORT = Path("/tmp/honnin-agent-8642.lock")  # noqa: S108 - shared by every test run of this machine on purpose
GENUINE = "本物と確認できました"


class Agent:
    """`honnin reader` beside the pcscd of these tests."""

    def __init__(self, pcsc: Pcsc, server: Running) -> None:
        self.pcsc, self.data = pcsc, server.platform.settings.data
        command = Path(sys.executable).with_name("honnin")
        self._port = AGENT_PORT.open("w")  # the page knows one port, so of all test runs one agent at a time
        until(self._is_ours, "Another test's reader agent did not end.", 2 * LONG)
        self._process = pcsc.start(
            command, "reader", "--origin", server.origin("counter"), "--data", pcsc.home, "--json"
        )
        self.code = ""
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        until(lambda: bool(self.code), "The reader agent did not start.")

    def _is_ours(self) -> bool:
        try:
            fcntl.flock(self._port, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _listen(self) -> None:
        for line in self._process.stderr or ():
            if found := re.search(r"(\d{4}) (\d{4})", line):
                self.code = found[1] + found[2]

    @contextmanager
    def holding(
        self, target: str, slot: int = 0, *, cut_after: int = 0, stays_away: bool = False
    ) -> Iterator[Slipping]:
        """Keep a document of the sandbox on the reader.

        cut_after: commands after which contact is lost, for a moment, or for the length of the block if it stays away.
        """
        card = Slipping(open_emulated(target, self.data), lambda commands: commands == cut_after, stays_away=stays_away)
        with self.pcsc.holding(card, slot):
            yield card

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(LONG)
        self._listening.join(LONG)
        if self._process.stderr:
            self._process.stderr.close()
        self._port.close()


@pytest.fixture(scope="module")
def agent(pcsc: Pcsc, server: Running) -> Iterator[Agent]:
    made = Agent(pcsc, server)
    yield made
    made.close()


class Clerk:
    """A clerk at the counter."""

    def __init__(self, page: Page, server: Running) -> None:
        self.page, self.server = page, server

    def open(self, language: str = "ja") -> None:
        """Open the first page, signed in."""
        address = f"{self.server.origin('counter')}/?lang={language}"
        self.page.goto(address)
        if self.page.url.partition("?")[0].endswith("/sign-in"):
            self.page.click("form.card button[type=submit]")
            self.page.goto(address)

    def begin(
        self,
        document: str = "auto",
        *,
        person: str = "",
        variant: str = "",
        language: str = "ja",
        purpose: str = "age_check",
    ) -> None:
        self.open(language)
        self.page.check(f"input[name=purpose][value={purpose}]")
        self.page.check(f"input[name=reader][value={'sandbox' if person else 'agent'}]")
        self.page.check(f"input[name=document][value={document}]")
        if person:
            self.page.select_option("#person", person)
            self.page.select_option("#variant", variant)
        self.page.click("form.card button[type=submit]")
        self.page.wait_for_url("**/visit/**")

    def pair(self, agent: Agent) -> None:
        """Type the agent's code where the page asks for it: once in a browser tab."""
        self.page.fill("#code", agent.code)
        self.page.click("[data-pair] button")

    def enter(self, **entries: str) -> None:
        for name, text in entries.items():
            self.page.fill(f"#{name}", text)
        self.page.click("form[data-key] button[type=submit]")

    def expect_genuine(self) -> None:
        expect(self.page.locator(".answers")).to_contain_text(GENUINE)
        expect(self.page.locator(".mark--failed")).to_have_count(0)
        assert self.page.locator(".mark--covered").count() >= 2


@pytest.fixture
def clerk(page: Page, server: Running) -> Clerk:
    return Clerk(page, server)


@pytest.fixture(scope="module")
def keys(server: Running) -> dict[str, dict[str, Any]]:
    return {one["id"]: one["document_keys"] for one in open_world(server.platform.settings.data).people()}


@pytest.fixture(scope="module")
def key(server: Running) -> dict[str, str]:
    command = ["passport", "hanako", "--data", str(server.platform.settings.data)]
    number, born, ends = CliRunner().invoke(sandbox, command).stdout.split()
    return {"document_number": number, "birth_date": f"19{born}", "expiry_date": f"20{ends}"}


def number_b(keys: dict[str, dict[str, Any]], person: str) -> dict[str, str]:
    digits = keys[person]["my_number_card"]["number_b"]
    return {"printed_birth_date": digits[:6], "expiry_year": digits[6:10], "security_code": digits[10:]}


def test_every_document_is_told_by_its_chip_and_read(
    clerk: Clerk, page: Page, agent: Agent, keys: dict[str, dict[str, Any]], key: dict[str, str]
) -> None:
    entries = {
        "hanako/drivers_licence": keys["hanako"]["drivers_licence"],
        "hanako/my_number_card": number_b(keys, "hanako"),
        "anna/residence_card": {"card_number": keys["anna"]["residence_card"]["card_number"]},
        "hanako/passport": key,
    }
    for n, (target, entry) in enumerate(entries.items()):
        with agent.holding(target):
            clerk.begin()
            if n == 0:
                page.fill("#code", "00000000" if agent.code != "00000000" else "11111111")
                page.click("[data-pair] button")
                expect(page.locator("#code-error")).to_be_visible()
                expect(page.locator("#code[aria-invalid=true]")).to_be_focused()
                clerk.pair(agent)
            page.wait_for_selector(f"#{next(iter(entry))}")
            expect(page.locator("[data-watch]")).to_contain_text("ICチップによると")
            clerk.enter(**entry)
            clerk.expect_genuine()
            expect(page.locator("footer")).to_contain_text("紛失")


def test_wrong_number_is_entered_again_and_a_locked_pin_is_said(
    clerk: Clerk, page: Page, agent: Agent, keys: dict[str, dict[str, Any]]
) -> None:
    right = number_b(keys, "hanako")
    with agent.holding("hanako"):
        clerk.begin("my_number_card")
        clerk.enter(**{**right, "security_code": f"{(int(right['security_code']) + 1) % 10_000:04d}"})
        clerk.pair(agent)
        expect(page.locator("main")).to_contain_text("card.pin_wrong")
        page.click("form[action$=again] button")
        clerk.enter(**right)
        clerk.expect_genuine()
    card = open_emulated("takako/drivers_licence", agent.data)
    card.transmit(bytes.fromhex("00A40000"))
    for _ in range(4):
        card.transmit(bytes.fromhex("0020008104") + b"9999")
    with agent.holding("takako/drivers_licence"):
        clerk.begin()
        page.wait_for_selector("#pin_1")
        clerk.enter(**keys["takako"]["drivers_licence"])
        expect(page.locator("main")).to_contain_text("licence.pin_locked")


@pytest.mark.parametrize(
    ("target", "changed"),
    [
        ("hanako/drivers_licence:altered_text", "氏名"),
        ("hanako/my_number_card:altered_portrait", "顔写真"),
        ("anna/residence_card:altered_text", "券面（画像）"),
        ("hanako/passport:altered_portrait", "顔写真"),
    ],
)
def test_forgery_is_red_with_its_reason_and_never_green_where_it_was_changed(
    clerk: Clerk,
    page: Page,
    agent: Agent,
    keys: dict[str, dict[str, Any]],
    key: dict[str, str],
    target: str,
    changed: str,
) -> None:
    entry = {
        "drivers_licence": keys["hanako"].get("drivers_licence"),
        "my_number_card": number_b(keys, "hanako"),
        "residence_card": {"card_number": keys["anna"]["residence_card"]["card_number"]},
        "passport": key,
    }[target.partition("/")[2].partition(":")[0]]
    with agent.holding(target):
        clerk.begin(target.partition("/")[2].partition(":")[0])
        clerk.enter(**entry)
        clerk.pair(agent)
        expect(page.locator(".answer--bad", has_text="真正性")).to_contain_text("確認に失敗しました")
    row = page.locator(".mark", has_text=changed).first
    expect(row).to_have_class(re.compile("mark--failed"))
    expect(page.locator(".checks__item--failed").first).to_be_visible()
    page.click("button[value=yes]")
    expect(page.locator(".notice--error")).to_contain_text("本人確認はできませんでした")


def test_lost_contact_is_said_and_reading_goes_on(
    clerk: Clerk, page: Page, agent: Agent, keys: dict[str, dict[str, Any]]
) -> None:
    with agent.holding("hanako/drivers_licence") as whole:
        clerk.begin("drivers_licence")
        clerk.enter(**keys["hanako"]["drivers_licence"])
        clerk.pair(agent)
        clerk.expect_genuine()
    with agent.holding("hanako/drivers_licence", cut_after=whole.commands - 6, stays_away=True):
        clerk.begin("drivers_licence")
        clerk.enter(**keys["hanako"]["drivers_licence"])
        expect(page.locator("[data-state=gone]")).to_be_visible()
    with agent.holding("hanako/drivers_licence") as again:
        clerk.expect_genuine()
    assert again.commands < whole.commands  # the files that were whole are not read again


def test_card_that_slipped_and_lies_there_again_is_read_to_its_end(
    clerk: Clerk, agent: Agent, keys: dict[str, dict[str, Any]]
) -> None:
    with agent.holding("hanako/drivers_licence", cut_after=10) as card:
        clerk.begin("drivers_licence")
        clerk.enter(**keys["hanako"]["drivers_licence"])
        clerk.pair(agent)
        clerk.expect_genuine()
    assert card.commands > 10


def test_proxy_answers_in_place_of_honnin_and_the_page_loaded_anew_goes_on(
    clerk: Clerk, page: Page, agent: Agent, keys: dict[str, dict[str, Any]]
) -> None:
    asked: list[str] = []

    def proxy(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 8:
            route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")
        else:
            route.continue_()

    page.route("**/tunnel", proxy)
    with agent.holding("hanako/drivers_licence"):
        clerk.begin("drivers_licence")
        clerk.enter(**keys["hanako"]["drivers_licence"])
        clerk.pair(agent)
        expect(page.locator("[data-away]")).to_be_visible()
        page.click("[data-away] a")
        clerk.expect_genuine()


def test_no_card_two_cards_and_another_card_are_said(
    clerk: Clerk, page: Page, agent: Agent, keys: dict[str, dict[str, Any]]
) -> None:
    clerk.begin()
    clerk.pair(agent)
    expect(page.locator("[data-state=empty]")).to_be_visible()
    address = page.url
    page.goto("about:blank")  # or the page would go on by itself with the first of both
    with agent.holding("hanako", 1):
        with agent.holding("hanako/drivers_licence"):
            page.goto(address)
            expect(page.locator("[data-state=two]")).to_be_visible()
            expect(page.locator("[data-readers] button")).to_have_count(2)
        page.wait_for_selector("#security_code")
    expect(page.locator("[data-state=away]")).to_be_visible()
    with agent.holding("hanako/drivers_licence"):
        clerk.enter(**number_b(keys, "hanako"))
        expect(page.locator("main")).to_contain_text("counter.card_changed")


def test_agent_that_does_not_run_is_said(clerk: Clerk, page: Page, key: dict[str, str]) -> None:
    page.route("http://127.0.0.1:8642/**", lambda route: route.abort())
    clerk.begin("passport")
    clerk.enter(**key)
    expect(page.locator("[data-down]")).to_be_visible()


def test_law_has_its_record_and_the_clerk_states_what_it_lacks_by_keyboard_alone(
    page: Page, server: Running, keys: dict[str, dict[str, Any]]
) -> None:
    page.goto(server.origin("counter"))
    page.focus("#login")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.focus("input[name=purpose]")
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_be_focused()
    page.focus("input[name=purpose]")
    page.keyboard.press("Space")  # opening an account
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")  # past the card that tells itself and the My Number Card
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")  # a card of the sandbox
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # who keys in the security code
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#pin_1")
    expect(page.locator("#pin_1")).to_be_focused()
    page.keyboard.type(keys["hanako"]["drivers_licence"]["pin_1"])
    page.keyboard.press("Tab")
    page.keyboard.type(keys["hanako"]["drivers_licence"]["pin_2"])
    page.keyboard.press("Enter")
    expect(page.locator(".answers")).to_contain_text(GENUINE)
    page.focus("button[value=yes]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/checks/cch_*")
    record = page.inner_text("dd:has-text('rec_') code")
    page.focus("#item-purpose")
    page.keyboard.type("生計費決済")
    page.keyboard.press("Enter")
    expect(page.locator("#item-purpose")).to_have_count(0)
    assert "見本　花子" not in page.content()
    caller = server.platform.authenticate(server.api_key)
    kept, entries = server.platform.records.export(caller, record, by="監査人")
    items = {filled.id: filled.value for entry in entries for filled in entry.items}
    assert (kept.law, items["purpose"], items["checked_by"]) == ("aml", "生計費決済", "見本　係員")
    assert "見本　花子" in items["customer"]


def test_consent_asks_revocation_and_nothing_of_the_person_stays(
    clerk: Clerk, page: Page, keys: dict[str, dict[str, Any]], pins: dict[str, str]
) -> None:
    clerk.begin("my_number_card", person="hanako")
    clerk.enter(**number_b(keys, "hanako"), jpki_pin=pins["hanako"])
    expect(page.locator("#jpki_consent-error")).to_be_visible()
    assert pins["hanako"] not in page.inner_html("form[data-key]")
    page.check("#jpki_consent")
    clerk.enter(**number_b(keys, "hanako"), jpki_pin=pins["hanako"])
    expect(page.locator(".answers")).to_contain_text("署名用電子証明書")
    assert page.locator(".answer--good").count() == 3
    expect(page.locator(".answer--wait")).to_contain_text("有効期限")  # no signature covers that date
    expect(page.locator(".mark--covered", has_text="見本　花子")).to_have_count(1)
    page.click("button[value=yes]")
    expect(page.locator(".notice--success")).to_be_visible()
    kept = page.inner_text("main")
    assert number_b(keys, "hanako")["expiry_year"] + number_b(keys, "hanako")["security_code"] in kept
    for word in ("見本　花子", "19900412", "020412", "千代田"):
        assert word not in kept
    clerk.begin("my_number_card", person="kagari")
    page.check("#jpki_consent")
    clerk.enter(**number_b(keys, "kagari"), jpki_pin=pins["kagari"])
    expect(page.locator(".answer--bad")).to_contain_text("失効しています")
    page.click("button[value=yes]")
    expect(page.locator(".notice--error")).to_be_visible()


def test_individual_number_is_for_those_alone_who_may_collect_it(
    clerk: Clerk, page: Page, server: Running, keys: dict[str, dict[str, Any]]
) -> None:
    number = keys["hanako"]["my_number_card"]["number_a"]
    clerk.begin("my_number_card", person="hanako")
    clerk.enter(printed_birth_date=number, expiry_year="2034", security_code="1234")
    expect(page.locator("#printed_birth_date-error")).to_contain_text("個人番号のようです")
    assert number not in page.content()
    page.goto(server.origin("counter"))
    expect(page.locator("input[value=individual_number]")).to_have_count(0)
    caller = server.platform.authenticate(server.api_key)
    server.platform.change_tenant(caller.id, number_handler=True)
    try:
        clerk.begin("my_number_card", person="hanako", purpose="individual_number")
        clerk.enter(individual_number=keys["takako"]["my_number_card"]["number_a"])
        expect(page.locator("main")).to_contain_text("card.pin_wrong")
        page.click("form[action$=again] button")
        clerk.enter(individual_number=number)
        expect(page.locator(".answers")).to_contain_text(GENUINE)
        page.click("button[value=yes]")
        expect(page.locator(".notice--success")).to_be_visible()
        assert number not in page.content()
        record = page.inner_text("dd:has-text('rec_') code")
        kept, _ = server.platform.records.export(caller, record, by="監査人")
        assert (kept.law, kept.custody) == ("my_number", None)
    finally:
        server.platform.change_tenant(caller.id, number_handler=False)


@pytest.mark.parametrize("language", ["ja", "ja-simple", "en"])
def test_pages_are_accessible(
    clerk: Clerk, page: Page, key: dict[str, str], axe: Callable[[Page], Any], language: str
) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{clerk.server.origin('counter')}/?lang={language}")
    assert axe(page) == []
    clerk.begin("my_number_card", person="hanako", language=language)
    assert axe(page) == []
    clerk.begin("passport", person="hanako", language=language, purpose="account_opening")
    clerk.enter(**key)
    expect(page.locator(".answers")).to_be_visible()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.click("button[value=yes]")
    page.wait_for_url(re.compile("/checks/"))
    assert axe(page) == []
    page.goto(f"{clerk.server.origin('counter')}/checks")
    assert axe(page) == []
    page.goto(f"{clerk.server.origin('console')}/?lang={language}")  # with a check in its list
    assert axe(page) == []


def test_forms_draw_a_choice_as_what_it_is(clerk: Clerk) -> None:
    """A box to tick is square, no line runs beside a legend, and the way out stands under the buttons' edge."""
    clerk.begin("my_number_card", person="hanako")
    page = clerk.page
    expect(page.locator("#jpki_consent")).to_have_css("border-top-left-radius", "3px")
    expect(page.locator("form[action$='/end'] button")).to_have_css("padding-left", "0px")
    page.goto(clerk.server.origin("counter"))
    expect(page.locator("fieldset.apart")).to_have_css("border-top-width", "0px")


def test_choice_that_cannot_be_is_disabled_with_its_reason(clerk: Clerk, page: Page) -> None:
    clerk.open()
    auto, reason = page.locator("input[name=document][value=auto]"), page.locator("[data-reason='reader=sandbox']")
    expect(auto).to_be_enabled()
    page.check("input[name=reader][value=sandbox]")
    expect(auto).to_be_disabled()
    expect(auto).not_to_be_checked()
    expect(reason).to_be_visible()
    page.check("input[name=document][value=drivers_licence]")
    expect(page.locator("#variant option[value=card-1]")).to_be_disabled()
    expect(page.locator("#variant option[value=altered_text]")).to_be_enabled()
    expect(page.locator("[data-reason-variant]")).to_be_visible()
    page.check("input[name=document][value=residence_card]")
    page.select_option("#variant", "card-1")
    page.check("input[name=document][value=passport]")
    expect(page.locator("#variant")).to_have_value("")
    page.check("input[name=reader][value=agent]")
    expect(auto).to_be_enabled()
    expect(reason).to_be_hidden()


def test_person_without_the_document_cannot_be_chosen_and_the_page_says_so(clerk: Clerk, page: Page) -> None:
    clerk.open("en")
    page.check("input[name=reader][value=sandbox]")
    page.select_option("#person", "taro")
    expect(page.locator("[data-reason-person]")).to_be_hidden()
    page.check("input[name=document][value=residence_card]")
    expect(page.locator("#person option[value=taro]")).to_be_disabled()
    expect(page.locator("#person")).to_have_value("anna")  # the first who holds one
    expect(page.locator("[data-reason-person]")).to_be_visible()
    page.check("input[name=document][value=my_number_card]")
    expect(page.locator("#person option:disabled")).to_have_count(0)
    expect(page.locator("[data-reason-person]")).to_be_hidden()


def test_real_document_says_nothing_of_invented_people(clerk: Clerk, page: Page) -> None:
    clerk.open()
    page.check("input[name=reader][value=agent]")
    page.check("input[name=document][value=residence_card]")
    expect(page.locator("#person")).to_have_value("hanako")
    expect(page.locator("[data-reason-person]")).to_be_hidden()
    page.check("input[name=reader][value=sandbox]")
    expect(page.locator("#person")).to_have_value("anna")
    expect(page.locator("[data-reason-person]")).to_be_visible()


def test_refused_person_stays_beside_the_document_that_was_refused_alone(clerk: Clerk, page: Page) -> None:
    clerk.open()
    page.check("input[name=purpose][value=age_check]")
    page.check("input[name=reader][value=sandbox]")
    page.check("input[name=document][value=residence_card]")
    page.evaluate("""() => {
      const refused = document.querySelector("#person option[value=kaede]");
      refused.disabled = false;
      refused.selected = true;
    }""")  # as without the script
    page.click("form.card button[type=submit]")
    refused = page.locator("#person option[value=kaede]")
    expect(page.locator("#person-error")).to_be_visible()
    expect(page.locator("#person")).to_have_value("kaede")
    page.select_option("#person", "anna")
    expect(refused).to_be_enabled()
    page.check("input[name=document][value=drivers_licence]")
    expect(refused).to_be_disabled()
    expect(page.locator("#person option[value=hanako]")).to_be_enabled()
    page.check("input[name=document][value=residence_card]")
    expect(refused).to_be_enabled()


def test_only_what_is_wrong_has_the_frame_of_an_error(clerk: Clerk, page: Page) -> None:
    clerk.open()
    page.click("form.card button[type=submit]")
    expect(page.locator("#reader-error")).to_be_visible()
    page.wait_for_load_state()  # without its style a choice has such a frame too
    expect(page.locator("#person")).to_have_css("border-top-width", "1px")
    clerk.begin("passport", person="hanako")
    page.click("form[data-key] button[type=submit]")
    expect(page.locator("#document_number")).to_have_css("border-top-width", "2px")
