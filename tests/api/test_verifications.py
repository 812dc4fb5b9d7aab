"""Verifications over HTTP, against a real server, sandbox and card."""

import json
import threading
import uuid
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.api.outbox import drain
from tests.api.receipts import receipt_of
from tests.waiting import LONG, joined

from honnin.platform.evidence.receipt import read_receipt, verify_receipt
from honnin.platform.keys import LogPublicKey
from honnin.web.serving import Running

PATH = "/v1/verifications"


def test_a_card_signs_and_the_answer_has_the_shape_of_the_contract(
    client: httpx.Client, sign: Callable[..., dict[str, Any]]
) -> None:
    answer = client.post(PATH, json={**sign(), "law": "aml"})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["object"] == "verification"
    assert body["livemode"] is False
    assert (body["verdict"]["indication"], body["verdict"]["sub_indication"]) == ("TOTAL-PASSED", None)
    assert all(check["result"] in {"passed", "failed", "not_checked"} for check in body["verdict"]["checks"])
    assert set(body["four_items"]) >= {"name", "address", "birth_date", "sex", "substitute_characters"}
    assert body["person"].startswith("per_")
    assert body["evidence"]
    assert answer.headers["location"] == f"{PATH}/{body['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"].startswith("req_")
    assert "server" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_no_get_carries_the_four_items_and_no_answer_a_certificate(
    client: httpx.Client, sign: Callable[..., dict[str, Any]]
) -> None:
    sent = sign()
    created = client.post(PATH, json=sent)
    items = created.json()["four_items"]
    name = created.json()["id"]
    receipt = receipt_of(client, name)
    for text in (
        client.get(f"{PATH}/{name}").text,
        client.get(PATH).text,
        json.dumps(drain(client)[0], ensure_ascii=False),
        json.dumps(receipt, ensure_ascii=False),
    ):
        assert '"four_items"' not in text
        assert items["name"] not in text
        assert items["address"] not in text
    certificate = b64decode(sent["certificate"])
    assert "certificate" not in created.json()
    assert sent["certificate"][40:200] not in created.text + json.dumps(receipt)
    assert certificate.hex()[40:200] not in created.text + json.dumps(receipt)


def test_the_same_key_gives_the_same_answer_and_one_verification(
    client: httpx.Client, sign: Callable[..., dict[str, Any]]
) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (client.post(PATH, json=sign(), headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.json()["four_items"]["name"]
    other = client.post(PATH, json={**sign(), "purpose": "something_else"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "verification.idempotency_conflict")


def test_two_requests_with_one_key_at_once_make_exactly_one_verification(
    client: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]
) -> None:
    body, key = sign("hanako", "同時に申し込みます。"), {"Idempotency-Key": str(uuid.uuid4())}
    before = len(all_ids(client))
    answers: list[httpx.Response] = []
    barrier = threading.Barrier(6, timeout=LONG)

    def send() -> None:
        with httpx.Client(base_url=server.base, headers=dict(client.headers), timeout=LONG, trust_env=False) as own:
            barrier.wait()
            answers.append(own.post(PATH, json=body, headers=key))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(all_ids(client)) == before + 1


def all_ids(client: httpx.Client) -> list[str]:
    found: list[str] = []
    after: str | None = None
    while True:
        page = client.get(PATH, params={"limit": 7, **({"after": after} if after else {})}).json()
        assert page["object"] == "list"
        found += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            return found
        after = page["next"]


def test_lists_are_paged_newest_first_without_gap_or_double(
    client: httpx.Client, sign: Callable[..., dict[str, Any]]
) -> None:
    made = [client.post(PATH, json=sign()).json()["id"] for _ in range(9)]
    ids = all_ids(client)
    assert len(ids) == len(set(ids))
    assert ids[:9] == made[::-1]


def test_another_tenant_sees_nothing_of_it(
    client: httpx.Client, stranger: httpx.Client, sign: Callable[..., dict[str, Any]]
) -> None:
    name = client.post(PATH, json=sign()).json()["id"]
    for path in (f"{PATH}/{name}", f"{PATH}/{name}/receipt"):
        for host in ({}, {"Host": "api.localhost"}):
            answer = stranger.get(path, headers=host)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert stranger.get(PATH).json()["data"] == []
    assert stranger.get(PATH, params={"after": name}).status_code == 404
    missing = stranger.get(f"{PATH}/ver_000000000000000000000000")
    known = stranger.get(f"{PATH}/{name}")
    assert {**missing.json(), "request_id": "", "instance": ""} == {**known.json(), "request_id": "", "instance": ""}


def test_the_same_person_is_someone_else_for_another_tenant(
    client: httpx.Client, stranger: httpx.Client, sign: Callable[..., dict[str, Any]]
) -> None:
    here, again, there = (c.post(PATH, json=sign()).json()["person"] for c in (client, client, stranger))
    assert here == again
    assert here != there


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"signature": None}, 422, "verification.incomplete"),
        ({"document": None}, 422, "verification.incomplete"),
        ({"digest": {"alg": "sha256", "value": "00" * 32}}, 422, "verification.ambiguous"),
        ({"law": "no_such_law"}, 422, "request.invalid"),
        ({"porpoise": 1}, 422, "request.unknown_member"),
        ({"certificate": "A" * 30_000}, 413, "verification.too_large"),
        ({"method": "aml.no_such_method"}, 422, "law.unknown_method"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_code(
    client: httpx.Client, sign: Callable[..., dict[str, Any]], change: dict[str, Any], status: int, code: str
) -> None:
    body = {name: value for name, value in {**sign(), **change}.items() if value is not None}
    answer = client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_a_wrong_signature_is_a_verdict_and_not_an_error(
    client: httpx.Client, sign: Callable[..., dict[str, Any]]
) -> None:
    answer = client.post(PATH, json={**sign(), "document": sign("hanako", "別の文書です。")["document"]})
    body = answer.json()
    assert answer.status_code == 201
    assert body["verdict"]["indication"] == "TOTAL-FAILED"
    assert (body["four_items"], body["person"], body["person_status"]) == (None, None, "none")


def test_a_malformed_certificate_is_a_verdict_and_not_an_error(
    client: httpx.Client, sign: Callable[..., dict[str, Any]]
) -> None:
    answer = client.post(PATH, json={**sign(), "certificate": "AAAA"})
    assert answer.status_code == 201
    assert answer.json()["verdict"]["sub_indication"] == "FORMAT_FAILURE"


def test_the_receipt_verifies_offline_with_the_key_that_one_already_has(
    client: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]
) -> None:
    name = client.post(PATH, json=sign()).json()["id"]
    receipt = receipt_of(client, name)
    key = (server.platform.settings.data / "keys" / "log.pub.pem").read_bytes()
    record = verify_receipt(read_receipt(json.dumps(receipt).encode()), LogPublicKey.read(key))
    assert record["verification"] == name
    head = client.get("/v1/log/head").json()
    assert head["tree_size"] >= receipt["tree_size"]
    assert client.get("/v1/log/key").content == key
