"""Row 7 of the acceptance list (§7): the sign flow from the start call to the result."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from honnin.sandbox.digital_auth.parties import register

from .conftest import OIDC, Party

NewParty = Callable[..., Party]
TEXT = "利用規約に同意します。"
DIGEST = hashlib.sha256(TEXT.encode()).digest()
# Both stand in §1.11.
PLAIN = "XIh3yqL9yiAUQkuovXqx+xKZOwameHZx7OCoTRdlJrQ="
DIGEST_INFO = "MDEwDQYJYIZIAWUDBAIBBQAEIFyId8qi/cogFEJLqL16sfsSmTsGpnh2cezgqE0XZSa0"
ALGORITHMS = ["RSA-OAEP-256", "ECDH-ES+A256KW", "A256GCM"]


def operator(party: Party, name: str, key: RSAKey | ECKey, *more: RSAKey | ECKey) -> str:
    keys = [one.as_dict(private=False) for one in (key, *more)]
    register(party.world, msgspec.json.encode({"verifier": name, "name": "PF", "jwks": {"keys": keys}}))
    return name


@pytest.fixture(scope="module")
def pf() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP-256"}, auto_kid=True)


@pytest.fixture(scope="module")
def signing(party: Party, pf: RSAKey) -> Party:
    return Party(party.world, party.app, "RP00000040", verifier=operator(party, "pf", pf))


def sign(
    party: Party, data: str = PLAIN, *, person: str = "hanako", scope: str = "openid sign", **more: Any
) -> tuple[str, str]:
    """Return (transaction, user's access token)."""
    transaction = party.start({"data": data} | more).json()["sign_transaction_id"]
    answer = party.log_in(person=person, scope=scope, sign_transaction_id=transaction)
    return transaction, answer["access_token"]


def opened(content: dict[str, str], key: RSAKey | ECKey) -> dict[str, str]:
    plain = jwe.decrypt_compact(content["sign_certificate"].encode(), key, algorithms=ALGORITHMS).plaintext
    found: dict[str, str] = json.loads(plain or b"")
    return found


def signer(found: dict[str, str]) -> tuple[rsa.RSAPublicKey, bytes]:
    certificate = x509.load_der_x509_certificate(base64.b64decode(found["certificate"]))
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return key, base64.b64decode(found["signature"])


class TestShapes:
    def test_digest_info_is_an_ordinary_signature(self, signing: Party, pf: RSAKey) -> None:
        found = opened(signing.result(*sign(signing, DIGEST_INFO)).json(), pf)
        key, signature = signer(found)
        key.verify(signature, TEXT.encode(), padding.PKCS1v15(), SHA256())

    def test_plain_holds_the_bare_digest(self, signing: Party, pf: RSAKey) -> None:
        key, signature = signer(opened(signing.result(*sign(signing, PLAIN)).json(), pf))
        assert key.recover_data_from_signature(signature, padding.PKCS1v15(), None) == DIGEST

    def test_answer_of_the_start_call(self, signing: Party) -> None:
        answer = signing.start({"client_id": signing.client_id, "data": PLAIN})
        assert set(answer.json()) == {"sign_transaction_id"}
        assert len(answer.json()["sign_transaction_id"]) == 36

    def test_certificate_is_the_signature_one(self, signing: Party, pf: RSAKey) -> None:
        found = opened(signing.result(*sign(signing)).json(), pf)
        assert "見本" in base64.b64decode(found["certificate"]).decode(errors="ignore")

    def test_of_a_phone(self, signing: Party, pf: RSAKey) -> None:
        found = opened(signing.result(*sign(signing, person="keita")).json(), pf)
        certificate = x509.load_der_x509_certificate(base64.b64decode(found["certificate"]))
        assert "mobile" in certificate.issuer.rfc4514_string().lower() or certificate.issuer

    def test_a_revoked_certificate_still_signs(self, signing: Party) -> None:
        """Nobody at the agency verifies: that is the PF's work (§1.2)."""
        assert signing.result(*sign(signing, person="minoru")).status_code == 200

    def test_items_beside_it(self, signing: Party) -> None:
        _, token = sign(signing, scope="openid sign name")
        assert signing.userinfo(token).json()["name"] == "見本　花子"

    def test_repeatable(self, signing: Party, pf: RSAKey) -> None:
        done = sign(signing)
        first, second = (opened(signing.result(*done).json(), pf) for _ in range(2))
        assert first == second


class TestJwe:
    def test_header(self, signing: Party, pf: RSAKey) -> None:
        compact = signing.result(*sign(signing)).json()["sign_certificate"]
        head = compact.split(".")[0]
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        assert (header["alg"], header["enc"], header["kid"]) == ("RSA-OAEP-256", "A256GCM", pf.kid)

    def test_another_key_cannot_read_it(self, signing: Party) -> None:
        content = signing.result(*sign(signing)).json()
        with pytest.raises((JoseError, ValueError)):
            opened(content, RSAKey.generate_key(2048))

    def test_elliptic_key(self, party: Party) -> None:
        key = ECKey.generate_key("P-256", {"use": "enc", "alg": "ECDH-ES+A256KW"}, auto_kid=True)
        other = Party(party.world, party.app, "RP00000041", verifier=operator(party, "pf-ec", key))
        assert opened(other.result(*sign(other)).json(), key)["signature"]

    def test_rotation(self, party: Party) -> None:
        old, new = (RSAKey.generate_key(2048, {"use": "enc"}, auto_kid=True) for _ in range(2))
        other = Party(party.world, party.app, "RP00000042", verifier=operator(party, "pf-turn", old))
        assert opened(other.result(*sign(other)).json(), old)
        operator(party, "pf-turn", new, old)
        assert opened(other.result(*sign(other)).json(), new)

    def test_plain_for_a_certified_verifier(self, party: Party) -> None:
        other = Party(party.world, party.app, "RP00000043", certified_verifier=True)
        found = other.result(*sign(other, DIGEST_INFO)).json()
        key, signature = signer(found)
        key.verify(signature, TEXT.encode(), padding.PKCS1v15(), SHA256())

    def test_without_a_pf(self, party: Party) -> None:
        assert party.result(*sign(party)).status_code == 403


class TestAccess:
    def test_token_of_the_start_call(self, signing: Party) -> None:
        transaction, _ = sign(signing)
        token = signing.token(grant_type="client_credentials").json()["access_token"]
        assert signing.result(transaction, token).status_code == 403

    def test_token_of_another_login(self, signing: Party) -> None:
        transaction, _ = sign(signing)
        assert signing.result(transaction, signing.log_in()["access_token"]).status_code == 403
        _, other = sign(signing)
        assert signing.result(transaction, other).status_code == 403

    def test_another_party(self, signing: Party, party: Party) -> None:
        transaction, _ = sign(signing)
        for token in (party.log_in()["access_token"], sign(party)[1]):
            assert party.result(transaction, token).status_code == 404
        back = party.back(scope="openid sign", sign_transaction_id=transaction)
        assert back["error"] == "invalid_request"

    def test_no_token(self, signing: Party) -> None:
        transaction, token = sign(signing)
        assert signing.result(transaction, "x").status_code == 401
        assert signing.browser.post("/api/sign-transactions", json={"data": PLAIN}).status_code == 401
        assert signing.start({"data": PLAIN}, token).status_code == 401

    def test_unknown(self, signing: Party) -> None:
        _, token = sign(signing)
        assert signing.result("65a04b4e-af8b-45a2-8713-5ec2631bab64", token).status_code == 404

    def test_signed_once(self, signing: Party) -> None:
        transaction, _ = sign(signing)
        assert signing.back(scope="openid sign", sign_transaction_id=transaction)["error"] == "invalid_request"

    def test_expired(self, new_party: NewParty, pf: RSAKey) -> None:
        party = new_party()
        signing = new_party("RP2", verifier=operator(party, "pf", pf))
        transaction = signing.start({"data": PLAIN}).json()["sign_transaction_id"]
        signing.world.advance(timedelta(seconds=590))
        token = signing.log_in(scope="openid sign", sign_transaction_id=transaction)["access_token"]
        signing.world.advance(timedelta(seconds=11))
        assert signing.result(transaction, token).status_code == 410
        late = signing.start({"data": PLAIN}).json()["sign_transaction_id"]
        signing.world.advance(timedelta(seconds=601))
        assert signing.back(scope="openid sign", sign_transaction_id=late)["error"] == "invalid_request"

    @pytest.mark.parametrize("scope", ["openid", "sign"])
    def test_scope(self, signing: Party, scope: str) -> None:
        transaction = signing.start({"data": PLAIN}).json()["sign_transaction_id"]
        assert "error" in signing.back(scope=scope, sign_transaction_id=transaction)

    def test_sign_without_a_transaction(self, signing: Party) -> None:
        assert signing.back(scope="openid sign")["error"] == "invalid_request"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"data": None},
        {"data": 1},
        {"data": ""},
        {"data": "%%%"},
        {"data": PLAIN.replace("+", "-")},
        {"data": PLAIN.rstrip("=")},
        {"data": base64.b64encode(bytes(246)).decode()},
        {"data": "A" * 4000},
        {"client_id": "RP00000002", "data": PLAIN},
        {"data": PLAIN, "text": "別の文章"},
        {"data": PLAIN, "text": ""},
        {"data": PLAIN, "text": 1},
        {"data": "YWJj", "text": "abc"},
        {"data": PLAIN, "text": "a" * 30_000},
    ],
)
def test_start_call_refuses(signing: Party, body: Any) -> None:
    assert signing.start(body).status_code == 400


def test_start_call_refuses_words_that_do_not_show_as_they_are(signing: Party) -> None:
    for hidden in ("払います\u202e円001", "同意\u200bします", "a\x00b"):
        data = base64.b64encode(hashlib.sha256(hidden.encode()).digest()).decode()
        assert signing.start({"data": data, "text": hidden}).status_code == 400


@pytest.mark.parametrize("size", [1, 31, 33, 50, 245])
def test_bytes_of_another_kind_go_to_the_card_as_they_are(signing: Party, pf: RSAKey, size: int) -> None:
    given = bytes(range(1, 1 + size % 250)) or b"\x01"
    data = base64.b64encode(given).decode()
    key, signature = signer(opened(signing.result(*sign(signing, data)).json(), pf))
    assert key.recover_data_from_signature(signature, padding.PKCS1v15(), None) == given


class TestShown:
    def test_the_service_vouches_for_what_the_phone_showed(self, signing: Party, pf: RSAKey) -> None:
        found = opened(signing.result(*sign(signing, DIGEST_INFO, text=TEXT)).json(), pf)
        keys = KeySet.import_key_set(signing.browser.get(f"{OIDC}/certs").json())
        claims = jwt.decode(found["shown"], keys, algorithms=["ES256"]).claims
        assert claims["shown"] == "text"
        assert claims["text_sha256"] == DIGEST.hex()
        assert claims["data"] == DIGEST_INFO
        assert claims["sign_transaction_id"] == found["sign_transaction_id"]
        assert claims["signature_sha256"] == hashlib.sha256(base64.b64decode(found["signature"])).hexdigest()

    def test_without_words_it_says_so(self, signing: Party, pf: RSAKey) -> None:
        found = opened(signing.result(*sign(signing)).json(), pf)
        keys = KeySet.import_key_set(signing.browser.get(f"{OIDC}/certs").json())
        assert jwt.decode(found["shown"], keys, algorithms=["ES256"]).claims["shown"] == "digest"
