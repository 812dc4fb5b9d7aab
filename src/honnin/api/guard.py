"""What surrounds every request: its id, the security headers, the access log, and a limit on how many run at once.

The access log names the route, not the path or the query, and never a body: an address typed into a URL by mistake
stays out of it.
"""

import logging
import random
import secrets
import time
from collections.abc import Awaitable, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from honnin.api.endpoints import answer_error, busy

__all__ = ["Guard", "new_request_id"]

MOST_AT_ONCE = 512

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

log = logging.getLogger("honnin.access")
# it names a request in logs and is no secret; asking the system each time lets go of the interpreter
_ids = random.Random(secrets.token_bytes(32))  # noqa: S311


def new_request_id() -> str:
    """Return a new request id: never the client's own, which could name another's request."""
    return f"req_{_ids.getrandbits(96):024x}"


class Guard:
    """ASGI middleware around the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id = new_request_id()
        started = time.perf_counter()
        status = 0

        def send_guarded(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = (b"x-request-id", request_id.encode("ascii"))
                message["headers"] = [*message.get("headers", ()), own, *SECURITY_HEADERS]
            return send(message)

        self._running += 1
        try:
            if self._running > MOST_AT_ONCE:
                await answer_error(busy(), scope)(scope, receive, send_guarded)
            else:
                await self._app(scope, receive, send_guarded)
        finally:
            self._running -= 1
            if log.isEnabledFor(logging.INFO):
                log.info(
                    "%s %s %s %s %d %.1f ms",
                    request_id,
                    state.get("tenant", "-"),
                    scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "DELETE", "OPTIONS"} else "-",
                    state.get("route", "-"),
                    status,
                    (time.perf_counter() - started) * 1000,
                )
