"""The connector against the sandbox's service: two programs written from the same sheet, not from each other."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn
from joserfc.jwk import RSAKey
from tests.connect.dripping import Dripping
from tests.waiting import LONG

from honnin.connect.deadline import DeadlineTransport
from honnin.connect.digital_auth import DigitalAuth, KeyFile, Service
from honnin.connect.digital_auth.profile import profile
from honnin.errors import ServiceError
from honnin.sandbox.digital_auth.app import create_app
from honnin.sandbox.digital_auth.parties import register
from honnin.sandbox.opening import Sandbox

BACK = "http://127.0.0.1:1/cb"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[DigitalAuth]:
    """A client that the service takes in strict mode."""
    world, keys = Sandbox(tmp_path / "world"), KeyFile(tmp_path / "keys", "sign")
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(world), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    keys.new("ES256", at=datetime.now(UTC))
    pf = RSAKey.generate_key(2048, {"use": "enc"}, auto_kid=True).as_dict(private=False)
    register(world, msgspec.json.encode({"verifier": "pf", "name": "PF", "jwks": {"keys": [pf]}}))
    registration = {"client_id": "RP1", "name": "RP", "redirect_uris": [BACK], "verifier": "pf", "strict": True}
    register(world, msgspec.json.encode(registration | {"jwks": keys.jwks()}))
    service = Service.at(f"http://127.0.0.1:{listener.getsockname()[1]}/api")
    with DigitalAuth(service, client_id="RP1", redirect_uri=BACK, keys=tmp_path / "keys") as made:
        yield made
    server.should_exit = True
    thread.join(LONG)


def returned(url: str) -> str:
    """Let the person decide without screens, and give the return's query."""
    answer = httpx.get(url, headers={"Honnin-Sandbox-Person": "hanako"}, timeout=LONG)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"].partition("?")[2]


def test_login(client: DigitalAuth) -> None:
    attempt = client.start_login(["name", "gender"])
    login = client.finish_login(attempt, returned(attempt.url))
    assert login.granted == {"name", "gender"}
    assert login.issuer.endswith("/api/realms/main")


def test_signing(client: DigitalAuth) -> None:
    attempt = client.start_signing("利用規約に同意します。".encode())
    assert client.finish_signing(attempt, returned(attempt.url)).result


@pytest.mark.parametrize(
    "before", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "], ids=["content", "head"]
)
def test_an_answer_that_drips_is_cut_off_at_the_deadline(misbehaving: Any, before: bytes) -> None:
    dripping = misbehaving.answer = Dripping(before, 0.3 * profile().limits.deadline_seconds)
    with pytest.raises(ServiceError) as caught:
        DigitalAuth.discover(f"http://127.0.0.1:{misbehaving.port}", transport=DeadlineTransport(dripping.clock))
    assert caught.value.code == "digital_auth.timeout"
    assert 4 <= dripping.sent <= 6
