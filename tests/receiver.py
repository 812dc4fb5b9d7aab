"""A service provider's server that takes webhooks on a loopback port, and answers as a test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.waiting import LONG


class Got(NamedTuple):
    """One request: its headers by lower-case name, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """What came, in the order in which it came. answer: gives the status for the number of a request, from 0."""

    def __init__(self, url: str, answer: Callable[[int], int]) -> None:
        self.url = url
        self.answer = answer
        self.got: list[Got] = []
        self._came = threading.Condition()

    def take(self, got: Got) -> int:
        with self._came:
            self.got.append(got)
            self._came.notify_all()
            number = len(self.got) - 1
        return self.answer(number)

    def wait_for(self, count: int, seconds: float = LONG) -> list[Got]:
        """Return the requests once there are so many. Fails when they do not come."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.got) >= count, seconds), f"{len(self.got)} of {count} came"
            return list(self.got)


@contextmanager
def receiving(answer: Callable[[int], int] = lambda _: 204) -> Iterator[Receiver]:
    """Run a receiver on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if len(body) < int(self.headers["content-length"]):
                return  # the sender died in the middle: that was no request
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(Got(self.path, headers, body))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}", answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join(timeout=LONG)
        server.server_close()
