"""Connections of httpx that stop at a deadline: each step of connecting, sending and reading has what is left until it.

httpx knows a limit for each step alone, so that a peer which sends octet by octet, in an answer's head, between chunks
or in informational answers, could keep whoever asks for as long as it likes; so could a host with many addresses, or a
peer that takes a large question slowly. What has no limit is the resolution of the host's name: the system's own holds.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

__all__ = ["DeadlineTransport"]

PIECE = 16 << 10  # octets sent within one limit, as many as a TLS record holds


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's own transport for requests whose extension `deadline` says for how many seconds they last at most.

    clock: seconds, monotonic. Raises httpx.TimeoutException past the deadline.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(trust_env=False)
        self._clock = clock
        self._thread = threading.local()  # a request and all its steps happen in one thread
        pool = self._pool  # httpx itself takes no other backend
        pool._network_backend = _Backend(self._left, pool._network_backend)  # noqa: SLF001

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its answer is read in this thread, too."""
        self._thread.ends = self._clock() + request.extensions["deadline"]
        return super().handle_request(request)

    def _left(self, timeout: float | None, passed: type[httpcore.TimeoutException]) -> float:
        left: float = self._thread.ends - self._clock()
        if left <= 0:
            raise passed("deadline")
        return left if timeout is None else min(left, timeout)


Left = Callable[[float | None, type[httpcore.TimeoutException]], float]


class _Backend(httpcore.NetworkBackend):
    def __init__(self, left: Left, inner: httpcore.NetworkBackend) -> None:
        self._left, self._inner = left, inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers, each being given what is left."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        failed: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError("no address")
        for *_, address in found:
            left = self._left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._inner.connect_tcp(str(address[0]), port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Stream(self._left, stream)
        raise failed


class _Stream(httpcore.NetworkStream):
    def __init__(self, left: Left, inner: httpcore.NetworkStream) -> None:
        self._left, self._inner = left, inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._inner.write(buffer[start : start + PIECE], self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._left, self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
