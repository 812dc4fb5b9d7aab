"""The counter's door: nothing behind it without a sign-in, staff see their own tenant's alone, what attackers try."""

import asyncio
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from tests.waiting import LONG, joined, until

from honnin.cli.evidence import evidence
from honnin.connect.worlds import open_world
from honnin.errors import NotFoundError, ReaderError
from honnin.platform import Platform, Settings
from honnin.sandbox.cards import open_emulated
from honnin.web.counter.app import create_app
from honnin.web.counter.tunnel import Step, Tunnel
from honnin.web.counter.visits import Desk, Visits
from honnin.web.serving import Running

OWN = "umi kaze hikari 9"
PEER = "192.0.2.50"
HOST = "https://counter.example.jp"
HIDDEN = re.compile(r'name="form_token" value="([^"]*)"')
AT_ONCE = 20  # more than the 16 threads of a site (`honnin.web.design.threads`)
COOKIES = ("__Host-honnin_terminal", "__Host-honnin_staff", "honnin_form")


@contextmanager
def served_by_one_loop() -> Iterator[Any]:
    """An event loop in a thread, as a server has one, so that what a request began goes on behind it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(LONG)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        joined(thread)
        loop.close()


class Browser:
    """A browser at the product's counter, over HTTPS as far as it can tell."""

    def __init__(self, platform: Platform, *, loop: Any = None, app: Any = None, **more: Any) -> None:
        self._app = app or create_app(platform, **more)
        self._run = loop or asyncio.run
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=(PEER, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url=HOST, cookies=self.cookies) as client:
                answer = await client.request(method, path, **more)
                self.cookies = client.cookies
                return answer

        return self._run(asked())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def set(self, name: str, value: str) -> None:
        self.cookies.set(name, value, domain="counter.example.jp")

    def post(self, path: str, fields: dict[str, str] | None = None, *, form: str = "/sign-in", **more: Any) -> Any:
        token = HIDDEN.search(self.get(form).text)
        return self.ask("POST", path, data={"form_token": token[1] if token else "", **(fields or {})}, **more)

    def enrol(self, code: str) -> "Browser":
        assert self.post("/terminal", {"code": code}).status_code == 303
        return self

    def sign_in(self, login: str = "mihon", password: str = OWN, **more: Any) -> Any:
        return self.post("/sign-in", {"login": login, "password": password}, **more)

    def cookie(self, name: str) -> str:
        return self.cookies.get(name) or ""


class House:
    """A platform with two tenants, a terminal and a member of staff each."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.tenants = [
            platform.create_tenant(name, livemode=live).tenant for name, live in (("見本", True), ("別", False))
        ]
        for tenant in self.tenants:
            _, given = platform.staff.add(tenant, "mihon", "見本　係員")
            browser = self.browser(tenant)
            assert browser.sign_in(password=given).headers["location"] == "/"
            answer = browser.post("/password", {"password": OWN, "again": OWN}, form="/password")
            assert answer.status_code == 303, answer.text

    def browser(self, tenant: str, name: str = "窓口1", **more: Any) -> Browser:
        return Browser(self.platform, **more).enrol(self.platform.terminals.add(tenant, name, "本店")[1])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("door") / "data"
    platform = Platform(Settings(data=data))
    yield House(platform)
    platform.close()


def closed(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"] == "/sign-in"


PATHS = (
    "/",
    "/checks",
    "/checks/cch_x",
    "/checks/cch_x.pdf",
    "/visit/x",
    "/visit/x/seen",
    "/visit/x/image/0",
    "/password",
)
POSTS = (
    "/",
    "/visit/x",
    "/visit/x/confirm",
    "/visit/x/end",
    "/visit/x/tunnel",
    "/checks/cch_x",
    "/password",
    "/sign-out",
)


def test_nothing_is_open_without_a_terminal_or_a_sign_in(house: House) -> None:
    for browser in (Browser(house.platform), house.browser(house.tenants[0])):
        assert all(closed(browser.get(path)) for path in PATHS)
        for path in POSTS:
            assert browser.post(path).status_code == 403
    assert "登録コード" in Browser(house.platform).get("/sign-in").text
    assert Browser(house.platform).sign_in().status_code == 403


def test_a_link_keeps_its_language_through_the_door(house: House) -> None:
    browser = house.browser(house.tenants[0])
    assert browser.get("/checks?lang=en").headers["location"] == "/sign-in?lang=en"
    assert browser.get("/?lang=//evil.example").headers["location"] == "/sign-in"


def test_cookies_are_for_this_host_over_https_alone(house: House) -> None:
    browser = Browser(house.platform)
    code = house.platform.terminals.add(house.tenants[0], "窓口9", "本店")[1]
    answers = [browser.get("/sign-in"), browser.post("/terminal", {"code": code}), browser.sign_in()]
    lines = [line for answer in answers for line in answer.headers.get_list("set-cookie")]
    assert {line.partition("=")[0] for line in lines} == set(COOKIES)
    for line in lines:
        assert "Secure" in line
        assert "HttpOnly" in line
        assert "Domain" not in line
        assert ("SameSite=strict" in line) == line.startswith("__Host-")


def test_live_counter_shows_no_sandbox(house: House) -> None:
    browser = house.browser(house.tenants[0])
    browser.sign_in()
    page = browser.get("/").text
    assert "見本　係員" in page
    assert 'value="sandbox"' not in page
    assert "テスト環境" not in page
    fields = {"purpose": "age_check", "document": "passport", "reader": "sandbox", "person": "hanako"}
    assert browser.post("/", fields, form="/").status_code == 422
    other = house.browser(house.tenants[1])
    other.sign_in()
    assert "テスト環境" in other.get("/").text


def test_forged_and_foreign_cookies_open_nothing(house: House) -> None:
    one, two = (house.browser(tenant) for tenant in house.tenants)
    one.sign_in()
    two.sign_in()
    mine = one.cookie("__Host-honnin_staff")
    forged = mine[:-1] + ("0" if mine[-1] != "0" else "1")
    for wrong in (forged, mine[:48], mine.upper(), "", two.cookie("__Host-honnin_staff"), mine[:24] * 3, "x" * 5000):
        one.set("__Host-honnin_staff", wrong)
        assert closed(one.get("/")), wrong[:8]
    one.set("__Host-honnin_staff", mine)
    assert one.get("/").status_code == 200
    one.set("__Host-honnin_terminal", two.cookie("__Host-honnin_terminal"))
    assert closed(one.get("/"))


def test_a_planted_session_is_not_taken_over(house: House) -> None:
    """Session fixation: what was in the cookie before the sign-in is worth nothing after it."""
    attacker, victim = house.browser(house.tenants[0], "窓口2"), house.browser(house.tenants[0], "窓口3")
    attacker.sign_in()
    planted = attacker.cookie("__Host-honnin_staff")
    victim.set("__Host-honnin_staff", planted)
    assert closed(victim.get("/"))
    answer = victim.sign_in()
    assert answer.status_code == 303
    set_now = re.search(r"__Host-honnin_staff=([^;]+)", answer.headers["set-cookie"])
    assert set_now is not None
    assert set_now[1] != planted
    assert house.platform.sign_ins.find(planted, attacker.cookie("__Host-honnin_terminal"))  # still the attacker's own


def test_forms_come_from_our_own_pages_alone(house: House) -> None:
    browser = house.browser(house.tenants[0])
    for headers in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert browser.sign_in(headers=headers).status_code == 403
    assert browser.ask("POST", "/sign-in", data={"login": "mihon", "password": OWN}).status_code == 403
    browser.sign_in()
    assert browser.post("/sign-out", form="/", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.get("/").status_code == 200


def test_signing_out_ends_it_on_the_server(house: House) -> None:
    browser = house.browser(house.tenants[0])
    browser.sign_in()
    kept = browser.cookie("__Host-honnin_staff")
    answer = browser.post("/sign-out", form="/")
    assert closed(answer)
    assert 'honnin_staff=""' in answer.headers["set-cookie"]
    browser.set("__Host-honnin_staff", kept)
    assert closed(browser.get("/"))


def test_given_password_reaches_nothing_but_its_change(house: House) -> None:
    tenant = house.tenants[0]
    _, given = house.platform.staff.add(tenant, "fresh", "新しい人")
    browser = house.browser(tenant)
    browser.sign_in("fresh", given)
    for path in ("/", "/checks"):
        assert browser.get(path).headers["location"] == "/password"
    assert browser.post("/password", {"password": OWN, "again": "other"}, form="/password").status_code == 422
    assert browser.post("/password", {"password": "short", "again": "short"}, form="/password").status_code == 422
    before = browser.cookie("__Host-honnin_staff")
    assert browser.post("/password", {"password": OWN, "again": OWN}, form="/password").status_code == 303
    assert browser.cookie("__Host-honnin_staff") != before
    assert browser.get("/password").headers["location"] == "/"
    stolen = {"password": "not the owner's " + OWN, "again": "not the owner's " + OWN}
    assert browser.post("/password", stolen, form="/").status_code == 409
    assert browser.get("/").status_code == 200


def test_guessing_ends_in_words_and_says_nothing_of_names(house: House) -> None:
    tenant = house.tenants[1]
    house.platform.staff.add(tenant, "guessed", "見本　係員")  # no other test signs in as the one who is locked here
    browser = house.browser(tenant)
    pages = [browser.sign_in(login, "wrong wrong wrong") for login in ("guessed", "nobody")]
    assert [page.status_code for page in pages] == [403, 403]
    texts = [re.sub(r"(guessed|nobody|[0-9A-Za-z_-]{43})", "", page.text) for page in pages]
    assert texts[0] == texts[1]
    assert "wrong wrong" not in pages[0].text
    for _ in range(4):
        browser.sign_in("guessed", "wrong wrong wrong")
    assert "15分" in browser.sign_in("guessed").text


def test_the_address_is_what_a_trusted_proxy_says(house: House) -> None:
    tenant = house.tenants[0]
    seen = []
    for proxies, forwarded in (
        ((), "192.0.2.1"),
        ((PEER,), "192.0.2.1"),
        ((PEER,), "203.0.113.9, 192.0.2.1"),
    ):
        browser = house.browser(tenant, proxies=proxies)
        browser.sign_in("nobody", "wrong wrong", headers={"x-forwarded-for": forwarded})
        seen.append(house.platform.sign_ins.all(tenant, limit=1)[0].address)
    assert seen[1] == seen[2] != seen[0]


class Reading:
    """A reading over the page's tunnel: what the script of the page does with a reader of this computer."""

    def __init__(self, browser: Browser, document: str) -> None:
        self.browser = browser
        fields = {"purpose": "age_check", "document": document, "reader": "agent"}
        answer = browser.post("/", fields, form="/")
        assert answer.status_code == 303, answer.text
        self.visit = answer.headers["location"]

    def enter(self, **entries: str) -> None:
        self.entered = entries
        answer = self.browser.post(self.visit, entries, form="/")
        assert answer.headers["location"] == f"{self.visit}/read", answer.text
        self.load()

    def load(self) -> None:
        """Load the page that carries, perhaps anew."""
        found = re.search(r'data-page="(\d+)"', self.browser.get(f"{self.visit}/read").text)
        assert found is not None
        self.page = int(found[1])

    def asked(self, said: dict[str, str]) -> httpx.Response:
        token = {"x-form-token": self.browser.cookie("honnin_form")}
        body = {**said, "page": self.page}
        return self.browser.ask("POST", f"{self.visit}/tunnel", json=body, headers=token)

    def step(self, said: dict[str, str]) -> Any:
        return self.asked(said).json()

    def carry(self, card: Any) -> str:
        said: dict[str, str] = {}
        while (step := self.step(said))["kind"] != "end":
            if step["kind"] == "reset":
                card.reset()
                said = {"answer": ""}
            else:
                said = {"answer": card.transmit(bytes.fromhex(step["apdu"])).hex()}
        return self.browser.get(f"{self.visit}/seen").text


@contextmanager
def licence_begun(world: Any, data: Path) -> Iterator[Reading]:
    """The reading of a licence of a world at a live tenant's counter, its PINs entered."""
    platform = Platform(Settings(data=data))
    pins = next(one for one in world.people() if one["id"] == "hanako")["document_keys"]["drivers_licence"]
    try:
        house = House(platform)
        with served_by_one_loop() as loop:
            browser = house.browser(house.tenants[0], loop=loop)
            browser.sign_in()
            reading = Reading(browser, "drivers_licence")
            reading.enter(pin_1=pins["pin_1"], pin_2=pins["pin_2"])
            yield reading
    finally:
        platform.close()


@pytest.mark.parametrize(("known", "said"), [(False, "判定できません"), (True, "本物と確認できました")])
def test_live_tenant_trusts_what_the_operator_gave_alone(tmp_path: Path, known: bool, said: str) -> None:
    """A licence of some world whose police's keys stand in live.json is verified; without them it cannot be told."""
    world = open_world(tmp_path / "elsewhere")
    data = tmp_path / "live"
    data.mkdir(mode=0o700)
    if known:
        named = {}
        for key_id, spki in world.document_trust()["drivers_licence"]:
            key = load_der_public_key(spki)
            (data / key_id.hex()).write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            named[key_id.hex()] = key_id.hex()
        (data / "live.json").write_text(json.dumps({"documents": {"drivers_licence": named}}))
    with licence_begun(world, data) as reading:
        assert said in reading.carry(open_emulated("hanako/drivers_licence", tmp_path / "elsewhere"))


@pytest.fixture
def licence(tmp_path: Path) -> Iterator[Reading]:
    with licence_begun(open_world(tmp_path), tmp_path) as reading:
        yield reading


def chip_threads() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name.startswith("honnin-counter-chip")}


def test_no_thread_waits_for_a_card_that_does_not_lie_there_yet(licence: Reading, tmp_path: Path) -> None:
    """A clerk may take as long as the visit lives to put the card down: nothing runs until the page asks."""
    before = chip_threads()
    visit = licence.visit
    licence.browser.post(f"{visit}/document", {"document": "drivers_licence"}, form=visit)
    licence.enter(**licence.entered)
    assert chip_threads() <= before
    assert "氏名" in licence.carry(open_emulated("hanako/drivers_licence", tmp_path))


def test_page_loaded_anew_in_the_middle_goes_on_and_the_one_before_is_out_of_turn(
    licence: Reading, tmp_path: Path
) -> None:
    card = open_emulated("hanako/drivers_licence", tmp_path)
    said: dict[str, str] = {}
    for _ in range(12):
        step = licence.step(said)
        said = {"answer": card.transmit(bytes.fromhex(step["apdu"])).hex()}
    before = licence.page
    assert licence.browser.get(f"{licence.visit}/seen").headers["location"] == f"{licence.visit}/read"
    licence.load()
    card.reset()  # as the agent does when the new page opens it
    began, licence.page = licence.page, before
    assert "counter.out_of_turn" in licence.asked(said).text
    licence.page = began
    assert "氏名" in licence.carry(card)
    assert licence.step({})["kind"] == "end"  # at once
    assert licence.browser.get(f"{licence.visit}/read").headers["location"] == f"{licence.visit}/seen"


def test_page_that_comes_back_after_the_patience_ended_is_told_so_at_once(
    licence: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = licence.visit
    licence.browser.post(f"{visit}/document", {"document": "drivers_licence"}, form=visit)
    monkeypatch.setattr("honnin.web.counter.visits.Tunnel", partial(Tunnel, answer_seconds=0.2))
    monkeypatch.setattr("honnin.web.counter.tunnel.COMMAND_SECONDS", LONG)
    licence.enter(pin_1="1234", pin_2="5678")
    licence.step({})
    until(lambda: "読み取れませんでした" in licence.browser.get(f"{visit}/seen").text, "the patience did not end")
    assert licence.step({"answer": "9000"})["kind"] == "end"


def test_pin_entered_again_by_the_browsers_own_way_back_goes_to_the_card(licence: Reading, tmp_path: Path) -> None:
    card = open_emulated("hanako/drivers_licence", tmp_path)
    pins = licence.entered
    licence.browser.post(f"{licence.visit}/document", {"document": "drivers_licence"}, form=licence.visit)
    licence.enter(**{**pins, "pin_1": "0000" if pins["pin_1"] != "0000" else "1111"})
    assert "card.pin_wrong" in licence.carry(card)
    assert licence.browser.get(licence.visit).headers["location"] == f"{licence.visit}/seen"
    licence.enter(**pins)  # a form that the browser kept
    assert "氏名" in licence.carry(card)


class Meeting(Tunnel):
    """A tunnel whose chip waits until the chips of all readings have a thread, and its page until all pages have one.

    Who had to wait for another's reading would never come, and the meeting would end without it.
    """

    chips, pages = threading.Barrier(AT_ONCE), threading.Barrier(AT_ONCE)
    met = False

    def transmit(self, apdu: bytes) -> bytes:
        if not self.met:
            self.met = True
            self.chips.wait(LONG)
        return super().transmit(apdu)

    def exchange(self, answer: bytes | ReaderError | None, page: int) -> Step:
        self.pages.wait(LONG)
        return super().exchange(answer, page)


def test_many_readings_at_once_do_not_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More readings than a site has threads: while all of them are under way, each has its first command."""
    monkeypatch.setattr("honnin.web.counter.visits.Tunnel", partial(Meeting, answer_seconds=LONG))
    monkeypatch.setattr("honnin.web.counter.tunnel.COMMAND_SECONDS", LONG)
    platform = Platform(Settings(data=tmp_path))
    try:
        house = House(platform)
        with served_by_one_loop() as loop, ThreadPoolExecutor(AT_ONCE) as pages:
            app = create_app(platform)
            browsers = [house.browser(house.tenants[0], f"窓口{n}", loop=loop, app=app) for n in range(AT_ONCE)]
            readings = []
            for browser in browsers:
                browser.sign_in()
                readings.append(Reading(browser, "drivers_licence"))
                readings[-1].enter(pin_1="1234", pin_2="5678")
            assert [step["kind"] for step in pages.map(lambda one: one.step({}), readings)] == ["command"] * AT_ONCE
            for reading in readings:
                reading.browser.post(f"{reading.visit}/end", form="/")
    finally:
        platform.close()


@pytest.fixture
def demo(server: Running, new_visitor: Callable[[], Any]) -> Callable[[], Any]:
    def signed_in() -> Any:
        visitor = new_visitor()
        visitor.sign_in_at_counter()
        return visitor

    return signed_in


def begin(visitor: Any, server: Running) -> str:
    origin = server.origin("counter")
    fields = {"purpose": "age_check", "document": "my_number_card", "reader": "sandbox", "person": "hanako"}
    return origin + visitor.post(f"{origin}/", fields).headers["location"]


def test_newcomer_of_the_sandbox_is_one_press_from_the_counter(server: Running, new_visitor: Callable[[], Any]) -> None:
    visitor = new_visitor()
    page = visitor.follow(visitor.get(f"{server.origin('counter')}/"))
    assert page.status_code == 200
    assert "見本の担当者" in page.text
    visitor.sign_in_at_counter()
    assert visitor.get(f"{server.origin('counter')}/").status_code == 200


def test_two_clerks_at_one_terminal(server: Running, demo: Callable[[], Any]) -> None:
    """The second ends the first's session, and what the first had begun is gone for both."""
    first = demo()
    visit = begin(first, server)
    assert first.get(visit).status_code == 200
    second = demo()
    assert second.get(visit).status_code == 404
    assert first.get(visit).headers["location"] == "/sign-in"
    first.sign_in_at_counter()
    assert first.get(visit).status_code == 404


def test_paper_names_what_a_receipt_proves(server: Running, demo: Callable[[], Any], tmp_path: Path) -> None:
    """Record, method by its paragraph, staff, terminal and the place in the log: `honnin evidence verify` agrees."""
    clerk, origin, data = demo(), server.origin("counter"), server.platform.settings.data
    pins = next(one for one in open_world(data).people() if one["id"] == "hanako")["document_keys"]["drivers_licence"]
    fields = {"purpose": "account_opening", "document": "drivers_licence", "reader": "sandbox", "person": "hanako"}
    visit = origin + clerk.post(f"{origin}/", fields).headers["location"]
    clerk.follow(clerk.post(visit, {"pin_1": pins["pin_1"], "pin_2": pins["pin_2"]}))
    check_id = clerk.post(f"{visit}/confirm", {"same_person": "yes"}, form=f"{visit}/seen").headers["location"][8:]
    caller = server.platform.authenticate(server.api_key)
    check = server.platform.counter.check(caller.id, check_id)
    answer = clerk.get(f"{origin}/checks/{check_id}.pdf?lang=ja")
    printed = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=answer.content, capture_output=True, check=True, timeout=LONG
    )
    text = printed.stdout.decode()
    plain = re.sub(r"\s", "", text)
    for named in (check.record, check.method, check.staff_id, check.terminal_id, check.id, check.evidence):
        assert str(named) in plain
    assert "規則6条1項1号" in plain
    (tmp_path / "receipt.json").write_bytes(clerk.get(f"{origin}/checks/{check_id}/receipt.json").content)
    key = str(data / "keys" / "log.pub.pem")
    done = CliRunner().invoke(evidence, ["verify", str(tmp_path / "receipt.json"), "--log-key", key, "--json"])
    assert done.exit_code == 0, done.output
    proven = json.loads(done.stdout)
    assert f"{proven['log_id']}の{proven['leaf_index']}番" in plain
    assert (proven["record"]["verification"], proven["record"]["evidence"]) == (check.id, check.evidence)
    out = str(tmp_path / "exported.json")
    assert CliRunner().invoke(evidence, ["export", check_id, "--out", out, "--data", str(data)]).exit_code == 0
    again = CliRunner().invoke(evidence, ["verify", out, "--log-key", key, "--json"])
    assert json.loads(again.stdout)["leaf_index"] == proven["leaf_index"]


def test_record_says_who_signed_in_whatever_the_form_says(server: Running, demo: Callable[[], Any]) -> None:
    clerk, origin = demo(), server.origin("counter")
    people = {one["id"]: one for one in open_world(server.platform.settings.data).people()}
    digits = people["hanako"]["document_keys"]["my_number_card"]["number_b"]
    fields = {"purpose": "age_check", "document": "my_number_card", "reader": "sandbox", "person": "hanako"}
    typed = {"staff": "偽者", "place": "偽", "terminal": "偽"}
    visit = origin + clerk.post(f"{origin}/", {**fields, **typed}).headers["location"]
    entries = {"printed_birth_date": digits[:6], "expiry_year": digits[6:10], "security_code": digits[10:]}
    clerk.follow(clerk.post(visit, entries))
    made = clerk.post(f"{visit}/confirm", {"same_person": "yes", **typed}, form=f"{visit}/seen")
    caller = server.platform.authenticate(server.api_key)
    check = server.platform.counter.check(caller.id, made.headers["location"].rpartition("/")[2])
    assert (check.staff, check.place, check.terminal) == ("見本　係員", "見本支店", "見本窓口")
    assert check.staff_id == server.platform.staff.all(caller.id)[0].id
    assert check.terminal_id in {one.id for one in server.platform.terminals.all(caller.id)}


def test_one_clerks_readings_push_out_no_other(house: House) -> None:
    visits, clerks = Visits(), []
    for tenant in house.tenants:
        browser = house.browser(tenant)
        browser.sign_in("many", house.platform.staff.add(tenant, "many", "見本")[1])
        keys = browser.cookie("__Host-honnin_staff"), browser.cookie("__Host-honnin_terminal")
        clerks.append(house.platform.sign_ins.find(*keys))
    first, second = clerks
    kept = visits.begin(Desk(second), purpose="other", document="passport", reader="agent")
    many = [visits.begin(Desk(first), purpose="other", document="passport", reader="agent") for _ in range(600)]
    assert visits.get(kept.id, second) is kept
    assert visits.get(many[-1].id, first) is many[-1]
    with pytest.raises(NotFoundError):
        visits.get(many[0].id, first)
    with pytest.raises(NotFoundError):
        visits.get(kept.id, first)


def test_session_that_ended_unasked_is_said_where_one_signs_in_again(house: House) -> None:
    """A form that comes too late is answered with the way to sign in; so is a page, and signing out says nothing."""
    ended = "ログアウトされています"
    _, given = house.platform.staff.add(house.tenants[0], "later", "見本　係員")
    browser = house.browser(house.tenants[0])
    assert ended not in browser.get("/sign-in").text
    assert browser.sign_in("later", given).status_code == 303
    assert ended not in browser.get("/sign-in").text
    other = Browser(house.platform)
    other.set(COOKIES[0], browser.cookie(COOKIES[0]))
    assert other.sign_in("later", given).status_code == 303  # at the same terminal
    page = browser.post("/", {"purpose": "other"}, form="/sign-in")
    assert page.status_code == 403
    assert ended in page.text
    assert 'name="password"' in page.text
    assert closed(browser.get("/"))
    assert ended in browser.get("/sign-in").text
    assert "12時間" in page.text
    assert closed(other.post("/sign-out", form="/password"))
    assert ended not in other.get("/sign-in").text
    in_another_tab = other.post("/", {"purpose": "other"}, form="/sign-in")
    assert in_another_tab.status_code == 403
    assert ended not in in_another_tab.text
    assert 'name="password"' in in_another_tab.text


def test_what_another_site_posts_ends_no_form_that_is_open(house: House) -> None:
    """No cookie of ours comes with it (SameSite), so it tells of no session, and gets no new form token either."""
    for path in ("/", "/sign-in", "/terminal", "/checks/cch_x", "/nothing"):
        answer = Browser(house.platform).ask("POST", path, data={"x": "y"}, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code in {403, 404}
        assert "set-cookie" not in answer.headers
        assert "ログアウトされています" not in answer.text
        assert 'name="form_token"' not in answer.text  # it would be refused


def test_names_are_marked_by_what_they_are_written_in(house: House) -> None:
    browser = Browser(house.platform).enrol(house.platform.terminals.add(house.tenants[0], "Desk 7", "本店")[1])
    door = browser.get("/sign-in?lang=en").text
    browser.sign_in()
    for page in (door, browser.get("/?lang=en").text):
        assert '<span lang="ja">本店</span>' in page
        assert "<span>Desk 7</span>" in page


def test_address_of_a_form_leads_to_it(house: House) -> None:
    """As the address bar's "go" opens it after the form was refused."""
    assert closed(Browser(house.platform).get("/terminal"))
    _, given = house.platform.staff.add(house.tenants[0], "address", "見本　係員")
    browser = house.browser(house.tenants[0])
    browser.sign_in("address", given)
    browser.post("/password", {"password": OWN, "again": OWN}, form="/password")
    visit = Reading(browser, "drivers_licence").visit
    for form, leads_to in ((f"{visit}/photo", 200), (f"{visit}/confirm", 303)):
        assert browser.get(form).status_code == leads_to
