"""The service's own keys: ES256 for ID tokens, RS256 for access tokens (§1.8), with rollover in the JWKS.

A new key signs from the moment of `roll_over`; the old one stays in the JWKS for the profile's `rollover` seconds, so
that tokens which are out can still be checked. Made when first needed, kept in the world's file.
"""

import json
from functools import lru_cache
from typing import Any, Literal

from joserfc.jwk import ECKey, RSAKey

from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.store import new_secret
from honnin.sandbox.world import World

__all__ = ["jwks", "roll_over", "salt", "signing_key", "verification_keys"]

Use = Literal["id_token", "access_token"]
USES: tuple[Use, ...] = ("id_token", "access_token")
RSA_BITS = 2048


def signing_key(world: World, use: Use) -> ECKey | RSAKey:
    """Return the key that signs now, making the first one when nobody has."""
    query = "SELECT jwk FROM dauth_keys WHERE used_for = ? AND until IS NULL"
    row = world.connection().execute(query, (use,)).fetchone()
    if row is None:
        made = _make(use)
        with world.transaction() as db:
            if db.execute(query, (use,)).fetchone() is None:
                _keep(world, use, made)
        row = world.connection().execute(query, (use,)).fetchone()
    return _read(row["jwk"])


def verification_keys(world: World, use: Use) -> list[ECKey | RSAKey]:
    """Return the keys whose signatures still count, newest first."""
    signing_key(world, use)
    rows = world.connection().execute(
        "SELECT jwk FROM dauth_keys WHERE used_for = ? AND (until IS NULL OR until > ?) ORDER BY until IS NULL DESC,"
        " since DESC",
        (use, world.now().timestamp()),
    )
    return [_read(row["jwk"]) for row in rows]


def jwks(world: World) -> dict[str, list[dict[str, Any]]]:
    """Return the public JWK set (RFC 7517)."""
    return {"keys": [key.as_dict(private=False) for use in USES for key in verification_keys(world, use)]}


def roll_over(world: World) -> list[str]:
    """Let new keys sign from now on; return their key ids."""
    made = {use: _make(use) for use in USES}
    for use in USES:
        signing_key(world, use)
    with world.transaction() as db:
        until = world.now().timestamp() + profile(world).assumptions.lifetimes.rollover
        db.execute("UPDATE dauth_keys SET until = ? WHERE until IS NULL AND used_for != 'salt'", (until,))
        for use, key in made.items():
            _keep(world, use, key)
    return [str(key.kid) for key in made.values()]


def salt(world: World) -> str:
    """Return the secret that pairwise subjects are made with."""
    query = "SELECT jwk FROM dauth_keys WHERE used_for = 'salt'"
    row = world.connection().execute(query).fetchone()
    if row is None:
        with world.transaction() as db:
            db.execute("INSERT OR IGNORE INTO dauth_keys VALUES ('salt', 'salt', ?, 0, NULL)", (new_secret(),))
        row = world.connection().execute(query).fetchone()
    found: str = row["jwk"]
    return found


def _make(use: Use) -> ECKey | RSAKey:
    if use == "id_token":
        return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    return RSAKey.generate_key(RSA_BITS, {"use": "sig", "alg": "RS256"}, auto_kid=True)


def _keep(world: World, use: Use, key: ECKey | RSAKey) -> None:
    world.connection().execute(
        "INSERT INTO dauth_keys VALUES (?, ?, ?, ?, NULL)",
        (key.kid, use, json.dumps(key.as_dict(private=True)), world.now().timestamp()),
    )


@lru_cache(maxsize=16)  # an RSA key takes long to read: it is checked
def _read(text: str) -> ECKey | RSAKey:
    jwk = json.loads(text)
    return ECKey.import_key(jwk) if jwk["kty"] == "EC" else RSAKey.import_key(jwk)
