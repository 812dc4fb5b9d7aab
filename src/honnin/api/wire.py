"""HTTP/1.1 on the wire: limits that uvicorn's httptools protocol does not have itself.

Request line and headers together may take HEAD_BYTES, HEAD_FIELDS and HEAD_SECONDS; a client that drips them byte by
byte is cut off instead of holding a connection for ever, and what cannot be parsed gets a problem document too. A body
that goes on after it was refused is cut off as well.
Bodies have their own limits (`honnin.api.reading`). TLS is the matter of the proxy in front.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from honnin.api.guard import new_request_id
from honnin.api.problems import respond
from honnin.api.reading import WHOLE_BODY
from honnin.errors import HonninError, InputError

__all__ = [
    "HEAD_BYTES",
    "HEAD_FIELDS",
    "HEAD_SECONDS",
    "LimitedProtocol",
    "Server",
    "bind",
    "bind_shared",
    "configuration",
]

HEAD_BYTES = 32 << 10
HEAD_FIELDS = 100
HEAD_SECONDS = 10.0
LINGER_BYTES = 1 << 20
LINGER_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 15
GRACE_SECONDS = 10
ANSWER_SECONDS = 30  # for which a worker may be silent when its supervisor asks, however busy the machine; then killed


class HeadWithBody(asyncio.Transport):
    """A transport on which what is written first waits for what follows it in the same turn of the event loop.

    uvicorn writes an answer's head and its body apart; each write is a call of the system and wakes the client.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write what was held and this together, or hold this."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.writelines((held, data))
        elif data:
            self._held = bytes(data)
            self._loop.call_soon(self._release)

    def _release(self) -> None:
        if self._held and not self._transport.is_closing():  # else there is nobody to write to
            held, self._held = self._held, b""
            self._transport.write(held)

    def close(self) -> None:
        """Write what is held, then close."""
        self._release()
        self._transport.close()

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take nothing more from the client for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take what the client sends."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of its connection."""
        return self._transport.get_extra_info(name, default)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a limit on the size and the time of a request's head."""

    head_seconds = HEAD_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # it writes query strings; ours is `honnin.api.guard`
        self._in_head = True
        self._received = 0  # bytes since the head began
        self._fields = 0  # bytes of its complete fields
        self._answered = False  # before the body was whole
        self._lingered = 0  # bytes of a body that nobody reads any more
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock of the first head."""
        super().connection_made(HeadWithBody(transport, self.loop))
        self._start_clock(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse a head that has not ended after HEAD_BYTES."""
        if self._in_head:
            self._received += len(data)
            if self._deadline is None:
                self._start_clock(self.head_seconds)
        elif self._answered:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES:
                self.transport.close()
                return
        super().data_received(data)
        if self._in_head and self._received > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("")

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a field."""
        self._count(len(name) + len(value))
        super().on_header(name, value)
        if len(self.headers) > HEAD_FIELDS:
            self._count(HEAD_BYTES)

    def on_headers_complete(self) -> None:
        """Stop the clock: the head is whole."""
        self._in_head = False
        self._stop_clock()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next head on this connection; a request that came in one piece is known to be whole."""
        super().on_message_complete()
        self.scope["state"][WHOLE_BODY] = True
        self._in_head = True
        self._received = self._fields = self._lingered = 0
        if self._answered:
            self._answered = False
            self._stop_clock()

    def on_response_complete(self) -> None:
        """Give a client that was answered before it had sent everything a moment to read that, then hang up."""
        early = not self._in_head and not self.pipeline and self.cycle.more_body
        super().on_response_complete()
        if early and not self.transport.is_closing():
            self._answered = True
            self._start_clock(LINGER_SECONDS)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what is no HTTP request, or one whose head is too large, and close."""
        if self.transport.is_closing():
            return
        error: HonninError = InputError("request.malformed", "This is not an HTTP/1.1 request.")
        if max(self._fields, self._received) > HEAD_BYTES:
            error = InputError("request.header_too_large", f"The head is larger than {HEAD_BYTES} bytes.")
        request_id = new_request_id()
        answer = respond(error, request_id=request_id, language="ja")
        lines = [f"HTTP/1.1 {answer.status_code} Refused", "connection: close", f"x-request-id: {request_id}"]
        lines += [f"{name.decode()}: {value.decode()}" for name, value in answer.raw_headers]
        self.transport.write("\r\n".join([*lines, "", ""]).encode("ascii") + bytes(answer.body))
        self.transport.close()

    def _count(self, size: int) -> None:
        self._fields += size
        if self._fields > HEAD_BYTES:
            raise ValueError("head too large")  # httptools turns it into a parser error, and uvicorn into a 400

    def _start_clock(self, seconds: float) -> None:
        self._stop_clock()
        self._deadline = self.loop.call_later(seconds, self._out_of_time)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _out_of_time(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """uvicorn's server, ending with status 0 after a signal that asked it to end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT while serving, and do not raise them again afterwards."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def configuration(app: ASGIApp | str, *, workers: int = 1, factory: bool = False) -> uvicorn.Config:
    """Return how honnin serves: httptools with limits, no access log with query strings, no server banner.

    factory: `app` names a function that makes the application of one worker process, lifespan included.
    """
    return uvicorn.Config(
        app,
        factory=factory,
        workers=workers,
        http=LimitedProtocol,
        ws="none",
        lifespan="on" if factory else "off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=ANSWER_SECONDS,
    )


class SharedPort(socket.socket):
    """A port that several processes serve: in another process it is a socket of its own, bound to the same address.

    The kernel then deals connections out among those who listen; of one socket that all of them listen on, whoever is
    awake first takes all that wait. The one that is handed out listens to nobody.
    """

    @classmethod
    def at(cls, family: int, address: Any) -> "SharedPort":
        """Return a socket bound to an address beside others of its kind. Raises OSError."""
        made = cls(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
        return made

    def __reduce__(self) -> Any:
        """Return how another process makes its own."""
        return SharedPort.at, (int(self.family), self.getsockname())


def bind_shared(host: str, port: int) -> socket.socket:
    """Return a port for several processes; arguments and errors as `bind`, also where others share the port."""
    with bind(host, port) as alone:
        family, address = alone.family, alone.getsockname()
    return SharedPort.at(family, address)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; port 0 takes a free one.

    Raises InputError `serve.port_taken` or `serve.address` when the machine does not give it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError) or error.errno != 98:
            raise InputError(
                "serve.address",
                f"The address {host} port {port} cannot be used: {error.strerror}.",
                next="Choose another with --host and --port.",
            ) from error
        raise InputError(
            "serve.port_taken",
            f"Port {port} is in use by another program.",
            next=f"Choose another port: --port {port + 1}, or HONNIN_PORT={port + 1}.",
        ) from error
    return listener
