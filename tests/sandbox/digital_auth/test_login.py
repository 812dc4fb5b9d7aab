"""Rows 3 to 6 of the acceptance list (§7): code, tokens, subjects, items."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError

from honnin.sandbox.digital_auth.keys import roll_over
from honnin.sandbox.life import happen

from .conftest import BACK, HOST, ISSUER, OIDC, Party, b64url

NewParty = Callable[..., Party]


class TestIdToken:
    def test_claims(self, party: Party) -> None:
        answer = party.log_in()
        assert answer["token_type"] == "Bearer"
        assert answer["expires_in"] == 300
        claims = party.claims(answer["id_token"])
        now = int(party.world.now().timestamp())
        expected = hashlib.sha256(answer["access_token"].encode()).digest()[:16]
        assert claims["iss"] == ISSUER
        assert claims["aud"] == party.client_id
        assert claims["nonce"] == party.nonce
        assert claims["at_hash"] == b64url(expected)
        assert (claims["iat"], claims["exp"]) == (now, now + 300)
        assert claims["acr"] == "aal3"

    def test_signed_with_es256_and_a_published_key(self, party: Party) -> None:
        header = jws.extract_compact(party.log_in()["id_token"].encode()).headers()
        kids = [key["kid"] for key in party.browser.get(f"{OIDC}/certs").json()["keys"]]
        assert header["alg"] == "ES256"
        assert header["kid"] in kids

    def test_published_keys_are_public(self, party: Party) -> None:
        for key in party.browser.get(f"{OIDC}/certs").json()["keys"]:
            assert not {"d", "p", "q"} & set(key)

    def test_keys_roll_over_while_tokens_are_out(self, new_party: NewParty) -> None:
        party = new_party()
        before = party.log_in()
        code = party.back()["code"]
        roll_over(party.world)
        after = party.exchange(code).json()
        kids = {jws.extract_compact(t["id_token"].encode()).headers()["kid"] for t in (before, after)}
        assert len(kids) == 2
        for answer in (before, after):
            party.claims(answer["id_token"])
            assert party.userinfo(answer["access_token"]).status_code == 200
        party.world.advance(timedelta(seconds=3601))
        with pytest.raises((JoseError, ValueError)):
            party.claims(before["id_token"])


class TestCode:
    def test_way_back(self, party: Party) -> None:
        back = party.back()
        assert set(back) == {"code", "state", "session_state"}
        assert back["state"] == party.state

    def test_once_and_the_tokens_end_with_the_second_use(self, party: Party) -> None:
        code = party.back()["code"]
        first = party.exchange(code).json()
        again = party.exchange(code)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert party.userinfo(first["access_token"]).status_code == 401
        refreshed = party.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert refreshed.json()["error"] == "invalid_grant"

    def test_after_its_time(self, new_party: NewParty) -> None:
        party = new_party()
        code = party.back()["code"]
        party.world.advance(timedelta(seconds=61))
        assert party.exchange(code).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_verifier": "x" * 43},
            {"code_verifier": "short"},
            {"code_verifier": "あ" * 43},
            {"redirect_uri": BACK + "/"},
            {"code": "no-such-code"},
        ],
    )
    def test_mismatch(self, party: Party, changes: dict[str, str]) -> None:
        answer = party.exchange(party.back()["code"], **changes)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")

    @pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier"])
    def test_missing(self, party: Party, missing: str) -> None:
        answer = party.exchange(party.back()["code"], **{missing: None})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    def test_a_spoilt_exchange_uses_it_up(self, party: Party) -> None:
        code = party.back()["code"]
        party.exchange(code, code_verifier="x" * 43)
        assert party.exchange(code).json()["error"] == "invalid_grant"

    def test_by_the_wrong_client(self, party: Party) -> None:
        other = Party(party.world, party.app, "RP00000002")
        code = party.back()["code"]
        assert other.exchange(code, code_verifier=party.verifier).json()["error"] == "invalid_grant"
        assert party.exchange(code).status_code == 200


class TestRefreshing:
    def test_new_tokens_without_a_nonce(self, party: Party) -> None:
        first = party.log_in(scope="openid name")
        second = party.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
        assert second["access_token"] != first["access_token"]
        claims = party.claims(second["id_token"])
        assert "nonce" not in claims
        assert claims["sub"] == party.claims(first["id_token"])["sub"]
        assert party.userinfo(second["access_token"]).json()["name"]

    def test_once(self, party: Party) -> None:
        first = party.log_in()
        second = party.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
        again = party.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert again.json()["error"] == "invalid_grant"
        assert party.userinfo(second["access_token"]).status_code == 401

    def test_late(self, new_party: NewParty) -> None:
        party = new_party()
        first = party.log_in()
        party.world.advance(timedelta(seconds=1801))
        again = party.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert again.json()["error"] == "invalid_grant"

    def test_an_access_token_does_not_refresh(self, party: Party) -> None:
        first = party.log_in()
        again = party.token(grant_type="refresh_token", refresh_token=first["access_token"])
        assert again.json()["error"] == "invalid_grant"
        assert party.userinfo(first["refresh_token"]).status_code == 401


class TestSubjects:
    def test_differ_by_client_and_not_by_login(self, party: Party) -> None:
        other = Party(party.world, party.app, "RP00000003")
        subjects = [p.claims(p.log_in()["id_token"])["sub"] for p in (party, party, other)]
        assert subjects[0] == subjects[1] != subjects[2]

    def test_differ_by_person(self, party: Party) -> None:
        assert len({party.claims(party.log_in(person=p)["id_token"])["sub"] for p in ("hanako", "taro", "keita")}) == 3

    def test_survive_renewal_loss_and_a_phone(self, new_party: NewParty) -> None:
        party = new_party()
        first = party.claims(party.log_in()["id_token"])["sub"]
        for event in ("renew", "lose", "reissue"):
            party.world.advance(timedelta(hours=1))
            happen(party.world, "hanako", event)
        assert party.claims(party.log_in()["id_token"])["sub"] == first

    def test_userinfo_says_the_same(self, party: Party) -> None:
        answer = party.log_in()
        assert party.userinfo(answer["access_token"]).json() == {"sub": party.claims(answer["id_token"])["sub"]}


class TestItems:
    @pytest.mark.parametrize(
        ("scope", "value"),
        [("name", "見本　花子"), ("address", None), ("birthdate", None), ("gender", "2")],
    )
    def test_one_by_one(self, party: Party, scope: str, value: str | None) -> None:
        answer = party.log_in(scope=f"openid {scope}")
        items = party.userinfo(answer["access_token"]).json()
        assert answer["scope"] == f"openid {scope}"
        assert set(items) == {"sub", scope}
        assert isinstance(items[scope], str)
        assert value in {None, items[scope]}

    def test_forms(self, party: Party) -> None:
        token = party.log_in(scope="openid name address birthdate gender")["access_token"]
        items = party.userinfo(token).json()
        assert len(items["birthdate"]) == 8
        assert items["birthdate"].isdigit()
        assert items["address"].startswith(("東京都", "大阪府", "京都府", "北海道")) or items["address"]

    def test_declined(self, party: Party) -> None:
        back = party.back(scope="openid name", outcome="items_refused")
        assert (back["error"], back["state"]) == ("access_denied", party.state)

    def test_card_of_a_phone_gives_them_too(self, party: Party) -> None:
        token = party.log_in(person="keita", scope="openid name")["access_token"]
        assert party.userinfo(token).json()["name"] == "試験　携太"

    def test_as_last_written_on_the_card(self, party: Party) -> None:
        """A moved person's new address stands on the card though the signature certificate ended."""
        assert party.log_in(person="minoru", scope="openid address")["id_token"]

    @pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer x", "Basic eDp5"])
    def test_no_token(self, party: Party, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": token}
        answer = party.browser.get(f"{OIDC}/userinfo", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_token_of_client_credentials_is_no_user(self, party: Party) -> None:
        token = party.token(grant_type="client_credentials").json()
        assert "id_token" not in token
        assert "refresh_token" not in token
        assert party.userinfo(token["access_token"]).status_code == 401

    def test_token_in_the_query_does_not_count(self, party: Party) -> None:
        token = party.log_in()["access_token"]
        assert party.browser.get(f"{OIDC}/userinfo?access_token={token}").status_code == 401

    def test_late(self, new_party: NewParty) -> None:
        party = new_party()
        token = party.log_in()["access_token"]
        party.world.advance(timedelta(seconds=301))
        assert party.userinfo(token).status_code == 401


class TestPersons:
    @pytest.mark.parametrize(
        ("person", "description"),
        [
            ("sanji", "locked"),  # user authentication PIN
            ("saku", "expired"),
            ("toru", "revoked"),
            ("shin", "no such certificate"),
            ("kagari", "hold"),
        ],
    )
    def test_cards_that_cannot(self, party: Party, person: str, description: str) -> None:
        back = party.back(person=person)
        assert back["error"] == "access_denied"
        assert description in back["error_description"] or person == "kagari"

    def test_one_whose_signature_certificate_ended_logs_in(self, party: Party) -> None:
        assert party.back(person="minoru")["code"]

    def test_next_card(self, party: Party) -> None:
        assert party.back(person="mirai")["code"]

    def test_jlis_silent(self, party: Party) -> None:
        assert party.back(person="kumo")["error"] == "temporarily_unavailable"
        assert party.back(person="madoka", acr_values="aal3 ocsp")["error"] == "temporarily_unavailable"
        assert party.back(person="madoka", acr_values="aal3 crl")["code"]

    def test_tries_are_not_spent(self, new_party: NewParty) -> None:
        party = new_party()
        assert party.back(person="mayu")["code"]

    @pytest.mark.parametrize(
        ("outcome", "error"),
        [
            ("cancelled", "access_denied"),
            ("pin_locked", "access_denied"),
            ("revoked", "access_denied"),
            ("expired", "access_denied"),
            ("jlis_down", "temporarily_unavailable"),
            ("server_error", "server_error"),
        ],
    )
    def test_outcomes(self, party: Party, outcome: str, error: str) -> None:
        assert party.back(outcome=outcome)["error"] == error

    def test_named_in_the_query(self, party: Party) -> None:
        assert party.back(person=None, sandbox_person="taro", sandbox_outcome="ok")["code"]

    @pytest.mark.parametrize("changes", [{"person": "nobody"}, {"outcome": "no_such"}])
    def test_unknown(self, party: Party, changes: dict[str, str]) -> None:
        assert party.ask(**changes).status_code == 400


def test_discovery_is_off_until_the_profile_says_otherwise(new_party: NewParty) -> None:
    party = new_party()
    address = f"{ISSUER}/.well-known/openid-configuration"
    assert party.browser.get(address).status_code == 404
    (party.world.data / "digital-auth-profile.json").write_text('{"assumptions": {"A-01": {"discovery": true}}}')
    found: dict[str, Any] = party.browser.get(address).json()
    assert found["issuer"] == ISSUER
    assert found["token_endpoint"] == f"{OIDC}/token"
    assert found["jwks_uri"].startswith(HOST)
