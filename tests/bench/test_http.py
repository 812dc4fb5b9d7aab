"""The load on a server is measured also where the server stands still for a while."""

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.waiting import joined

from honnin.bench import http

pytestmark = pytest.mark.peer("wrk")


class _Answers(BaseHTTPRequestHandler):
    """An HTTP server that answers nothing before its time."""

    protocol_version = "HTTP/1.1"
    opens = 0.0

    def do_GET(self) -> None:
        time.sleep(max(0.0, self.opens - time.monotonic()))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[list[str]]:
    script = tmp_path / "get.lua"
    script.write_text(http.FORMAT, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield ["wrk", "-t1", "-c1", "-s", str(script), f"http://127.0.0.1:{server.server_port}/"]
    server.shutdown()
    joined(serving)
    server.server_close()


def test_server_that_stands_still_is_asked_for_longer(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Answers, "opens", time.monotonic() + 2)
    run = http._run(command, 1, os.getpid(), alone=1e-4)
    assert run.rate > 0
    assert run.processor > 0


def test_server_that_never_answers_is_named(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("honnin.bench.http.LONGEST", 2)
    monkeypatch.setattr(_Answers, "opens", time.monotonic() + 5)
    with pytest.raises(AssertionError, match="answered nothing for 2 s"):
        http._run(command, 1, os.getpid(), alone=1e-4)
