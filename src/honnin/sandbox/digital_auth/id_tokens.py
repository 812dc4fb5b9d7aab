"""ID tokens (ES256) and access tokens (RS256 JWT, opaque to the relying party), §1.8; signed by joserfc.

A switched `token` service makes the faults that a relying party must find: each stands in one line of `_spoil`.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from honnin.sandbox.digital_auth.grants import Grant
from honnin.sandbox.digital_auth.keys import signing_key
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.store import new_secret
from honnin.sandbox.world import World

__all__ = ["access_token", "at_hash", "id_token"]


def at_hash(token: str) -> str:
    """Return the left half of the token's SHA-256, base64url (OIDC Core §3.1.3.6)."""
    return urlsafe_b64encode(sha256(token.encode("ascii")).digest()[:16]).rstrip(b"=").decode()


def access_token(world: World, grant: Grant, *, seconds: int, kind: str) -> str:
    """Return a fresh access or refresh token of a grant."""
    now = int(world.now().timestamp())
    claims = {
        "iss": grant.issuer,
        "sub": grant.sub,
        "aud": grant.issuer,
        "azp": grant.client_id,
        "typ": kind,
        "iat": now,
        "exp": now + seconds,
        "jti": new_secret(),
        "scope": " ".join(grant.scopes),
        "sid": grant.sid,
    }
    key = signing_key(world, "access_token")
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, claims, key, algorithms=["RS256"])


def id_token(world: World, grant: Grant, access: str, *, state: str, refreshed: bool) -> str:
    """Return the ID token beside an access token; a refreshed one carries no nonce.

    state: how the `token` service is switched.
    """
    assumptions, now = profile(world).assumptions, int(world.now().timestamp())
    claims: dict[str, Any] = {
        "iss": grant.issuer,
        "sub": grant.sub,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + assumptions.lifetimes.id_token,
        "at_hash": at_hash(access),
    }
    if not refreshed:
        claims["nonce"] = grant.nonce
    further = {"auth_time": grant.auth_time, "acr": grant.acr, "azp": grant.client_id, "sid": grant.sid}
    claims |= {name: further[name] for name in assumptions.id_token.claims}
    if assumptions.medium.tell_medium and grant.medium is not None:
        claims["amr"] = ["hwk", grant.medium]
    key = signing_key(world, "id_token")
    header: dict[str, Any] = {"alg": "ES256", "typ": "JWT", "kid": key.kid}
    return _signed(*_spoil(world, state, header, claims, key))


def _signed(header: dict[str, Any], claims: dict[str, Any], key: ECKey | RSAKey) -> str:
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def _spoil(
    world: World, state: str, header: dict[str, Any], claims: dict[str, Any], key: ECKey | RSAKey
) -> tuple[dict[str, Any], dict[str, Any], ECKey | RSAKey]:
    """Make the fault that the service is switched to."""
    spoiled: dict[str, dict[str, Any]] = {
        "wrong_nonce": {"nonce": new_secret()},
        "wrong_at_hash": {"at_hash": at_hash(new_secret())},
        "wrong_issuer": {"iss": claims["iss"] + "/another"},
        "wrong_audience": {"aud": "RP99999999"},
        "expired": {"iat": claims["iat"] - 7200, "exp": claims["exp"] - 7200},
    }
    if state == "forged":
        return header, claims, ECKey.generate_key("P-256")
    if state == "unknown_kid":
        return header | {"kid": new_secret()}, claims, key
    if state == "rs256":
        other = signing_key(world, "access_token")
        return header | {"alg": "RS256", "kid": other.kid}, claims, other
    return header, claims | spoiled.get(state, {}), key
