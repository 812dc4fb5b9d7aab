"""Ways through a running `honnin up` on which secrets pass: the hosted check by the service, the counter by reader."""

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from lxml.html import fromstring
from tests.virtual_reader import Pcsc
from tests.waiting import LONG, until
from tests.web.conftest import Visitor

from honnin.sandbox.cards import open_emulated

__all__ = ["at_counter", "by_screens", "hosted_by_service"]

AGENT_FILE, DESK_FILE = "reader-agent.json", "counter.json"
MOST_SCREENS = 14
CODE = re.compile(r"(\d{4}) (\d{4})")


def by_screens(
    visitor: Visitor, url: str, back: str, pins: dict[str, str], *, person: str, wrong: dict[str, str] | None = None
) -> str:
    """Take a phone through the service's screens; return the address of the return. wrong: PINs to try first."""
    page, first = visitor.follow(visitor.get(url)), dict(wrong or {})
    for _ in range(MOST_SCREENS):
        form = fromstring(page.text).forms[0]
        fields = {name: value or "" for name, value in form.fields.items()}
        if "person" in fields:
            fields["person"] = person
        if "pin" in fields:
            asked = "signature" if form.inputs["pin"].get("inputmode") == "text" else "user_authentication"
            fields["pin"] = first.pop(asked, pins[asked])
        answer = visitor.client(page.request.headers["host"]).post(form.action, data=fields)
        if answer.headers.get("location", "").startswith(back):
            return str(answer.headers["location"])
        page = visitor.follow(answer)
    raise AssertionError(f"the screens did not lead back: {page.text}")


def hosted_by_service(
    run: Any, person: str, pins: dict[str, str], wrong: dict[str, str], keep: Callable[[str, str], None]
) -> None:
    """Open an account and log in again, both by the service, a wrong PIN first. keep: remembers a secret by name."""
    visitor = Visitor(run)
    back = f"http://localhost:{run.port}/digital-auth/return"
    bank = run.origin("bank")
    try:
        for name, words in (("account", "口座を開設しました"), ("login", "おかえりなさい")):
            if name == "account":
                page = visitor.apply()
            else:
                visitor.post(f"{bank}/leave", form=f"{bank}/account")
                page = visitor.post(f"{bank}/login").headers["location"].partition("?")[0]
            keep(f"key of the page of the {name} by service", page.rpartition("/")[2])
            left = visitor.post(f"{page}/digital-auth", form=page)
            for number, cookie in enumerate(visitor.client(f"localhost:{run.port}").cookies.jar):
                keep(f"cookie {number} of the {name} by service", str(cookie.value))
            returned = by_screens(visitor, left.headers["location"], back, pins, person=person, wrong=wrong)
            result = visitor.follow(visitor.get(returned)).text
            home = re.search(r'href="(http://bank[^"]+)"', result)
            assert home, result
            shown = visitor.follow(visitor.get(home[1].replace("&amp;", "&"))).text
            assert words in shown
    finally:
        visitor.close()


class Agent:
    """`honnin reader` beside a pcscd, and a page that was paired with it."""

    def __init__(self, run: Any, pcsc: Pcsc, keep: Callable[[str, str], None]) -> None:
        command = Path(sys.executable).with_name("honnin")
        origin = run.origin("counter")
        self._process = pcsc.start(command, "reader", "--port", "0", "--origin", origin, "--data", pcsc.home, "--json")
        self.said: list[str] = []
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        until(lambda: any(self._codes()), "The reader agent did not start.")
        told = json.loads((pcsc.home / AGENT_FILE).read_text())
        keep("token of the agent's own programs", told["token"])
        self._http = httpx.Client(base_url=told["url"], headers={"origin": origin}, timeout=LONG, trust_env=False)
        token = self.ask("/pair", code=next(self._codes()))["token"]
        keep("token of the paired page", token)
        self._http.headers["authorization"] = f"Bearer {token}"

    def _listen(self) -> None:
        for line in self._process.stderr or ():
            self.said.append(line)

    def _codes(self) -> Iterator[str]:
        found = (CODE.search(line) for line in self.said)
        return (code[1] + code[2] for code in found if code)

    def ask(self, path: str, **body: str) -> Any:
        """Ask the agent as the page does."""
        answer = self._http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        self._http.close()
        self._process.terminate()
        self._process.wait(LONG)
        self._listening.join(LONG)
        if self._process.stderr:
            self._process.stderr.close()


@contextmanager
def _agent(run: Any, pcsc: Pcsc, keep: Callable[[str, str], None]) -> Iterator[Agent]:
    agent = Agent(run, pcsc, keep)
    try:
        yield agent
    finally:
        agent.close()


def at_counter(
    run: Any,
    pcsc: Pcsc,
    person: str,
    number_b: str,
    pins: tuple[str, str],
    keep: Callable[[str, str], None],
) -> str:
    """Read a customer's card at the counter through `honnin reader`, pcscd and the virtual reader.

    pins: a wrong PIN, then the right one. keep: remembers a secret by name. Returns what the agent wrote.
    """
    visitor, origin = Visitor(run), run.origin("counter")
    number = {"printed_birth_date": number_b[:6], "expiry_year": number_b[6:10], "security_code": number_b[10:]}
    try:
        visitor.sign_in_at_counter()
        desk = json.loads((run.data / DESK_FILE).read_text())
        keep("password of the clerk", desk["password"])
        keep("key of the terminal", desk["terminal_key"])
        for cookie in visitor.client(f"counter.localhost:{run.port}").cookies.jar:
            keep(f"cookie {cookie.name} of the counter", str(cookie.value))
        with _agent(run, pcsc, keep) as agent, pcsc.holding(open_emulated(person, run.data)):
            for pin in pins:
                begun = visitor.post(f"{origin}/", {"purpose": "age_check", "document": "auto", "reader": "agent"})
                visit = f"{origin}{begun.headers['location'].rpartition('/')[0]}"
                _carried(visitor, agent, f"{visit}/detect")
                visitor.post(visit, {**number, "jpki_consent": "YES", "jpki_pin": pin})
                seen = _carried(visitor, agent, f"{visit}/read")
                assert "本物と確認できました" in seen
                assert ("暗証番号が違います" in seen) == (pin != pins[-1])
                assert "利用者証明用電子証明書" in seen
                visitor.post(f"{visit}/confirm", {"same_person": "yes"}, form=f"{visit}/seen")
        return CODE.sub("(code)", "".join(agent.said))  # eight digits of chance, shown on purpose
    finally:
        visitor.close()


def _carried(visitor: Visitor, agent: Agent, page: str) -> str:
    """Carry the chip's commands as the page's script does; return the page that comes after."""
    shown = fromstring(visitor.get(page).text).xpath("//*[@data-carry]")[0]
    client = visitor.client(page.split("/")[2])
    headers = {"x-form-token": shown.get("data-token")}
    page_number = int(shown.get("data-page"))
    handle, said = agent.ask("/open")["handle"], {}
    while True:
        step = client.post(shown.get("data-carry"), json={**said, "page": page_number}, headers=headers)
        assert step.status_code == 200, step.text
        kind = step.json()["kind"]
        if kind == "end":
            agent.ask("/close", handle=handle)
            return visitor.follow(client.get(shown.get("data-next"))).text
        if kind == "reset":
            agent.ask("/reset", handle=handle)
            said = {"answer": ""}
        else:
            said = {"answer": agent.ask("/transmit", handle=handle, apdu=step.json()["apdu"])["answer"]}
