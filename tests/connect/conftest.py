"""A real server with the sandbox's J-LIS behind it, and a server that misbehaves as a test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import uvicorn
from tests.waiting import LONG, until

from honnin.connect.gateway import Gateway
from honnin.sandbox.jlis.app import create_app
from honnin.sandbox.opening import Sandbox
from honnin.sandbox.people import settle

BORN = datetime(2026, 11, 21, 0, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A world whose clock stands still."""
    shared = Sandbox(tmp_path_factory.mktemp("connect"), born=BORN)
    shared.set_clock(BORN, frozen=True)
    settle(shared)
    return shared


@pytest.fixture(scope="session")
def base(world: Sandbox) -> Iterator[str]:
    """The address of a uvicorn that serves J-LIS on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(world), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started, "the server did not start")
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(LONG)
    listening.close()


@pytest.fixture
def gateway(base: str, world: Sandbox) -> Iterator[Gateway]:
    """The way to that server."""
    opened = Gateway(base, hosts=world.hosts())
    yield opened
    opened.close()


class Misbehaving:
    """An HTTP server whose answers a test writes; `seen` holds what was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Callable[[Any], None] = lambda handler: handler.send_error(500)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, content))
                self.close_connection = True
                try:
                    outer.answer(self)
                except OSError:  # the client hung up, as it should
                    return

            do_POST = do_GET  # noqa: N815 - the library's name

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=LONG)


@pytest.fixture
def misbehaving() -> Iterator[Misbehaving]:
    server = Misbehaving()
    yield server
    server.close()


@pytest.fixture
def reply(misbehaving: Misbehaving) -> Callable[..., None]:
    """Let the server answer with a status, headers and a body."""

    def set_reply(body: bytes = b"", status: int = 200, **headers: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        misbehaving.answer = answer

    return set_reply
