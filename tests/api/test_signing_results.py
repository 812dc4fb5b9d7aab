"""`POST /v1/verifications` with a sign result of the Digital Authentication Service, a JWE for this platform."""

import hashlib
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests import jose
from tests.api.receipts import receipt_of
from tests.api.test_verifications import PATH

from honnin.connect.digital_auth import KeyFile
from honnin.connect.digital_auth.signing import submitted_value
from honnin.web.serving import Running

Body = dict[str, Any]
TEXT = "申し込みます。"


@pytest.fixture(scope="module")
def public(server: Running) -> Body:
    """The public key of the platform's decryption key."""
    file = KeyFile(server.platform.settings.data / "keys/digital-auth/test", "decrypt")
    if not file.held():
        file.new("RSA-OAEP-256", at=datetime(2026, 11, 21, tzinfo=UTC))
    key: Body = file.jwks()["keys"][0]
    return key


@pytest.fixture
def result(public: Body, sign: Callable[..., Body]) -> Callable[..., Body]:
    def made(shape: Any = "digest_info", *, holds: Body | None = None, **more: Any) -> Body:
        signed = sign()
        payload = {**{name: signed[name] for name in ("signature", "certificate")}, **(holds or {})}
        header = {"alg": public["alg"], "enc": "A256GCM", "kid": public["kid"]}
        token = jose.sealed(header, json.dumps(payload).encode(), public)
        submitted = b64encode(submitted_value(TEXT.encode(), shape)).decode()
        body = {"purpose": "account_opening", "document": signed["document"]}
        return {**body, "signing_result": {"jwe": token, "submitted": submitted}, **more}

    return made


def test_outcome_and_items_come_back_and_the_certificate_does_not(
    client: httpx.Client, result: Callable[..., Body], sign: Callable[..., Body]
) -> None:
    answer = client.post(PATH, json=result(law="aml"))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["verdict"]["indication"] == "TOTAL-PASSED"
    assert body["four_items"]["name"]
    assert sign()["certificate"][:60] not in answer.text
    receipt = receipt_of(client, body["id"])
    commitments = json.loads(receipt["record"])["commitments"]
    assert {"signed", "content", "certificate", "submitted"} <= set(commitments)


def test_a_digest_is_enough_where_no_law_keeps_the_document(client: httpx.Client, result: Callable[..., Body]) -> None:
    sent = result()
    del sent["document"]
    assert client.post(PATH, json=sent).json()["verdict"]["indication"] == "TOTAL-PASSED"


def test_the_result_of_another_transaction_is_refused(client: httpx.Client, result: Callable[..., Body]) -> None:
    mine, other = str(uuid4()), str(uuid4())
    sent = result(holds={"sign_transaction_id": other})
    sent["signing_result"]["transaction"] = mine
    before = client.post(PATH, json=result()).json()["id"]
    answer = client.post(PATH, json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, "verification.transaction_differs")
    assert mine not in answer.text
    assert other not in answer.text
    assert client.get(PATH).json()["data"][0]["id"] == before  # nothing was recorded
    sent["signing_result"]["transaction"] = other
    assert client.post(PATH, json=sent).json()["verdict"]["indication"] == "TOTAL-PASSED"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"document": b64encode("別の文書。".encode()).decode()}, 422, "verification.submitted_differs"),
        (
            {"digest": {"alg": "sha256", "value": hashlib.sha256(b"x").hexdigest()}, "document": None},
            422,
            "verification.submitted_differs",
        ),
        ({"signature": "AQID", "certificate": "AQID"}, 422, "verification.ambiguous"),
        ({"cms": "AQID"}, 422, "verification.ambiguous"),
    ],
)
def test_contradictions_are_refused(
    client: httpx.Client, result: Callable[..., Body], change: Body, status: int, code: str
) -> None:
    answer = client.post(PATH, json=result(**change))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_broken_results(client: httpx.Client, result: Callable[..., Body]) -> None:
    sent = result()
    token = sent["signing_result"]["jwe"]
    odd = urlsafe_b64encode(b'{"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": ["a", {}]}').decode().rstrip("=")
    for change, code in (
        ({"jwe": token[:-3] + ("AAA" if token[-3] != "A" else "BAA")}, "verification.result_unreadable"),
        ({"jwe": "a.b.c.d.e"}, "verification.result_unreadable"),
        ({"submitted": b64encode(b"short").decode()}, "verification.submitted"),
    ):
        answer = client.post(PATH, json={**sent, "signing_result": {**sent["signing_result"], **change}})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert token not in answer.text
    strange = {**sent["signing_result"], "jwe": f"{odd}.{token.partition('.')[2]}"}
    answer = client.post(PATH, json={**sent, "signing_result": strange})
    assert (answer.status_code, answer.json()["code"]) == (409, "verification.result_key")


def test_a_signature_over_something_else_is_a_verdict(client: httpx.Client, result: Callable[..., Body]) -> None:
    sent = result()
    other = "別の文書。".encode()
    sent["document"] = b64encode(other).decode()
    sent["signing_result"]["submitted"] = b64encode(submitted_value(other)).decode()
    verdict = client.post(PATH, json=sent).json()["verdict"]
    assert (verdict["indication"], verdict["sub_indication"]) == ("TOTAL-FAILED", "HASH_FAILURE")
    assert b64decode(sent["document"]) == other
