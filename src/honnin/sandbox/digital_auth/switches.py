"""How the service fails on demand.

down            no answer but 503
slow            the answer comes after `slow_seconds`
server_error, temporarily_unavailable   the error goes back to the relying party
no_state, wrong_state   the way back carries no state, or another one
malformed       bytes that are no answer
wrong_…, expired, forged, unknown_kid, rs256   an ID token (or `sub`) that a relying party must refuse
wrong_key, tampered     a sign result for another PF's key, or with a signature that was changed
"""

from honnin.sandbox.switching import Switchboard

__all__ = ["BOARD", "SERVICES"]

SERVICES: dict[str, tuple[str, ...]] = {
    "authorization": ("up", "down", "slow", "server_error", "temporarily_unavailable", "no_state", "wrong_state"),
    "token": (
        "up",
        "down",
        "slow",
        "malformed",
        "wrong_nonce",
        "wrong_at_hash",
        "wrong_issuer",
        "wrong_audience",
        "expired",
        "forged",
        "unknown_kid",
        "rs256",
    ),
    "userinfo": ("up", "down", "slow", "malformed", "wrong_sub"),
    "certs": ("up", "down", "slow", "malformed"),
    "sign": ("up", "down", "slow", "malformed", "wrong_key", "tampered"),
}
BOARD = Switchboard("digital-auth", SERVICES)
