"""A real server with a real platform and sandbox, shared by the tests of this room, and cards that sign for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx
import pytest
from tests.api.cards import signed_by
from tests.waiting import LONG

from honnin.platform import Settings
from honnin.web.serving import Running, serve_in_thread

Body = dict[str, Any]
Signing = Callable[..., Body]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("api") / "data"
    data.mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as running:
        yield running


@pytest.fixture(scope="session")
def client(server: Running) -> Iterator[httpx.Client]:
    """A client with the demo tenant's key."""
    key = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.base, headers=key, timeout=LONG, trust_env=False) as made:
        yield made


@contextmanager
def new_tenant(server: Running, name: str) -> Iterator[httpx.Client]:
    made = server.platform.create_tenant(name, return_urls=(f"{server.origin('bank')}/return",))
    key = {"Authorization": f"Bearer {made.api_key}"}
    with httpx.Client(base_url=server.base, headers=key, timeout=LONG, trust_env=False) as client:
        yield client


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
    data = server.platform.settings.data

    @cache
    def signed(person: str = "hanako", text: str = "申し込みます。") -> Body:
        return signed_by(data, person, text)

    return signed
