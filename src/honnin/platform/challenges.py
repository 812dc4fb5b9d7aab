"""The bytes that a card signs to log in: bound to one service provider, audience, purpose and login, used once.

`honnin-login/1` is RFC 8785 canonical JSON, so that whoever shows it to a person and whoever judges it read the same.
"""

from honnin.platform.evidence.canonical import encode
from honnin.platform.ids import new_return_code

__all__ = ["new_challenge"]


def new_challenge(*, tenant: str, login: str, audience: str, purpose: str, expires_at: str) -> bytes:
    """Return a challenge with a fresh nonce. login: id of the login or session that it belongs to and ends with."""
    return encode(
        {
            "audience": audience,
            "expires_at": expires_at,
            "login": login,
            "nonce": new_return_code(),
            "purpose": purpose,
            "tenant": tenant,
            "type": "honnin-login/1",
        }
    )
