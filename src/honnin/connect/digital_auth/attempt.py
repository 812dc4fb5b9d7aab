"""One attempt to log in or sign: what is sent to the authorization endpoint and kept until the person returns.

digital-agency-apis.md §1.5; PKCE (RFC 7636), `state` and `nonce` fresh for each. `state` is base64url alone, as a
semicolon is known to break the round trip.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from urllib.parse import urlencode

import msgspec

from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.service import Service
from honnin.errors import FormatError, InputError

__all__ = ["Attempt", "Signing", "code_challenge", "new_attempt"]

RandomText = Callable[[int], str]
SECRET_BYTES = 32


class Signing(msgspec.Struct, frozen=True):
    """What an attempt is to sign.

    transaction: the service's id of the sign transaction. submitted: the value that was submitted, base64.
    document_digest: SHA-256 of the document, hex: the PF's answer is held against it.
    """

    transaction: str
    submitted: str
    document_digest: str

    def __repr__(self) -> str:
        return "Signing(…)"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt under way. Keep it on the server until the return; `url` is where the person's browser goes.

    scopes: as asked. begun: seconds since 1970. signing: None for a login.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    state: str
    nonce: str
    code_verifier: str
    scopes: tuple[str, ...]
    acr_values: str | None
    begun: int
    url: str
    signing: Signing | None = None

    def __repr__(self) -> str:
        return "Attempt(…)"

    def encode(self) -> bytes:
        """Return the attempt as bytes for a store on the server."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> "Attempt":
        """Read what `encode` wrote. Raises FormatError `digital_auth.attempt_malformed`."""
        try:
            return msgspec.json.decode(encoded, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise FormatError("digital_auth.attempt_malformed", "This is no stored attempt.") from error


def code_challenge(verifier: str) -> str:
    """Return BASE64URL(SHA-256(ASCII(verifier))) (RFC 7636 §4.2)."""
    return _base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def new_attempt(
    service: Service,
    client_id: str,
    redirect_uri: str,
    items: Iterable[str],
    *,
    at: int,
    acr_values: str | None,
    signing: Signing | None = None,
    random_text: RandomText = secrets.token_urlsafe,
) -> Attempt:
    """Return a fresh attempt. items: scopes of the four items. Raises InputError `digital_auth.scope`."""
    rules = profile()
    asked = tuple(dict.fromkeys(items))
    if set(asked) - set(rules.scopes.items):
        known = ", ".join(rules.scopes.items)
        raise InputError("digital_auth.scope", "There is no such item to ask for.", next=f"Use some of: {known}.")
    scopes = (rules.scopes.login, *((rules.scopes.sign,) if signing else ()), *asked)
    state, nonce, verifier = random_text(SECRET_BYTES), random_text(SECRET_BYTES), random_text(SECRET_BYTES)
    query = {
        "response_type": "code",
        "scope": rules.scopes.separator.join(scopes),
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "nonce": nonce,
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    if acr_values:
        query["acr_values"] = acr_values
    if signing is not None:
        query[rules.sign.parameter] = signing.transaction
    joint = "&" if "?" in service.authorization else "?"
    return Attempt(
        issuer=service.issuer,
        client_id=client_id,
        redirect_uri=redirect_uri,
        state=state,
        nonce=nonce,
        code_verifier=verifier,
        scopes=scopes,
        acr_values=acr_values,
        begun=at,
        url=service.authorization + joint + urlencode(query),
        signing=signing,
    )


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
