"""What a person allowed, and the secrets that stand for it: codes, access tokens, refresh tokens (§1.7).

A code and a refresh token work once; either of them used again ends the whole grant (RFC 6749 §4.1.2, RFC 9700 §4.14).
"""

from typing import Literal

import msgspec

from honnin.sandbox.digital_auth.store import digest, new_secret
from honnin.sandbox.world import World

__all__ = ["Grant", "Kind", "add_secret", "find", "keep", "spend"]

Kind = Literal["code", "access", "refresh", "client"]


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one relying party was allowed, by a person or (client credentials) for itself.

    items: the four items that were asked for, as the card holds them.
    """

    client_id: str
    issuer: str
    scopes: tuple[str, ...]
    sub: str
    sid: str
    auth_time: int
    acr: str | None = None
    nonce: str | None = None
    redirect_uri: str | None = None
    code_challenge: str | None = None
    items: dict[str, str] = {}
    sign_transaction_id: str | None = None
    medium: str | None = None

    def __repr__(self) -> str:
        return "Grant(…)"


def keep(world: World, grant: Grant) -> str:
    """Keep a grant and return its id."""
    grant_id = new_secret()
    world.connection().execute(
        "INSERT INTO dauth_grants (grant_id, content) VALUES (?, ?)", (grant_id, msgspec.json.encode(grant).decode())
    )
    return grant_id


def add_secret(world: World, grant_id: str, kind: Kind, secret: str, seconds: int) -> None:
    """Let a secret stand for a grant for some time."""
    until = world.now().timestamp() + seconds
    world.connection().execute(
        "INSERT INTO dauth_secrets (digest, kind, grant_id, until) VALUES (?, ?, ?, ?)",
        (digest(secret), kind, grant_id, until),
    )


def find(world: World, kind: tuple[Kind, ...], secret: str) -> tuple[str, Grant] | None:
    """Return the living grant that a token stands for, and its id."""
    found = _row(world, kind, secret)
    return None if found is None or found[2] else (found[0], found[1])


def spend(world: World, kind: Kind, secret: str, client_id: str) -> tuple[str, Grant] | None:
    """Use a code or refresh token up; a second use ends its grant. Another client's is left as it is."""
    with world.transaction() as db:
        found = _row(world, (kind,), secret, even_late=True)
        if found is None or found[1].client_id != client_id:
            return None
        grant_id, grant, used = found
        if used:
            db.execute("UPDATE dauth_grants SET ended = 1 WHERE grant_id = ?", (grant_id,))
            return None
        db.execute("UPDATE dauth_secrets SET used = 1 WHERE digest = ?", (digest(secret),))
        return (grant_id, grant) if _row(world, (kind,), secret) is not None else None


def _row(
    world: World, kinds: tuple[Kind, ...], secret: str, *, even_late: bool = False
) -> tuple[str, Grant, bool] | None:
    row = (
        world.connection()
        .execute(
            "SELECT s.grant_id, s.kind, s.until, s.used, g.content, g.ended FROM dauth_secrets s"
            " JOIN dauth_grants g USING (grant_id) WHERE s.digest = ?",
            (digest(secret),),
        )
        .fetchone()
    )
    if row is None or row["kind"] not in kinds or row["ended"]:
        return None
    if not even_late and row["until"] <= world.now().timestamp():
        return None
    return row["grant_id"], msgspec.json.decode(row["content"], type=Grant), bool(row["used"])
