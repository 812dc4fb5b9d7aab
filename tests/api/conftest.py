"""A real server with a real platform and sandbox, shared by the tests of this room, and cards that sign for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.cards import signed_by
from tests.waiting import LONG

from honnin.platform import Settings
from honnin.web.serving import Running, serve_in_thread

Body = dict[str, Any]
Signing = Callable[..., Body]


@contextmanager
def new_server(folder: Path) -> Iterator[Running]:
    data = folder / "data"
    data.mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as running:
        yield running


def caller(server: Running, key: str) -> httpx.Client:
    return httpx.Client(base_url=server.base, headers={"Authorization": f"Bearer {key}"}, timeout=LONG, trust_env=False)


@contextmanager
def new_tenant(server: Running, name: str) -> Iterator[httpx.Client]:
    made = server.platform.create_tenant(name, return_urls=(f"{server.origin('bank')}/return",))
    with caller(server, made.api_key) as client:
        yield client


def signing(server: Running) -> Signing:
    data = server.platform.settings.data

    @cache
    def signed(person: str = "hanako", text: str = "申し込みます。") -> Body:
        return signed_by(data, person, text)

    return signed


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with new_server(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="session")
def client(server: Running) -> Iterator[httpx.Client]:
    """A client with the demo tenant's key."""
    with caller(server, server.api_key) as made:
        yield made


@pytest.fixture
def stranger(server: Running) -> Iterator[httpx.Client]:
    """A client with the key of another tenant, which nobody used before."""
    with new_tenant(server, "試験商店") as made:
        yield made


@pytest.fixture
def alone(server: Running) -> Iterator[httpx.Client]:
    """A client with the key of this test's own tenant: no session of another test ends among its events."""
    with new_tenant(server, "試験銀行") as made:
        yield made


@pytest.fixture(scope="session")
def sign(server: Running) -> Signing:
    """Return a function: a person's card signs a text; what comes back are the members of a request."""
    return signing(server)
