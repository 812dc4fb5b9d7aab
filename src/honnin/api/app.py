"""The API as one ASGI application: `create_app(platform)`.

The route table is `OPERATIONS` of the resource modules; `service` adds what is about the server itself.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from honnin.api import (
    assessments,
    documents,
    events,
    evidence,
    logins,
    methods,
    records,
    service,
    sessions,
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

    app = Starlette(
        routes=_routes(operations, workshop),
        exception_handlers={HTTPException: _answer_http},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    return Guard(app)


def _routes(operations: Sequence[Operation], workshop: Workshop) -> list[Route]:
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return [Route(path, Endpoint(rows, workshop)) for path, rows in paths.items()]


async def _answer_http(request: Request, error: HTTPException) -> Response:
    """Answer what the router itself refuses."""
    if error.status_code == 404:
        return answer_error(
            NotFoundError("request.not_found", "There is nothing at this path.", next="See /openapi.json."),
            request.scope,
        )
    return answer_error(InputError("request.malformed", "The request cannot be used."), request.scope)
