"""Signed documents over HTTP: verified, made with a sign result, given out by the rule, their receipts checked."""

import hashlib
import json
import socket
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from joserfc import jwe
from joserfc.jwk import import_key
from tests.api.receipts import receipt_of
from tests.api.test_signing_results import public as public_key
from tests.documents.files import pdf
from tests.waiting import LONG

import honnin
from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.connect.gateway import Gateway
from honnin.connect.timestamping import TimeStampClient
from honnin.connect.worlds import open_world
from honnin.web.serving import Running

Body = dict[str, Any]
PATH = "/v1/documents"
PDF = {"Content-Type": "application/pdf"}
public = public_key


@pytest.fixture(scope="module")
def card(server: Running) -> Any:
    """Return a function: hanako's card signs bytes, as the Digital Authentication Service would have it."""
    data = server.platform.settings.data
    pin = next(one["pins"]["signature"] for one in open_world(data).people() if one["id"] == "hanako")

    def sign(content: bytes) -> tuple[bytes, bytes]:
        with open_reader("emulated:hanako", data=data) as reader, MyNumberCard(reader) as found:
            found.jpki.unlock(Pin("signature", pin))
            certificate = found.jpki.certificate("signature")
            assert certificate is not None
            return found.jpki.sign("signature", hashlib.sha256(content).digest()).value, certificate

    return sign


def prepared(client: httpx.Client, **more: Any) -> Body:
    body = {"purpose": "lease", "file": b64encode(pdf()).decode(), **more}
    answer = client.post(f"{PATH}/prepare", json=body)
    assert answer.status_code == 201, answer.text
    found: Body = answer.json()
    return found


def result(public: Body, wanted: Body, card: Any, **holds: str) -> Body:
    """The sign result for a prepared document, sealed for the platform as the service seals it; holds: more members."""
    value, certificate = card(b64decode(wanted["content"]))
    payload = {"signature": b64encode(value).decode(), "certificate": b64encode(certificate).decode(), **holds}
    header = {"alg": public["alg"], "enc": "A256GCM", "kid": public["kid"]}
    token = jwe.encrypt_compact(header, json.dumps(payload), import_key(public), algorithms=list(header.values()))
    return {"signing_result": {"jwe": token, "submitted": wanted["digest_info"]}}


@pytest.fixture(scope="module")
def signed(client: httpx.Client, public: Body, card: Any) -> Body:
    """A PDF made by the API with a sign result, level LT: the document, and its file."""
    made = prepared(client, stamp=["電子署名", "見本　花子"], level="LT")
    sent = result(public, made["to_be_signed"], card)
    answer = client.post(f"{PATH}/{made['id']}/complete", json=sent)
    assert answer.status_code == 200, answer.text
    assert client.post(f"{PATH}/{made['id']}/complete", json=sent).json()["code"] == "document.completed"
    file = client.get(f"{PATH}/{made['id']}/file")
    assert (file.status_code, file.headers["Honnin-Given"]) == (200, "document")
    return {"document": answer.json(), "file": file.content}


def anchors(server: Running) -> list[bytes]:
    world = open_world(server.platform.settings.data)
    return [*world.anchors()["signature"], *world.time_stamping_anchors()]


def test_a_sign_result_becomes_a_signed_pdf(client: httpx.Client, server: Running, signed: Body) -> None:
    document = signed["document"]
    assert (document["status"], document["report"]["indication"]) == ("signed", "TOTAL-PASSED")
    assert document["report"]["signers"][0]["time_stamps"][0]["indication"] == "TOTAL-PASSED"
    # the file carries all that another verifier needs but the anchors
    report = honnin.verify(signed["file"], anchors=anchors(server), at=server.platform.clock(_caller(server)))
    assert report.indication == "TOTAL-PASSED", report.reason
    receipt = receipt_of(client, document["id"])
    assert client.get(f"{PATH}/{document['id']}/receipt").json()["record"] == receipt["record"]
    record = json.loads(receipt["record"])
    assert {"file", "purpose", "verdict"} <= set(record["commitments"])
    assert record["verdict"]["indication"] == "TOTAL-PASSED"


def _caller(server: Running) -> Any:
    return server.platform.authenticate(server.api_key)


def test_receipts_are_checked(client: httpx.Client, signed: Body) -> None:
    receipt = receipt_of(client, signed["document"]["id"])
    told = client.post("/v1/receipts/check", json=receipt).json()
    assert (told["proven"], told["record"]["verification"]) == (True, signed["document"]["id"])
    forged = {**receipt, "record": receipt["record"].replace("TOTAL-PASSED", "TOTAL-FAILED")}
    assert client.post("/v1/receipts/check", json=forged).json()["proven"] is False
    assert client.post("/v1/receipts/check", json={**receipt, "leaf_index": -1}).json()["proven"] is False


def test_the_report_is_that_of_honnin_verify(client: httpx.Client, server: Running, signed: Body) -> None:
    def chunks() -> Iterator[bytes]:
        for at in range(0, len(signed["file"]), 1000):
            yield signed["file"][at : at + 1000]

    answer = client.post(PATH, params={"purpose": "lease"}, content=chunks(), headers=PDF)
    assert answer.status_code == 201, answer.text
    told = answer.json()["report"]
    judged = honnin.verify(
        signed["file"], anchors=anchors(server), at=server.platform.clock(_caller(server)), policy="jpki_documents"
    )
    report = json.loads(msgspec.json.encode(judged.to_json()))
    assert told["indication"] == "TOTAL-PASSED"
    for name in ("indication", "sub_indication", "reason", "checks", "policy", "existed_at"):
        assert told[name] == report[name], name
    assert set(told) == set(report)


def test_an_altered_file_is_a_verdict_and_is_not_shown(client: httpx.Client, signed: Body) -> None:
    altered = bytearray(signed["file"])
    altered[altered.find(b"stream") + 20] ^= 1
    made = client.post(PATH, params={"purpose": "lease"}, content=bytes(altered), headers=PDF)
    assert (made.status_code, made.json()["report"]["sub_indication"]) == (201, "HASH_FAILURE")


@pytest.mark.parametrize(("kind", "file"), [("cms", b"a lease"), ("xml", b"<Lease><Rent>1</Rent></Lease>")])
def test_other_kinds_and_a_bare_signature(client: httpx.Client, card: Any, kind: str, file: bytes) -> None:
    made = prepared(client, file=b64encode(file).decode(), kind=kind)
    value, certificate = card(b64decode(made["to_be_signed"]["content"]))
    sent = {"signature": b64encode(value).decode(), "certificate": b64encode(certificate).decode()}
    done = client.post(f"{PATH}/{made['id']}/complete", json=sent)
    assert (done.status_code, done.json()["report"]["indication"]) == (200, "TOTAL-PASSED"), done.text
    octets = client.get(f"{PATH}/{made['id']}/file").content
    again = client.post(
        PATH, params={"purpose": "p"}, content=octets, headers={"Content-Type": "application/octet-stream"}
    ).json()
    assert (again["kind"], again["report"]["indication"]) == (kind, "TOTAL-PASSED")


def test_another_signature_leaves_the_document_waiting(client: httpx.Client, public: Body, card: Any) -> None:
    made = prepared(client)
    other = prepared(client)
    where = f"{PATH}/{made['id']}"
    assert client.get(f"{where}/file").json()["code"] == "document.not_signed"
    for sent, code in (
        ({}, "document.signature"),
        ({"signature": "AQID"}, "document.signature"),
        (result(public, other["to_be_signed"], card), "verification.submitted_differs"),
    ):
        assert client.post(f"{where}/complete", json=sent).json()["code"] == code
    value, certificate = card(b"something else")
    sent = {"signature": b64encode(value).decode(), "certificate": b64encode(certificate).decode()}
    assert client.post(f"{where}/complete", json=sent).json()["code"] == "signing.value_wrong"
    assert client.post(f"{where}/complete", json=result(public, made["to_be_signed"], card)).status_code == 200


def test_the_result_of_another_transaction_leaves_the_document_waiting(
    client: httpx.Client, public: Body, card: Any
) -> None:
    made = prepared(client)
    where, mine, other = f"{PATH}/{made['id']}", str(uuid4()), str(uuid4())
    sent = result(public, made["to_be_signed"], card, sign_transaction_id=other)
    sent["signing_result"]["transaction"] = mine
    answer = client.post(f"{where}/complete", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, "verification.transaction_differs")
    assert client.get(where).json()["status"] == "prepared"
    sent["signing_result"]["transaction"] = other
    assert client.post(f"{where}/complete", json=sent).json()["report"]["indication"] == "TOTAL-PASSED"


class TestIdempotency:
    def test_a_file_sent_twice_is_judged_once(self, client: httpx.Client, stranger: httpx.Client, signed: Body) -> None:
        headers, ask = {**PDF, "Idempotency-Key": str(uuid4())}, {"params": {"purpose": "lease"}}
        first = client.post(PATH, content=signed["file"], headers=headers, **ask)
        again = client.post(PATH, content=signed["file"], headers=headers, **ask)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Location"] == first.headers["Location"]
        events = [one["data"] for one in events_of(client) if one["type"] == "document.completed"]
        assert sum(one["document"] == first.json()["id"] for one in events) == 1
        for change in ({"content": signed["file"] + b"\n"}, {"params": {"purpose": "loan"}}):
            answer = client.post(PATH, **{"content": signed["file"], "headers": headers, **ask, **change})
            assert (answer.status_code, answer.json()["code"]) == (409, "verification.idempotency_conflict")
        other = stranger.post(PATH, content=signed["file"], headers=headers, **ask)
        assert other.json()["id"] != first.json()["id"]
        fresh = client.post(PATH, content=signed["file"], headers=PDF, **ask)
        assert fresh.json()["id"] != first.json()["id"]

    def test_both_steps(self, client: httpx.Client, public: Body, card: Any) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        body = {"purpose": "lease", "file": b64encode(pdf()).decode()}
        first = client.post(f"{PATH}/prepare", json=body, headers=key)
        assert client.post(f"{PATH}/prepare", json=body, headers=key).json() == first.json()
        for change in ({"reason": "x"}, {"file": b64encode(pdf("Rent: 1 yen")).decode()}):
            answer = client.post(f"{PATH}/prepare", json=body | change, headers=key)
            assert (answer.status_code, answer.json()["code"]) == (409, "verification.idempotency_conflict")
        where = f"{PATH}/{first.json()['id']}/complete"
        sent = result(public, first.json()["to_be_signed"], card)
        # the same key for another operation stands for itself
        done = client.post(where, json=sent, headers=key)
        assert done.json()["status"] == "signed", done.text
        again = client.post(where, json=sent, headers=key)
        assert (again.status_code, again.json()) == (200, done.json())
        assert client.post(where, json=sent).json()["code"] == "document.completed"
        other = {"signature": "AQID", "certificate": "AQID"}
        assert client.post(where, json=other, headers=key).json()["code"] == "verification.idempotency_conflict"

    def test_of_many_at_once_one_is_carried_out(self, client: httpx.Client, public: Body, card: Any) -> None:
        made = prepared(client)
        where, sent = f"{PATH}/{made['id']}/complete", result(public, made["to_be_signed"], card)
        key = {"Idempotency-Key": str(uuid4())}
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: client.post(where, json=sent, headers=key), range(6)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        key = {"Idempotency-Key": str(uuid4())}
        body = {"purpose": "lease", "file": b64encode(pdf()).decode()}
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: client.post(f"{PATH}/prepare", json=body, headers=key), range(6)))
        assert len({answer.json()["id"] for answer in answers}) == 1

    def test_a_refusal_leaves_the_key_free(self, client: httpx.Client) -> None:
        key, body = {"Idempotency-Key": str(uuid4())}, {"purpose": "lease", "file": b64encode(b"%PDF-1.7 x").decode()}
        assert client.post(f"{PATH}/prepare", json=body, headers=key).json()["code"] == "signature.pdf_malformed"
        body["file"] = b64encode(pdf()).decode()
        assert client.post(f"{PATH}/prepare", json=body, headers=key).status_code == 201
        wrong = {**PDF, "Idempotency-Key": "a b"}
        answer = client.post(PATH, params={"purpose": "p"}, content=pdf(), headers=wrong)
        assert answer.json()["code"] == "request.idempotency_key"


def events_of(client: httpx.Client) -> list[Body]:
    found: list[Body] = []
    after = "evt_0"
    while True:
        page = client.get("/v1/events", params={"after": after}).json()
        found, after = [*found, *page["data"]], page["next"]
        if not page["has_more"]:
            return found


def test_what_is_refused(client: httpx.Client, stranger: httpx.Client, signed: Body) -> None:
    octets = {"Content-Type": "application/octet-stream"}
    for params, content, headers, code in (
        ({}, b"%PDF-1.7", PDF, "request.query"),
        ({"purpose": "p"}, b"{}", {"Content-Type": "application/json"}, "request.media_type"),
        ({"purpose": "p"}, b"", octets, "signature.certificate_missing"),
        ({"purpose": "p"}, b"MIME-Version: 1.0\r\n", octets, "signature.format_unknown"),
        ({"purpose": "p"}, b"x" * ((32 << 20) + 1), octets, "request.too_large"),
    ):
        assert client.post(PATH, params=params, content=content, headers=headers).json()["code"] == code
    for more, code in (
        ({"file": b64encode(b"x" * ((8 << 20) + 1)).decode()}, "document.too_large"),
        ({"file": b64encode(b"%PDF-1.7 rubbish").decode()}, "signature.pdf_malformed"),
        ({"file": b64encode(b"text").decode(), "stamp": ["line"]}, "document.pdf_only"),
        ({"stamp": ["a\u202eb"]}, "document.hidden_characters"),
        ({"shape": "attached"}, "signing.shape"),
    ):
        body = {"purpose": "lease", "file": b64encode(pdf()).decode(), **more}
        assert client.post(f"{PATH}/prepare", json=body).json()["code"] == code
    for path in ("", "/file", "/receipt"):
        assert stranger.get(f"{PATH}/{signed['document']['id']}{path}").status_code == 404


def test_who_may_receive_the_file(server: Running, signed: Body, tmp_path: Path) -> None:
    """A live tenant gets a rendition; one that is a certified verifier with its ground configured, the file."""
    made = server.platform.create_tenant("本番商店", livemode=True)
    with httpx.Client(base_url=server.base, timeout=LONG, trust_env=False) as live:
        live.headers["Authorization"] = f"Bearer {made.api_key}"
        done = live.post(PATH, params={"purpose": "lease"}, content=signed["file"], headers=PDF).json()
        assert done["report"]["sub_indication"] == "NO_CERTIFICATE_CHAIN_FOUND"  # a sandbox's signer
        given = live.get(f"{PATH}/{done['id']}/file")
        assert (given.headers["Honnin-Given"], given.headers["Content-Type"]) == ("rendition", "application/pdf")
        assert b"/ByteRange" not in given.content
        assert b"/DSS" not in given.content
        server.platform.change_tenant(
            made.tenant,
            verifier_status="certified",
            verifier_from=date(2020, 1, 1),
            certificate_ground="公的個人認証法",
        )
        given = live.get(f"{PATH}/{done['id']}/file")
        assert (given.headers["Honnin-Given"], given.content) == ("document", signed["file"])
        told = [event["data"] for event in live.get("/v1/events").json()["data"] if event["type"] == "document.given"]
        assert [one["ground"] for one in told] == [None, "certified_verifier"]


def test_authority_that_is_down_is_named_in_the_log_alone(
    client: httpx.Client, server: Running, public: Body, card: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        place = f"127.0.0.1:{held.getsockname()[1]}"
    mode = server.platform._modes[False]
    gateway = Gateway(f"http://{place}", timeout=0.5)
    services = mode.services
    mode.__dict__["services"] = replace(
        services, stamp=TimeStampClient(gateway, gateway.at("tsa", "/"), clock=mode.clock).stamp
    )
    try:
        made = prepared(client, level="T")
        answer = client.post(f"{PATH}/{made['id']}/complete", json=result(public, made["to_be_signed"], card))
    finally:
        mode.__dict__["services"] = services
        gateway.close()
    assert (answer.status_code, answer.json()["code"]) == (503, "gateway.unreachable")
    assert answer.json()["retryable"]
    assert place not in answer.text
    assert "127.0.0.1" not in answer.text
    assert f"gateway.unreachable at {place} (tsa)" in caplog.messages


def test_files_end_after_a_day_and_the_receipt_stays(client: httpx.Client, server: Running, signed: Body) -> None:
    identity = signed["document"]["id"]
    mode = server.platform._modes[False]
    clock = mode.clock
    later = clock() + timedelta(days=366)
    mode.clock = lambda: later
    try:
        server.platform.sweep()
    finally:
        mode.clock = clock
    assert client.get(f"{PATH}/{identity}/file").json()["code"] == "evidence.gone"
    assert client.get(f"{PATH}/{identity}").json()["report"]["indication"] == "TOTAL-PASSED"
    assert receipt_of(client, identity)["record"]
