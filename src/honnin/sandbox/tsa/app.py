"""The authority over HTTP (RFC 3161 §3.4): `POST /`, its root at `/ca.cer`, its list at `/ca.crl` (ASGI, own origin).

`GET /` is a page for people, which says what answers here.

Failing on demand is `switches`; the request header is `Honnin-Sandbox-Switch`.
"""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from honnin.errors import InputError
from honnin.sandbox.institution import language_of, page
from honnin.sandbox.tsa.authority import anchor, revocation_list
from honnin.sandbox.tsa.stamping import answer
from honnin.sandbox.tsa.switches import BOARD, HEADER
from honnin.sandbox.world import World

__all__ = ["create_app"]

LARGEST_QUESTION = 4096


def create_app(world: World) -> Starlette:
    """Return the ASGI application of one world's time-stamping authority."""

    async def stamp(request: Request) -> Response:
        """Answer a TimeStampReq."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/timestamp-query":
            return _refuse(415, "content-type: application/timestamp-query")
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > LARGEST_QUESTION:
                return _refuse(413, "too large for a question")
        try:
            wanted = BOARD.from_header(request.headers.get(HEADER))
        except InputError as error:
            return _refuse(400, str(error))
        state = wanted.get("stamp") or (await run_in_threadpool(BOARD.states, world))["stamp"]
        if state == "down":
            return _refuse(503, "switched down")
        written = await run_in_threadpool(lambda: answer(world, bytes(content), state=state))
        return Response(written, media_type="application/timestamp-reply", headers={"cache-control": "no-store"})

    async def root(request: Request) -> Response:  # noqa: ARG001
        """Give the root's certificate."""
        return Response(await run_in_threadpool(anchor, world), media_type="application/pkix-cert")

    async def listed(request: Request) -> Response:  # noqa: ARG001
        """Give the root's CRL."""
        return Response(await run_in_threadpool(revocation_list, world), media_type="application/pkix-crl")

    return Starlette(
        routes=[
            Route("/", stamp, methods=["POST"]),
            Route("/", _index),
            Route("/ca.cer", root),
            Route("/ca.crl", listed),
        ]
    )


async def _index(request: Request) -> Response:
    """Say to a browser what answers here."""
    return HTMLResponse(page(__package__, language_of(request)))


def _refuse(status: int, why: str) -> Response:
    return Response(why, status_code=status, media_type="text/plain")
