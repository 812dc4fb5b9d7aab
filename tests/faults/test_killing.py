"""Killing processes at any moment loses no acknowledged evidence and leaves no half record, on both engines."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults.backends import as_killed, gone
from tests.waiting import LONG, until

from honnin.pki import ocsp_request
from honnin.platform import Platform, Settings
from honnin.platform.evidence import rfc9162
from honnin.platform.evidence.packing import read_opening
from honnin.platform.evidence.receipt import verify_receipt
from honnin.sandbox.jlis import ocsp
from honnin.sandbox.world import World

HAMMER = Path(__file__).with_name("hammer.py")
ROUNDS = 5


class Hammer:
    """One running hammer and the lines that it acknowledged."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", HAMMER, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=as_killed(),
        )
        self.lines: list[list[str]] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, b""):
            if line.endswith(b"\n"):
                self.lines.append(line.decode().split())

    def kill(self) -> bytes:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LONG)
        self.reader.join(LONG)
        errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return errors


def test_killed_at_any_moment(settings: Settings, world: World, card: Callable[[str], Any], tmp_path: Path) -> None:
    chance = random.Random(20261121)  # noqa: S311 - moments of death, not secrets
    platform = Platform(settings)
    key = platform.create_tenant("試験銀行").api_key
    caller = platform.authenticate(key)
    platform.close()
    hanako = card("hanako")
    arguments = [str(settings.data), settings.database_url or "", key, *_files(world, hanako, tmp_path), "2"]
    acknowledged: list[list[str]] = []
    for number in range(ROUNDS):
        hammers = [Hammer(arguments) for _ in range(1 + number % 2)]  # two processes at once, every second round
        try:
            _wait_for_first(hammers)
            time.sleep(chance.uniform(0.0, 0.6))
        finally:
            killed = [hammer.kill() for hammer in hammers]
        for hammer, errors in zip(hammers, killed, strict=True):
            assert errors == b"", errors.decode()[-3000:]
            acknowledged += hammer.lines
        gone(settings.database_url)
        _hold(settings, caller, acknowledged, request=hanako.request(law="aml"))
    assert len(acknowledged) >= ROUNDS


def _many(platform: Platform, caller: Any, request: Any) -> None:
    for _ in range(200):
        platform.verify(caller, request)


def _files(world: World, hanako: Any, folder: Path) -> list[str]:
    request, answer = folder / "request.json", folder / "ocsp.der"
    request.write_bytes(msgspec.json.encode(hanako.request(law="aml")))
    from honnin.pki.rfc5280.certificate import parse_certificate
    from honnin.pki.rfc5280.extensions import authority_key_identifier, subject_key_identifier

    identifier = authority_key_identifier(parse_certificate(hanako.certificate))
    assert identifier is not None
    (issuer,) = (
        anchor
        for anchor in world.anchors()["signature"]
        if subject_key_identifier(parse_certificate(anchor)) == identifier.key_identifier
    )
    answer.write_bytes(ocsp.answer(world, ocsp_request(hanako.certificate, issuer), world.now()).der)
    return [str(request), str(answer)]


def _wait_for_first(hammers: list[Hammer]) -> None:
    def acknowledged() -> bool:
        for hammer in hammers:
            if hammer.process.poll() is not None:
                pytest.fail("a hammer died by itself: " + hammer.kill().decode()[-3000:])
        return all(hammer.lines for hammer in hammers)

    until(acknowledged, "a hammer never acknowledged anything")


def _hold(settings: Settings, caller: Any, acknowledged: list[list[str]], *, request: Any) -> None:
    """Open the store again and hold every promise over what is in it."""
    platform = Platform(settings)
    try:
        platform.sequence()
        # nothing acknowledged is lost, and every receipt verifies
        for _, verification_id, evidence_id in acknowledged:
            record = verify_receipt(platform.receipt(caller, verification_id), platform.keys.log.public)
            assert (record["verification"], record["evidence"]) == (verification_id, evidence_id)
            assert platform.verification(caller, verification_id).person_status == "linked"
        # an acknowledged answer is still the answer to its key
        idempotency_key, verification_id, _ = acknowledged[-1]
        assert platform.verify(caller, request, idempotency_key=idempotency_key).id == verification_id
        _no_half_record(platform)
        _log_is_whole(platform)
    finally:
        platform.close()


def _no_half_record(platform: Platform) -> None:
    with platform.store.read() as db:
        checks = db.exec_driver_sql("SELECT verification_id, evidence_id FROM verifications").all()
        evidence = set(db.exec_driver_sql("SELECT evidence_id FROM evidence").scalars())
        sealed = db.exec_driver_sql("SELECT sealed_id, kind FROM sealed").all()
        events = db.exec_driver_sql("SELECT number, body FROM events ORDER BY number").all()
        bound = set(db.exec_driver_sql("SELECT sealed_id FROM idempotency").scalars())
        people = db.exec_driver_sql("SELECT count(*) FROM persons").scalar_one()
        tenant_id = db.exec_driver_sql("SELECT DISTINCT tenant_id FROM verifications").scalar_one()
        openings = [read_opening(db, platform._sealer, tenant_id, check.evidence_id) for check in checks]
    assert {check.evidence_id for check in checks} == evidence
    assert all(opening.facts for opening in openings)  # with the certificates that are kept once for all of them
    for kind in ("opening", "custody"):
        assert {row.sealed_id for row in sealed if row.kind == kind} == evidence
    ids = {check.verification_id for check in checks}
    assert {row.sealed_id for row in sealed if row.kind == "answer"} == bound == ids
    assert [event.number for event in events] == list(range(1, len(checks) + 1))
    assert {msgspec.json.decode(event.body)["verification"] for event in events} == ids
    assert people == 1


def _log_is_whole(platform: Platform) -> None:
    with platform.store.read() as db:
        records = db.exec_driver_sql(
            "SELECT record, leaf_index FROM evidence NATURAL JOIN evidence_leaves ORDER BY leaf_index"
        ).all()
        kept = db.exec_driver_sql("SELECT count(*) FROM evidence").scalar_one()
        heads = db.exec_driver_sql("SELECT tree_size, root FROM log_heads ORDER BY tree_size").all()
    assert [row.leaf_index for row in records] == list(range(kept))
    leaves = [rfc9162.leaf_hash(row.record.encode()) for row in records]
    for head in heads:
        assert rfc9162.root(leaves[: head.tree_size]).hex() == head.root
    assert heads[-1].tree_size == len(records)


def test_store_that_fails_loses_the_check_and_says_so(
    settings: Settings, card: Callable[[str], Any], database_url: str | None
) -> None:
    """A write that fails (a full disk, a table that is gone) is not acknowledged, has a code, and leaves nothing."""
    from honnin.errors import ServiceError

    platform = Platform(settings)
    caller = platform.authenticate(platform.create_tenant("試験銀行").api_key)
    request = card("hanako").request()
    platform.verify(caller, request)
    if platform.store.is_sqlite:
        limit = "PRAGMA max_page_count"
        with platform.store.engine.connect() as db:
            pages = db.exec_driver_sql("PRAGMA page_count").scalar_one()
        from sqlalchemy import event

        @event.listens_for(platform.store.engine, "checkout")
        def full(connection: Any, *_: Any) -> None:
            connection.execute(f"{limit}={pages}")

        with pytest.raises(ServiceError) as down:
            _many(platform, caller, request)
    else:
        platform.store.write(lambda db: db.exec_driver_sql("ALTER TABLE evidence RENAME TO away"))
        with pytest.raises(ServiceError) as down:
            platform.verify(caller, request)
        platform.store.write(lambda db: db.exec_driver_sql("ALTER TABLE away RENAME TO evidence"))
    assert down.value.code == ("store.full" if platform.store.is_sqlite else "store.down")
    with platform.store.read() as db:
        counts = [
            db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
            for table in ("verifications", "evidence", "events")
        ]
    assert len(set(counts)) == 1
    platform.close()
