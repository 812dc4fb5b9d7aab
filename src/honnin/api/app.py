"""The API as one ASGI application: `create_app(platform)`.

The route table is `OPERATIONS` of the resource modules; `service` adds what is about the server itself. Paths without
parameters are looked up; Starlette's router matches the others, and says what is at no path.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from honnin.api import (
    assessments,
    counter_checks,
    documents,
    events,
    evidence,
    logins,
    methods,
    records,
    service,
    sessions,
    taps,
    templates,
    verifications,
    webhooks,
)
from honnin.api.endpoints import Endpoint, Workshop, answer_error
from honnin.api.guard import Guard
from honnin.api.operations import Operation
from honnin.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["OPERATIONS", "create_app"]

OPERATIONS: tuple[Operation, ...] = (
    *verifications.OPERATIONS,
    *sessions.OPERATIONS,
    *logins.OPERATIONS,
    *taps.OPERATIONS,
    *counter_checks.OPERATIONS,
    *documents.OPERATIONS,
    *events.OPERATIONS,
    *webhooks.OPERATIONS,
    *evidence.OPERATIONS,
    *methods.OPERATIONS,
    *templates.OPERATIONS,
    *records.OPERATIONS,
    *assessments.OPERATIONS,
)


def create_app(
    platform: "Platform", *, base: str = "http://localhost:8600", sandbox: service.Sandbox | None = None
) -> ASGIApp:
    """Return the API of a platform.

    base: where it is reached, for the OpenAPI document.
    sandbox: what stands beside it, for `/.well-known/honnin-sandbox` and the examples; None for the product alone.
    """
    workshop = Workshop(platform)
    operations = (*OPERATIONS, *service.operations(OPERATIONS, base=base, sandbox=sandbox))

    endpoints = _endpoints(operations, workshop)
    app = Starlette(
        routes=[Route(path, endpoint) for path, endpoint in endpoints.items()],
        exception_handlers={HTTPException: _answer_http},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    return Guard(_Paths(endpoints, app))


class _Paths:
    """Endpoints by their whole path, and an application for all other paths: it costs as much as a small call."""

    def __init__(self, endpoints: Mapping[str, Endpoint], others: ASGIApp) -> None:
        self._plain = {path: endpoint for path, endpoint in endpoints.items() if "{" not in path}
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        endpoint = self._plain.get(scope["path"])
        if endpoint is None or scope["type"] != "http":
            await self._others(scope, receive, send)
        else:
            scope["path_params"] = {}
            await endpoint(scope, receive, send)


def _endpoints(operations: Sequence[Operation], workshop: Workshop) -> dict[str, Endpoint]:
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return {path: Endpoint(rows, workshop) for path, rows in paths.items()}


async def _answer_http(request: Request, error: HTTPException) -> Response:
    """Answer what the router itself refuses."""
    if error.status_code == 404:
        return answer_error(
            NotFoundError("request.not_found", "There is nothing at this path.", next="See /openapi.json."),
            request.scope,
        )
    return answer_error(InputError("request.malformed", "The request cannot be used."), request.scope)
