"""The token endpoint: exchanging a code once, and the token that starts a sign transaction (§1.7)."""

from dataclasses import dataclass, field
from typing import Any

from honnin.connect.digital_auth.assertion import ASSERTION_TYPE, client_assertion
from honnin.connect.digital_auth.attempt import Attempt
from honnin.connect.digital_auth.exchange import Reply, Steps, post_form, read_object
from honnin.connect.digital_auth.keys import SigningKey
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.service import Service
from honnin.errors import AccessError, ServiceError, StateError

__all__ = ["Tokens", "exchange_code", "own_token"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. scopes: as granted, which may be fewer than asked."""

    access_token: str = field(repr=False)
    id_token: str | None = field(repr=False)
    scopes: frozenset[str]


def exchange_code(service: Service, attempt: Attempt, code: str, key: SigningKey, *, at: int) -> Steps[Tokens]:
    """Exchange a code. It is sent once, whatever happens.

    Raises StateError `digital_auth.code_refused`, AccessError `digital_auth.client_refused`, ServiceError.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": attempt.code_verifier,
        "client_id": attempt.client_id,
    }
    reply = yield post_form("token", service.token, form | _authentication(service, attempt.client_id, key, at))
    body = _granted(reply)
    if not isinstance(body.get("id_token"), str):
        raise _malformed()
    return _tokens(body, attempt.scopes)


def own_token(service: Service, client_id: str, key: SigningKey, *, at: int) -> Steps[Tokens]:
    """Return the client's own token (client credentials). Raises AccessError `digital_auth.client_refused`."""
    rules = profile().client_credentials
    form = {"grant_type": "client_credentials", "scope": rules.scope}
    if rules.send_client_id:
        form["client_id"] = client_id
    reply = yield post_form("token", service.token, form | _authentication(service, client_id, key, at))
    return _tokens(_granted(reply), (rules.scope,))


def _authentication(service: Service, client_id: str, key: SigningKey, at: int) -> dict[str, str]:
    audience = service.token if profile().assertion.audience == "token_endpoint" else service.issuer
    assertion = client_assertion(client_id, key, audience=audience, at=at)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _granted(reply: Reply) -> dict[str, Any]:
    body = read_object(reply)
    if reply.status == 200:
        return body
    error = body.get("error")
    if error == "invalid_grant":
        raise StateError(
            "digital_auth.code_refused", "The service does not take this code (any more).", next="Start again."
        )
    if error in {"invalid_client", "unauthorized_client"}:
        raise AccessError(
            "digital_auth.client_refused",
            "The service does not know this client by this key.",
            next="Compare client id and public key with the registration; check this clock.",
        )
    raise ServiceError(
        "digital_auth.request_refused",
        f"The service refused the request (HTTP {reply.status}).",
        next="Check client id, redirect URI and scopes against the registration.",
    )


def _tokens(body: dict[str, Any], asked: tuple[str, ...]) -> Tokens:
    access, kind, scope = body.get("access_token"), body.get("token_type"), body.get("scope")
    longest = profile().limits.token_characters
    fit = isinstance(access, str) and 0 < len(access) <= longest and access.isascii() and access.isprintable()
    if not fit or " " in str(access) or not isinstance(kind, str) or kind.lower() != "bearer":
        raise _malformed()
    if scope is not None and not isinstance(scope, str):
        raise _malformed()
    # RFC 6749 §5.1: without `scope` all that was asked is granted
    granted = frozenset(scope.split()) if scope is not None else frozenset(asked)
    return Tokens(str(access), body.get("id_token"), granted)


def _malformed() -> ServiceError:
    return ServiceError("digital_auth.malformed", "The token endpoint's answer lacks what it must have.")
