"""The reader agent: pairing, origins, hosts; and a card read through it by `relay:`."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import httpx
import pytest
from tests.waiting import LONG

from honnin.api.wire import Server, bind, configuration
from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.chip.readers import ReaderStatus
from honnin.chip.readers.relay import AGENT_FILE
from honnin.errors import InputError, NotFoundError, PinError, ReaderError
from honnin.web.agent import Pairing, create_app
from honnin.web.agent.held import IDLE_SECONDS, Held

ORIGIN = "http://counter.localhost:8600"
CARD = "emulated:hanako"


class Agent:
    """A running agent, and what a page or a program sends to it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.codes: list[str] = []
        self.now = 0.0
        self.pairing = Pairing([ORIGIN], self.codes.append, clock=lambda: self.now)
        self.pairing.renew()
        self.held = Held(lambda url: open_reader(url, data=data), clock=lambda: self.now)
        listed = (ReaderStatus(url=CARD, name="見本", card=True),)
        self.app = create_app(self.pairing, self.held, lambda: listed)
        self.url = ""

    def ask(self, path: str, body: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=body or {}, headers=headers, timeout=LONG)

    def pair(self) -> dict[str, str]:
        token = self.ask("/pair", {"code": self.codes[-1]}, origin=ORIGIN).json()["token"]
        return {"origin": ORIGIN, "authorization": f"Bearer {token}"}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path)
    listener = bind("127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Server(configuration(made.app))
    thread = Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    (tmp_path / AGENT_FILE).write_text(json.dumps({"url": made.url, "token": made.pairing.local_token}))
    with closing(listener):
        yield made
        server.should_exit = True
        thread.join(LONG)
        made.held.close_all()


def test_card_is_unlocked_and_signs_through_the_agent(agent: Agent) -> None:
    with open_reader(f"relay:{agent.url}", data=agent.data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("signature", "HANAKO2468"))
        assert card.jpki.certificate("signature") is not None
        assert len(card.jpki.sign("signature", bytes(32)).value) == 256


def test_wrong_pin_through_the_agent_costs_one_try(agent: Agent) -> None:
    with (
        open_reader(f"relay:{agent.url}#{CARD}", data=agent.data) as reader,
        MyNumberCard(reader) as card,
        pytest.raises(PinError) as caught,
    ):
        card.jpki.unlock(Pin("signature", "WRONG99999"))
    assert caught.value.tries_left == 4


def test_page_needs_the_code_of_the_screen(agent: Agent) -> None:
    wrong = f"{(int(agent.codes[-1]) + 1) % 10**8:08d}"
    assert agent.ask("/pair", {"code": wrong}, origin=ORIGIN).json()["code"] == "agent.code"
    headers = agent.pair()
    opened = agent.ask("/open", **headers)
    assert opened.headers["access-control-allow-origin"] == ORIGIN
    handle = opened.json()["handle"]
    answer = agent.ask("/transmit", {"handle": handle, "apdu": "00a4040c0ad392f000260100000001"}, **headers)
    assert answer.json() == {"answer": "9000"}


def test_code_serves_once_and_not_after_its_time(agent: Agent) -> None:
    code = agent.codes[-1]
    agent.pair()
    assert agent.ask("/pair", {"code": code}, origin=ORIGIN).status_code == 403
    fresh = agent.codes[-1]
    agent.now = 601.0
    assert agent.ask("/pair", {"code": fresh}, origin=ORIGIN).status_code == 403


def test_five_wrong_codes_make_a_new_one(agent: Agent) -> None:
    code = agent.codes[-1]
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    for _ in range(5):
        agent.ask("/pair", {"code": wrong}, origin=ORIGIN)
    assert len(agent.codes) == 2
    assert agent.codes[-1] == code or agent.ask("/pair", {"code": code}, origin=ORIGIN).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://counter.localhost:8601", "null"])
def test_other_origins_get_nothing(agent: Agent, origin: str) -> None:
    refused = agent.ask("/pair", {"code": agent.codes[-1]}, origin=origin)
    assert refused.json()["code"] == "agent.origin"
    assert "access-control-allow-origin" not in refused.headers
    token = agent.pair()["authorization"]
    assert agent.ask("/open", origin=origin, authorization=token).status_code == 403
    preflight = httpx.options(f"{agent.url}/open", headers={"origin": origin})
    assert preflight.status_code == 403


def test_token_of_a_page_serves_no_program_and_the_other_way_round(agent: Agent) -> None:
    page = agent.pair()["authorization"]
    assert agent.ask("/open", authorization=page).json()["code"] == "agent.not_paired"
    local = f"Bearer {agent.pairing.local_token}"
    assert agent.ask("/open", authorization=local, origin=ORIGIN).json()["code"] == "agent.not_paired"


def test_name_that_somebody_points_here_reaches_nothing(agent: Agent) -> None:
    refused = agent.ask("/pair", {"code": agent.codes[-1]}, origin=ORIGIN, host="evil.example")
    assert refused.json()["code"] == "agent.host"


def test_card_of_one_page_is_not_another_pages(agent: Agent) -> None:
    first, second = agent.pair(), agent.pair()
    handle = agent.ask("/open", **first).json()["handle"]
    assert agent.ask("/open", **second).json()["code"] == "reader.busy"
    apdu = {"handle": handle, "apdu": "00a4040c0ad392f000260100000001"}
    assert agent.ask("/transmit", apdu, **second).json()["code"] == "agent.handle"
    agent.now += IDLE_SECONDS + 1
    assert agent.ask("/open", **second).status_code == 200
    assert agent.ask("/transmit", apdu, **first).json()["code"] == "agent.handle"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"handle": 1}', b'{"unknown": ""}', b"\xff", b'{"apdu": "' + b"0" * 200_000 + b'"}']
)
def test_malformed_bodies_are_refused(agent: Agent, body: bytes) -> None:
    answer = httpx.post(f"{agent.url}/open", content=body, headers=agent.pair(), timeout=LONG)
    assert answer.json()["code"] == "agent.malformed"


@pytest.mark.parametrize("apdu", ["", "00", "zz", "00a404", "0" * 9])
def test_what_is_no_apdu_never_reaches_the_card(agent: Agent, apdu: str) -> None:
    headers = agent.pair()
    handle = agent.ask("/open", **headers).json()["handle"]
    assert agent.ask("/transmit", {"handle": handle, "apdu": apdu}, **headers).json()["code"] == "agent.malformed"


def test_only_listed_readers_are_opened(agent: Agent) -> None:
    assert agent.ask("/open", {"reader": "emulated:taro"}, **agent.pair()).json()["code"] == "agent.reader"


@pytest.mark.parametrize("target", ["http://10.0.0.1:1", "ftp://127.0.0.1", "", "file:///etc/passwd"])
def test_relay_goes_to_this_computer_or_by_tls(tmp_path: Path, target: str) -> None:
    with pytest.raises(InputError) as caught:
        open_reader(f"relay:{target}", data=tmp_path)
    assert caught.value.code == "relay.address"


def test_agent_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError) as without:
        open_reader("relay:http://127.0.0.1:9", data=tmp_path)
    assert without.value.code == "relay.no_token"
    (tmp_path / AGENT_FILE).write_text('{"token": "x"}')
    with pytest.raises(ReaderError) as down:
        open_reader("relay:http://127.0.0.1:9", data=tmp_path)
    assert down.value.code == "relay.down"


def test_held_card_that_was_closed_is_gone(tmp_path: Path) -> None:
    held = Held(lambda url: open_reader(url, data=tmp_path))
    handle, atr = held.open(CARD, "a")
    assert atr
    held.close(handle, "b")
    assert held.transmit(handle, "a", bytes.fromhex("00a4040c0ad392f000260100000001")) == bytes.fromhex("9000")
    held.close(handle, "a")
    with pytest.raises(NotFoundError):
        held.transmit(handle, "a", bytes(4))
