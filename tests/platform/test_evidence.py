"""Evidence: the log, its heads and proofs, receipts that verify offline, and every way to tamper with one."""

import json
import math
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rfc8785
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.platform.damage import damage, live_log_damaged
from tests.searching import tells
from tests.waiting import LONG, joined, until

from honnin.errors import FormatError, StateError
from honnin.platform import Platform
from honnin.platform.evidence import rfc9162
from honnin.platform.evidence.receipt import read_receipt, verify_receipt, write_receipt
from honnin.platform.failing import Failing
from honnin.platform.keys import Keyring, LogPublicKey
from honnin.platform.models import Caller, SessionRequest
from honnin.platform.tenants import log_of

sqlite_alone = pytest.mark.parametrize("database_url", [None])  # nothing here depends on the engine
Cards = Callable[[str], Any]


@pytest.fixture
def receipt(platform: Platform, caller: Caller, card: Cards) -> dict[str, Any]:
    """The receipt of the second of three checks, as JSON."""
    ids = [platform.verify(caller, card("hanako").request(law="aml")).id for _ in range(3)]
    platform.sequence()
    value: dict[str, Any] = json.loads(write_receipt(platform.receipt(caller, ids[1])))
    return value


def verify(platform: Platform, value: Any) -> dict[str, Any]:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return verify_receipt(read_receipt(content), platform.keys.log.public)


def test_receipt_comes_with_the_next_head(platform: Platform, caller: Caller, card: Cards) -> None:
    answer = platform.verify(caller, card("hanako").request())
    with pytest.raises(StateError) as pending:
        platform.receipt(caller, answer.id)
    assert pending.value.code == "evidence.pending"
    assert pending.value.retryable
    assert platform.sequence() == 1
    assert platform.sequence() == 0
    assert platform.receipt(caller, answer.evidence) == platform.receipt(caller, answer.id)


def test_receipt_is_as_the_contract_says(platform: Platform, receipt: dict[str, Any]) -> None:
    """Verified here by hand, with hashlib, pyca and rfc8785 alone."""
    import base64
    import hashlib

    assert set(receipt) == {
        *("log_id", "record", "leaf_index", "tree_size", "audit_path", "head", "signature", "key_id")
    }
    assert set(receipt["head"]) == {"tree_size", "root", "time"}
    assert rfc8785.dumps(json.loads(receipt["record"])) == receipt["record"].encode()
    digest = hashlib.sha256(b"\x00" + receipt["record"].encode()).digest()
    assert (receipt["leaf_index"] in {0, 1, 2}, receipt["tree_size"]) == (True, 3)
    path = [bytes.fromhex(text) for text in receipt["audit_path"]]
    if receipt["leaf_index"] == 2:
        digest = hashlib.sha256(b"\x01" + path[0] + digest).digest()
    else:
        pair = (digest, path[0]) if receipt["leaf_index"] == 0 else (path[0], digest)
        digest = hashlib.sha256(b"\x01" + pair[0] + pair[1]).digest()
        digest = hashlib.sha256(b"\x01" + digest + path[1]).digest()
    assert digest.hex() == receipt["head"]["root"]
    pem = (platform.settings.data / "keys" / "log.pub.pem").read_bytes()
    key = serialization.load_pem_public_key(pem)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(base64.b64decode(receipt["signature"]), rfc8785.dumps(receipt["head"]), ec.ECDSA(hashes.SHA256()))
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert receipt["key_id"] == hashlib.sha256(spki).hexdigest()


def test_record_holds_what_the_design_says_and_nothing_personal(
    platform: Platform, receipt: dict[str, Any], card: Cards
) -> None:
    import hashlib
    from base64 import b64encode

    record = verify(platform, receipt)
    for member in ("channel", "device", "document_kind", "verifier_status", "client", "software", "livemode"):
        assert member in record
    assert record["law"]["method"] == "aml.jpki_signature"
    assert record["law"]["revision"]
    assert record["revocation"] == {
        "status": "good",
        "source": "ocsp",
        "checked_at": record["revocation"]["checked_at"],
    }
    assert {name for check in record["verdict"]["checks"] for name in check} == {"id", "result", "source"}
    text = json.dumps(receipt, ensure_ascii=False)
    certificate = card("hanako").certificate
    plain = [
        *("花子", "見本", "1990", "account_opening", "口座開設"),
        *(hashlib.new(name, certificate).hexdigest() for name in ("sha1", "sha256", "sha512")),
        b64encode(certificate).decode()[:40],
    ]
    for secret in plain:
        assert not tells(text, secret)


def proves(platform: Platform, value: Any) -> bool:
    try:
        verify(platform, value)
    except FormatError:
        return False
    return True


def mutated(value: Any) -> Iterator[tuple[str, Any]]:
    """Every receipt that differs from a good one in one place."""
    flip = str.maketrans("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "1" + "0" * 61)
    for name in value:
        yield f"{name} missing", {k: v for k, v in value.items() if k != name}
        for other in (None, True, 1.5, [], {}, "", -1, [value[name]], str(value[name]) + "0"):
            if other != value[name]:
                yield f"{name} = {other!r}", {**value, name: other}
        if isinstance(value[name], str):
            for at in range(0, len(value[name]), max(1, len(value[name]) // 12)):
                changed = value[name][:at] + value[name][at].translate(flip) + value[name][at + 1 :]
                if changed != value[name]:
                    yield f"{name} changed at {at}", {**value, name: changed}
        if isinstance(value[name], int):
            for other in (value[name] + 1, value[name] - 1, value[name] + (1 << 53), float(value[name])):
                yield f"{name} = {other!r}", {**value, name: other}
    yield "extra member", {**value, "note": "x"}
    for name in value["head"]:
        yield f"head.{name} missing", {**value, "head": {k: v for k, v in value["head"].items() if k != name}}
        yield f"head.{name} null", {**value, "head": {**value["head"], name: None}}
    yield "head extra", {**value, "head": {**value["head"], "x": 1}}
    yield "head time", {**value, "head": {**value["head"], "time": "2026-11-21T00:00:00.000000Z"}}
    yield "head size", {**value, "tree_size": 4, "head": {**value["head"], "tree_size": 4}}
    yield "head root", {**value, "head": {**value["head"], "root": "0" * 64}}
    path = value["audit_path"]
    for changed in (path[:-1], [*path, "0" * 64], path[::-1], [p.upper() for p in path], [path[0][:-2], *path[1:]]):
        if changed != path:
            yield "audit path", {**value, "audit_path": changed}
    record = json.loads(value["record"])
    for name in record:
        changed = rfc8785.dumps({**record, name: "x"}).decode()
        yield f"record.{name}", {**value, "record": changed}
    yield "record spaced", {**value, "record": json.dumps(record)}
    yield "record not an object", {**value, "record": "[]"}
    yield "other log", {**value, "log_id": "log_000000000000000000000000"}


@sqlite_alone
def test_every_change_is_noticed(platform: Platform, receipt: dict[str, Any]) -> None:
    verify(platform, receipt)
    tried = 0
    for what, value in mutated(receipt):
        tried += 1
        assert not proves(platform, value), what
    assert tried > 150


@sqlite_alone
def test_bytes_that_are_no_receipt_are_refused(platform: Platform, receipt: dict[str, Any]) -> None:
    good = json.dumps(receipt)
    twice = good[:-1] + f', "leaf_index": {receipt["leaf_index"]}}}'
    for content in (
        b"",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe" + good.encode("utf-16-le"),
        good.encode()[:-1],
        good.encode() + b"x",
        twice.encode(),
        good.replace('"leaf_index": ', '"leaf_index": 0').encode(),
        good.replace(receipt["log_id"], "\\ud800").encode(),
        b" " * (1 << 20) + good.encode(),
        b'{"leaf_index": ' + b"9" * 5000 + b"}",
        b"NaN",
    ):
        with pytest.raises(FormatError) as refused:
            verify(platform, content)
        assert refused.value.code == "evidence.not_receipt"


@sqlite_alone
def test_second_spelling_of_a_signature_is_refused(platform: Platform, receipt: dict[str, Any]) -> None:
    from base64 import b64decode, b64encode

    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    from honnin.platform.keys import P256_ORDER

    r, s = decode_dss_signature(b64decode(receipt["signature"]))
    other = b64encode(encode_dss_signature(r, P256_ORDER - s)).decode()
    for signature in (other, receipt["signature"] + "\n", receipt["signature"].rstrip("=") + "===="):
        with pytest.raises(FormatError):
            verify(platform, {**receipt, "signature": signature})


@sqlite_alone
def test_another_key_proves_nothing(platform: Platform, receipt: dict[str, Any], tmp_path: Path) -> None:
    other = Keyring(tmp_path / "other").log.public
    with pytest.raises(FormatError) as refused:
        verify_receipt(read_receipt(json.dumps(receipt).encode()), other)
    assert refused.value.code == "evidence.not_proven"
    renamed = {**receipt, "key_id": other.key_id}
    with pytest.raises(FormatError):
        verify_receipt(read_receipt(json.dumps(renamed).encode()), other)


def test_only_p256_is_a_log_key() -> None:
    wrong = ec.generate_private_key(ec.SECP384R1()).public_key()
    pem = wrong.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for content in (pem, b"", b"-----BEGIN PUBLIC KEY-----", b"\x30\x00", b"\xff" * 200):
        with pytest.raises(FormatError) as refused:
            LogPublicKey.read(content)
        assert refused.value.code == "evidence.log_key"


def test_heads_are_consistent_however_the_groups_fall(platform: Platform, caller: Caller, card: Cards) -> None:
    request = card("hanako").request()
    sizes = [1, 2, 5, 1, 7]
    for size in sizes:
        for _ in range(size):
            platform.verify(caller, request)
        assert platform.sequence() == size
    with platform.store.read() as db:
        heads = db.exec_driver_sql("SELECT log_id, tree_size, root FROM log_heads ORDER BY tree_size").all()
        records = (
            db.exec_driver_sql("SELECT record FROM evidence NATURAL JOIN evidence_leaves ORDER BY leaf_index")
            .scalars()
            .all()
        )
    leaves = [rfc9162.leaf_hash(record.encode()) for record in records]
    assert [head.tree_size for head in heads] == [1, 3, 8, 9, 16]
    for old in heads:
        assert rfc9162.root(leaves[: old.tree_size]).hex() == old.root
        for new in heads:
            if new.tree_size > old.tree_size:
                proof = platform.log.consistency(old.log_id, old.tree_size, new.tree_size)
                assert proof == rfc9162.consistency_proof(leaves[: new.tree_size], old.tree_size)
                old_root, new_root = bytes.fromhex(old.root), bytes.fromhex(new.root)
                assert rfc9162.verify_consistency(old.tree_size, new.tree_size, proof, old_root, new_root)


def test_sequencers_that_race_never_fork(platform: Platform, caller: Caller, card: Cards) -> None:
    request, stop = card("hanako").request(), threading.Event()
    threads = [threading.Thread(target=platform.run_sequencer, args=(stop,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    ids = [platform.verify(caller, request).id for _ in range(25)]
    stop.set()
    joined(*threads)
    seen = {read_receipt(write_receipt(platform.receipt(caller, one))).leaf_index for one in ids}
    assert seen == set(range(25))
    for one in ids:
        verify_receipt(platform.receipt(caller, one), platform.keys.log.public)


class Noting(threading.Event):
    """An event that notes for how many seconds at most it is waited for."""

    def __init__(self, noted: list[float | str]) -> None:
        super().__init__()
        self._noted = noted

    def wait(self, timeout: float | None = None) -> bool:
        self._noted.append(math.inf if timeout is None else timeout)
        return super().wait(timeout)


def test_running_sequencer_signs_within_a_second(
    platform: Platform, caller: Caller, card: Cards, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it waits for between an answer and the head that covers it; how fast the machine works is not asked."""
    noted: list[float | str] = []
    stop, sequence = Noting(noted), platform.log.sequence

    def noting(log_id: str) -> int:
        if number := sequence(log_id):
            noted.append("signed")
        return number

    monkeypatch.setattr(platform, "_woken", Noting(noted))
    monkeypatch.setattr(platform.log, "sequence", noting)
    request = card("hanako").request()
    thread = threading.Thread(target=platform.run_sequencer, args=(stop,))
    thread.start()
    try:
        for turn in range(1, 4):
            platform.verify(caller, request)
            begun = len(noted) - 1  # the wait that the answer fell into counts too
            until(lambda: noted.count("signed") == turn, "no head")  # noqa: B023
            signed = [at for at, note in enumerate(noted) if note == "signed"][-1]
            assert sum(note for note in noted[max(begun, 0) : signed] if not isinstance(note, str)) <= 1
    finally:
        stop.set()
        thread.join(LONG)


def test_a_damaged_log_keeps_no_other_from_its_heads_and_nothing_from_its_end(
    platform: Platform,
    caller: Caller,
    card: Cards,
    later: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    damaged, request, checkpoints = live_log_damaged(platform), card("hanako").request(), list[int]()
    monkeypatch.setattr("honnin.platform.facade.SWEEP_EVERY", 0.0)
    monkeypatch.setattr("honnin.platform.facade.CHECKPOINT_EVERY", 2)
    monkeypatch.setattr("honnin.platform.facade.Failing", partial(Failing, pause=0.0))  # it fails at every turn
    monkeypatch.setattr(platform.store, "checkpoint", lambda: checkpoints.append(1))
    asked = SessionRequest(purpose="p", text="t", return_url="http://localhost/r", expires_in=60)
    session = platform.sessions.create(caller, asked).id
    stop = threading.Event()
    thread = threading.Thread(target=platform.run_sequencer, args=(stop,))
    thread.start()
    try:
        for number in range(1, 5):
            platform.verify(caller, request)
            until(lambda number=number: size_of_head(platform, caller) == number, "no head")
        later(seconds=61)
        ended = lambda: "session.expired" in {event.type for event in platform.events(caller).data}  # noqa: E731
        until(ended, f"{session} does not end")
    finally:
        stop.set()
        joined(thread)
    assert len(checkpoints) == 2
    assert [one.getMessage() for one in caplog.records if damaged in one.getMessage()] == [
        f"sequencer: {damaged}: evidence.log_damaged"
    ]
    with pytest.raises(StateError, match="log_damaged"):
        platform.sequence()


def test_receipt_of_a_damaged_log_is_refused_with_what_to_do(platform: Platform, caller: Caller, card: Cards) -> None:
    made = [platform.verify(caller, card("hanako").request()).id for _ in range(2)]
    assert platform.export_receipt(made[0])
    with platform.store.read() as db:
        log_id = log_of(db, caller.id)
    damage(platform, log_id)
    for ask in (platform.export_receipt, partial(platform.receipt, caller)):
        with pytest.raises(StateError) as refused:
            ask(made[1])
        assert refused.value.code == "evidence.log_damaged"
        assert "copy of the store" in refused.value.next


def test_a_receipt_is_exported_beside_a_damaged_log(platform: Platform, caller: Caller, card: Cards) -> None:
    live_log_damaged(platform)
    answer = platform.verify(caller, card("hanako").request())
    receipt = platform.export_receipt(answer.id)
    assert verify_receipt(receipt, platform.keys.log.public)["verification"] == answer.id


def size_of_head(platform: Platform, caller: Caller) -> int:
    with platform.store.read() as db:
        head = platform.log.latest_head(log_of(db, caller.id))
    return 0 if head is None else head.tree_size


def test_test_and_live_records_lie_in_two_logs(platform: Platform, caller: Caller, card: Cards) -> None:
    live = platform.authenticate(platform.create_tenant("本番の銀行", livemode=True).api_key)
    with platform.store.read() as db:
        logs = db.exec_driver_sql("SELECT log_id FROM tenants").scalars().all()
    assert len(set(logs)) == 2
    platform.verify(caller, card("hanako").request())
    platform.sequence()
    assert platform.log_head(caller).tree_size == 1
    from honnin.errors import NotFoundError

    with pytest.raises(NotFoundError):
        platform.log_head(live)


def test_sealed_data_moved_elsewhere_do_not_open(platform: Platform, caller: Caller, card: Cards) -> None:
    answer = platform.verify(caller, card("hanako").request(law="aml"))
    with platform.store.read() as db:
        assert platform._sealer.open(db, caller.id, answer.evidence, "opening")
    platform.store.write(lambda db: db.exec_driver_sql("UPDATE sealed SET sealed_id = 'evd_other'"))
    with platform.store.read() as db, pytest.raises(StateError) as refused:
        platform._sealer.open(db, caller.id, "evd_other", "custody")
    assert refused.value.code == "store.sealed_damaged"


def test_no_personal_data_lie_open_in_the_store(platform: Platform, caller: Caller, card: Cards, data: Path) -> None:
    hanako = card("hanako")
    answer = platform.verify(caller, hanako.request(b"DOCUMENT-OF-HANAKO", law="aml"), idempotency_key="k")
    platform.sequence()
    secrets = ["花子".encode(), "見本".encode(), b"DOCUMENT-OF-HANAKO", hanako.certificate[200:260], b"1990-04-12"]
    tables = ("verifications", "evidence", "events", "sealed", "sessions", "idempotency", "persons", "data_keys")
    with platform.store.read() as db:
        for table in tables:
            content = str(db.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608
            for secret in secrets:
                assert secret.decode("utf-8", "replace") not in content, table
                assert repr(secret)[2:-1] not in content, table
    assert answer.four_items is not None
    if platform.store.is_sqlite:
        for file in data.glob("honnin.sqlite3*"):
            for secret in secrets:
                assert secret not in file.read_bytes()


@sqlite_alone
def test_commands_make_a_tenant_export_and_verify_offline(
    platform: Platform, card: Cards, data: Path, tmp_path: Path, database_url: None
) -> None:
    made = run("tenant", "create", "試験銀行", "--data", str(data), "--json")
    created = json.loads(made.stdout)
    assert set(created) == {"tenant", "api_key"}
    assert created["api_key"].startswith("sk_test_")
    caller = platform.authenticate(created["api_key"])
    answer = platform.verify(caller, card("hanako").request())
    out = tmp_path / "receipt.json"
    exported = run("evidence", "export", answer.id, "--out", str(out), "--data", str(data), "--json")
    assert exported.returncode == 0, exported.stderr
    key = tmp_path / "log.pub.pem"
    key.write_bytes((data / "keys" / "log.pub.pem").read_bytes())
    proven = run("evidence", "verify", str(out), "--log-key", str(key), "--json")
    assert proven.returncode == 0
    assert json.loads(proven.stdout)["record"]["verification"] == answer.id
    out.write_bytes(out.read_bytes().replace(b"TOTAL-PASSED", b"TOTAL-FAILED"))
    refused = run("evidence", "verify", str(out), "--log-key", str(key), "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["code"] == "evidence.not_proven"
    assert run("evidence", "verify", str(tmp_path / "none"), "--log-key", str(key)).returncode == 2
    assert run("evidence", "export", "ver_none", "--out", str(out), "--data", str(data)).returncode == 2
    assert run("tenant", "create", " ", "--data", str(data)).returncode == 2


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from honnin.cli.main import main; sys.argv[0] = 'honnin'; main()"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


@sqlite_alone
def test_receipt_encodes_as_the_api_sends_it(platform: Platform, receipt: dict[str, Any]) -> None:
    again = read_receipt(json.dumps(receipt).encode())
    assert json.loads(msgspec.json.encode(again)) == receipt


def test_every_record_waits_for_its_number() -> None:
    """`record` alone writes records, each with the row by which the sequencer finds it."""
    import honnin.platform

    folder = Path(honnin.platform.__file__).parent
    writers = [path.name for path in folder.rglob("*.py") if "insert(schema.evidence)" in path.read_text("utf-8")]
    assert writers == ["record.py"]
