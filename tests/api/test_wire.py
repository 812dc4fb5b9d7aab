"""The wire: heads with limits, bodies with limits, pipelining, and a clean end; on real sockets."""

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from tests.api.serving import Loop, serving
from tests.waiting import LONG

from honnin.api import wire
from honnin.api.reading import WHOLE_BODY, read_body
from honnin.errors import InputError

Watched = tuple[socket.socket, Loop, "queue.SimpleQueue[bytes]"]
HEAD_CAME = threading.Event()  # the client has the head of the answer
ASKED = threading.Event()  # the application has the request


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path and the length of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = f"{scope['path']} {size}".encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})


class Patient(wire.LimitedProtocol):
    """The same protocol for tests that are not about time."""

    head_seconds = LONG


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(echo, Patient) as number:
        yield number


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as client:
        yield client


def everything(client: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            received += part
    return received


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    with connected(port) as client:
        last = b"GET /4 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        first = b"POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
        middle = b"GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        middle += b"POST /3 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
        client.sendall(first + middle + last)
        answer = everything(client)
    bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"/1 3", b"/2 0", b"/3 1", b"/4 0"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a" * wire.HEAD_BYTES + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a" * (wire.HEAD_BYTES + 1),
        b"GET /" + b"a" * wire.HEAD_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(wire.HEAD_FIELDS + 1)) + b"\r\n",
    ],
)
def test_a_head_that_is_too_large_is_refused(port: int, head: bytes) -> None:
    with connected(port) as client:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            client.sendall(head)
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"request.header_too_large"' in answer


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"BREW /pot HTCPCP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
def test_what_is_no_http_gets_a_problem_or_is_dropped(port: int, text: bytes) -> None:
    with connected(port) as client:
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        answer = everything(client)
    assert not answer.startswith(b"HTTP/1.1 2")
    if answer:
        assert b"application/problem+json" in answer


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A connection, the loop of the server at its other end, and what arrives there, piece by piece."""
    arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    class Telling(Patient):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.timeout_keep_alive = 9 * LONG  # these tests set the clock forward

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            arrived.put(data)

    loop = Loop()
    with serving(echo, Telling, loop) as number, connected(number) as client:
        yield client, loop, arrived


@pytest.mark.parametrize(("step", "answer"), [(0.2, b"/a 0"), (0.3, b"")])
def test_a_head_that_drips_is_cut_off(watched: Watched, step: float, answer: bytes) -> None:
    """Four octets in 1.2 times the limit are too slow, in 0.8 times the limit they are not; each comes well within."""
    client, loop, arrived = watched
    head = b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        for octet in head[:4]:
            client.sendall(bytes((octet,)))
            arrived.get(timeout=LONG)
            loop.go_on(step * Patient.head_seconds)
        client.sendall(head[4:])
    assert everything(client).partition(b"\r\n\r\n")[2] == answer


def test_many_dripping_heads_do_not_keep_others_waiting(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(port)).sendall(b"GET / HT")
        with connected(port) as client:
            client.sendall(b"GET /quick HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert everything(client).endswith(b"/quick 0")


def test_a_second_request_on_a_kept_connection_may_take_its_own_time(watched: Watched) -> None:
    client, loop, _ = watched
    for _ in range(2):
        client.sendall(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"/a 0"):
            part = client.recv(65536)
            assert part, answer
            answer += part
        loop.go_on(1.2 * Patient.head_seconds)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading the body."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def test_a_body_that_goes_on_after_the_answer_is_cut_off() -> None:
    sent = 0
    with serving(refuse) as number, connected(number) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while sent < 100 << 20:
                client.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
    assert wire.LINGER_BYTES < sent < 30 << 20


def test_a_short_rest_after_the_answer_costs_nobody_the_connection() -> None:
    with serving(refuse) as number, connected(number) as client:
        for _ in range(3):
            client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc")
            assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
            client.sendall(b"def")


def test_a_port_that_is_taken_is_named_with_the_option_to_change_it() -> None:
    with contextlib.closing(wire.bind("127.0.0.1", 0)) as taken, pytest.raises(InputError) as caught:
        wire.bind("127.0.0.1", taken.getsockname()[1])
    assert caught.value.code == "serve.port_taken"
    assert "--port" in caught.value.next


def test_an_address_of_another_machine_cannot_be_served() -> None:
    with pytest.raises(InputError) as caught:
        wire.bind("192.0.2.1", 0)
    assert caught.value.code == "serve.address"


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in parts, the first of them when the head has come, the others at once."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.to_thread(HEAD_CAME.wait, LONG)
    for number in range(300):
        await send({"type": "http.response.body", "body": b"%04d" % number * 500, "more_body": True})
    await send({"type": "http.response.body", "body": b"end"})


def test_an_answer_in_parts_comes_whole_and_its_head_does_not_wait_for_the_body() -> None:
    HEAD_CAME.clear()
    with serving(stream) as number, connected(number) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head = client.recv(65536)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert head.endswith(b"\r\n\r\n")
        HEAD_CAME.set()
        body = everything(client)
    parts = [b"7d0\r\n" + b"%04d" % number * 500 + b"\r\n" for number in range(300)]
    assert body == b"".join(parts) + b"3\r\nend\r\n0\r\n\r\n"


def test_head_and_body_of_an_answer_arrive_together(port: int) -> None:
    with connected(port) as client:
        for _ in range(20):
            client.sendall(b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
            assert client.recv(65536).endswith(b"\r\n\r\n/a 3")


async def tell_whole(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer whether the body was there when the request was."""
    known = b"whole" if WHOLE_BODY in scope["state"] else b"parts"
    ASKED.set()
    assert await read_body(receive, here=known == b"whole") == b"abcdef"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": known})


def test_only_a_body_that_came_with_its_head_is_taken_as_whole() -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n"
    with serving(tell_whole) as number, connected(number) as client:
        for first, rest, told in ((head + b"abcdef", b"", b"whole"), (head + b"abc", b"def", b"parts")) * 2:
            ASKED.clear()
            client.sendall(first)
            if rest:
                assert ASKED.wait(LONG)
                client.sendall(rest)
            assert client.recv(65536).endswith(told)
