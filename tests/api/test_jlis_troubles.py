"""J-LIS in trouble: a check says "could not tell", and what does not need J-LIS is answered all the while."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.api.conftest import Signing, caller, new_server, signing

from honnin.sandbox.jlis.switches import SERVICES, set_switch
from honnin.sandbox.world import World
from honnin.web.serving import Running

PATH = "/v1/verifications"
TURNS = 5


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


def test_a_slow_source_keeps_no_quick_answer_waiting(
    client: httpx.Client, server: Running, sign: Signing, world: World
) -> None:
    """Tried again where the machine itself stood still for as long as the source: that tells nothing."""
    name = client.post(PATH, json=sign()).json()["id"]
    body, statuses = sign(), []

    def verify() -> None:
        answer = httpx.post(
            f"{server.base}{PATH}", json=body, headers=dict(client.headers), timeout=120, trust_env=False
        )
        statuses.append(answer.status_code)

    for turn in range(1, TURNS + 1):
        set_switch(world, "ocsp", "slow")
        waiting = [threading.Thread(target=verify) for _ in range(20)]
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        for path in ("/v1/events", f"{PATH}/{name}/receipt", PATH, "/v1/sessions", "/healthz"):
            assert client.get(path).status_code in {200, 404}
        unfinished = len([thread for thread in waiting if thread.is_alive()])
        set_switch(world, "ocsp", "up")
        for thread in waiting:
            thread.join()
        assert statuses == [201] * 20 * turn
        if unfinished:
            return
    pytest.fail("every quick answer came after the slow ones")
