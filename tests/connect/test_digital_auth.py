"""The connector under attack: every departure of a return, a token or an answer is refused by a code of its own.

The service here signs with keys of the test's own through Authlib, a second JOSE library, and answers over httpx.
"""

import hashlib
import json
import logging
import re
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import msgspec
import pytest
from tests import jose

from honnin.connect.digital_auth import Attempt, Attempts, DigitalAuth, KeyFile, Service
from honnin.connect.digital_auth.attempt import code_challenge
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.signing import start_transaction
from honnin.connect.digital_auth.tokens import Tokens, own_token
from honnin.errors import HonninError

BASE = "https://service.example/api"
REDIRECT = "https://sp.example/return"
CLIENT = "RP00000001"
NOW = 1_795_000_000.0
ACCESS = "invented-access-token"
SUBJECT = "0f6f1c9e-8f5e-4a4e-9a53-0a6b5a5b1c11"
TRANSACTION = "65a04b4e-af8b-45a2-8713-5ec2631bab64"


def half_hash(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


class InventedService:
    """Answers as each test wants; counts what it was asked."""

    def __init__(self) -> None:
        self.key = jose.new_key(kid="one", use="sig", alg="ES256")
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "ES256", "kid": "one"}
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = lambda header, claims: jose.signed(
            header, claims, self.key
        )
        self.token: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {
            "sub": SUBJECT,
            "name": "見本　花子",
            "birthdate": "1985-03-15",
            "gender": "female",
        }
        self.status: dict[str, int] = {}
        self.replaced: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.nonce = ""
        self.headers: dict[str, str] = {}

    def jwks(self) -> dict[str, Any]:
        return {"keys": [jose.public_of(self.key)]}

    def id_token(self) -> str:
        claims = {
            "iss": BASE + "/realms/main",
            "sub": SUBJECT,
            "aud": CLIENT,
            "exp": NOW + 300,
            "iat": NOW,
            "nonce": self.nonce,
            "at_hash": half_hash(ACCESS),
        }
        merged = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return self.sign(self.header, merged)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = next(
            word
            for word in ("certs", "token", "userinfo", "result", "sign-transactions")
            if str(request.url).endswith(word)
        )
        self.asked.append(name)
        if name == "token":
            self.forms.append({key: values[0] for key, values in parse_qs(request.content.decode()).items()})
        body: Any = {
            "certs": self.jwks,
            "token": lambda: {
                "access_token": ACCESS,
                "token_type": "Bearer",
                "id_token": self.id_token(),
                "scope": "openid name birthdate gender sign",
                **self.token,
            },
            "userinfo": lambda: self.userinfo,
            "result": lambda: {"sign_certificate": "a.b.c.d.e"},
            "sign-transactions": lambda: {"sign_transaction_id": TRANSACTION},
        }[name]()
        content = self.replaced.get(name, json.dumps(body).encode())
        return httpx.Response(self.status.get(name, 200), content=content, headers=self.headers)


@pytest.fixture
def invented() -> InventedService:
    return InventedService()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    KeyFile(tmp_path, "sign").new("ES256", at=datetime(2026, 11, 21, tzinfo=UTC))
    return tmp_path


@pytest.fixture
def client(invented: InventedService, keys: Path) -> Iterator[DigitalAuth]:
    transport = httpx.MockTransport(invented)
    with DigitalAuth(
        Service.at(BASE),
        client_id=CLIENT,
        redirect_uri=REDIRECT,
        keys=keys,
        clock=lambda: NOW,
        transport=transport,
    ) as opened:
        yield opened


@pytest.fixture
def attempt(client: DigitalAuth, invented: InventedService) -> Attempt:
    begun = client.start_login(["name", "birthdate", "gender"])
    invented.nonce = begun.nonce
    return begun


def returned(attempt: Attempt, **more: str) -> str:
    return urlencode({"state": attempt.state, "session_state": "x", "code": "invented-code", **more})


def code_of(run: Callable[[], Any]) -> str:
    with pytest.raises(HonninError) as caught:
        run()
    return caught.value.code


class TestStart:
    def test_every_official_parameter(self, attempt: Attempt) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(attempt.url).query).items()}
        assert query == {
            "response_type": "code",
            "scope": "openid name birthdate gender",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": code_challenge(attempt.code_verifier),
            "code_challenge_method": "S256",
            "acr_values": "aal3 crl",
        }
        for text in (attempt.state, attempt.nonce, attempt.code_verifier):
            assert re.fullmatch(r"[A-Za-z0-9_-]{43}", text)

    def test_challenge_of_rfc_7636_appendix_b(self) -> None:
        verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    def test_unknown_items_are_refused(self, client: DigitalAuth) -> None:
        assert code_of(lambda: client.start_login(["photo"])) == "digital_auth.scope"

    @pytest.mark.parametrize("base", ["http://service.example/api", "ftp://x/", "", "https://user@service.example"])
    def test_addresses_are_https(self, base: str) -> None:
        assert code_of(lambda: Service.at(base)) == "digital_auth.address"

    def test_the_official_environments(self) -> None:
        assert Service.of_environment("production").token == (
            "https://auth-and-sign.go.jp/api/realms/main/protocol/openid-connect/token"
        )
        assert code_of(lambda: Service.of_environment("moon")) == "digital_auth.environment"

    def test_an_attempt_survives_a_store_and_shows_nothing(self, attempt: Attempt) -> None:
        assert Attempt.decode(attempt.encode()) == attempt
        assert attempt.state not in repr(attempt)
        assert code_of(lambda: Attempt.decode(b"{}")) == "digital_auth.attempt_malformed"


class TestReturn:
    def test_a_good_return(self, client: DigitalAuth, attempt: Attempt, invented: InventedService) -> None:
        login = client.finish_login(attempt, returned(attempt))
        assert login.subject == SUBJECT
        assert login.items.name == "見本　花子"
        assert login.items.address is None
        assert "見本" not in repr(login)
        assert SUBJECT not in repr(login)
        assert invented.asked == ["certs", "token", "userinfo"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda q: q + "&state=other", "digital_auth.return_malformed"),
            (lambda q: q + "&code=other", "digital_auth.return_malformed"),
            (lambda q: q.replace("state=", "state=x"), "digital_auth.state"),
            (lambda q: re.sub(r"state=[^&]*&", "", q, count=1), "digital_auth.state"),
            (lambda q: q + "&iss=https%3A%2F%2Fevil.example", "digital_auth.mix_up"),
            (lambda q: q + "&error=access_denied", "digital_auth.access_denied"),
            (lambda q: q + "&error=server_error", "digital_auth.server_error"),
            (lambda q: q + "&error=temporarily_unavailable", "digital_auth.temporarily_unavailable"),
            (lambda q: q + "&error=%3Cscript%3E", "digital_auth.request_refused"),
            (lambda q: q.replace("code=invented-code", "code="), "digital_auth.return_malformed"),
            (lambda q: q + "&x=" + "y" * 5000, "digital_auth.return_malformed"),
            (lambda q: q + "&x=y" * 3000, "digital_auth.return_malformed"),
            (lambda q: q + "&x=%ff", "digital_auth.return_malformed"),
            (lambda _: "", "digital_auth.return_malformed"),
            (lambda _: "?", "digital_auth.return_malformed"),
            (lambda _: "\ud800=1", "digital_auth.state"),
        ],
    )
    def test_departures(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService, change: Callable[[str], str], code: str
    ) -> None:
        assert code_of(lambda: client.finish_login(attempt, change(returned(attempt)))) == code
        assert "token" not in invented.asked

    def test_an_error_of_somebody_else_is_not_believed(self, client: DigitalAuth, attempt: Attempt) -> None:
        assert code_of(lambda: client.finish_login(attempt, "state=x&error=access_denied")) == "digital_auth.state"

    def test_the_right_issuer_is_welcome(self, client: DigitalAuth, attempt: Attempt) -> None:
        assert client.finish_login(attempt, returned(attempt, iss=BASE + "/realms/main")).subject == SUBJECT

    def test_an_attempt_of_another_service(self, client: DigitalAuth, keys: Path) -> None:
        other = DigitalAuth(
            Service.at("https://evil.example/api"),
            client_id=CLIENT,
            redirect_uri=REDIRECT,
            keys=keys,
            clock=lambda: NOW,
        )
        attempt = other.start_login()
        other.close()
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.mix_up"

    @pytest.mark.parametrize("late", [1000, -1000])
    def test_a_late_return(self, client: DigitalAuth, attempt: Attempt, late: int) -> None:
        object.__setattr__(client._client, "clock", lambda: NOW + late)
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.attempt_expired"


class TestAttempts:
    def test_taken_once_and_by_its_own_browser(self, attempt: Attempt, tmp_path: Path) -> None:
        store = Attempts(tmp_path / "attempts.sqlite3")
        store.keep(attempt, "browser")
        url = REDIRECT + "?" + returned(attempt)
        assert code_of(lambda: store.take(url, "another")) == "digital_auth.state"
        again = Attempts(tmp_path / "attempts.sqlite3")
        assert again.take(url, "browser") == attempt
        assert code_of(lambda: store.take(url, "browser")) == "digital_auth.state"
        assert stat.S_IMODE((tmp_path / "attempts.sqlite3").stat().st_mode) == 0o600
        store.close()
        again.close()

    def test_a_return_without_state(self) -> None:
        store = Attempts()
        assert code_of(lambda: store.take("code=x", "browser")) == "digital_auth.return_malformed"
        store.close()


def none_alg(_: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [json.dumps({"alg": "none", "kid": "one"}).encode(), json.dumps(claims).encode()]
    return ".".join([urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts] + [""])


class TestIdToken:
    @pytest.mark.parametrize(
        ("claims", "code"),
        [
            ({"iss": "https://evil.example"}, "digital_auth.token_issuer"),
            ({"aud": "RP00000002"}, "digital_auth.token_audience"),
            ({"aud": ["RP00000002"]}, "digital_auth.token_audience"),
            ({"aud": [CLIENT, "RP00000002"]}, "digital_auth.token_audience"),
            ({"aud": [CLIENT, "RP00000002"], "azp": "RP00000002"}, "digital_auth.token_audience"),
            ({"azp": "RP00000002"}, "digital_auth.token_audience"),
            ({"aud": 7}, "digital_auth.token_audience"),
            ({"exp": NOW - 31}, "digital_auth.token_expired"),
            ({"iat": NOW - 3600}, "digital_auth.token_expired"),
            ({"iat": NOW + 31}, "digital_auth.token_future"),
            ({"nbf": NOW + 31}, "digital_auth.token_future"),
            ({"exp": True}, "digital_auth.token_malformed"),
            ({"exp": "soon"}, "digital_auth.token_malformed"),
            ({"exp": 1e300}, "digital_auth.token_malformed"),
            ({"nonce": "other"}, "digital_auth.token_nonce"),
            ({"nonce": 5}, "digital_auth.token_nonce"),
            ({"at_hash": half_hash("another")}, "digital_auth.token_at_hash"),
            ({"at_hash": None}, "digital_auth.token_at_hash"),
            ({"acr": "aal1"}, "digital_auth.token_acr"),
            ({"sub": None}, "digital_auth.token_malformed"),
            ({"sub": ""}, "digital_auth.token_malformed"),
            ({"sub": "x" * 256}, "digital_auth.token_malformed"),
            ({"nonce": None}, "digital_auth.token_malformed"),
            ({"exp": None}, "digital_auth.token_malformed"),
            ({"filler": "x" * 20_000}, "digital_auth.token_malformed"),
        ],
    )
    def test_claims(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService, claims: dict[str, Any], code: str
    ) -> None:
        invented.claims = claims
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == code
        assert "userinfo" not in invented.asked

    @pytest.mark.parametrize(
        "claims",
        [
            {"aud": [CLIENT]},
            {"aud": [CLIENT, "other"], "azp": CLIENT},
            {"exp": NOW - 29},
            {"iat": NOW + 29},
            {"acr": "aal3 crl"},
            {"acr": "1"},
        ],
    )
    def test_what_is_allowed(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService, claims: dict[str, Any]
    ) -> None:
        invented.claims = claims
        assert client.finish_login(attempt, returned(attempt)).subject == SUBJECT

    def test_alg_none(self, client: DigitalAuth, attempt: Attempt, invented: InventedService) -> None:
        invented.sign = none_alg
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.token_algorithm"

    def test_hs256_with_the_public_key(self, client: DigitalAuth, attempt: Attempt, invented: InventedService) -> None:
        public = invented.key.export_to_pem()
        secret = jose.imported({"kty": "oct", "k": urlsafe_b64encode(public).rstrip(b"=").decode()})
        invented.sign = lambda _, claims: jose.signed({"alg": "HS256", "kid": "one"}, claims, secret)
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.token_algorithm"

    def test_another_key_under_the_same_id(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService
    ) -> None:
        other = jose.new_key()
        invented.sign = lambda header, claims: jose.signed(header, claims, other)
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.token_signature"

    def test_a_key_that_the_token_brings_along(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService
    ) -> None:
        other = jose.new_key()
        invented.header["jwk"] = jose.public_of(other)
        invented.sign = lambda header, claims: jose.signed(header, claims, other)
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.token_signature"

    @pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d.e", "..", "é.é.é", "e30.e30.", "bnVsbA.e30.x", "!.!.!"])
    def test_what_is_no_token(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService, token: str
    ) -> None:
        invented.token = {"id_token": token}
        code = code_of(lambda: client.finish_login(attempt, returned(attempt)))
        assert code in {"digital_auth.token_malformed", "digital_auth.token_algorithm"}

    def test_no_id_token(self, client: DigitalAuth, attempt: Attempt, invented: InventedService) -> None:
        invented.token = {"id_token": None}
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.malformed"


class TestKeysOfTheService:
    def test_unknown_kid_is_asked_for_once_more(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService
    ) -> None:
        client.finish_login(attempt, returned(attempt))
        invented.asked.clear()
        hidden = jose.new_key(kid="two")
        invented.sign = lambda header, claims: jose.signed({**header, "kid": "two"}, claims, hidden)
        object.__setattr__(client._client, "clock", lambda: NOW + 10)
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.unknown_kid"
        assert invented.asked == ["token", "certs"]

    def test_rollover(self, client: DigitalAuth, attempt: Attempt, invented: InventedService) -> None:
        client.finish_login(attempt, returned(attempt))
        invented.key = jose.new_key(kid="two")
        invented.header = {"alg": "ES256", "kid": "two"}
        object.__setattr__(client._client, "clock", lambda: NOW + 10)
        assert client.finish_login(attempt, returned(attempt)).subject == SUBJECT

    def test_keys_are_kept_as_long_as_the_service_says(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService
    ) -> None:
        invented.headers = {"cache-control": "public, max-age=60"}
        for later, asked in ((0, 1), (59, 1), (61, 2)):
            object.__setattr__(client._client, "clock", lambda later=later: NOW + later)
            client.finish_login(attempt, returned(attempt))
            assert invented.asked.count("certs") == asked

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b'{"keys":[]}', b'{"keys":1}', b'{"keys":[],"keys":[]}', b"[" * 9999]
    )
    def test_what_is_no_key_set(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService, content: bytes
    ) -> None:
        invented.replaced["certs"] = content
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.jwks_unavailable"
        assert invented.asked == ["certs"]

    def test_a_key_for_encryption_signs_nothing(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService
    ) -> None:
        public = jose.public_of(invented.key) | {"use": "enc"}
        invented.replaced["certs"] = json.dumps({"keys": [public]}).encode()
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.unknown_kid"


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "body", "code"),
        [
            (400, {"error": "invalid_grant"}, "digital_auth.code_refused"),
            (401, {"error": "invalid_client"}, "digital_auth.client_refused"),
            (400, {"error": "other"}, "digital_auth.request_refused"),
            (302, {}, "digital_auth.redirected"),
            (503, {}, "digital_auth.unavailable"),
            (200, {}, "digital_auth.malformed"),
            (200, {"access_token": ACCESS, "token_type": "mac", "id_token": "x"}, "digital_auth.malformed"),
            (200, {"access_token": "a\r\nb", "token_type": "Bearer", "id_token": "x"}, "digital_auth.malformed"),
            (200, {"access_token": 1, "token_type": "Bearer", "id_token": "x"}, "digital_auth.malformed"),
            (200, [1], "digital_auth.malformed"),
            (200, "x" * 300_000, "digital_auth.too_large"),
        ],
    )
    def test_token_endpoint(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService, status: int, body: Any, code: str
    ) -> None:
        invented.status["token"] = status
        invented.replaced["token"] = json.dumps(body).encode()
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == code
        assert invented.asked.count("token") == 1

    def test_items_of_another_person(self, client: DigitalAuth, attempt: Attempt, invented: InventedService) -> None:
        invented.userinfo["sub"] = "another"
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.userinfo_subject"

    def test_items_that_were_not_granted_are_not_looked_at(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService
    ) -> None:
        invented.token = {"scope": "openid"}
        assert client.finish_login(attempt, returned(attempt)).items.name is None
        assert "userinfo" not in invented.asked

    @pytest.mark.parametrize("birthdate", ["1985-02-30", "soon", "1985/03/15", 19850315, "１９８５０３１５"])
    def test_a_birth_date_that_is_none(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService, birthdate: Any
    ) -> None:
        invented.userinfo["birthdate"] = birthdate
        assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.malformed"

    def test_a_service_that_is_gone(self, attempt: Attempt, keys: Path) -> None:
        def gone(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError(f"no route to {request.url}")

        with DigitalAuth(
            Service.at(BASE),
            client_id=CLIENT,
            redirect_uri=REDIRECT,
            keys=keys,
            clock=lambda: NOW,
            transport=httpx.MockTransport(gone),
        ) as client:
            assert code_of(lambda: client.finish_login(attempt, returned(attempt))) == "digital_auth.jwks_unavailable"

    def test_the_assertion_is_ours_and_fresh(
        self, client: DigitalAuth, attempt: Attempt, invented: InventedService, keys: Path
    ) -> None:
        for _ in range(2):
            client.finish_login(attempt, returned(attempt))
        public = jose.imported(KeyFile(keys, "sign").jwks()["keys"][0])
        read = [jose.read_signed(form["client_assertion"], public) for form in invented.forms]
        assert read[0].pop("jti") != read[1].pop("jti")
        assert read[0] == {
            "iss": CLIENT,
            "sub": CLIENT,
            "aud": Service.at(BASE).token,
            "iat": int(NOW),
            "exp": int(NOW) + 60,
        }
        assert invented.forms[0]["code_verifier"] == attempt.code_verifier


class TestSigning:
    # digital-agency-apis.md §1.11, values for this text
    TEXT = "利用規約に同意します。".encode()
    DIGEST_INFO = "MDEwDQYJYIZIAWUDBAIBBQAEIFyId8qi/cogFEJLqL16sfsSmTsGpnh2cezgqE0XZSa0"
    PLAIN = "XIh3yqL9yiAUQkuovXqx+xKZOwameHZx7OCoTRdlJrQ="

    def test_starts_and_finishes(self, client: DigitalAuth, invented: InventedService) -> None:
        attempt = client.start_signing(self.TEXT, ["name"])
        assert attempt.signing is not None
        assert attempt.signing.submitted == self.DIGEST_INFO
        assert f"sign_transaction_id={TRANSACTION}" in attempt.url
        assert "scope=openid+sign+name" in attempt.url
        invented.nonce = attempt.nonce
        signed = client.finish_signing(attempt, returned(attempt))
        assert signed.result.jwe == "a.b.c.d.e"
        assert signed.result.submitted == self.DIGEST_INFO
        assert [form["grant_type"] for form in invented.forms] == ["client_credentials", "authorization_code"]

    def test_bare_digest(self, client: DigitalAuth) -> None:
        signing = client.start_signing(self.TEXT, shape="bare_digest").signing
        assert signing is not None
        assert signing.submitted == self.PLAIN

    def test_there_must_be_something_to_sign(self, client: DigitalAuth) -> None:
        assert code_of(lambda: client.start_signing(b"")) == "digital_auth.nothing_to_sign"

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (404, "digital_auth.transaction_unknown"),
            (409, "digital_auth.transaction_unfinished"),
            (410, "digital_auth.transaction_expired"),
            (401, "digital_auth.result_refused"),
            (400, "digital_auth.request_refused"),
            (500, "digital_auth.unavailable"),
        ],
    )
    def test_results_that_are_none(
        self, client: DigitalAuth, invented: InventedService, status: int, code: str
    ) -> None:
        attempt = client.start_signing(self.TEXT)
        invented.nonce, invented.status["result"] = attempt.nonce, status
        assert code_of(lambda: client.finish_signing(attempt, returned(attempt))) == code

    @pytest.mark.parametrize(
        "content", [b"{}", b'{"sign_certificate":"a.b"}', b'{"signature":"!","certificate":"AA=="}']
    )
    def test_malformed_results(self, client: DigitalAuth, invented: InventedService, content: bytes) -> None:
        attempt = client.start_signing(self.TEXT)
        invented.nonce, invented.replaced["result"] = attempt.nonce, content
        assert code_of(lambda: client.finish_signing(attempt, returned(attempt))) == "digital_auth.malformed"

    def test_the_older_plain_shape(self, client: DigitalAuth, invented: InventedService) -> None:
        attempt = client.start_signing(self.TEXT)
        invented.nonce, invented.replaced["result"] = attempt.nonce, b'{"signature":"AQI=","certificate":"MAA="}'
        result = client.finish_signing(attempt, returned(attempt)).result
        assert (result.jwe, result.signature, result.certificate) == (None, b"\x01\x02", b"\x30\x00")

    def test_a_signature_that_was_not_allowed(self, client: DigitalAuth, invented: InventedService) -> None:
        attempt = client.start_signing(self.TEXT)
        invented.nonce, invented.token = attempt.nonce, {"scope": "openid"}
        assert code_of(lambda: client.finish_signing(attempt, returned(attempt))) == "digital_auth.sign_not_granted"

    def test_a_transaction_id_that_is_a_path(self, client: DigitalAuth, invented: InventedService) -> None:
        invented.replaced["sign-transactions"] = b'{"sign_transaction_id":"../../userinfo?x="}'
        assert code_of(lambda: client.start_signing(self.TEXT)) == "digital_auth.malformed"

    def test_a_login_is_no_signature(self, client: DigitalAuth, attempt: Attempt) -> None:
        assert code_of(lambda: client.finish_signing(attempt, returned(attempt))) == "digital_auth.not_signing"


def test_no_secret_is_in_any_log_or_error(
    client: DigitalAuth, attempt: Attempt, invented: InventedService, caplog: pytest.LogCaptureFixture, keys: Path
) -> None:
    """All logs of a run, of every library at its most talkative, are searched for every secret used in it."""
    caplog.set_level(logging.DEBUG)
    said = [repr(client.finish_login(attempt, returned(attempt)))]
    invented.claims = {"nonce": "other"}
    signing = client.start_signing(TestSigning.TEXT)
    for query in (returned(attempt), returned(attempt, iss="https://evil.example")):
        with pytest.raises(HonninError) as caught:
            client.finish_login(attempt, query)
        said += [str(caught.value), repr(caught.value)]
    private = json.loads((keys / "sign.json").read_text())["keys"][0]["jwk"]["d"]
    secrets = [
        attempt.code_verifier,
        attempt.nonce,
        ACCESS,
        "invented-code",
        private,
        SUBJECT,
        "見本",
        "1985",
        *(form["client_assertion"] for form in invented.forms),
    ]
    assert caplog.records  # the client library did speak
    everything = caplog.text + "".join([*said, repr(signing), repr(client), repr(attempt)])
    for secret in secrets:
        assert secret not in everything


def test_the_profile_names_every_assumption() -> None:
    path = Path(__file__).parents[2] / "src/honnin/connect/digital_auth/profile.json"
    text = path.read_text(encoding="utf-8")
    for number in range(1, 18):
        assert f"A-{number:02d}" in text or f"A-{number:02d}" in "A-16"
    assert profile().scopes.items == ("name", "address", "birthdate", "gender")


def test_the_assertion_names_what_the_profile_says(monkeypatch: pytest.MonkeyPatch, keys: Path) -> None:
    """Decision 0014: the token endpoint; the issuer by one word of the profile."""
    service, key = Service.of_environment("production"), KeyFile(keys, "sign").signing_key()

    def audience() -> str:
        request = next(own_token(service, "RP1", key, at=0))
        body = dict(parse_qsl((request.content or b"").decode()))["client_assertion"].split(".")[1]
        return str(json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["aud"])

    assert audience() == service.token
    changed = msgspec.structs.replace(
        profile(), assertion=msgspec.structs.replace(profile().assertion, audience="issuer")
    )
    monkeypatch.setattr("honnin.connect.digital_auth.tokens.profile", lambda: changed)
    assert audience() == service.issuer


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_the_official_service_is_never_sent_words(environment: str) -> None:
    service, tokens = Service.of_environment(environment), Tokens("t", None, frozenset())
    with pytest.raises(HonninError) as refused:
        next(start_transaction(service, "RP1", tokens, b"terms", "digest_info", "terms"))
    assert refused.value.code == "digital_auth.no_words"
    request = next(start_transaction(service, "RP1", tokens, b"terms", "digest_info"))
    assert set(json.loads(request.content or b"")) == {"client_id", "data"}
