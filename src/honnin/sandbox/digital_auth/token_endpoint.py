"""The token endpoint (§1.7): three grants, every one with private_key_jwt."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from honnin.sandbox.digital_auth import grants
from honnin.sandbox.digital_auth.assertions import authenticate, is_strict
from honnin.sandbox.digital_auth.grants import Grant
from honnin.sandbox.digital_auth.id_tokens import access_token, id_token
from honnin.sandbox.digital_auth.parties import Party
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.refusals import OAuthRefusal
from honnin.sandbox.digital_auth.store import new_secret
from honnin.sandbox.world import World

__all__ = ["answer"]

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")  # RFC 7636 §4.1
KNOWN_FIELDS = frozenset(
    {
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
        "client_id",
        "client_assertion_type",
        "client_assertion",
        "refresh_token",
        "scope",
    }
)


def answer(world: World, form: Mapping[str, str], issuer: str, endpoint: str, *, state: str) -> dict[str, Any]:
    """Return the token response. Raises OAuthRefusal."""
    client = authenticate(world, form, issuer, endpoint)
    if is_strict(world, client) and set(form) - KNOWN_FIELDS:
        raise OAuthRefusal("invalid_request", "a parameter is not known")
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return _code(world, client, form, issuer, state)
    if kind == "refresh_token":
        return _refresh(world, client, form, issuer, state)
    if kind == "client_credentials":
        return _client(world, client, form, issuer)
    if kind is None:
        raise OAuthRefusal("invalid_request", "grant_type is missing")
    raise OAuthRefusal("unsupported_grant_type", "use authorization_code, refresh_token or client_credentials")


def _code(world: World, client: Party, form: Mapping[str, str], issuer: str, state: str) -> dict[str, Any]:
    for name in ("code", "redirect_uri", "code_verifier"):
        if not form.get(name):
            raise OAuthRefusal("invalid_request", f"{name} is missing")
    found = grants.spend(world, "code", form["code"], client.client_id)
    if found is None:
        raise OAuthRefusal("invalid_grant", "the code is unknown, used or expired")
    grant_id, grant = found
    if grant.redirect_uri != form["redirect_uri"] or grant.issuer != issuer:
        raise OAuthRefusal("invalid_grant", "redirect_uri is not the one of the authorization request")
    if not VERIFIER.match(form["code_verifier"]) or not compare_digest(
        _challenge(form["code_verifier"]), grant.code_challenge or ""
    ):
        raise OAuthRefusal("invalid_grant", "code_verifier does not fit")
    return _tokens(world, grant_id, grant, state, refreshed=False)


def _refresh(world: World, client: Party, form: Mapping[str, str], issuer: str, state: str) -> dict[str, Any]:
    if not form.get("refresh_token"):
        raise OAuthRefusal("invalid_request", "refresh_token is missing")
    found = grants.spend(world, "refresh", form["refresh_token"], client.client_id)
    if found is None or found[1].issuer != issuer:
        raise OAuthRefusal("invalid_grant", "the refresh token is unknown, used or expired")
    if form.get("scope") not in {None, " ".join(found[1].scopes)}:
        raise OAuthRefusal("invalid_scope", "the scope cannot change")
    return _tokens(world, *found, state, refreshed=True)


def _client(world: World, client: Party, form: Mapping[str, str], issuer: str) -> dict[str, Any]:
    assumptions = profile(world).assumptions
    scope = assumptions.client_credentials.scope
    if form.get("scope") not in {None, scope}:
        raise OAuthRefusal("invalid_scope", f"the scope of client credentials is {scope}")
    seconds, now = assumptions.lifetimes.access_token, int(world.now().timestamp())
    grant = Grant(client.client_id, issuer, (scope,), client.client_id, new_secret(), now)
    access = access_token(world, grant, seconds=seconds, kind="Bearer")
    with world.transaction():
        grants.add_secret(world, grants.keep(world, grant), "client", access, seconds)
    return {"access_token": access, "token_type": "Bearer", "expires_in": seconds, "scope": scope}


def _tokens(world: World, grant_id: str, grant: Grant, state: str, *, refreshed: bool) -> dict[str, Any]:
    lifetimes = profile(world).assumptions.lifetimes
    access = access_token(world, grant, seconds=lifetimes.access_token, kind="Bearer")
    refresh = access_token(world, grant, seconds=lifetimes.refresh_token, kind="Refresh")
    with world.transaction():
        grants.add_secret(world, grant_id, "access", access, lifetimes.access_token)
        grants.add_secret(world, grant_id, "refresh", refresh, lifetimes.refresh_token)
    return {
        "access_token": access,
        "expires_in": lifetimes.access_token,
        "refresh_token": refresh,
        "refresh_expires_in": lifetimes.refresh_token,
        "token_type": "Bearer",
        "id_token": id_token(world, grant, access, state=state, refreshed=refreshed),
        "not-before-policy": 0,
        "session_state": grant.sid,
        "scope": " ".join(grant.scopes),
    }


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()
