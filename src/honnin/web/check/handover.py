"""Handing a person over to the Digital Authentication Service, and taking them back at one address for all sessions.

The service knows one redirect URI, so the return says only by its `state` which session it belongs to. A cookie of the
attempt's own, named by its state, holds the session's key and a secret; the waiting attempt is bound to both. So two
tabs do not meet, another browser's return finds nothing, and nobody can carry a return into another session.
"""

import hashlib
import re
import secrets
import unicodedata
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from honnin.connect.digital_auth.registration import RETURN_PATH
from honnin.errors import ServiceError, StateError
from honnin.identity import DERIVED
from honnin.platform.models import Attribute, SessionPage, SessionSignature, SigningResult
from honnin.web.check.documents import unseen

if TYPE_CHECKING:
    from honnin.connect.digital_auth import Attempt, Attempts
    from honnin.connect.digital_auth.registration import Registration
    from honnin.platform import Platform
    from honnin.web.design import Threads

__all__ = ["RETURN_PATH", "Handover", "session_of"]

DEVICE = "digital_auth"
ATTEMPTS = "digital-auth-attempts.sqlite3"
ATTEMPT_SECONDS = 900  # as long as the connector lets an attempt wait
COOKIE = "honnin_service_"
_KEY = re.compile(r"[0-9a-z]{1,200}\Z")


class Handover:
    """The way to the service and back."""

    def __init__(self, platform: "Platform", threads: "Threads") -> None:
        self._platform = platform
        self._threads = threads
        self._kept: Attempts | None = None

    async def registration(self, key: str) -> "Registration":
        """Return the platform's registration for a session. Raises StateError `check.way_closed`."""
        return (await self._threads.run(self._platform.sessions.registration, key))[0]

    async def leave(self, request: Request, page: SessionPage) -> Response:
        """Start a login, or a sign transaction over the session's document, and send the browser to the service.

        Raises what `DigitalAuth.start_signing` and `Attempts.keep` raise.
        """
        key, secret = request.path_params["key"], secrets.token_urlsafe(24)
        attempt = await self._threads.run(self._begin, key, page, f"{key}.{secret}")
        response = RedirectResponse(attempt.url, status_code=303)
        response.set_cookie(
            _cookie(attempt.state),
            f"{key}.{secret}",
            path=RETURN_PATH,
            max_age=ATTEMPT_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def take(self, request: Request) -> "tuple[str, Attempt]":
        """Return the session's key and the attempt that a return belongs to; an attempt is taken once.

        Raises FormatError `digital_auth.return_malformed`, StateError `digital_auth.state`.
        """
        return await self._threads.run(self._take, request)

    async def finish(self, request: Request, key: str, attempt: "Attempt") -> SessionSignature:
        """Return who logged in or what they signed. Raises what `DigitalAuth`'s `finish_…` raise."""
        return await self._threads.run(self._finish, str(request.url), key, attempt)

    def _begin(self, key: str, page: SessionPage, browser: str) -> "Attempt":
        registered, tenant = self._platform.sessions.registration(key)
        client = registered.client(registered.client_of(tenant.id, tenant.name))
        if page.is_login:
            attempt = client.start_login(scopes_of(page.attributes))
        else:
            words = page.text if registered.shows_words and unseen(page) is None and _plain(page.text) else None
            attempt = client.start_signing(page.document, words=words)
        self._attempts().keep(attempt, browser)
        return attempt

    def _take(self, request: Request) -> "tuple[str, Attempt]":
        from honnin.connect.digital_auth.returning import state_of

        query = str(request.url)
        kept = request.cookies.get(_cookie(state_of(query)), "")
        key = kept.partition(".")[0]
        if not _KEY.match(key):
            raise StateError(
                "digital_auth.state",
                "No attempt of this browser waits for this return.",
                next="Start again, in the same browser.",
            )
        return key, self._attempts().take(query, kept)

    def _finish(self, query: str, key: str, attempt: "Attempt") -> SessionSignature:
        registered, _ = self._platform.sessions.registration(key)
        client = registered.client(attempt.client_id)
        if attempt.signing is None:
            return SessionSignature(login=client.finish_login(attempt, query), device=DEVICE)
        signed = client.finish_signing(attempt, query)
        if signed.result.jwe is None:
            raise ServiceError("digital_auth.malformed", "The signing API's answer lacks what it must have.")
        return SessionSignature(
            signing_result=SigningResult(
                jwe=signed.result.jwe,
                submitted=signed.result.submitted_bytes,
                transaction=signed.result.transaction,
            ),
            login=signed.login,
            device=DEVICE,
        )

    def _attempts(self) -> "Attempts":
        if self._kept is None:
            from honnin.connect.digital_auth import Attempts

            self._kept = Attempts(self._platform.settings.data / ATTEMPTS)
        return self._kept


def scopes_of(attributes: tuple[Attribute, ...]) -> tuple[str, ...]:
    """Return the scopes of the items that attributes are, or follow from."""
    from honnin.connect.digital_auth.profile import profile

    items = {DERIVED.get(name, name) for name in attributes}
    return tuple(claim for item, claim in profile().userinfo.claims.items() if item in items)


def session_of(request: Request) -> str:
    """Return the key of the session that a refused return began in, in this browser; empty where there is none."""
    kept = request.cookies.get(_cookie(request.query_params.get("state", "")), "")
    key = kept.partition(".")[0]
    return key if _KEY.match(key) else ""


def _cookie(state: str) -> str:
    return COOKIE + hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _plain(text: str) -> bool:
    """Tell whether every character shows as it is, as a service that shows words demands."""
    return all(unicodedata.category(character)[0] != "C" or character in "\n\t" for character in text)
