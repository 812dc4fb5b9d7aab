"""What you saw is what you signed: the words on the phone, bound to the signed bytes, and the proof in the evidence."""

import hashlib
import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from tests import jose
from tests.api.phone import relying_party, sign_on_phone
from tests.api.receipts import receipt_of
from tests.documents.files import pdf
from tests.waiting import LONG

from honnin.connect.digital_auth import DigitalAuth, KeyFile, SignResult
from honnin.connect.digital_auth.signing import submitted_value
from honnin.connect.worlds import open_world
from honnin.errors import ServiceError
from honnin.platform import Settings
from honnin.sandbox.digital_auth.keys import signing_key
from honnin.sandbox.digital_auth.switches import BOARD
from honnin.sandbox.opening import Sandbox
from honnin.web.serving import Running, serve_in_thread

Body = dict[str, Any]
WORDS = "建物賃貸借契約書（見本）\n第1条　物件　見本荘201号室\n第2条　賃料　月額100,000円"
CHECKS, DOCUMENTS = "/v1/verifications", "/v1/documents"


@pytest.fixture(scope="module")
def phone(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DigitalAuth]:
    with relying_party(server.port, tmp_path_factory.mktemp("rp")) as made:
        yield made


def as_sent(result: SignResult) -> Body:
    return {"jwe": result.jwe, "submitted": result.submitted, "transaction": result.transaction}


def check(client: httpx.Client, result: SignResult, document: bytes) -> httpx.Response:
    body = {"purpose": "lease", "document": b64encode(document).decode(), "signing_result": as_sent(result)}
    return client.post(CHECKS, json=body)


@pytest.fixture(scope="module")
def checked(client: httpx.Client, phone: DigitalAuth) -> Body:
    """A text signed on the phone and verified: the answer."""
    answer = check(client, sign_on_phone(phone, WORDS.encode(), WORDS), WORDS.encode())
    assert answer.status_code == 201, answer.text
    body: Body = answer.json()
    return body


@pytest.fixture(scope="module")
def lease(client: httpx.Client, phone: DigitalAuth) -> Body:
    """A PDF that two parties sign on their phones, each seeing the words of the lease: documents and file."""
    file, documents = pdf(), []
    for person in ("hanako", "taro"):
        body = {"purpose": "lease", "file": b64encode(file).decode(), "words": WORDS, "stamp": [person]}
        made = client.post(f"{DOCUMENTS}/prepare", json=body).json()
        content = b64decode(made["to_be_signed"]["content"])
        result = sign_on_phone(phone, content, WORDS, person)
        done = client.post(f"{DOCUMENTS}/{made['id']}/complete", json={"signing_result": as_sent(result)})
        assert done.status_code == 200, done.text
        documents.append(done.json())
        file = client.get(f"{DOCUMENTS}/{made['id']}/file").content
    return {"documents": documents, "file": file}


def test_the_answer_has_the_proof_and_the_record_names_it(client: httpx.Client, checked: Body) -> None:
    shown = checked["shown"]
    assert (shown["what"], shown["text_sha256"]) == ("text", hashlib.sha256(WORDS.encode()).hexdigest())
    receipt = receipt_of(client, checked["id"])
    signing = json.loads(receipt["record"])["signing"]
    assert signing == {
        "transaction": shown["transaction"],
        "shown": hashlib.sha256(shown["jws"].encode()).hexdigest(),
    }
    assert client.get(f"{CHECKS}/{checked['id']}/shown").json() == shown
    assert "shown" not in client.get(f"{CHECKS}/{checked['id']}").json()
    words = hashlib.sha256(WORDS.encode()).digest()  # no plain digest of a document in the log
    assert words.hex() not in receipt["record"]
    assert b64encode(words).decode() not in receipt["record"]


def test_another_tenant_does_not_see_it(stranger: httpx.Client, checked: Body, lease: Body) -> None:
    assert stranger.get(f"{CHECKS}/{checked['id']}/shown").json()["code"] == "verification.unknown"
    of_file = lease["documents"][0]["id"]
    assert stranger.get(f"{DOCUMENTS}/{of_file}/shown").json()["code"] == "document.unknown"


def test_without_words_the_proof_says_so(client: httpx.Client, phone: DigitalAuth) -> None:
    body = check(client, sign_on_phone(phone, b"anything", None), b"anything").json()
    assert (body["shown"]["what"], body["shown"]["text_sha256"]) == ("digest", None)


def test_a_signature_of_a_card_at_hand_has_none(client: httpx.Client, sign: Callable[..., Body]) -> None:
    body = client.post(CHECKS, json=sign()).json()
    assert body["shown"] is None
    assert json.loads(receipt_of(client, body["id"])["record"])["signing"] is None
    assert client.get(f"{CHECKS}/{body['id']}/shown").json()["code"] == "evidence.not_shown"


def test_once_the_person_is_forgotten_the_proof_is_gone_and_the_record_stays(
    client: httpx.Client, server: Running, phone: DigitalAuth
) -> None:
    body = check(client, sign_on_phone(phone, b"to forget", "to forget", "taro"), b"to forget").json()
    server.platform.forget_person(server.platform.authenticate(server.api_key).id, body["person"])
    answer = client.get(f"{CHECKS}/{body['id']}/shown")
    assert (answer.status_code, answer.json()["code"]) == (410, "evidence.gone")
    assert json.loads(receipt_of(client, body["id"])["record"])["signing"]["shown"]


# --- another proof than the service's, or of something else


@pytest.fixture
def forged(server: Running, sign: Callable[..., Body]) -> Callable[..., Body]:
    """Return a function: a sign result whose proof is changed before it is signed with the service's real key."""
    data = server.platform.settings.data
    text = "申し込みます。"
    key, wrong = signing_key(open_world(data), "id_token"), ECKey.generate_key("P-256")  # type: ignore[arg-type]

    def made(header: Body | None = None, *, by: str = "service", **claims: Any) -> Body:
        signed, transaction = sign(), str(uuid4())
        submitted = b64encode(submitted_value(text.encode())).decode()
        said = {
            "iss": f"http://digital-auth.localhost:{server.port}/api/realms/main",
            "sign_transaction_id": transaction,
            "shown": "text",
            "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "data": submitted,
            "signature_sha256": hashlib.sha256(b64decode(signed["signature"])).hexdigest(),
            **claims,
        }
        head = {"alg": "ES256", "typ": "shown+jwt", "kid": key.kid, **(header or {})}
        jws = jwt.encode(head, said, key if by == "service" else wrong, algorithms=["ES256"])
        return sealed(server, {**signed, "sign_transaction_id": transaction, "shown": jws}, submitted)

    return made


def sealed(server: Running, payload: Body, submitted: str) -> Body:
    public = KeyFile(server.platform.settings.data / "keys/digital-auth/test", "decrypt").jwks()["keys"][0]
    header = {"alg": public["alg"], "enc": "A256GCM", "kid": public["kid"]}
    held = {name: payload[name] for name in ("signature", "certificate", "sign_transaction_id", "shown")}
    result = {"jwe": jose.sealed(header, json.dumps(held).encode(), public), "submitted": submitted}
    return {"purpose": "lease", "document": payload["document"], "signing_result": result}


def test_the_helper_makes_a_proof_that_passes(client: httpx.Client, forged: Callable[..., Body]) -> None:
    assert client.post(CHECKS, json=forged()).json()["shown"]["what"] == "text"


@pytest.mark.parametrize(
    ("header", "changed", "code"),
    [
        ({}, {"text_sha256": hashlib.sha256("別の契約".encode()).hexdigest()}, "verification.words_differ"),
        ({}, {"text_sha256": "A" * 64}, "verification.shown_wrong"),
        ({}, {"text_sha256": None}, "verification.shown_wrong"),
        ({}, {"shown": "digest"}, "verification.shown_wrong"),
        ({}, {"shown": ["text"]}, "verification.shown_wrong"),
        ({}, {"sign_transaction_id": str(uuid4())}, "verification.shown_wrong"),
        ({}, {"data": b64encode(submitted_value(b"other")).decode()}, "verification.shown_wrong"),
        ({}, {"signature_sha256": hashlib.sha256(b"other").hexdigest()}, "verification.shown_wrong"),
        ({}, {"iss": "https://attacker.example"}, "verification.shown_wrong"),
        ({"typ": "JWT"}, {}, "verification.shown_wrong"),
        ({"kid": "unknown"}, {}, "digital_auth.unknown_kid"),
        ({}, {"by": "somebody"}, "verification.shown_wrong"),
    ],
)
def test_a_proof_of_something_else_is_refused(
    client: httpx.Client, forged: Callable[..., Body], header: Body, changed: Body, code: str
) -> None:
    before = client.get(CHECKS).json()["data"][0]["id"]
    answer = client.post(CHECKS, json=forged(header, **changed))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert client.get(CHECKS).json()["data"][0]["id"] == before  # nothing was recorded


@pytest.mark.parametrize("proof", ["", "a.b.c", "not a token", "é.é.é", "." * 400_000])
def test_no_proof_at_all(client: httpx.Client, server: Running, forged: Any, sign: Any, proof: str) -> None:
    sent = forged()
    payload = {**sign(), "sign_transaction_id": str(uuid4()), "shown": proof}
    answer = client.post(CHECKS, json=sealed(server, payload, sent["signing_result"]["submitted"]))
    assert (answer.status_code, answer.json()["code"]) in {
        (422, "verification.shown_wrong"),
        (422, "request.invalid"),  # too long for a result
    }


# --- a PDF


def test_a_lease_of_two_parties_is_proved_from_its_files(
    client: httpx.Client, server: Running, lease: Body, tmp_path: Path
) -> None:
    names = [one["report"]["signers"][-1]["indication"] for one in lease["documents"]]
    assert names == ["TOTAL-PASSED", "TOTAL-PASSED"]
    (tmp_path / "lease.pdf").write_bytes(lease["file"])
    (tmp_path / "words.txt").write_text(WORDS, encoding="utf-8", newline="")
    (tmp_path / "log.pub.pem").write_bytes(client.get("/v1/log/key").content)
    host = {"Host": f"digital-auth.localhost:{server.port}"}
    certs = httpx.get(f"{server.base}/api/realms/main/protocol/openid-connect/certs", headers=host, timeout=LONG)
    (tmp_path / "service.json").write_bytes(certs.content)
    for number, made in enumerate(lease["documents"]):
        (tmp_path / f"receipt{number}.json").write_text(json.dumps(receipt_of(client, made["id"], DOCUMENTS)))
        (tmp_path / f"shown{number}.json").write_bytes(client.get(f"{DOCUMENTS}/{made['id']}/shown").content)
    (tmp_path / "other.txt").write_text(WORDS.replace("100,000", "900,000"), encoding="utf-8", newline="")
    (tmp_path / "other.pdf").write_bytes(pdf())
    (tmp_path / "other.json").write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    every = ["--words", "words.txt", "--document", "lease.pdf", "--service-keys", "service.json"]
    for number in (0, 1):
        done = proved(tmp_path, number, number, *every)
        assert done.returncode == 0, done.stderr
        assert hashlib.sha256(WORDS.encode()).hexdigest() in done.stdout
    for shown, changed in (
        (1, []),
        (0, ["--words", "other.txt"]),
        (0, ["--document", "other.pdf"]),
        (0, ["--service-keys", "other.json"]),
    ):
        refused = proved(tmp_path, 0, shown, *every, *changed)
        assert (refused.returncode, "evidence.shown_differs" in refused.stderr) == (1, True), refused.stderr
    for keys in ("words.txt", "lease.pdf", "receipt0.json", "none.json"):  # nothing was judged
        unread = proved(tmp_path, 0, 0, *every, "--service-keys", keys)
        assert (unread.returncode, "Traceback" in unread.stderr) == (2, False), unread.stderr
    assert proved(tmp_path, 0, 0, "--document", "words.txt").returncode == 1


def proved(folder: Path, receipt: int, shown: int, *more: str) -> "subprocess.CompletedProcess[str]":
    """Run `honnin evidence verify` on the files of a folder, and nothing else."""
    command = ["evidence", "verify", f"receipt{receipt}.json", "--log-key", "log.pub.pem", "--shown"]
    return subprocess.run(
        [Path(sys.executable).with_name("honnin"), *command, f"shown{shown}.json", *more],
        cwd=folder,
        env={"PATH": "/usr/bin", "HONNIN_DATA": str(folder / "none")},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


def test_the_service_refuses_words_that_the_document_does_not_name(client: httpx.Client, phone: DigitalAuth) -> None:
    for named in ({"words": WORDS}, {}):
        body = {"purpose": "lease", "file": b64encode(pdf()).decode(), **named}
        made = client.post(f"{DOCUMENTS}/prepare", json=body).json()
        content = b64decode(made["to_be_signed"]["content"])
        with pytest.raises(ServiceError) as refused:
            phone.start_signing(content, words="別の契約")
        assert refused.value.code == "digital_auth.request_refused"


def test_a_document_with_words_is_not_completed_without_their_proof(client: httpx.Client, phone: DigitalAuth) -> None:
    body = {"purpose": "lease", "file": b64encode(pdf()).decode(), "words": WORDS}
    made = client.post(f"{DOCUMENTS}/prepare", json=body).json()
    where, content = f"{DOCUMENTS}/{made['id']}", b64decode(made["to_be_signed"]["content"])
    unseen = sign_on_phone(phone, content, None)
    answer = client.post(f"{where}/complete", json={"signing_result": as_sent(unseen)})
    assert (answer.status_code, answer.json()["code"]) == (422, "document.words_not_shown")
    assert client.get(f"{where}/shown").json()["code"] == "document.not_signed"
    seen = sign_on_phone(phone, content, WORDS)
    assert client.post(f"{where}/complete", json={"signing_result": as_sent(seen)}).status_code == 200
    assert client.get(f"{where}/shown").json()["what"] == "text"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"words": "払います\u202e円001"}, "document.hidden_characters"),
        ({"words": "a\r\nb"}, "document.hidden_characters"),
        ({"words": ""}, "request.invalid"),
        ({"words": "w" * 20_001}, "request.invalid"),
        ({"words": "w", "file": b64encode(b"<a/>").decode()}, "signing.words_kind"),
    ],
)
def test_words_that_cannot_be_shown(client: httpx.Client, more: Body, code: str) -> None:
    body = {"purpose": "lease", "file": b64encode(pdf()).decode(), **more}
    assert client.post(f"{DOCUMENTS}/prepare", json=body).json()["code"] == code


def test_long_words_and_a_text_for_cms(client: httpx.Client, phone: DigitalAuth) -> None:
    words = "あ" * 20_000
    body = {"purpose": "terms", "file": b64encode(words.encode()).decode(), "words": words, "kind": "cms"}
    made = client.post(f"{DOCUMENTS}/prepare", json=body).json()
    result = sign_on_phone(phone, b64decode(made["to_be_signed"]["content"]), words)
    done = client.post(f"{DOCUMENTS}/{made['id']}/complete", json={"signing_result": as_sent(result)}).json()
    assert (done["report"]["indication"], done["shown"]["what"]) == ("TOTAL-PASSED", "text")


def test_while_the_services_keys_cannot_be_had_nothing_is_recorded(tmp_path: Path) -> None:
    """The sign result stays good: sent again once the service answers, it is verified."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as running, relying_party(running.port, tmp_path / "rp") as phone:
        key = {"Authorization": f"Bearer {running.api_key}"}
        with httpx.Client(base_url=running.base, headers=key, timeout=LONG) as client:
            result = sign_on_phone(phone, WORDS.encode(), WORDS)
            world = open_world(data)
            assert isinstance(world, Sandbox)
            BOARD.set(world, "certs", "down")
            refused = check(client, result, WORDS.encode())
            assert (refused.status_code, refused.json()["code"]) == (503, "digital_auth.jwks_unavailable")
            assert refused.json()["retryable"]
            assert client.get(CHECKS).json()["data"] == []
            BOARD.set(world, "certs", "up")
            assert check(client, result, WORDS.encode()).json()["shown"]["what"] == "text"
