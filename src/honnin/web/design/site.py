"""One origin's pages as an ASGI application: routes, our static files, and errors said in words."""

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from honnin.errors import HonninError, NotFoundError, ServiceError
from honnin.web.design.pages import Pages, static_files

__all__ = ["site"]

Home = Callable[[Request, HonninError], str]


def site(pages: Pages, routes: Sequence[BaseRoute], *, home: Home = lambda _request, _error: "/") -> ASGIApp:
    """Return the application of a family of pages. home: where "back" leads from an error; empty for nowhere."""

    async def coded(request: Request, error: Exception) -> Response:
        if not isinstance(error, HonninError):
            raise error
        return pages.refuse(request, error, back=home(request, error))

    async def http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        missing = NotFoundError("page.not_found", "There is no such page.", next="Check the address.")
        return pages.refuse(request, missing, status=status, back=home(request, missing))

    async def unexpected(request: Request, _: Exception) -> Response:
        failed = ServiceError("page.unexpected", "Something unexpected happened.", next="Try again later.")
        return pages.refuse(request, failed, status=500, back=home(request, failed))

    return Starlette(
        routes=[*routes, static_files()],
        exception_handlers={HonninError: coded, HTTPException: http, Exception: unexpected},
    )
