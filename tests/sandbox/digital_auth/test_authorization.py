"""Row 1 of the acceptance list (§7): every row of §1.5, and the ways in which requests are bent."""

from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from .conftest import BACK, OIDC, Party

LONG = "a" * 256


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [
        ("response_type", None, "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("scope", None, "invalid_scope"),
        ("scope", "name", "invalid_scope"),
        ("scope", "openid email", "invalid_scope"),
        ("scope", "OPENID", "invalid_scope"),
        ("scope", "openid openid", "invalid_scope"),
        ("scope", "openid  name", "invalid_scope"),
        ("scope", "openid\tname", "invalid_scope"),
        ("state", None, "invalid_request"),
        ("state", "", "invalid_request"),
        ("state", LONG, "invalid_request"),
        ("state", "状態", "invalid_request"),
        ("state", "a\x7fb", "invalid_request"),
        ("nonce", None, "invalid_request"),
        ("nonce", "", "invalid_request"),
        ("nonce", LONG, "invalid_request"),
        ("nonce", "a\nb", "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "a" * 129, "invalid_request"),
        ("code_challenge", "abc=", "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "s256", "invalid_request"),
        ("acr_values", "aal3\n", "invalid_request"),
        ("acr_values", LONG, "invalid_request"),
        ("sign_transaction_id", "65a04b4e", "invalid_request"),
        ("sign_transaction_id", "65a04b4e-af8b-45a2-8713-5ec2631bab64", "invalid_request"),  # without the scope
        ("response_mode", "fragment", "invalid_request"),
        ("request", "eyJ", "request_not_supported"),
        ("request_uri", "https://rp.example/r", "request_uri_not_supported"),
        ("prompt", "none", "login_required"),
    ],
)
def test_row(party: Party, parameter: str, value: str | None, error: str) -> None:
    back = party.back(**{parameter: value})
    assert back["error"] == error
    assert back.get("state") == (None if parameter == "state" else party.state)
    assert "code" not in back


@pytest.mark.parametrize("value", [None, "", "RP", "RP 1", LONG, "RP00000001'--", "RP0000000１"])
def test_unknown_client_gets_no_redirect(party: Party, value: str | None) -> None:
    answer = party.ask(client_id=value)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "https://evil.example/cb",
        BACK + "/",
        BACK + "?x=1",
        BACK + "#x",
        BACK.upper(),
        "https://rp.example@evil.example/cb",
        "https://rp.example/cb/../x",
        "https://rp.example.evil.example/cb",
        "//rp.example/cb",
        "http://rp.example/cb",
        "https://rp.example:443/cb",
        "https://rp.example/%63b",
        "javascript:alert(1)",
        BACK + "\r\nSet-Cookie: x=1",
        "https://rp.example/" + "a" * 300,
    ],
)
def test_redirect_uri_is_compared_letter_by_letter(party: Party, value: str | None) -> None:
    answer = party.ask(redirect_uri=value)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("value", ["x" * 255, " ", "~!;&=+%", "a"])
def test_edges_of_state_come_back_as_they_were(party: Party, value: str) -> None:
    assert party.back(state=value)["state"] == value


@pytest.mark.parametrize("value", ["aal3 crl", "crl aal3", "aal3", "ocsp", None])
def test_acr_values_in_any_order_or_not_at_all(party: Party, value: str | None) -> None:
    assert party.back(acr_values=value)["code"]


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_who_asks_given_twice_gets_no_redirect(party: Party, name: str) -> None:
    answer = party.ask(raw=f"&{name}={quote(party.query()[name], safe='')}")
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("name", ["scope", "state", "nonce", "code_challenge", "response_type", "acr_values"])
def test_anything_else_given_twice(party: Party, name: str) -> None:
    back = party.back(raw=f"&{name}={quote(party.query()[name])}")
    assert back["error"] == "invalid_request"
    assert ("state" in back) == (name != "state")


@pytest.mark.parametrize("raw", ["&x=" + "a" * 9000, "&x=%ff", "&" + "&".join(f"p{n}=1" for n in range(60))])
def test_oversized_and_unreadable(party: Party, raw: str) -> None:
    answer = party.ask(raw=raw)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_unknown_parameters_are_passed_over(party: Party) -> None:
    assert party.back(ui_locales="en", surprise="1")["code"]


def test_post_is_not_the_official_way(party: Party) -> None:
    assert party.browser.post(f"{OIDC}/auth", data=party.query()).status_code == 405


@pytest.fixture(scope="module")
def strict(party: Party) -> Party:
    return Party(party.world, party.app, "RP00000020", strict=True)


class TestStrict:
    def test_the_official_request(self, strict: Party) -> None:
        assert strict.log_in(scope="openid name")["id_token"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"surprise": "1"},
            {"ui_locales": "ja"},
            {"acr_values": "aal3 loa2"},
            {"code_challenge": "short"},
            {"sandbox_person": "hanako"},
        ],
    )
    def test_every_departure(self, strict: Party, changes: dict[str, Any]) -> None:
        assert strict.back(**changes)["error"] == "invalid_request"

    def test_assertion_that_ends_too_far_ahead(self, strict: Party, party: Party) -> None:
        far = int(strict.world.now().timestamp()) + 3600
        assert strict.token(grant_type="client_credentials", assertion=strict.assertion(exp=far)).status_code == 401
        assert party.token(grant_type="client_credentials", assertion=party.assertion(exp=far)).status_code == 200

    def test_members_and_fields(self, strict: Party) -> None:
        body = {"data": "XIh3yqL9yiAUQkuovXqx+xKZOwameHZx7OCoTRdlJrQ="}
        assert strict.start(body).status_code == 200
        assert strict.start(body | {"text": "利用規約に同意します。"}).status_code == 400
        assert strict.start({"data": "YWJj"}).status_code == 400
        assert strict.token(grant_type="client_credentials", surprise="1").json()["error"] == "invalid_request"


def test_the_published_challenge(party: Party) -> None:
    """RFC 7636 appendix B, which the official page shows."""
    party = Party(party.world, party.app, "RP00000021")
    code = party.back(code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")["code"]
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert party.exchange(code, code_verifier=verifier).status_code == 200


def test_a_query_in_the_redirect_uri_is_kept(party: Party) -> None:
    address = BACK + "?tenant=1"
    other = Party(party.world, party.app, "RP00000022", redirect_uris=[address])
    query = other.query(redirect_uri=address)
    answer = other.browser.get(f"{OIDC}/auth?{urlencode(query)}", headers={"Honnin-Sandbox-Person": "hanako"})
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert found["tenant"] == ["1"]
    assert found["code"]
