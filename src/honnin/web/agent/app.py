"""The agent's HTTP: JSON in, JSON out, on loopback, for paired pages (CORS) and for programs of the same user.

    POST /pair      {"code"}                 → {"token"}
    GET  /readers                            → {"readers": [{"url", "name", "card"}]}
    POST /open      {"reader"}               → {"handle", "atr"}
    POST /transmit  {"handle", "apdu"}       → {"answer"}        hexadecimal
    POST /reset, /close  {"handle"}          → {}

Everything but /pair needs `Authorization: Bearer TOKEN`. A request without Origin is a program's; a browser cannot
leave Origin out of a POST, and a page cannot set it. The Host must be a loopback name, so that a name which
somebody points here (DNS rebinding) reaches nothing. No APDU is logged: it may carry a PIN.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from honnin.chip.readers import ReaderStatus
from honnin.errors import AccessError, HonninError, InputError
from honnin.web.agent.held import Held
from honnin.web.agent.pairing import Pairing
from honnin.words import in_all

__all__ = ["create_app"]

HOST = re.compile(r"\A(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?\Z")
LONGEST_BODY = 140_000  # an extended APDU in hexadecimal, and its frame
LONGEST_APDU = 4 + 3 + 65_535 + 2


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    code: str = ""
    reader: str = ""
    handle: str = ""
    apdu: str = ""


def create_app(pairing: Pairing, held: Held, readers: Callable[[], tuple[ReaderStatus, ...]]) -> ASGIApp:
    """Return the agent. readers: lists what this computer has; only these may be opened."""
    agent = _Agent(pairing, held, readers)
    routes = [
        Route("/pair", agent.answering(agent.pair), methods=["POST", "OPTIONS"]),
        Route("/readers", agent.answering(agent.list), methods=["GET", "OPTIONS"]),
        *(
            Route(f"/{name}", agent.answering(act), methods=["POST", "OPTIONS"])
            for name, act in (
                ("open", agent.open),
                ("transmit", agent.transmit),
                ("reset", agent.reset),
                ("close", agent.close),
            )
        ),
    ]
    return Starlette(routes=routes)


class _Agent:
    def __init__(self, pairing: Pairing, held: Held, readers: Callable[[], tuple[ReaderStatus, ...]]) -> None:
        self._pairing = pairing
        self._held = held
        self._readers = readers

    def answering(self, act: Callable[[str, _Asked], Mapping[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of an act: host, origin, token and body are judged first."""

        async def endpoint(request: Request) -> Response:
            origin = request.headers.get("origin")
            try:
                self._must_be_loopback(request)
                if request.method == "OPTIONS":
                    self._pairing.must_be_allowed(origin or "")
                    return Response(status_code=204, headers=_cors(origin, preflight=True))
                token = request.headers.get("authorization", "").removeprefix("Bearer ")
                if act != self.pair:
                    self._pairing.must_be_paired(origin, token)
                asked = await _read(request)
                who = origin or "" if act == self.pair else token
                answer = await run_in_threadpool(partial(act, who, asked))
            except HonninError as error:
                allowed = origin if origin in self._pairing.origins else None
                return JSONResponse(_problem(error), status_code=error.http_status, headers=_cors(allowed))
            return JSONResponse(answer, headers=_cors(origin))

        return endpoint

    def pair(self, origin: str, asked: _Asked) -> dict[str, str]:
        """Give a token for the code."""
        return {"token": self._pairing.pair(origin, asked.code)}

    def list(self, _owner: str, _asked: _Asked) -> dict[str, Any]:
        """List the readers."""
        return {"readers": [{"url": one.url, "name": one.name, "card": one.card} for one in self._readers()]}

    def open(self, owner: str, asked: _Asked) -> dict[str, str]:
        """Open one of the readers that are listed; without a name the first with a card."""
        there = self._readers()
        chosen = asked.reader or next((one.url for one in there if one.card), there[0].url if there else "")
        if chosen not in {one.url for one in there}:
            raise InputError("agent.reader", "This computer has no such reader.", next="Choose one of the list.")
        handle, atr = self._held.open(chosen, owner)
        return {"handle": handle, "atr": atr.hex()}

    def transmit(self, owner: str, asked: _Asked) -> dict[str, str]:
        """Carry one APDU."""
        return {"answer": self._held.transmit(asked.handle, owner, _apdu(asked.apdu)).hex()}

    def reset(self, owner: str, asked: _Asked) -> dict[str, str]:
        """Power the card off and on."""
        self._held.reset(asked.handle, owner)
        return {}

    def close(self, owner: str, asked: _Asked) -> dict[str, str]:
        """Let go of the card."""
        self._held.close(asked.handle, owner)
        return {}

    @staticmethod
    def _must_be_loopback(request: Request) -> None:
        if not HOST.match(request.headers.get("host", "")):
            raise AccessError("agent.host", "The agent answers under loopback names only.", next="Use 127.0.0.1.")


async def _read(request: Request) -> _Asked:
    if request.method == "GET":
        return _Asked()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise _malformed()
    try:
        return msgspec.json.decode(bytes(body), type=_Asked)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _malformed() from None


def _apdu(text: str) -> bytes:
    try:
        apdu = bytes.fromhex(text)
    except ValueError:
        raise _malformed() from None
    if not 4 <= len(apdu) <= LONGEST_APDU:
        raise _malformed()
    return apdu


def _malformed() -> InputError:
    return InputError("agent.malformed", "The request is not of the agent's form.", next="See docs/counter.md.")


def _problem(error: HonninError) -> dict[str, Any]:
    try:
        words = in_all(error.code)
    except (KeyError, FileNotFoundError):
        words = in_all("page.unexpected")
    return {"code": error.code, "detail": str(error), "retryable": error.retryable, "user_messages": words}


def _cors(origin: str | None, *, preflight: bool = False) -> dict[str, str]:
    headers = {"cache-control": "no-store", "vary": "Origin", "x-content-type-options": "nosniff"}
    if origin is not None:
        headers["access-control-allow-origin"] = origin
    if preflight:
        headers["access-control-allow-headers"] = "authorization, content-type"
        headers["access-control-allow-methods"] = "GET, POST"
        headers["access-control-allow-private-network"] = "true"
        headers["access-control-max-age"] = "600"
    return headers
