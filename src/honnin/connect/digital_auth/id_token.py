"""The ID token, checked whole (OIDC Core §3.1.3.7; digital-agency-apis.md §1.14 point 3; RFC 8725).

1. Size and shape; the algorithm is one of the profile's, whatever the header wishes.
2. The key by `kid` in the issuer's JWKS; the signature.
3. `iss`, `aud` (and `azp`), `exp`, `iat`, `nbf`, `nonce`, `at_hash`, `acr`.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from honnin.connect.digital_auth.attempt import Attempt
from honnin.connect.digital_auth.exchange import Steps, parse_json
from honnin.connect.digital_auth.jwks import KeyCache
from honnin.connect.digital_auth.profile import profile
from honnin.errors import AccessError, FormatError

__all__ = ["Claims", "check_id_token", "read_parts"]

Claims = dict[str, Any]


def check_id_token(
    token: str, attempt: Attempt, access_token: str, keys: KeyCache, *, now: float, bound: bool = True
) -> Steps[Claims]:
    """Return the claims of a token that passed every check. bound: whether `at_hash` must be there.

    Raises FormatError `digital_auth.token_malformed`; AccessError `digital_auth.token_algorithm`,
    `digital_auth.token_signature`, `digital_auth.token_issuer`, `digital_auth.token_audience`,
    `digital_auth.token_expired`, `digital_auth.token_future`, `digital_auth.token_nonce`,
    `digital_auth.token_at_hash`, `digital_auth.token_acr`; what `KeyCache.find` raises.
    """
    # 1.
    header, claims = read_parts(token)
    algorithm = header.get("alg")
    if algorithm not in profile().id_token.algorithms:
        raise AccessError("digital_auth.token_algorithm", "The token is signed by an algorithm that is not allowed.")
    if "crit" in header or not isinstance(header.get("kid"), str):
        raise _malformed("its header names no key, or an extension that must be understood")
    # 2.
    key = yield from keys.find(header["kid"], algorithm, now)
    try:
        jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError) as error:
        raise AccessError("digital_auth.token_signature", "The token's signature is wrong.") from error
    # 3.
    _check_claims(claims, attempt, now)
    if (bound or "at_hash" in claims) and not _same(claims.get("at_hash"), _half_hash(access_token)):
        raise AccessError("digital_auth.token_at_hash", "The access token is not the one that came with the ID token.")
    return claims


def _check_claims(claims: Claims, attempt: Attempt, now: float) -> None:
    rules = profile().id_token
    subject = claims.get("sub")
    if any(name not in claims for name in rules.required) or not (
        isinstance(subject, str) and 0 < len(subject) <= profile().subject.most_characters
    ):
        raise _malformed("a claim that must be there is missing")
    if claims["iss"] != attempt.issuer:
        raise AccessError("digital_auth.token_issuer", "The token was issued by somebody else.")
    _check_audience(claims, attempt.client_id)
    expires, issued, valid_from = (_seconds(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None or expires <= now - rules.leeway_seconds:
        raise AccessError("digital_auth.token_expired", "The token has expired.", next="Start again.")
    if max(issued, valid_from or issued) > now + rules.leeway_seconds:
        raise AccessError("digital_auth.token_future", "The token is from the future.", next="Check this clock.")
    if issued < now - rules.oldest_seconds:
        raise AccessError("digital_auth.token_expired", "The token is too old for this return.", next="Start again.")
    if not _same(claims["nonce"], attempt.nonce):
        raise AccessError("digital_auth.token_nonce", "The token belongs to another attempt.", next="Start again.")
    _check_acr(claims.get("acr"), attempt.acr_values)


def _check_audience(claims: Claims, client_id: str) -> None:
    audience = claims["aud"]
    named = [audience] if isinstance(audience, str) else audience
    wrong = not isinstance(named, list) or client_id not in named
    party = claims.get("azp")
    # OIDC Core §3.1.3.7 points 4 and 5: several audiences need azp, and azp is us where it is there
    if wrong or (len(named) > 1 and party is None) or (party is not None and party != client_id):
        raise AccessError("digital_auth.token_audience", "The token was issued for another client.")


def _check_acr(said: Any, asked: str | None) -> None:
    rules = profile().acr
    wanted = max((rules.levels.get(word, 0) for word in (asked or "").split()), default=0)
    if not wanted:
        return
    reached = [rules.levels[word] for word in str(said or "").split() if word in rules.levels]
    if (reached and max(reached) < wanted) or (rules.required and not reached):
        raise AccessError("digital_auth.token_acr", "The person was authenticated less strictly than was asked.")


def _seconds(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise _malformed("a time in it is none")
    return float(value)


def _same(said: Any, expected: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode("utf-8", "surrogatepass"), expected.encode())


def _half_hash(access_token: str) -> str:
    """OIDC Core §3.1.3.6: the left half of the hash of the token's ASCII octets."""
    digest = hashlib.sha256(access_token.encode("ascii", "replace")).digest()
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode("ascii")


def read_parts(token: str) -> tuple[dict[str, Any], Claims]:
    """Return header and claims of a signed token, unchecked. Raises FormatError `digital_auth.token_malformed`."""
    if len(token) > profile().limits.token_characters or not token.isascii():
        raise _malformed("it is too long")
    parts = token.split(".")
    if len(parts) != 3:
        raise _malformed("it is no signed token")
    try:
        header, claims = (parse_json(_decoded(part)) for part in parts[:2])
    except ValueError:
        raise _malformed("its parts are no JSON objects") from None
    return header, claims


def _decoded(part: str) -> bytes:
    if "=" in part:
        raise ValueError("padding")
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _malformed(why: str) -> FormatError:
    return FormatError("digital_auth.token_malformed", f"The ID token cannot be used: {why}.")
