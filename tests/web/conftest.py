"""A real server, and a browser without a face: an HTTP client that keeps cookies and fills in forms by origin."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.waiting import LONG

from honnin.connect.worlds import open_world
from honnin.platform import Settings
from honnin.web.serving import Running, serve_in_thread

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("web") / "data"
    data.mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as running:
        yield running


@pytest.fixture(scope="session")
def pins(server: Running) -> dict[str, str]:
    people = open_world(server.platform.settings.data).people()
    return {person["id"]: person["pins"].get("signature", "") for person in people}


class Visitor:
    """A person's browser: cookies by origin, redirects one at a time, the Host header for `*.localhost`."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self._clients: dict[str, httpx.Client] = {}

    def client(self, host: str) -> httpx.Client:
        """Return the client that holds one origin's cookies."""
        if host not in self._clients:
            self._clients[host] = httpx.Client(
                base_url=self.server.base, headers={"host": host}, timeout=LONG, trust_env=False
            )
        return self._clients[host]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def get(self, url: str, **more: Any) -> httpx.Response:
        """Open a page."""
        parts = urlsplit(url)
        return self.client(parts.netloc).get(f"{parts.path or '/'}?{parts.query}", **more)

    def post(self, url: str, fields: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a form; its hidden fields are taken from the page at `form` (the same address by default)."""
        parts = urlsplit(url)
        form = more.pop("form", url)
        hidden = dict(HIDDEN.findall(self.get(form).text))
        return self.client(parts.netloc).post(parts.path, data={**hidden, **(fields or {})}, **more)

    def follow(self, response: httpx.Response) -> httpx.Response:
        """Follow redirects from origin to origin."""
        while response.is_redirect:
            target = response.headers["location"]
            response = self.get(target if "://" in target else f"http://{response.request.headers['host']}{target}")
        return response

    def sign_in_at_counter(self) -> None:
        """Sign in as the sandbox's invented clerk, with what its page shows."""
        origin = self.server.origin("counter")
        page = self.get(f"{origin}/sign-in").text
        shown = {name: re.search(rf'name="{name}"[^>]* value="([^"]+)"', page) for name in ("login", "password")}
        answer = self.post(f"{origin}/sign-in", {name: found[1] for name, found in shown.items() if found})
        assert answer.status_code == 303, answer.text

    def apply(self, **changes: str) -> str:
        """Apply at the bank; return the address of the check's page."""
        fields = {"account": "ordinary", "purpose": "living", "occupation": "employee", "agree": "yes", **changes}
        response = self.post(f"{self.server.origin('bank')}/open", fields)
        assert response.status_code == 303, response.text
        return response.headers["location"].partition("?")[0]

    def sign(self, page: str, person: str, pin: str, **more: str) -> httpx.Response:
        """Sign on the check's page; return the answer to the form."""
        fields = {"person": person, "pin": pin, **more}
        return self.post(f"{page}/sign", fields, form=f"{page}/sign?person={person}")


@pytest.fixture
def visitor(server: Running) -> Iterator[Visitor]:
    made = Visitor(server)
    yield made
    made.close()


@pytest.fixture
def new_visitor(server: Running) -> Iterator[Callable[[], Visitor]]:
    made: list[Visitor] = []

    def one() -> Visitor:
        made.append(Visitor(server))
        return made[-1]

    yield one
    for visitor in made:
        visitor.close()
