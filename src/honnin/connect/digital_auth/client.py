"""The two shells: they carry requests of `flows` over httpx, blocking or async, and do nothing else.

No redirect is followed, no proxy of the environment is used, an answer is read up to a limit and a deadline, and
nothing is sent twice. `*.localhost` names are connected to at 127.0.0.1, as not every resolver knows them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx

from honnin.connect.deadline import DeadlineTransport
from honnin.connect.digital_auth.attempt import Attempt
from honnin.connect.digital_auth.exchange import Reply, Request, Steps
from honnin.connect.digital_auth.flows import Client, Login, Signed, discover
from honnin.connect.digital_auth.jwks import KeyCache
from honnin.connect.digital_auth.keys import KeyFile, SigningKey
from honnin.connect.digital_auth.opening import OpenedResult
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.service import Service
from honnin.connect.digital_auth.showing import Showing, check_shown
from honnin.connect.digital_auth.signing import Shape
from honnin.connect.jlis.at_hand import NotAtHandError
from honnin.errors import HonninError, InputError, ServiceError

__all__ = ["AsyncDigitalAuth", "DigitalAuth"]

T = TypeVar("T")
ASKED_ACR = profile().acr.asked


class _Shell:
    """What both shells share: the client's registration."""

    def __init__(
        self,
        service: Service,
        *,
        client_id: str,
        redirect_uri: str,
        keys: Path | SigningKey,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not client_id or not redirect_uri:
            raise InputError("digital_auth.registration", "A client id and a redirect URI are needed.")
        file = KeyFile(keys, "sign") if isinstance(keys, Path) else None
        self._client = Client(service, client_id, redirect_uri, _key_source(file, keys), KeyCache(service.jwks), clock)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client.service.issuer!r})"

    @property
    def service(self) -> Service:
        """The service that this client speaks to."""
        return self._client.service

    def start_login(self, items: Iterable[str] = (), *, acr_values: str | None = ASKED_ACR) -> Attempt:
        """Begin a login: keep the attempt on the server, send the browser to its `url`.

        items: scopes of the four items (`name`, `address`, `birthdate`, `gender`).
        Raises InputError `digital_auth.scope`.
        """
        return self._client.begin_login(items, acr_values)


class DigitalAuth(_Shell):
    """The blocking client.

    service: `Service.of_environment(…)`, `Service.at(base)`, or `DigitalAuth.discover(issuer)`.
    keys: folder of `honnin digital-auth keys new`, read for each assertion so that a rotation needs no restart.
    """

    def __init__(self, service: Service, *, transport: httpx.BaseTransport | None = None, **registration: Any) -> None:
        super().__init__(service, **registration)
        self._http = _client(httpx.Client, transport or DeadlineTransport())

    @classmethod
    def discover(cls, issuer: str, *, transport: httpx.BaseTransport | None = None) -> Service:
        """Return the service of an issuer by its discovery document. Raises ServiceError `digital_auth.discovery`."""
        with _client(httpx.Client, transport or DeadlineTransport()) as http:
            return _run(http, discover(issuer))

    def start_signing(
        self,
        document: bytes,
        items: Iterable[str] = (),
        *,
        shape: Shape = "digest_info",
        acr_values: str | None = ASKED_ACR,
        words: str | None = None,
    ) -> Attempt:
        """Begin a signature over a document that a person can read; arguments else as `start_login`.

        words: the document as text, for a service that shows it on the phone (honnin's sandbox; the official form of
        the call has no such member); or the words that a prepared document (`to_be_signed.content`) was prepared with.
        None: not sent.
        """
        return _run(self._http, self._client.begin_signing(document, items, shape, acr_values, words))

    def finish_login(self, attempt: Attempt, query: str) -> Login:
        """Return the login that a person came back with. query: the return's query string, as it came.

        Raises coded errors of `returning`, `tokens`, `id_token`, `userinfo`; whatever is raised, start again.
        """
        return _run(self._http, self._client.finish_login(attempt, query))

    def finish_signing(self, attempt: Attempt, query: str) -> Signed:
        """Return what a person signed, for the PF; arguments and errors as `finish_login`, and those of `signing`."""
        return _run(self._http, self._client.finish_signing(attempt, query))

    def check_shown(self, opened: OpenedResult, submitted: bytes, *, waits: bool = True) -> Showing | None:
        """Return what the service proves to have shown before a signature, None where it proves nothing.

        opened: as `ResultOpener.open` gives it; submitted: what was signed. waits: whether the service may be asked for
        its keys; else NotAtHandError where it would be. Raises as `showing.check_shown`.
        """
        if opened.shown is None:
            return None
        now, keys = self._client.clock(), self._client.keys
        if not waits and not keys.is_fresh(now):
            raise NotAtHandError
        steps = check_shown(
            opened.shown,
            self.service.issuer,
            keys,
            transaction=opened.transaction,
            submitted=submitted,
            signature=opened.signature,
            now=now,
        )
        return _run(self._http, steps)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncDigitalAuth(_Shell):
    """The async client: as `DigitalAuth`, awaited."""

    def __init__(
        self, service: Service, *, transport: httpx.AsyncBaseTransport | None = None, **registration: Any
    ) -> None:
        super().__init__(service, **registration)
        self._http = _client(httpx.AsyncClient, transport)

    async def start_signing(
        self,
        document: bytes,
        items: Iterable[str] = (),
        *,
        shape: Shape = "digest_info",
        acr_values: str | None = ASKED_ACR,
        words: str | None = None,
    ) -> Attempt:
        """As `DigitalAuth.start_signing`."""
        return await _run_async(self._http, self._client.begin_signing(document, items, shape, acr_values, words))

    async def finish_login(self, attempt: Attempt, query: str) -> Login:
        """As `DigitalAuth.finish_login`."""
        return await _run_async(self._http, self._client.finish_login(attempt, query))

    async def finish_signing(self, attempt: Attempt, query: str) -> Signed:
        """As `DigitalAuth.finish_signing`."""
        return await _run_async(self._http, self._client.finish_signing(attempt, query))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _key_source(file: KeyFile | None, keys: Path | SigningKey) -> Callable[[], SigningKey]:
    if file is not None:
        return file.signing_key
    return lambda: keys  # type: ignore[return-value]


def _client(kind: Callable[..., T], transport: Any) -> T:
    limits = profile().limits
    return kind(
        timeout=limits.connect_seconds,
        follow_redirects=False,
        trust_env=False,
        transport=transport,
        headers={"user-agent": "honnin", "accept-encoding": "identity"},
    )


def _run(http: httpx.Client, steps: Steps[T]) -> T:
    answer: Reply | HonninError | None = None
    while True:
        try:
            request = _next(steps, answer)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            answer = _send(http, request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            answer = _out_of_reach(error)


def _send(http: httpx.Client, request: Request) -> Reply:
    received = bytearray()
    within = {"deadline": profile().limits.deadline_seconds}
    with http.stream(**_arguments(request), extensions=within) as response:
        _check_plain(response)
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > profile().limits.answer_bytes:
                break
    return _reply(response.status_code, response.headers, received)


async def _run_async(http: httpx.AsyncClient, steps: Steps[T]) -> T:
    answer: Reply | HonninError | None = None
    while True:
        try:
            request = _next(steps, answer)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            async with asyncio.timeout(profile().limits.deadline_seconds):
                answer = await _send_async(http, request)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            answer = _out_of_reach(error)


async def _send_async(http: httpx.AsyncClient, request: Request) -> Reply:
    received = bytearray()
    async with http.stream(**_arguments(request)) as response:
        _check_plain(response)
        async for chunk in response.aiter_bytes():
            received += chunk
            if len(received) > profile().limits.answer_bytes:
                break
    return _reply(response.status_code, response.headers, received)


def _next(steps: Steps[T], answer: Reply | HonninError | None) -> Request:
    """Go on with the flow: with a reply, or with the error in its place."""
    if answer is None:
        return next(steps)
    return steps.throw(answer) if isinstance(answer, HonninError) else steps.send(answer)


def _arguments(request: Request) -> dict[str, Any]:
    headers = dict(request.headers)
    parts = urlsplit(request.url)
    url = request.url
    if (parts.hostname or "").endswith(".localhost"):
        headers["host"] = parts.netloc
        port = f":{parts.port}" if parts.port else ""
        url = urlunsplit(parts._replace(netloc=f"127.0.0.1{port}"))
    return {"method": request.method, "url": url, "headers": headers, "content": request.content}


def _check_plain(response: httpx.Response) -> None:
    """Refuse a compressed answer before it is unpacked: nobody asked for one, and it may be huge."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx.DecodingError("encoded")


def _reply(status: int, headers: Mapping[str, str], received: bytearray) -> Reply:
    return Reply(status, {name.lower(): value for name, value in headers.items()}, bytes(received))


def _out_of_reach(error: Exception) -> ServiceError:
    """Return the coded error of a request that got no answer; the library's own sentence may hold an address."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        refusal = ServiceError(
            "digital_auth.timeout", "The service did not answer in time.", next="Try again later.", retryable=True
        )
    else:
        refusal = ServiceError(
            "digital_auth.unreachable", "The service cannot be reached.", next="Try again later.", retryable=True
        )
    refusal.__cause__ = None
    refusal.__suppress_context__ = True
    return refusal
