"""Row 2 of the acceptance list (§7): private_key_jwt with both algorithms, and everything that is refused."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from .conftest import OIDC, Party


def ask(party: Party, assertion: str | None = None, **form: str | None) -> tuple[int, str | None]:
    answer = party.token(grant_type="client_credentials", assertion=assertion, **form)
    return answer.status_code, answer.json().get("error")


REFUSED = (401, "invalid_client")


def segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_both_algorithms(party: Party) -> None:
    assert ask(party, party.assertion())[0] == 200
    assert ask(party, party.assertion(key=party.rsa))[0] == 200


def test_audience_as_an_array(party: Party) -> None:
    assert ask(party, party.assertion(aud=[f"{OIDC}/token"]))[0] == 200


@pytest.mark.parametrize(
    ("audiences", "endpoint", "issuer"),
    [
        (["token_endpoint"], True, False),
        (["issuer"], False, True),
        (["token_endpoint", "issuer"], True, True),
        ([], False, False),
    ],
)
def test_which_audience_is_taken_is_a_switch(party: Party, audiences: list[str], endpoint: bool, issuer: bool) -> None:
    own = {"assumptions": {"A-05": {"audiences": audiences}}}
    file = party.world.data / "digital-auth-profile.json"
    file.write_text(json.dumps(own))
    of_issuer = OIDC.removesuffix("/protocol/openid-connect")
    try:
        for audience, taken in ((f"{OIDC}/token", endpoint), (of_issuer, issuer), ([of_issuer], issuer)):
            assert (ask(party, party.assertion(aud=audience))[0] == 200) is taken
        both = [f"{OIDC}/token", of_issuer]  # several audiences: the assertion would serve elsewhere, too
        assert ask(party, party.assertion(aud=both)) == REFUSED
    finally:
        file.unlink()


def test_without_iat_and_client_id(party: Party) -> None:
    assert ask(party, party.assertion(iat=None), client_id=None)[0] == 200


def test_replay(party: Party) -> None:
    assertion = party.assertion()
    assert ask(party, assertion)[0] == 200
    assert ask(party, assertion) == REFUSED
    assert ask(party, party.assertion(jti="once"))[0] == 200
    assert ask(party, party.assertion(jti="once")) == REFUSED


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "RP00000002"},
        {"iss": None},
        {"sub": "RP00000002"},
        {"sub": None},
        {"aud": "https://evil.example/token"},
        {"aud": None},
        {"aud": f"{OIDC}/token/"},
        {"aud": []},
        {"aud": [f"{OIDC}/token", "https://evil.example"]},
        {"exp": None},
        {"exp": 1},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": -1},
        {"exp": 10**30},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"jti": None},
        {"jti": ""},
        {"jti": "j" * 256},
        {"jti": 1},
    ],
)
def test_claims(party: Party, claims: dict[str, Any]) -> None:
    assert ask(party, party.assertion(**claims)) == REFUSED


def test_expired_by_a_second(party: Party) -> None:
    assert ask(party, party.assertion(exp=int(party.world.now().timestamp()))) == REFUSED


def test_unregistered_key(party: Party) -> None:
    stranger = ECKey.generate_key("P-256", auto_kid=True)
    assert ask(party, party.assertion(key=stranger)) == REFUSED
    assert ask(party, party.assertion(key=stranger, header={"kid": party.key.kid})) == REFUSED
    assert ask(party, party.assertion(key=RSAKey.generate_key(2048), header={"kid": party.rsa.kid})) == REFUSED


@pytest.mark.parametrize("kid", ["unknown", "", "../keys", 1])
def test_unknown_kid(party: Party, kid: Any) -> None:
    header = {"alg": "ES256", "kid": kid}
    body = party.assertion().split(".")
    assert ask(party, ".".join((segment(header), *body[1:]))) == REFUSED


def test_kid_of_the_other_key(party: Party) -> None:
    assert ask(party, party.assertion(header={"kid": party.rsa.kid})) == REFUSED


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "PS256", "ES384", "", None, ["ES256"]])
def test_another_algorithm(party: Party, algorithm: Any) -> None:
    _, claims, signature = party.assertion().split(".")
    header = segment({"alg": algorithm, "kid": party.key.kid})
    assert ask(party, f"{header}.{claims}.{signature}") == REFUSED
    assert ask(party, f"{header}.{claims}.") == REFUSED


def test_public_key_as_a_secret(party: Party) -> None:
    """The classic confusion: HS256 with what everybody knows."""
    _, claims, _ = party.assertion().split(".")
    for secret in (party.rsa.as_pem(private=False), json.dumps(party.rsa.as_dict(private=False)).encode()):
        signed = f"{segment({'alg': 'HS256', 'kid': party.rsa.kid})}.{claims}"
        tag = base64.urlsafe_b64encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
        assert ask(party, f"{signed}.{tag}") == REFUSED


def test_key_brought_along(party: Party) -> None:
    stranger = ECKey.generate_key("P-256", auto_kid=True)
    for kid in (stranger.kid, party.key.kid):
        header = {"jwk": stranger.as_dict(private=False), "kid": kid}
        assert ask(party, party.assertion(key=stranger, header=header)) == REFUSED


@pytest.mark.parametrize(
    "assertion", ["x", "a.b.c", "..", "a.b.c.d.e", "あ.い.う", "e30.e30.", "A" * 9000, "bnVsbA.bnVsbA.", "W10.W10."]
)
def test_no_jwt(party: Party, assertion: str) -> None:
    assert ask(party, assertion) == REFUSED


@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion_type": None},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion": None},
        {"client_id": "RP00000002"},
        {"client_secret": "x"},
    ],
)
def test_another_way_of_authentication(party: Party, form: dict[str, str | None]) -> None:
    assert ask(party, **form) == REFUSED


def test_another_clients_assertion(party: Party) -> None:
    other = Party(party.world, party.app, "RP00000030")
    assert ask(party, other.assertion(), client_id=party.client_id) == REFUSED


class TestRequest:
    def test_given_twice(self, party: Party) -> None:
        answer = party.token(grant_type="client_credentials", raw="&grant_type=client_credentials")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize(
        ("form", "error"),
        [
            ({"grant_type": None}, "invalid_request"),
            ({"grant_type": "password"}, "unsupported_grant_type"),
            ({"grant_type": "client_credentials", "scope": "openid"}, "invalid_scope"),
            ({"grant_type": "refresh_token"}, "invalid_request"),
            ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ],
    )
    def test_grants(self, party: Party, form: dict[str, str | None], error: str) -> None:
        answer = party.token(**form)
        assert (answer.status_code, answer.json()["error"]) == (400, error)

    def test_oversized(self, party: Party) -> None:
        assert party.token(grant_type="client_credentials", raw="&x=" + "a" * 20_000).status_code == 413

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
    def test_another_media_type(self, party: Party, kind: str) -> None:
        answer = party.browser.post(f"{OIDC}/token", content=b"grant_type=x", headers={"content-type": kind})
        assert answer.json()["error"] == "invalid_request"

    def test_parameters_in_the_query(self, party: Party) -> None:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = party.browser.post(f"{OIDC}/token?code=x", content=b"grant_type=x", headers=headers)
        assert answer.json()["error"] == "invalid_request"

    def test_nothing_is_cached(self, party: Party) -> None:
        assert party.token(grant_type="client_credentials").headers["cache-control"] == "no-store"
