"""The one way out: HTTP to outside services, with limits on time and size and no surprises.

1. Only addresses that configuration names are asked: a host in a certificate is mapped or refused, so that a forged
   certificate cannot make honnin call a host of somebody's choosing.
2. A redirect is an error, never followed. Environment proxies are not used.
3. An answer is read up to a limit and until a deadline, its head included, whatever the server says of its length.
4. Who did not answer is for the operator: the log names host and institution, errors carry it apart from their words.
`http://LABEL.localhost:PORT/…` goes to the base address with that Host header, as not every resolver knows such names.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import httpx

from honnin.connect.deadline import DeadlineTransport
from honnin.errors import InputError, ServiceError

__all__ = ["Address", "Answer", "Gateway"]

log = logging.getLogger("honnin.connect")
log.addHandler(logging.NullHandler())  # a command says it itself
SECOND_TRY_AFTER = 0.1  # seconds
CLOSED = "disconnected without"  # what httpcore says of a connection that ended before any answer


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send: `url` is what is connected to, `host` the Host header where it differs."""

    url: str
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    media_type: str
    content: bytes = field(repr=False)


class Gateway:
    """A client of outside services.

    base: where the institutions of a sandbox answer, by label and Host header.
    hosts: host named in a certificate → a label of `base` (`jlis`), or an origin (`https://ocsp.example`).
    timeout: seconds for each step of a connection; deadline: seconds for a whole answer, a second try
    included, by `clock` (monotonic).
    """

    def __init__(
        self,
        base: str = "http://127.0.0.1:8600",
        *,
        hosts: Mapping[str, str] | None = None,
        timeout: float = 5.0,
        deadline: float = 10.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(base)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InputError(
                "gateway.base", "The gateway's base is not an HTTP address.", next="Give http://HOST:PORT."
            )
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._port = f":{parts.port}" if parts.port else ""
        self._hosts = {host.lower(): target for host, target in (hosts or {}).items()}
        self._deadline = deadline
        self._clock = clock
        self._client = httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            transport=transport or DeadlineTransport(clock),
            headers={"user-agent": "honnin", "accept-encoding": "identity"},
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def at(self, label: str, path: str) -> Address:
        """Return the address of a path at one of the base's institutions."""
        return Address(f"{self._base}{path}", f"{label}.localhost{self._port}")

    def locate(self, url: str) -> Address:
        """Return where to send what a certificate names. Raises ServiceError `gateway.host_unknown`."""
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError:
            host = ""
        target = self._hosts.get(host)
        if target is None or parts.scheme not in {"http", "https"}:
            raise ServiceError(
                "gateway.host_unknown",
                "The certificate names a host that no configuration maps.",
                next="Map the host to an address in the gateway's configuration.",
            )
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Address(target.rstrip("/") + path) if "://" in target else self.at(target, path)

    def get(self, address: Address, *, limit: int, accept: str) -> Answer:
        """Fetch; asked again once when no connection came about, or a kept one was closed without an answer.

        limit: bytes. Raises ServiceError `gateway.unreachable`, `gateway.timeout`, `gateway.too_large`,
        `gateway.redirected`, `gateway.answer_malformed`, `gateway.unavailable`, `gateway.refused`.
        """
        return self._ask("GET", address, None, {"accept": accept}, limit)

    def post(self, address: Address, content: bytes, media_type: str, *, limit: int, accept: str) -> Answer:
        """Send a question that changes nothing at the other end; asked again and raises as `get`."""
        return self._ask("POST", address, content, {"content-type": media_type, "accept": accept}, limit)

    def _ask(
        self,
        method: Literal["GET", "POST"],
        address: Address,
        content: bytes | None,
        headers: dict[str, str],
        limit: int,
    ) -> Answer:
        if address.host is not None:
            headers["host"] = address.host
        ends = self._clock() + self._deadline  # of both tries
        try:
            try:
                answer = self._once(method, address.url, content, headers, limit, ends)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError) as error:
                # Nothing was sent yet, or a kept connection had just been closed at the other end.
                if isinstance(error, httpx.RemoteProtocolError) and CLOSED not in str(error):
                    raise
                time.sleep(SECOND_TRY_AFTER)
                answer = self._once(method, address.url, content, headers, limit, ends)
        except httpx.TimeoutException as error:
            raise _unanswered(
                address, "gateway.timeout", "The service did not answer in time.", next="Try again later."
            ) from error
        except httpx.InvalidURL as error:
            raise ServiceError("gateway.host_unknown", "The address cannot be asked.") from error
        except httpx.ProtocolError as error:
            raise _malformed("The service's answer is not HTTP.") from error
        except httpx.TransportError as error:
            raise _unanswered(
                address,
                "gateway.unreachable",
                "The service cannot be reached.",
                next="See that it runs and that the network leads to it, then try again.",
            ) from error
        return _accepted(answer)

    def _once(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str], limit: int, ends: float
    ) -> Answer:
        received = bytearray()
        within = {"deadline": ends - self._clock()}
        with self._client.stream(method, url, content=content, headers=headers, extensions=within) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise _malformed("The service's answer is encoded though plain bytes were asked for.")
            for chunk in response.iter_raw():
                received += chunk
                if len(received) > limit:
                    raise ServiceError("gateway.too_large", f"The service's answer is longer than {limit} bytes.")
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Answer(response.status_code, media_type, bytes(received))


def _unanswered(address: Address, code: str, message: str, *, next: str) -> ServiceError:  # noqa: A002
    asked = _asked(address)
    log.warning("%s at %s", code, asked)
    return ServiceError(code, message, next=next, retryable=True, where=asked)


def _asked(address: Address) -> str:
    """Return whom was asked, for people: host and port, and the institution behind them; no path, query or password."""
    parts = urlsplit(address.url)
    host = parts.netloc.rpartition("@")[2]
    return host if address.host is None else f"{host} ({address.host.partition('.')[0]})"


def _accepted(answer: Answer) -> Answer:
    """Let 2xx through; raise ServiceError for every other status."""
    if 200 <= answer.status < 300:
        return answer
    if 300 <= answer.status < 400:
        raise ServiceError("gateway.redirected", "The service points elsewhere; honnin does not follow.")
    if answer.status >= 500 or answer.status == 429:
        raise ServiceError(
            "gateway.unavailable",
            f"The service is not able to answer (HTTP {answer.status}).",
            next="Try again later.",
            retryable=True,
        )
    raise ServiceError("gateway.refused", f"The service refuses the request (HTTP {answer.status}).")


def _malformed(why: str) -> ServiceError:
    return ServiceError("gateway.answer_malformed", why, next="Tell the service's operator.")
