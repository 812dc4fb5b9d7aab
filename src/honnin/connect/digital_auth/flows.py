"""The two journeys of digital-agency-apis.md §1.14, login and signing, as steps without I/O.

1. The return is held against its attempt.     4. The ID token is checked whole.
2. The service's keys are made ready.          5. UserInfo, for the items that were granted.
3. The code is exchanged, once.                6. Signing: the result, with the person's own token.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from honnin.connect.digital_auth.attempt import Attempt, new_attempt
from honnin.connect.digital_auth.exchange import Steps, get, read_object
from honnin.connect.digital_auth.id_token import Claims, check_id_token
from honnin.connect.digital_auth.jwks import KeyCache
from honnin.connect.digital_auth.keys import SigningKey
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.returning import read_return
from honnin.connect.digital_auth.service import Service, described_service
from honnin.connect.digital_auth.signing import Shape, SignResult, fetch_result, start_transaction
from honnin.connect.digital_auth.tokens import Tokens, exchange_code, own_token
from honnin.connect.digital_auth.userinfo import fetch_items
from honnin.errors import InputError, ServiceError
from honnin.identity import FourItems

__all__ = ["Client", "Login", "Signed", "discover"]


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client. Its repr holds no key."""

    service: Service
    client_id: str
    redirect_uri: str
    key: Callable[[], SigningKey] = field(repr=False)
    keys: KeyCache = field(repr=False)
    clock: Callable[[], float] = field(repr=False)

    def begin_login(self, items: Iterable[str], acr_values: str | None) -> Attempt:
        """Return a fresh attempt to log in."""
        at = int(self.clock())
        return new_attempt(self.service, self.client_id, self.redirect_uri, items, at=at, acr_values=acr_values)

    def begin_signing(
        self, document: bytes, items: Iterable[str], shape: Shape, acr_values: str | None, words: str | None
    ) -> Steps[Attempt]:
        """Start a sign transaction and return the attempt to have it signed."""
        at = int(self.clock())
        tokens = yield from own_token(self.service, self.client_id, self.key(), at=at)
        signing = yield from start_transaction(self.service, self.client_id, tokens, document, shape, words)
        return new_attempt(
            self.service, self.client_id, self.redirect_uri, items, at=at, acr_values=acr_values, signing=signing
        )

    def finish_login(self, attempt: Attempt, query: str) -> "Steps[Login]":
        """Return the login that a person came back with."""
        login, _ = yield from self._finish(attempt, query)
        return login

    def finish_signing(self, attempt: Attempt, query: str) -> "Steps[Signed]":
        """Return what a person came back with, and the result for the PF. Raises InputError for a login's attempt."""
        if attempt.signing is None:
            raise InputError("digital_auth.not_signing", "This attempt was to log in, not to sign.")
        login, tokens = yield from self._finish(attempt, query)
        # 6.
        result = yield from fetch_result(self.service, attempt.signing, tokens)
        return Signed(login, result)

    def _finish(self, attempt: Attempt, query: str) -> "Steps[tuple[Login, Tokens]]":
        # 1.
        code = read_return(self.service, attempt, query, at=int(self.clock()))
        # 2. while the keys are out of reach, the code stays unspent
        yield from self.keys.ready(self.clock())
        # 3.
        tokens = yield from exchange_code(self.service, attempt, code, self.key(), at=int(self.clock()))
        # 4.
        claims = yield from check_id_token(
            tokens.id_token or "",
            attempt,
            tokens.access_token,
            self.keys,
            now=self.clock(),
            bound=self.service.binds_access_token,
        )
        # 5.
        items = yield from fetch_items(self.service, tokens, claims["sub"])
        return _login(claims, tokens, items), tokens


@dataclass(frozen=True, slots=True)
class Login:
    """A verified login. Key accounts on (`issuer`, `subject`), never on the four items.

    granted: scopes of the items that the person allowed. items: as written on the card; None where not granted.
    auth_time: seconds since 1970, when the service tells. id_token: as it came, for evidence. Its repr shows nothing of
    the person.
    """

    issuer: str
    subject: str = field(repr=False)
    granted: frozenset[str]
    items: FourItems = field(repr=False)
    acr: str | None
    auth_time: int | None
    id_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """A finished signature: who came back, and what the PF is to verify. It proves nothing until the PF has."""

    login: Login
    result: SignResult


def _login(claims: Claims, tokens: Tokens, items: FourItems) -> Login:
    acr, auth_time = claims.get("acr"), claims.get("auth_time")
    return Login(
        issuer=claims["iss"],
        subject=claims["sub"],
        granted=tokens.scopes.intersection(profile().scopes.items),
        items=items,
        acr=acr if isinstance(acr, str) else None,
        auth_time=auth_time if isinstance(auth_time, int) else None,
        id_token=tokens.id_token or "",
    )


def discover(issuer: str) -> Steps[Service]:
    """Return the service of an issuer by its discovery document (A-01).

    Raises ServiceError `digital_auth.discovery`.
    """
    described_service(issuer, dict.fromkeys(_ENDPOINTS, issuer) | {"issuer": issuer})  # its address, before asking
    reply = yield get("discovery", issuer.rstrip("/") + profile().discovery.path)
    body = read_object(reply)
    if reply.status != 200:
        raise ServiceError("digital_auth.discovery", "The issuer has no discovery document.")
    return described_service(issuer, body)


_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
