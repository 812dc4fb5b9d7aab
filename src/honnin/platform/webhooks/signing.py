"""Standard Webhooks 1.0, signature scheme v1: HMAC-SHA-256 over `id.timestamp.body`, one signature for each secret."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence

__all__ = ["headers", "new_secret"]

PREFIX = "whsec_"
OCTETS = 32  # of a secret; the standard asks for 24 to 64


def new_secret() -> str:
    """Return a new secret: `whsec_` and 32 random octets in base64."""
    return PREFIX + b64encode(secrets.token_bytes(OCTETS)).decode("ascii")


def headers(message_id: str, at: int, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """Return the three headers of one message.

    at: seconds since 1970, when this try is made; keys: every secret that a receiver may verify with now.
    """
    signed = f"{message_id}.{at}.".encode("ascii") + body
    made = (hmac.new(b64decode(key.removeprefix(PREFIX)), signed, hashlib.sha256).digest() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{b64encode(digest).decode('ascii')}" for digest in made),
    }
