"""The Digital Authentication Service's ASGI application: protocol endpoints and pages, on its own origin."""

from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from honnin.errors import InputError
from honnin.sandbox.digital_auth.endpoints import Endpoints
from honnin.sandbox.digital_auth.pages import Pages
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.store import prepare
from honnin.sandbox.people import settle
from honnin.sandbox.world import World

__all__ = ["create_app"]


def create_app(world: World) -> Starlette:
    """Return the ASGI application of one world's Digital Authentication Service."""
    settle(world)
    prepare(world)
    paths, protocol, pages = profile(world).endpoints, Endpoints(world), Pages(world)
    static: Any = StaticFiles(directory=str(files(__package__).joinpath("static")))
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/register", pages.register, methods=["POST"]),
            Route("/registrations", protocol.registrations, methods=["POST"]),
            Route(paths.authorization, pages.authorization),
            Route(paths.token, protocol.token, methods=["POST"]),
            Route(paths.userinfo, protocol.userinfo),
            Route(paths.certs, protocol.certs),
            Route(paths.discovery, protocol.discovery),
            Route(paths.sign_transactions, protocol.start_transaction, methods=["POST"]),
            Route(paths.sign_transactions + "/{transaction_id}/result", protocol.transaction_result),
            Route("/app/{visit}", pages.screen),
            Route("/app/{visit}/done", pages.waiting),
            Route("/app/{visit}/{action}", pages.act, methods=["POST"]),
            Route("/app/{visit}/{action}", pages.to_screen),
            Route("/test-card/{visit}", pages.test_card),
            Route("/test-card/{visit}/use", pages.use_test_card, methods=["POST"]),
            Mount("/static", static),
        ],
        exception_handlers={InputError: _explain},
    )


async def _explain(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return Response(str(error), 400, media_type="text/plain")
