"""Client authentication by private_key_jwt (RFC 7523 §2.2 and §3, OIDC Core §9; digital-agency-apis.md §1.7)."""

import secrets

from joserfc import jwt

from honnin.connect.digital_auth.keys import SigningKey
from honnin.connect.digital_auth.profile import profile

__all__ = ["ASSERTION_TYPE", "client_assertion"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def client_assertion(client_id: str, key: SigningKey, *, audience: str, at: int) -> str:
    """Return a fresh assertion, good for one request.

    audience: the token endpoint's URL, or the issuer. at: seconds since 1970.
    """
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(24),
        "iat": at,
        "exp": at + profile().assertion.lifetime_seconds,
    }
    return jwt.encode({"alg": key.algorithm, "kid": key.kid}, claims, key.jose, algorithms=[key.algorithm])
