"""Whatever bytes come: an answer or a hang-up, never a fault of the server and never a hang."""

import contextlib
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from tests.api.serving import serving
from tests.waiting import LONG

from honnin.api import wire

CALM = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)

# one way to spoil bytes: cut, flip, insert, double
SPOILING = st.lists(
    st.tuples(st.sampled_from(["cut", "flip", "insert", "double"]), st.integers(0, 1 << 16), st.binary(max_size=8)),
    min_size=1,
    max_size=4,
)


def spoiled(content: bytes, ways: list[tuple[str, int, bytes]]) -> bytes:
    for way, where, more in ways:
        at = where % (len(content) + 1)
        if way == "cut":
            content = content[:at]
        elif way == "flip" and at < len(content):
            content = content[:at] + bytes([content[at] ^ (1 << where % 8)]) + content[at + 1 :]
        elif way == "insert":
            content = content[:at] + more + content[at:]
        elif way == "double":
            content = content[:at] + content[at // 2 : at] + content[at:]
    return content


@CALM
@given(part=st.sampled_from(["document", "signature", "certificate", "cms"]), ways=SPOILING)
def test_spoiled_parts_give_a_verdict_or_a_coded_error(
    client: httpx.Client, sign: Callable[..., dict[str, Any]], part: str, ways: list[tuple[str, int, bytes]]
) -> None:
    body = sign()
    if part == "cms":
        body = {"purpose": "p", "cms": b64encode(spoiled(b64decode(body["certificate"]), ways)).decode()}
    else:
        body = {**body, part: b64encode(spoiled(b64decode(body[part]), ways)).decode()}
    answer = client.post("/v1/verifications", json=body)
    assert answer.status_code in {201, 413, 422}, answer.text
    found = answer.json()
    if answer.status_code == 201 and body != sign():
        assert found["verdict"]["indication"] != "TOTAL-PASSED"
        assert (found["four_items"], found["person"]) == (None, None)


@CALM
@given(ways=SPOILING)
def test_a_spoiled_body_gives_an_answer(
    client: httpx.Client, sign: Callable[..., dict[str, Any]], ways: list[tuple[str, int, bytes]]
) -> None:
    content = spoiled(httpx.Request("POST", "http://x", json=sign()).content, ways)
    answer = client.post("/v1/verifications", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {201, 400, 413, 422}, answer.text


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    async def drain(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    with serving(drain, Hasty) as number:
        yield number


class Hasty(wire.LimitedProtocol):
    head_seconds = 1.0


REQUESTS = (
    b"GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"PUT * HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
)


@CALM
@given(requests=st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=3), ways=SPOILING)
def test_spoiled_requests_on_the_wire_end_and_harm_nobody(
    port: int, requests: list[bytes], ways: list[tuple[str, int, bytes]]
) -> None:
    spoilt = spoiled(b"".join(requests), ways)
    raw = socket.create_connection(("127.0.0.1", port), timeout=LONG)
    with raw, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        raw.sendall(spoilt)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(65536):
            pass
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as other:
        other.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert other.recv(65536).startswith(b"HTTP/1.1 200 ")
