"""A login over HTTP with a card that really signs: INTERNAL AUTHENTICATE's key under its own PIN."""

import hashlib
from base64 import b64decode, b64encode
from typing import Any

import httpx
import pytest

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.connect.worlds import open_world
from honnin.web.serving import Running

PATH = "/v1/logins"
SHOP = "https://shop.example"


def signed(server: Running, challenge: str, person: str = "hanako") -> dict[str, Any]:
    data = server.platform.settings.data
    pins = {row["id"]: row["pins"].get("user_authentication") for row in open_world(data).people()}
    with open_reader(f"emulated:{person}", data=data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("user_authentication", pins[person]))
        certificate = card.jpki.certificate("user_authentication") or b""
        made = card.jpki.sign("user_authentication", hashlib.sha256(b64decode(challenge)).digest()).value
    parts = {"signature": made, "certificate": certificate}
    return {"audience": SHOP, **{name: b64encode(part).decode() for name, part in parts.items()}}


def test_card_logs_in_once(client: httpx.Client, stranger: httpx.Client, server: Running) -> None:
    made = client.post(PATH, json={"audience": SHOP})
    assert made.status_code == 201
    login = made.json()
    body = signed(server, login["challenge"])
    path = made.headers["location"]
    assert stranger.post(f"{path}/complete", json=body).json()["code"] == "login.unknown"
    done = client.post(f"{path}/complete", json=body)
    assert (done.status_code, done.json()["status"]) == (200, "passed")
    assert done.json()["assurance"]["aal_2019"]["level"] == "3"
    assert done.json()["person"].startswith("per_")
    assert client.get(path).json() == done.json()
    again = client.post(f"{path}/complete", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "login.used")
    assert body["certificate"] not in done.text


def test_signature_key_is_refused(client: httpx.Client, sign: Any) -> None:
    login = client.post(PATH, json={"audience": SHOP}).json()
    parts = sign("hanako", b64decode(login["challenge"]).decode())
    body = {"audience": SHOP, "signature": parts["signature"], "certificate": parts["certificate"]}
    answer = client.post(f"{PATH}/{login['id']}/complete", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "verification.certificate_kind")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "request.invalid"),
        ({"audience": ""}, "request.invalid"),
        ({"audience": "a\u202eb"}, "login.hidden_characters"),
        ({"audience": SHOP, "expires_in": 601}, "request.invalid"),
        ({"audience": SHOP, "law": "aml"}, "request.unknown_member"),
    ],
)
def test_login_that_cannot_be_is_refused(client: httpx.Client, body: dict[str, Any], code: str) -> None:
    answer = client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
