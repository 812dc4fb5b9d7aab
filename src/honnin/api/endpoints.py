"""One path of the API as an ASGI endpoint: method, limits, key, body, then one hop to a thread for the call itself.

The event loop only moves bytes. Everything that waits (the store, J-LIS, public-key operations) happens in two bounded
pools: checks, which wait for outside services, and everything else, so that a slow J-LIS never keeps a receipt waiting.
Checks that wait for nothing outside are made by one thread in a row (`line`).
"""

import asyncio
import logging
import traceback
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from honnin.api.crew import Crew
from honnin.api.line import Line, Work
from honnin.api.operations import Answer, Call, Later, Operation, bearer_key, idempotency_key, session_code
from honnin.api.problems import internal, language_of, respond
from honnin.api.reading import JSON, LARGE_BODY, WHOLE_BODY, body_length, decode_body, decode_query, read_body
from honnin.errors import HonninError, InputError, ServiceError
from honnin.platform.models import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from honnin.platform import Platform

__all__ = ["Endpoint", "Workshop", "answer_error", "busy", "log_fault"]

CHECK_THREADS = 16
QUICK_THREADS = 8
LARGE_BODIES = 8  # at once; the next ones wait
PATIENCE = 10.0  # seconds that a large body waits for its turn
SINGLE = frozenset(
    {b"authorization", b"content-type", b"content-length", b"idempotency-key", b"honnin-session-code", b"host"}
)

log = logging.getLogger("honnin.api")


class Workshop:
    """The threads of one application, for checks and for quick answers, its line of checks, and its platform."""

    def __init__(self, platform: "Platform") -> None:
        self.platform = platform
        self.checks = Crew(CHECK_THREADS, "honnin-check")
        self.quick = Crew(QUICK_THREADS, "honnin-quick")
        self.line = Line(platform.sitting, self.checks)
        self._large = asyncio.Semaphore(LARGE_BODIES)

    @asynccontextmanager
    async def room(self) -> "AsyncIterator[None]":
        """Hold one of the few places for large bodies.

        Raises ServiceError `request.busy` when none becomes free in PATIENCE seconds.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self._large.acquire()
        except TimeoutError:
            raise busy() from None
        try:
            yield
        finally:
            self._large.release()


def busy() -> ServiceError:
    """Return the error for a server that has as much to do as it takes on."""
    return ServiceError("request.busy", "The server is busy.", next="Repeat the call in a moment.", retryable=True)


class Endpoint:
    """All operations of one path."""

    def __init__(self, operations: Sequence[Operation], workshop: Workshop) -> None:
        self._operations = {operation.method: operation for operation in operations}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]  # type: ignore[index]
        self._path = operations[0].path
        self._workshop = workshop
        self._allow = ", ".join(sorted({*self._operations, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        scope["state"]["route"] = self._path
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"Allow": self._allow})(scope, receive, send)
            return
        found = await self._answer(scope, receive)
        if isinstance(found, Response):
            await found(scope, receive, send)
        else:
            for message in found:
                await send(message)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, Message] | Response:
        try:
            operation = self._operations.get(scope["method"])
            if operation is None:
                return answer_error(self._wrong_method(), scope, allow=self._allow)
            return _messages(await self._call(operation, scope, receive))
        except HonninError as error:
            return answer_error(error, scope)
        except Exception as error:  # noqa: BLE001
            log_fault(error, scope["state"]["request_id"])
            return answer_error(internal(), scope)

    def _wrong_method(self) -> InputError:
        return InputError("request.method", "This path does not know the method.", next=f"It knows {self._allow}.")

    async def _call(self, operation: Operation, scope: Scope, receive: Receive) -> Answer:
        headers = single_headers(scope)
        if operation.body is None and not operation.upload:
            return await self._made(operation, partial(self._make, operation, scope, headers, None, None))
        length = body_length(headers, operation.upload or (JSON,), operation.most_bytes)
        if length is not None and length <= LARGE_BODY:
            raw = await read_body(receive, operation.most_bytes, here=WHOLE_BODY in scope["state"])
            make = partial(self._make, operation, scope, headers, raw, None)
            return await self._made(operation, make, in_line=operation.in_line)
        async with self._workshop.room():
            # nobody unknown makes us hold megabytes
            caller = await self._workshop.quick.run(partial(self._caller, operation, headers))
            raw = await read_body(receive, operation.most_bytes)
            make = partial(self._make, operation, scope, headers, raw, caller)
            return await self._made(operation, make, in_line=operation.in_line and len(raw) <= LARGE_BODY)

    async def _made(self, operation: Operation, make: Work, *, in_line: bool = False) -> Answer:
        if in_line:
            return await self._workshop.line.run(make)
        crew = self._workshop.checks if operation.checks else self._workshop.quick
        found = await crew.run(partial(make, True))
        return found.answer(await asyncio.wrap_future(found.coming)) if isinstance(found, Later) else found

    def _caller(self, operation: Operation, headers: Mapping[bytes, bytes]) -> Caller | None:
        return self._workshop.platform.authenticate(bearer_key(headers)) if operation.secured else None

    def _make(
        self,
        operation: Operation,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        raw: bytes | None,
        caller: Caller | None,
        waits: bool,
    ) -> Answer | Later:
        """Make a call, in a thread. caller: None where it is not known yet."""
        caller = caller or self._caller(operation, headers)
        if caller is not None:
            scope["state"]["tenant"] = caller.id
        call = Call(
            platform=self._workshop.platform.home_of(caller),  # all shards without a caller
            caller=caller,  # type: ignore[arg-type]  # None for open operations, which do not look at it
            path=scope["path_params"],
            query=decode_query(scope["query_string"], operation.query),
            body=raw if raw is None or operation.body is None else decode_body(raw, operation.body),
            idempotency_key=idempotency_key(headers) if operation.idempotent else None,
            request_id=scope["state"]["request_id"],
            session_code=session_code(headers) if operation.coded else None,
            waits=waits,
        )
        return operation.run(call)


def _messages(answer: Answer) -> tuple[Message, Message]:
    """Return an answer as it is sent (ASGI)."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    body = b""
    if answer.status != 204:
        body = answer.encoded()
        headers += [(b"content-type", answer.media_type.encode("latin-1")), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


def single_headers(scope: Scope) -> dict[bytes, bytes]:
    """Return the headers by lower-case name. Raises InputError `request.header` when one of SINGLE comes twice."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in found and name in SINGLE:
            raise InputError("request.header", f"The header {name.decode('ascii')} comes twice.", next="Send it once.")
        found[name] = value
    return found


def answer_error(error: HonninError, scope: Scope, *, allow: str | None = None) -> Response:
    """Return the problem document for an error of this request."""
    accepted = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return respond(
        error,
        request_id=scope["state"]["request_id"],
        language=language_of(accepted.decode("latin-1")),
        headers={"Allow": allow} if allow else None,
    )


def log_fault(error: BaseException, request_id: str) -> None:
    """Log where it happened and what kind it was; messages of exceptions may quote what callers sent."""
    frames: list[Any] = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
    log.error("%s %s at %s", request_id, type(error).__name__, " < ".join(reversed(frames)))
