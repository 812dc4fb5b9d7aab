"""The protocol's endpoints over HTTP (§1.4): token, userinfo, certs, sign transactions, discovery; and registration.

SQLite, signing and cards run in threads. Every answer is `no-store` but the keys.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from honnin.errors import InputError
from honnin.sandbox.digital_auth import grants, keys, token_endpoint, transactions, userinfo
from honnin.sandbox.digital_auth.grants import Grant
from honnin.sandbox.digital_auth.parties import Party, party, register
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.reading import UnreadableError, once
from honnin.sandbox.digital_auth.refusals import OAuthRefusal, SignRefusal
from honnin.sandbox.digital_auth.switches import BOARD
from honnin.sandbox.switching import HEADER
from honnin.sandbox.world import World

__all__ = ["Endpoints", "issuer_of", "switched"]

FORM = "application/x-www-form-urlencoded"
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
MALFORMED = b'{"access_token": '


def origin_of(request: Request) -> str:
    """Return the origin as the caller wrote it; which hosts reach the service is decided before (web/origins)."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def issuer_of(world: World, request: Request) -> str:
    """Return the issuer."""
    return origin_of(request) + profile(world).issuer


async def switched(world: World, request: Request, service: str) -> str:
    """Return how a service answers this request; waits when slow. Raises InputError `sandbox.switch_unknown`."""
    named = BOARD.from_header(request.headers.get(HEADER))
    state = named.get(service) or (await run_in_threadpool(BOARD.states, world))[service]
    if state == "slow":
        await asyncio.sleep(profile(world).slow_seconds)
        return "up"
    return state


class Endpoints:
    """The endpoints over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def token(self, request: Request) -> Response:
        """Answer a token request (RFC 6749 §5)."""
        state = await switched(self._world, request, "token")
        if state == "down":
            return _down()
        try:
            form = await self._form(request)
            endpoint = origin_of(request) + profile(self._world).endpoints.token
            issuer = issuer_of(self._world, request)
            found = await run_in_threadpool(
                lambda: token_endpoint.answer(self._world, form, issuer, endpoint, state=state)
            )
        except OAuthRefusal as refusal:
            content = {"error": refusal.error, "error_description": refusal.description}
            return JSONResponse(content, refusal.status, headers=NO_STORE)
        if state == "malformed":
            return Response(MALFORMED, media_type="application/json", headers=NO_STORE)
        return JSONResponse(found, headers=NO_STORE)

    async def userinfo(self, request: Request) -> Response:
        """Answer a UserInfo request (OIDC Core §5.3, RFC 6750)."""
        state = await switched(self._world, request, "userinfo")
        if state == "down":
            return _down()
        found = await run_in_threadpool(self._bearer, request, ("access",))
        if found is None:
            return _unauthorized(request)
        if state == "malformed":
            return Response(MALFORMED, media_type="application/json", headers=NO_STORE)
        content = await run_in_threadpool(lambda: userinfo.claims(self._world, found[1], state=state))
        return JSONResponse(content, headers=NO_STORE)

    async def certs(self, request: Request) -> Response:
        """Give the JWK set."""
        state = await switched(self._world, request, "certs")
        if state == "down":
            return _down()
        if state == "malformed":
            return Response(MALFORMED, media_type="application/json", headers=NO_STORE)
        return JSONResponse(await run_in_threadpool(keys.jwks, self._world), headers={"cache-control": "no-cache"})

    async def discovery(self, request: Request) -> Response:
        """Give the metadata (OIDC Discovery §3), where assumption A-01 says that there are any."""
        shape = profile(self._world)
        if not shape.assumptions.further.discovery:
            return Response(status_code=404)
        origin = origin_of(request)
        return JSONResponse(
            {
                "issuer": origin + shape.issuer,
                "authorization_endpoint": origin + shape.endpoints.authorization,
                "token_endpoint": origin + shape.endpoints.token,
                "userinfo_endpoint": origin + shape.endpoints.userinfo,
                "jwks_uri": origin + shape.endpoints.certs,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "scopes_supported": sorted(shape.scopes.all),
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
                "code_challenge_methods_supported": ["S256"],
                "acr_values_supported": list(shape.assumptions.acr.known),
                "authorization_response_iss_parameter_supported": shape.assumptions.id_token.response_iss,
            }
        )

    async def start_transaction(self, request: Request) -> Response:
        """Begin a sign transaction."""
        state = await switched(self._world, request, "sign")
        if state == "down":
            return _down()
        found = await run_in_threadpool(self._bearer, request, ("client",))
        if found is None:
            return _unauthorized(request)
        client = await run_in_threadpool(party, self._world, found[1].client_id)
        if client is None or profile(self._world).scopes.sign not in found[1].scopes:
            return _unauthorized(request)
        try:
            body = await self._json(request)
            content = await run_in_threadpool(transactions.start, self._world, client, body)
        except SignRefusal as refusal:
            return _problem(refusal)
        return JSONResponse(content, headers=NO_STORE)

    async def transaction_result(self, request: Request) -> Response:
        """Give a transaction's result to the holder of the user's token."""
        state = await switched(self._world, request, "sign")
        if state == "down":
            return _down()
        found = await run_in_threadpool(self._bearer, request, ("access", "client"))
        if found is None:
            return _unauthorized(request)
        wanted = request.path_params["transaction_id"]
        try:
            content = await run_in_threadpool(self._result, found[1], wanted, state)
        except SignRefusal as refusal:
            return _problem(refusal)
        if state == "malformed":
            return Response(MALFORMED, media_type="application/json", headers=NO_STORE)
        return JSONResponse(content, headers=NO_STORE)

    async def registrations(self, request: Request) -> Response:
        """Register a relying party or a PF operator (JSON): the sandbox's own."""
        try:
            body = await self._json(request)
            found = await run_in_threadpool(register, self._world, body)
        except SignRefusal as refusal:
            return _problem(refusal)
        except InputError as error:
            return JSONResponse({"code": error.code, "detail": error.message, "next": error.next}, 400)
        return JSONResponse(msgspec.to_builtins(found), 201)

    def _result(self, grant: Grant, transaction_id: str, state: str) -> dict[str, str]:
        client: Party | None = party(self._world, grant.client_id)
        if client is None:
            raise SignRefusal(401, "unknown_client", "The client is not registered.")
        return transactions.result(self._world, client, grant, transaction_id, state=state)

    def _bearer(self, request: Request, kinds: tuple[grants.Kind, ...]) -> tuple[str, Grant] | None:
        """Return the grant of a request's bearer token: one header, nothing in the query or body (RFC 9700 §2.6)."""
        values = request.headers.getlist("authorization")
        scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            return None
        found = grants.find(self._world, kinds, token)
        if found is None or found[1].issuer != issuer_of(self._world, request):
            return None
        return found

    async def _form(self, request: Request) -> Mapping[str, str]:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM or request.url.query:
            raise OAuthRefusal("invalid_request", f"the body is {FORM}, and nothing stands in the query")
        longest = profile(self._world).largest_request
        body = await _body(request, longest)
        if body is None:
            raise OAuthRefusal("invalid_request", "the request is too large", 413)
        try:
            return once(body, longest=longest)
        except UnreadableError as error:
            raise OAuthRefusal("invalid_request", str(error)) from error

    async def _json(self, request: Request) -> bytes:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise SignRefusal(415, "media_type", "The body is application/json.")
        body = await _body(request, 4 * profile(self._world).largest_request)
        if body is None:
            raise SignRefusal(413, "too_large", "The body is larger than any honest one.")
        return body


async def _body(request: Request, longest: int) -> bytes | None:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > longest:
            return None
    return bytes(content)


def _down() -> Response:
    return Response("switched down", 503, media_type="text/plain")


def _unauthorized(request: Request) -> Response:
    """Refuse without or with a bad token; without one no error is named (RFC 6750 §3)."""
    named = ', error="invalid_token"' if "authorization" in request.headers else ""
    headers = {"www-authenticate": f'Bearer realm="main"{named}', **NO_STORE}
    content: dict[str, Any] = {"error": "invalid_token"} if named else {}
    return JSONResponse(content, 401, headers=headers)


def _problem(refusal: SignRefusal) -> Response:
    content = {"type": "about:blank", "status": refusal.status, "code": refusal.code, "detail": refusal.detail}
    return JSONResponse(content, refusal.status, headers=NO_STORE, media_type="application/problem+json")
