"""UserInfo (§1.9): `sub` and the items whose scopes were granted, flat, written as assumption A-09 says."""

from typing import Any

from honnin.sandbox.digital_auth.grants import Grant
from honnin.sandbox.digital_auth.profile import UserInfo, profile
from honnin.sandbox.digital_auth.store import new_secret
from honnin.sandbox.world import World

__all__ = ["claims"]


def claims(world: World, grant: Grant, *, state: str) -> dict[str, Any]:
    """Return the answer for an access token. state: how the `userinfo` service is switched."""
    shape = profile(world).assumptions.user_info
    sub = new_secret() if state == "wrong_sub" else grant.sub
    return {"sub": sub} | {name: _written(shape, name, value) for name, value in grant.items.items()}


def _written(shape: UserInfo, name: str, value: str) -> Any:
    if name == "birthdate" and shape.birthdate == "YYYY-MM-DD":
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    if name == "gender":
        return shape.gender[value]
    if name == "address" and shape.address == "object":
        return {"formatted": value}
    return value
