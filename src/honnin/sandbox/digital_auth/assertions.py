"""Client authentication with private_key_jwt (RFC 7523 §3, §1.7): ES256 and RS256, each assertion once."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from honnin.sandbox.digital_auth.parties import ASSERTION_ALGORITHMS, Party, party
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.refusals import OAuthRefusal
from honnin.sandbox.world import World

__all__ = ["ASSERTION_TYPE", "authenticate", "is_strict"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALLOWED = tuple(ASSERTION_ALGORITHMS.values())
LONGEST = 8192
LONGEST_JTI = 255


def is_strict(world: World, client: Party) -> bool:
    """Tell whether every departure of this client is refused."""
    return profile(world).strict_by_default if client.strict is None else client.strict


def authenticate(world: World, form: Mapping[str, str], issuer: str, endpoint: str) -> Party:
    """Return the client whose assertion stands in a token request.

    endpoint: the token endpoint's URL; the profile says whether it, the issuer or both may be named as audience.
    Raises OAuthRefusal `invalid_client` (401).
    """
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_secret" in form:
        raise _refuse("client authentication is private_key_jwt")
    assertion = form.get("client_assertion", "")
    if not 0 < len(assertion) <= LONGEST or not assertion.isascii():
        raise _refuse("the assertion is missing or too large")
    header, claims = _peek(assertion)
    client_id = claims.get("sub")
    if not isinstance(client_id, str) or form.get("client_id", client_id) != client_id:
        raise _refuse("sub is not the client")
    client = party(world, client_id)
    if client is None:
        raise _refuse("unknown client")
    try:
        jws.deserialize_compact(assertion, _key(client, header), algorithms=list(ALLOWED))
    except (JoseError, ValueError, TypeError) as error:
        raise _refuse("the signature of the assertion does not verify") from error
    known = {"token_endpoint": endpoint, "issuer": issuer}
    audiences = [known[name] for name in profile(world).assumptions.assertion.audiences]
    _check_claims(world, client, claims, audiences)
    return client


def _peek(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Read header and claims before anything is believed of them."""
    try:
        found = jws.extract_compact(assertion.encode())
        header, claims = found.headers(), json.loads(found.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise _refuse("the assertion is no JWT") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _refuse("the assertion is no JWT")
    return header, claims


def _key(client: Party, header: Mapping[str, Any]) -> ECKey | RSAKey:
    """Choose the registered key; the header may name one, and an algorithm that this key has."""
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALLOWED or "crit" in header:
        raise _refuse("assertions are signed with ES256 or RS256")
    keys = [import_key(jwk) for jwk in client.jwks["keys"]]
    fitting = [
        key
        for key in keys
        if isinstance(key, ECKey | RSAKey)
        and ASSERTION_ALGORITHMS[key.key_type] == algorithm
        and (kid is None or key.kid in {None, kid})
    ]
    if len(fitting) != 1:
        raise _refuse("no single registered key has this kid and algorithm")
    return fitting[0]


def _check_claims(world: World, client: Party, claims: Mapping[str, Any], audiences: Sequence[str]) -> None:
    limits, now = profile(world).assumptions.assertion, world.now().timestamp()
    if claims.get("iss") != client.client_id:
        raise _refuse("iss is not the client")
    named = claims.get("aud")
    if named not in audiences and named not in [[audience] for audience in audiences]:
        raise _refuse("aud is not this service")
    until = _time(claims, "exp")
    if until is None:
        raise _refuse("exp is missing")
    if until <= now:
        raise _refuse("the assertion has expired")
    if is_strict(world, client) and until > now + limits.longest_seconds + limits.leeway_seconds:
        raise _refuse("the assertion ends too far ahead")
    for name in ("iat", "nbf"):
        moment = _time(claims, name)
        if moment is not None and moment > now + limits.leeway_seconds:
            raise _refuse(f"{name} lies ahead")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise _refuse("jti is missing")
    _use_once(world, client.client_id, jti, until, now)


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise _refuse(f"{name} is no time")
    return float(value)


def _use_once(world: World, client_id: str, jti: str, until: float, now: float) -> None:
    with world.transaction() as db:
        db.execute("DELETE FROM dauth_assertions WHERE until <= ?", (now,))
        taken = db.execute("INSERT OR IGNORE INTO dauth_assertions VALUES (?, ?, ?)", (client_id, jti, until))
        if taken.rowcount != 1:
            raise _refuse("the assertion was used before")


def _refuse(description: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_client", description, 401)
