"""A relying party of the tests: it speaks the protocol by hand, so that it can also speak it wrongly."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from honnin.sandbox.digital_auth.app import create_app
from honnin.sandbox.digital_auth.parties import register
from honnin.sandbox.opening import Sandbox

HOST = "http://digital-auth.localhost:8600"
ISSUER = f"{HOST}/api/realms/main"
OIDC = f"{ISSUER}/protocol/openid-connect"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BACK = "https://rp.example/cb"


def b64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class Browser:
    """Asks the application in process and keeps cookies."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.cookies = httpx.Cookies()

    def ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=HOST, cookies=self.cookies) as client:
                answer = await client.request(method, url, **options)
                self.cookies = client.cookies
                return answer

        return asyncio.run(once())

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.ask("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.ask("POST", url, **options)


class Party:
    """A relying party with its keys; every step can be spoilt by naming other values."""

    def __init__(self, world: Sandbox, app: Any, client_id: str = "RP00000001", **more: Any) -> None:
        self.world = world
        self.app = app
        self.browser = Browser(app)
        self.client_id = client_id
        self.key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
        self.rsa = RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)
        keys = {"keys": [key.as_dict(private=False) for key in (self.key, self.rsa)]}
        registration = {"client_id": client_id, "name": "テスト銀行", "redirect_uris": [BACK], "jwks": keys} | more
        register(world, msgspec.json.encode(registration))
        self.verifier = secrets.token_urlsafe(32)
        self.state, self.nonce = secrets.token_urlsafe(12), secrets.token_urlsafe(12)

    def query(self, **changes: str | None) -> dict[str, str]:
        given: dict[str, str | None] = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self.client_id,
            "redirect_uri": BACK,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": b64url(hashlib.sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "acr_values": "aal3 crl",
        }
        return {name: value for name, value in (given | changes).items() if value is not None}

    def ask(
        self, *, person: str | None = "hanako", outcome: str = "ok", raw: str = "", **changes: str | None
    ) -> httpx.Response:
        headers = {} if person is None else {"Honnin-Sandbox-Person": person, "Honnin-Sandbox-Outcome": outcome}
        return self.browser.get(f"{OIDC}/auth?{urlencode(self.query(**changes))}{raw}", headers=headers)

    def back(self, **options: Any) -> dict[str, str]:
        """Return the parameters of the way back."""
        answer = self.ask(**options)
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(BACK), answer.headers["location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    def assertion(
        self, *, key: ECKey | RSAKey | None = None, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        now, signer = int(self.world.now().timestamp()), key or self.key
        algorithm = "ES256" if isinstance(signer, ECKey) else "RS256"
        given = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{OIDC}/token",
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + 60,
        } | claims
        given = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(
            {"alg": algorithm, "kid": signer.kid} | (header or {}), given, signer, algorithms=["ES256", "RS256"]
        )

    def token(self, *, raw: str = "", assertion: str | None = None, **form: str | None) -> httpx.Response:
        given: dict[str, str | None] = {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
        } | form
        body = urlencode({name: value for name, value in given.items() if value is not None}) + raw
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self.browser.post(f"{OIDC}/token", content=body, headers=headers)

    def exchange(self, code: str, /, **changes: Any) -> httpx.Response:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": self.verifier,
        }
        return self.token(**given | changes)

    def log_in(self, **options: Any) -> dict[str, Any]:
        """Go the whole way and return the token response."""
        answer = self.exchange(self.back(**options)["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def claims(self, id_token: str) -> dict[str, Any]:
        """Verify an ID token with the published keys."""
        keys = KeySet.import_key_set(self.browser.get(f"{OIDC}/certs").json())
        claims: dict[str, Any] = jwt.decode(id_token, keys, algorithms=["ES256"]).claims
        return claims

    def userinfo(self, token: str) -> httpx.Response:
        return self.browser.get(f"{OIDC}/userinfo", headers={"Authorization": f"Bearer {token}"})

    def start(self, body: Any, token: str | None = None) -> httpx.Response:
        bearer = token or self.token(grant_type="client_credentials").json()["access_token"]
        return self.browser.post("/api/sign-transactions", json=body, headers={"Authorization": f"Bearer {bearer}"})

    def result(self, transaction: str, token: str) -> httpx.Response:
        return self.browser.get(
            f"/api/sign-transactions/{transaction}/result", headers={"Authorization": f"Bearer {token}"}
        )


@pytest.fixture(scope="session")
def app(world: Sandbox) -> Any:
    return create_app(world)


@pytest.fixture(scope="session")
def party(world: Sandbox, app: Any) -> Party:
    """A relying party at the shared world."""
    return Party(world, app)


@pytest.fixture
def new_party(new_world: Callable[..., Sandbox]) -> Callable[..., Party]:
    """A relying party at a world of this test's own."""
    worlds: list[tuple[Sandbox, Any]] = []

    def make(client_id: str = "RP00000001", **more: Any) -> Party:
        if not worlds:
            fresh = new_world()
            worlds.append((fresh, create_app(fresh)))
        return Party(*worlds[0], client_id, **more)

    return make
