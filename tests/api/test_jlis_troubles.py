"""J-LIS in trouble: a check says "could not tell", and what does not need J-LIS is answered all the while."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.api.cards import signed_by
from tests.api.conftest import Body, Signing, caller, new_server, signing
from tests.api.receipts import receipt_of
from tests.api.serving import serving
from tests.waiting import LONG, until

from honnin.api.endpoints import CHECK_THREADS
from honnin.connect.gateway import Gateway
from honnin.connect.worlds import open_world
from honnin.platform import Settings
from honnin.sandbox.jlis.switches import SERVICES, set_switch
from honnin.sandbox.world import World
from honnin.web.origins import compose
from honnin.web.serving import Running, opened

PATH = "/v1/verifications"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of these tests' own: one that took in a list in an earlier test can tell without J-LIS."""
    with new_server(tmp_path_factory.mktemp("troubles")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with caller(server, server.api_key) as made:
        yield made


@pytest.fixture(scope="module")
def sign(server: Running) -> Signing:
    return signing(server)


@pytest.fixture
def world(server: Running) -> Iterator[World]:
    assert isinstance(server.world, World)
    yield server.world
    for service in SERVICES:
        set_switch(server.world, service, "up")


@pytest.mark.parametrize("state", ["down", "try_later", "malformed", "forged", "stale"])
def test_without_revocation_data_nothing_is_called_good(
    client: httpx.Client, sign: Signing, world: World, state: str
) -> None:
    set_switch(world, "ocsp", state)
    set_switch(world, "crl", state)
    answer = client.post(PATH, json={**sign(), "law": "aml"})
    body = answer.json()
    assert answer.status_code == 201, answer.text
    assert (body["verdict"]["indication"], body["verdict"]["sub_indication"]) == ("INDETERMINATE", "TRY_LATER")
    assert (body["four_items"], body["person"]) == (None, None)
    for language in ("ja", "ja-simple", "en"):
        assert body["messages"][language]


def test_one_source_is_enough(client: httpx.Client, sign: Signing, world: World) -> None:
    set_switch(world, "ocsp", "down")
    body = client.post(PATH, json=sign()).json()
    assert body["verdict"]["indication"] == "TOTAL-PASSED"
    assert body["revocation"]["source"].startswith("crl")


class Holding:
    """The sandbox's J-LIS, which leaves everybody without an answer for as long as a test holds it."""

    def __init__(self, jlis: ASGIApp) -> None:
        self._jlis = jlis
        self._let = threading.Event()
        self._let.set()
        self.waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.waiting += 1
        assert await asyncio.to_thread(self._let.wait, LONG)
        self.waiting -= 1
        await self._jlis(scope, receive, send)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._let.clear()
        try:
            yield
        finally:
            self._let.set()


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Holding, httpx.Client, Body]]:
    """A J-LIS that can be held, a caller of an API that waits for it with all patience, and a check to make."""
    monkeypatch.setattr("honnin.connect.gateway.Gateway", partial(Gateway, timeout=LONG, deadline=LONG))
    jlis = Holding(open_world(tmp_path).origins()["jlis"])
    with (
        serving(jlis) as there,
        opened(Settings(data=tmp_path, gateway=f"http://127.0.0.1:{there}")) as platform,
        serving(compose(platform, port=there, sandbox=None)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=LONG, trust_env=False) as client,
    ):
        client.headers["authorization"] = f"Bearer {platform.create_tenant('試験銀行').api_key}"
        yield jlis, client, signed_by(tmp_path, "hanako", "申し込みます。")


def test_a_slow_source_keeps_no_quick_answer_waiting(held: tuple[Holding, httpx.Client, Body]) -> None:
    """While every thread for checks waits for J-LIS, and more checks for a thread, everything else is answered."""
    jlis, client, body = held
    name = client.post(PATH, json=body).json()["id"]
    receipt_of(client, name)
    with ThreadPoolExecutor(CHECK_THREADS + 4) as callers:
        with jlis.held():
            checks = [callers.submit(client.post, PATH, json=body) for _ in range(CHECK_THREADS + 4)]
            until(lambda: jlis.waiting == CHECK_THREADS, "not every thread for checks asks J-LIS")
            for path in ("/v1/events", f"{PATH}/{name}/receipt", PATH, "/v1/sessions", "/healthz") * 3:
                assert client.get(path).status_code == 200
            assert not [check for check in checks if check.done()]
        assert {check.result(LONG).status_code for check in checks} == {201}
