"""One key, one deed: every POST that makes something answers a repeat with the same bytes and refuses another body."""

import uuid
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import pytest
from tests.api.test_logins import SHOP, signed

from honnin.api.app import OPERATIONS
from honnin.web.serving import Running

pytestmark = pytest.mark.xdist_group("api-server")

Body = dict[str, Any]
Case = tuple[str, Body, Body]  # path, body, another body
NUMBERS = count(1)


class Maker:
    """Requests that make something, each with another one that the same key must not stand for."""

    def __init__(self, client: httpx.Client, server: Running, sign: Callable[..., Body]) -> None:
        self.client, self.server, self.sign = client, server, sign

    def post(self, path: str, body: Body) -> Body:
        answer = self.client.post(path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        made: Body = answer.json()
        return made

    def logins(self) -> Case:
        return "/v1/logins", {"audience": SHOP}, {"audience": "https://other.example"}

    def login_complete(self) -> Case:
        login = self.post("/v1/logins", {"audience": SHOP})
        body = signed(self.server, login["challenge"])
        return f"/v1/logins/{login['id']}/complete", body, {**body, "device": "reader"}

    def terminals(self) -> Case:
        body = {"name": f"入口{next(NUMBERS)}", "place": "見本図書館", "supervised": True, "outdoors": False}
        return "/v1/tap-terminals", body, {**body, "place": "別の図書館"}

    def taps(self) -> Case:
        path, body, _ = self.terminals()
        terminal = self.post(path, body)["id"]
        return "/v1/taps", {"terminal": terminal, "purpose": "library"}, {"terminal": terminal, "purpose": "gym"}

    def records(self) -> Case:
        check = self.post("/v1/verifications", {**self.sign(), "law": "aml"})["id"]
        body = {"verification": check, "made_by": "係員7", "checked_by": "係員3", "statements": {}}
        return "/v1/records", body, {**body, "made_by": "係員8"}

    def corrections(self) -> Case:
        path, body, _ = self.records()
        record = self.post(path, body)["id"]
        correction = {"by": "係員9", "reason": "転職", "items": {"occupation": "自営業"}}
        return f"/v1/records/{record}/corrections", correction, {**correction, "reason": "誤記"}

    def endpoints(self) -> Case:
        number = next(NUMBERS)
        return (
            "/v1/webhook-endpoints",
            {"url": f"https://hooks.example/{number}", "types": ["session.completed"]},
            {"url": f"https://hooks.example/{number}/other"},
        )

    def rotate(self) -> Case:
        path, body, _ = self.endpoints()
        return f"{path}/{self.post(path, body)['id']}/rotate", {}, {"overlap": 60}

    def replay(self) -> Case:
        path, body, _ = self.endpoints()
        return f"{path}/{self.post(path, body)['id']}/replay", {"after": "evt_0"}, {"dead": True}


CASES = [name for name in vars(Maker) if name != "post" and not name.startswith("_")]


@pytest.fixture
def maker(client: httpx.Client, server: Running, sign: Callable[..., Body]) -> Maker:
    return Maker(client, server, sign)


@pytest.fixture(autouse=True)
def _no_endpoints_left(client: httpx.Client) -> Any:
    yield
    for endpoint in client.get("/v1/webhook-endpoints").json()["data"]:
        client.delete(f"/v1/webhook-endpoints/{endpoint['id']}")


@pytest.mark.parametrize("name", CASES)
def test_repeat_gets_the_same_bytes_and_another_body_is_refused(maker: Maker, client: httpx.Client, name: str) -> None:
    path, body, other = getattr(maker, name)()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = client.post(path, json=body, headers=key)
    assert first.status_code in {200, 201}, first.text
    again = client.post(path, json=body, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("location") == first.headers.get("location")
    refused = client.post(path, json=other, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "verification.idempotency_conflict")
    assert client.post(path, json=body, headers=key).content == first.content


@pytest.mark.parametrize("name", CASES)
def test_those_that_come_at_once_all_get_one_answer(maker: Maker, client: httpx.Client, name: str) -> None:
    path, body, _ = getattr(maker, name)()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: client.post(path, json=body, headers=key), range(6)))
    assert {answer.status_code for answer in told} <= {200, 201}, {answer.text for answer in told}
    assert len({answer.content for answer in told}) == 1


def test_correction_is_added_once_and_an_endpoint_has_one_secret(maker: Maker, client: httpx.Client) -> None:
    path, body, _ = maker.corrections()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert [client.post(path, json=body, headers=key).json()["entries"] for _ in range(2)] == [2, 2]
    assert client.get(path.removesuffix("/corrections")).json()["entries"] == 2
    path, body, _ = maker.rotate()
    secrets = {client.post(path, json=body, headers=key).json()["secret"] for _ in range(3)}
    assert len(secrets) == 1


def test_secret_of_an_answer_lies_nowhere_in_the_open(maker: Maker, client: httpx.Client, server: Running) -> None:
    path, body, _ = maker.endpoints()
    made = client.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex}).json()
    secret = made["secret"].removeprefix("whsec_")
    kept = b"".join(one.read_bytes() for one in server.platform.settings.data.rglob("*") if one.is_file())
    assert made["id"].encode() in kept  # the store was looked through, its log too
    assert secret.encode() not in kept
    assert b64decode(secret) not in kept


def test_another_tenants_key_is_another_key(maker: Maker, client: httpx.Client, stranger: httpx.Client) -> None:
    path, body, _ = maker.endpoints()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    ours, theirs = (one.post(path, json=body, headers=key).json() for one in (client, stranger))
    assert ours["id"] != theirs["id"]
    assert stranger.delete(f"{path}/{theirs['id']}").status_code == 204


def test_every_post_takes_a_key_or_says_why_not(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()["paths"]
    for operation in (one for one in OPERATIONS if one.method == "POST"):
        assert operation.idempotent != bool(operation.unkeyed), operation.id
        said = described[operation.path]["post"]
        named = [one["name"] for one in said["parameters"]]
        assert ("Idempotency-Key" in named) == operation.idempotent
        assert ("Takes no Idempotency-Key: " in said["description"]) != operation.idempotent
    assert not any(one.idempotent or one.unkeyed for one in OPERATIONS if one.method != "POST")
