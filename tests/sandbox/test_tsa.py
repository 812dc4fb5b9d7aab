"""The sandbox's time-stamping authority, judged by openssl and by our client, which it shares no code with."""

import asyncio
import hashlib
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.waiting import LONG

import honnin.connect.timestamping
from honnin.connect.gateway import Gateway
from honnin.connect.timestamping import TimeStampClient
from honnin.errors import ServiceError
from honnin.platform import Settings
from honnin.sandbox.opening import Sandbox
from honnin.sandbox.tsa.app import create_app
from honnin.sandbox.tsa.switches import BOARD
from honnin.web.serving import serve_in_thread

DIGEST = hashlib.sha256(b"a lease").digest()
QUERY = {"content-type": "application/timestamp-query"}


class Client:
    """The application asked without a network."""

    def __init__(self, world: Sandbox) -> None:
        self._transport = httpx.ASGITransport(create_app(world))

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://tsa.localhost") as client:
                return await client.request(method, path, **given)

        return asyncio.run(once())

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.ask("POST", path, **given)

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)


@pytest.fixture
def world(data: Path) -> Sandbox:
    return Sandbox(data)


@pytest.mark.peer("openssl")
@pytest.mark.parametrize("hashed", ["-sha256", "-sha384", "-sha512"])
def test_openssl_asks_and_verifies(world: Sandbox, tmp_path: Path, hashed: str) -> None:
    def openssl(*arguments: str, good: bool = True) -> str:
        done = subprocess.run(
            ["openssl", "ts", *arguments], cwd=tmp_path, capture_output=True, timeout=LONG, check=False
        )
        assert (done.returncode == 0) == good, done.stderr.decode()
        return done.stdout.decode()

    (tmp_path / "content").write_bytes(b"a lease")
    openssl("-query", "-data", "content", hashed, "-cert", "-out", "query")
    client = Client(world)
    answered = client.post("/", content=(tmp_path / "query").read_bytes(), headers=QUERY)
    assert answered.headers["content-type"] == "application/timestamp-reply"
    (tmp_path / "reply").write_bytes(answered.content)
    root = x509.load_der_x509_certificate(client.get("/ca.cer").content)
    (tmp_path / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    openssl("-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "ca.pem")
    openssl("-verify", "-data", "content", "-in", "reply", "-CAfile", "ca.pem")
    (tmp_path / "content").write_bytes(b"another lease")
    openssl("-verify", "-data", "content", "-in", "reply", "-CAfile", "ca.pem", good=False)
    assert "Granted" in openssl("-reply", "-in", "reply", "-text")
    for state in ("wrong_nonce", "wrong_digest", "forged"):
        BOARD.set(world, "stamp", state)
        (tmp_path / "reply").write_bytes(
            client.post("/", content=(tmp_path / "query").read_bytes(), headers=QUERY).content
        )
        openssl("-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "ca.pem", good=False)


@pytest.mark.parametrize(
    ("language", "title"), [("ja", "時刻認証局"), ("en", "Time-stamping authority"), ("x", "時刻認証局")]
)
def test_a_browser_is_told_what_answers_here(world: Sandbox, language: str, title: str) -> None:
    page = Client(world).get(f"/?lang={language}")
    assert page.status_code == 200
    assert f"<h1>{title}" in page.text
    assert "/ca.cer" in page.text


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Gateway]]:
    data = tmp_path_factory.mktemp("served")
    with serve_in_thread(Settings(data=data)) as running:
        gateway = Gateway(f"http://127.0.0.1:{running.port}")
        yield Sandbox(data), gateway
        gateway.close()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("up", None),
        ("down", "gateway.unavailable"),
        ("refusing", "timestamping.refused"),
        ("malformed", "timestamping.answer_malformed"),
        ("wrong_nonce", "timestamping.answer_differs"),
        ("wrong_digest", "timestamping.answer_differs"),
        ("forged", "timestamping.answer_differs"),
    ],
)
def test_client_takes_only_the_answer_to_its_question(
    served: tuple[Sandbox, Gateway], state: str, code: str | None
) -> None:
    world, gateway = served
    BOARD.set(world, "stamp", state)
    client = TimeStampClient(gateway, gateway.at("tsa", "/"), clock=world.now)
    try:
        if code is None:
            assert client.stamp(DIGEST)[:1] == b"\x30"
            late = TimeStampClient(gateway, gateway.at("tsa", "/"), clock=lambda: world.now() + timedelta(hours=1))
            with pytest.raises(ServiceError, match=r"timestamping\.answer_differs"):
                late.stamp(DIGEST)
            other = TimeStampClient(gateway, gateway.at("tsa", "/"), clock=world.now, policy="1.2.3")
            with pytest.raises(ServiceError, match=r"timestamping\.refused"):
                other.stamp(DIGEST)
        else:
            with pytest.raises(ServiceError, match=code.replace(".", r"\.")):
                client.stamp(DIGEST)
    finally:
        BOARD.set(world, "stamp", "up")


def test_bad_questions_are_answered(world: Sandbox) -> None:
    client = Client(world)
    assert client.post("/", content=b"x").status_code == 415
    assert client.post("/", content=bytes(5000), headers=QUERY).status_code == 413
    for question in (b"", b"\x30\x00", bytes(100), honnin.connect.timestamping.time_stamp_request(b"short", 1)):
        answered = client.post("/", content=question, headers=QUERY)
        assert answered.status_code == 200
        assert answered.content[:1] == b"\x30"
        assert len(answered.content) < 40
    assert client.post("/", content=b"", headers={**QUERY, "honnin-sandbox-switch": "stamp=no"}).status_code == 400
