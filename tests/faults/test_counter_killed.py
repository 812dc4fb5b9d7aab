"""A counter killed in the middle of a reading: nothing is recorded, sign-ins stay, and the next one goes on."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
from tests.waiting import LONG, next_line, running

from honnin.platform import Platform, Settings

HONNIN = Path(sys.executable).with_name("honnin")
HOST = "counter.example.jp"
OWN = "umi kaze hikari 9"


@contextmanager
def serving(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the counter; yields the process and its base. It is killed at the end, if it still runs."""
    command = [HONNIN, "serve", "--counter", HOST, "--port", "0", "--no-access-log", "--data", str(data), "--json"]
    with running(command, stdout=subprocess.PIPE, text=True) as process:
        said = json.loads(next_line(process.stdout))
        yield process, f"http://127.0.0.1:{httpx.URL(said['addresses']['api']).port}"


class Browser:
    """A browser that reaches the counter through a proxy, which ended TLS."""

    def __init__(self) -> None:
        self.base = ""
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        headers = {"host": HOST, "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers["x-form-token"] = self.cookies.get("honnin_form", "")
        answer = httpx.request(method, self.base + path, headers=headers, trust_env=False, timeout=LONG, **more)  # type: ignore[arg-type]
        for line in answer.headers.get_list("set-cookie"):
            self.cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
        return answer

    def post(self, path: str, fields: dict[str, str], form: str) -> httpx.Response:
        token = re.search(r'name="form_token" value="([^"]*)"', self.ask("GET", form).text)
        assert token is not None
        return self.ask("POST", path, data={"form_token": token[1], **fields})


def test_killed_in_the_middle_of_a_reading(tmp_path: Path) -> None:
    data = tmp_path / "data"
    platform = Platform(Settings(data=data))
    tenant = platform.create_tenant("見本", livemode=True).tenant
    code = platform.terminals.add(tenant, "窓口1", "本店")[1]
    _, given = platform.staff.add(tenant, "mihon", "見本　係員")
    browser = Browser()
    with serving(data) as (process, browser.base):
        assert browser.post("/terminal", {"code": code}, "/sign-in").status_code == 303
        assert browser.post("/sign-in", {"login": "mihon", "password": given}, "/sign-in").status_code == 303
        assert browser.post("/password", {"password": OWN, "again": OWN}, "/password").status_code == 303
        fields = {"purpose": "account_opening", "document": "drivers_licence", "reader": "agent"}
        visit = browser.post("/", fields, "/").headers["location"]
        assert browser.post(visit, {"pin_1": "1234", "pin_2": "5678"}, visit).headers["location"] == f"{visit}/read"
        page = re.search(r'data-page="(\d+)"', browser.ask("GET", f"{visit}/read").text)
        assert page is not None
        begun = {"page": int(page[1])}
        assert browser.ask("POST", f"{visit}/tunnel", json=begun).json()["kind"] in {"command", "reset"}
        process.kill()
        process.wait(LONG)
    assert platform.counter.page(tenant) == ((), False)
    with serving(data) as (_, browser.base):
        assert browser.ask("GET", "/").status_code == 200
        assert browser.ask("GET", visit).status_code == 404
        assert browser.ask("GET", "/checks").status_code == 200
        assert browser.post("/", fields, "/").status_code == 303
    kept = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    for typed in (OWN, given, browser.cookies["__Host-honnin_staff"]):
        assert typed.encode() not in kept
    platform.close()
