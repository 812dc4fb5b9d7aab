"""Failing on demand: each state of each service makes the fault that it names."""

from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from honnin.errors import InputError
from honnin.sandbox.digital_auth.switches import BOARD, SERVICES

from .conftest import OIDC, Party
from .test_signing import PLAIN, opened, operator, sign

HEADER = "Honnin-Sandbox-Switch"


class Switched:
    """A party whose every request carries a switch."""

    def __init__(self, party: Party, switch: str) -> None:
        self.party = party
        self.switch = switch

    def __enter__(self) -> Party:
        browser, self.kept = self.party.browser, self.party.browser.ask

        def ask(method: str, url: str, **options: Any) -> Any:
            headers = options.pop("headers", {}) | {HEADER: self.switch}
            return self.kept(method, url, headers=headers, **options)

        browser.ask = ask  # type: ignore[method-assign]
        return self.party

    def __exit__(self, *_: object) -> None:
        self.party.browser.ask = self.kept  # type: ignore[method-assign]


@pytest.mark.parametrize("service", SERVICES)
def test_down(party: Party, service: str) -> None:
    address = {
        "authorization": f"{OIDC}/auth",
        "token": f"{OIDC}/token",
        "userinfo": f"{OIDC}/userinfo",
        "certs": f"{OIDC}/certs",
        "sign": "/api/sign-transactions",
    }[service]
    method = "POST" if service in {"token", "sign"} else "GET"
    assert party.browser.ask(method, address, headers={HEADER: f"{service}=down"}).status_code == 503


@pytest.mark.parametrize("state", ["server_error", "temporarily_unavailable"])
def test_authorization_errors_go_back(party: Party, state: str) -> None:
    with Switched(party, f"authorization={state}"):
        assert party.back()["error"] == state


def test_authorization_state(party: Party) -> None:
    with Switched(party, "authorization=no_state"):
        assert "state" not in party.back()
    with Switched(party, "authorization=wrong_state"):
        assert party.back()["state"] != party.state


@pytest.mark.parametrize(
    ("state", "claim"),
    [
        ("wrong_nonce", "nonce"),
        ("wrong_at_hash", "at_hash"),
        ("wrong_issuer", "iss"),
        ("wrong_audience", "aud"),
        ("expired", "exp"),
    ],
)
def test_claims(party: Party, state: str, claim: str) -> None:
    good = party.claims(party.log_in()["id_token"])
    with Switched(party, f"token={state}"):
        spoilt = party.claims(party.log_in()["id_token"])
    differing = {name for name in good if good[name] != spoilt[name]}
    assert claim in differing
    assert differing <= {claim, "iat", "exp", "sid", "at_hash", "auth_time"}


def test_signatures(party: Party) -> None:
    keys = KeySet.import_key_set(party.browser.get(f"{OIDC}/certs").json())
    for state in ("forged", "unknown_kid"):
        with Switched(party, f"token={state}"):
            token = party.log_in()["id_token"]
        with pytest.raises((JoseError, ValueError)):
            jwt.decode(token, keys, algorithms=["ES256"])
    with Switched(party, "token=rs256"):
        token = party.log_in()["id_token"]
    assert jws.extract_compact(token.encode()).headers()["alg"] == "RS256"
    jwt.decode(token, keys, algorithms=["RS256"])


def test_malformed(party: Party) -> None:
    code = party.back()["code"]
    with Switched(party, "token=malformed, certs=malformed"):
        for answer in (party.exchange(code), party.browser.get(f"{OIDC}/certs")):
            assert answer.status_code == 200
            with pytest.raises(ValueError):
                answer.json()


def test_userinfo_of_somebody_else(party: Party) -> None:
    answer = party.log_in()
    with Switched(party, "userinfo=wrong_sub"):
        assert party.userinfo(answer["access_token"]).json()["sub"] != party.claims(answer["id_token"])["sub"]


def test_tampered_result(party: Party) -> None:
    other = Party(party.world, party.app, "RP00000050", certified_verifier=True)
    transaction = other.start({"data": PLAIN}).json()["sign_transaction_id"]
    token = other.log_in(scope="openid sign", sign_transaction_id=transaction)["access_token"]
    good = other.result(transaction, token).json()
    with Switched(other, "sign=tampered"):
        spoilt = other.result(transaction, token).json()
    assert spoilt["signature"] != good["signature"]


def test_result_for_another_key(party: Party) -> None:
    pf = RSAKey.generate_key(2048, {"use": "enc"}, auto_kid=True)
    other = Party(party.world, party.app, "RP00000051", verifier=operator(party, "pf-switch", pf))
    done = sign(other)
    assert opened(other.result(*done).json(), pf)
    with Switched(other, "sign=wrong_key"):
        content = other.result(*done).json()
    with pytest.raises((JoseError, ValueError)):
        opened(content, pf)


def test_for_everyone_and_unknown(new_party: Any) -> None:
    party = new_party()
    BOARD.set(party.world, "userinfo", "down")
    assert party.userinfo("x").status_code == 503
    BOARD.set(party.world, "userinfo", "up")
    assert party.userinfo("x").status_code == 401
    with pytest.raises(InputError):
        BOARD.set(party.world, "userinfo", "sideways")
    assert party.browser.get(f"{OIDC}/certs", headers={HEADER: "certs=sideways"}).status_code == 400
