"""J-LIS over HTTP: `/ocsp`, `/crl/…`, `/link`, `/ca/…` and a page that lists them (ASGI, its own origin).

SQLite and signing run in threads. Failing on demand is `switches`; the request header is `Honnin-Sandbox-Switch`.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from honnin.errors import InputError
from honnin.sandbox.institution import language_of, page
from honnin.sandbox.jlis import crl, linking, ocsp
from honnin.sandbox.jlis.authorities import Authority, authorities, by_key_id
from honnin.sandbox.jlis.names import all_municipalities, municipality
from honnin.sandbox.jlis.profile import profile
from honnin.sandbox.jlis.switches import HEADER, chosen, from_header, switches
from honnin.sandbox.people import persons, settle
from honnin.sandbox.world import World

__all__ = ["create_app"]

LARGEST_BODY = 16_384
TOKYO = timezone(timedelta(hours=9))  # no summer time
STALE = timedelta(days=7)


class _TooLargeError(Exception):
    """A request's body is larger than any honest one."""


class _Services:
    """The endpoints over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def index(self, request: Request) -> Response:
        """List authorities, lists and switches."""
        language = language_of(request)
        return HTMLResponse(await run_in_threadpool(self._page, language))

    async def post_ocsp(self, request: Request) -> Response:
        """Answer an OCSP request in the body (RFC 6960 appendix A.1)."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/ocsp-request":
            return _refuse(415, "content-type: application/ocsp-request")
        return await self._ocsp(request, await _body(request))

    async def get_ocsp(self, request: Request) -> Response:
        """Answer an OCSP request in the path, base64 (RFC 6960 appendix A.1)."""
        try:
            content = base64.b64decode(request.path_params["encoded"], validate=True)
        except (binascii.Error, ValueError):
            content = b""
        return await self._ocsp(request, content)

    async def municipal_crl(self, request: Request) -> Response:
        """Give one municipality's CRL."""
        wanted = (request.path_params["prefecture"], request.path_params["municipality"])
        code = next((c for c in all_municipalities() if municipality(c) == wanted), None)
        person = next((p.id for p in persons() if "crl" in p.switches and p.municipality == code), None)
        if code is None:
            return _refuse(404, "no such municipality")
        return await self._crl(request, lambda ca, at: crl.municipal(self._world, ca, code, at), person)

    async def full_crl(self, request: Request) -> Response:
        """Give a CA's whole CRL."""
        return await self._crl(request, lambda ca, at: crl.full(self._world, ca, at), None)

    async def authority_crl(self, request: Request) -> Response:
        """Give a CA's authority revocation list."""
        return await self._crl(request, lambda ca, at: crl.authority_list(self._world, ca, at), None)

    async def authority_certificate(self, request: Request) -> Response:
        """Give a CA's certificate."""
        found = await run_in_threadpool(
            lambda: next((c for c in authorities(self._world) if c.name == request.path_params["name"]), None)
        )
        if found is None:
            return _refuse(404, "no such authority")
        return Response(found.der, media_type="application/pkix-cert")

    async def link(self, request: Request) -> Response:
        """Answer which certificate came before one, and which stands beside it."""
        try:
            asked = msgspec.json.decode(await _body(request), type=linking.LinkRequest)
        except msgspec.MsgspecError:
            return _refuse(400, f"not a request of {linking.FORMAT}")
        found = await run_in_threadpool(linking.find, self._world, asked.issuer_key_id, asked.serial)
        state = await self._state(request, "link", None if found is None else found.person)
        if (failed := await _failing(state)) is not None:
            return failed
        if state == "malformed":
            return JSONResponse({"format": linking.FORMAT, "state": 7})
        answer = await run_in_threadpool(lambda: linking.link(self._world, found, self._world.now()))
        return JSONResponse(msgspec.to_builtins(answer))

    async def _ocsp(self, request: Request, content: bytes) -> Response:
        if len(content) > profile().ocsp.largest_request:
            return _refuse(413, "too large for an OCSP request")
        person = await run_in_threadpool(ocsp.asked_about, self._world, content)
        state = await self._state(request, "ocsp", person)
        if state != "try_later" and (failed := await _failing(state)) is not None:
            return failed
        state = "up" if state == "slow" else state
        answer = await run_in_threadpool(lambda: ocsp.answer(self._world, content, self._world.now(), state=state))
        return Response(answer.der, media_type="application/ocsp-response", headers={"cache-control": "no-store"})

    async def _crl(
        self, request: Request, make: Callable[[Authority, datetime], bytes], person: str | None
    ) -> Response:
        state = await self._state(request, "crl", person)
        if (failed := await _failing(state)) is not None:
            return failed
        issuer = await run_in_threadpool(self._issuer, request.path_params["key_id"])
        if issuer is None:
            return _refuse(404, "no such authority")
        moment = self._world.now() - (STALE if state == "stale" else timedelta())
        der = await run_in_threadpool(make, issuer, moment)
        if state == "malformed":
            der = der[: len(der) // 2]
        if state == "forged":
            der = der[:-1] + bytes((der[-1] ^ 0x01,))
        return Response(der, media_type="application/pkix-crl", headers={"cache-control": "no-store"})

    def _issuer(self, key_id: str) -> Authority | None:
        try:
            return by_key_id(self._world, bytes.fromhex(key_id))
        except ValueError:
            return None

    async def _state(self, request: Request, service: str, person: str | None) -> str:
        wanted = from_header(request.headers.get(HEADER))
        return await run_in_threadpool(chosen, self._world, service, wanted, person)

    def _page(self, language: str) -> str:
        rows = [
            {
                "name": ca.name,
                "key_id": ca.key_id.hex(),
                "begin": ca.certificate.not_valid_before_utc.astimezone(TOKYO).date().isoformat(),
                "end": ca.certificate.not_valid_after_utc.astimezone(TOKYO).date().isoformat(),
            }
            for ca in authorities(self._world)
        ]
        now = self._world.now().astimezone(TOKYO)
        return page(
            __package__,
            language,
            now=now.isoformat(timespec="seconds"),
            now_shown=f"{now:%Y-%m-%d %H:%M:%S}",
            switches=switches(self._world),
            authorities=rows,
            municipalities=[municipality(code) for code in all_municipalities()],
        )


def create_app(world: World) -> Starlette:
    """Return the ASGI application of one world's J-LIS."""
    settle(world)
    services = _Services(world)
    path = profile().ocsp.path
    return Starlette(
        routes=[
            Route("/", services.index),
            Route(path, services.post_ocsp, methods=["POST"]),
            Route(path + "/{encoded:path}", services.get_ocsp),
            Route("/crl/{key_id}/full.crl", services.full_crl),
            Route("/crl/{key_id}/authority.crl", services.authority_crl),
            Route("/crl/{key_id}/{prefecture}/{municipality}.crl", services.municipal_crl),
            Route("/ca/{name}.cer", services.authority_certificate),
            Route("/link", services.link, methods=["POST"]),
        ],
        exception_handlers={InputError: _explain, _TooLargeError: _too_large},
    )


async def _failing(state: str) -> Response | None:
    """Wait when slow; answer 503 when down or busy."""
    if state == "slow":
        await asyncio.sleep(profile().slow_seconds)
    if state == "down":
        return _refuse(503, "switched down")
    if state == "try_later":
        return Response("try later", status_code=503, media_type="text/plain", headers={"retry-after": "60"})
    return None


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_BODY:
            raise _TooLargeError
    return bytes(content)


async def _explain(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _refuse(400, str(error))


async def _too_large(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _refuse(413, "too large")


def _refuse(status: int, why: str) -> Response:
    return Response(why, status_code=status, media_type="text/plain")
