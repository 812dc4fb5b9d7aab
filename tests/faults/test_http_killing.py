"""kill -9 of `honnin up` under load: what was acknowledged over HTTP is there after the next start, with receipts."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.api.cards import signed_by
from tests.api.receipts import receipt_of
from tests.waiting import LONG, next_line, running, until

from honnin.platform.evidence.receipt import Receipt, verify_receipt
from honnin.platform.keys import LogPublicKey

PATH = "/v1/verifications"
ROUNDS = 3
CLIENTS = 4


@contextlib.contextmanager
def served(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `honnin up` on a free port; yields the process and its base URL."""
    command = [Path(sys.executable).with_name("honnin"), "up", "--data", str(data), "--port", "0", "--json"]
    with running(command, stdout=subprocess.PIPE, text=True) as process:
        said = next_line(process.stdout)
        assert said, "it ended before it told"
        yield process, f"http://127.0.0.1:{httpx.URL(json.loads(said)['addresses']['api']).port}"
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LONG)


def client_of(base: str, data: Path) -> httpx.Client:
    key = json.loads((data / "keys.json").read_text())["api_key"]
    return httpx.Client(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=LONG, trust_env=False)


class Load:
    """Clients that verify without pause; every request has a key of its own, and every 201 is written down."""

    def __init__(self, base: str, data: Path, body: dict[str, Any]) -> None:
        self.sent: list[str] = []
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self._threads = [threading.Thread(target=self._run, args=(base, data, body)) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _run(self, base: str, data: Path, body: dict[str, Any]) -> None:
        with client_of(base, data) as client, contextlib.suppress(httpx.TransportError):
            while True:
                key = uuid.uuid4().hex
                self.sent.append(key)
                answer = client.post(PATH, json=body, headers={"Idempotency-Key": key})
                assert answer.status_code == 201, answer.text
                self.acknowledged[key] = answer.json()

    def ended(self) -> None:
        for thread in self._threads:
            thread.join(LONG)
            assert not thread.is_alive()


def all_ids(client: httpx.Client) -> list[str]:
    found: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = client.get(PATH, params={"limit": 100, **after}).json()
        found += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            return found
        after = {"after": page["next"]}


def proven(client: httpx.Client, name: str, key: LogPublicKey) -> dict[str, Any]:
    return verify_receipt(msgspec.convert(receipt_of(client, name), type=Receipt), key)


def test_a_killed_server_keeps_all_that_it_acknowledged(data: Path) -> None:
    chance = random.Random(8600)  # noqa: S311 - moments of death, not secrets
    with served(data):
        body = {"law": "aml", **signed_by(data, "hanako", "申し込みます。")}
    acknowledged: dict[str, dict[str, Any]] = {}
    sent: list[str] = []
    for _ in range(ROUNDS):
        with served(data) as (process, base):
            load = Load(base, data, body)
            until(lambda load=load: len(load.acknowledged) >= CLIENTS, "no check was acknowledged")
            time.sleep(chance.uniform(0.0, 0.7))
            os.kill(process.pid, signal.SIGKILL)
            load.ended()
        acknowledged |= load.acknowledged
        sent += load.sent
    assert len(acknowledged) >= ROUNDS * CLIENTS
    with served(data) as (_, base), client_of(base, data) as client:
        ids = all_ids(client)
        assert {answer["id"] for answer in acknowledged.values()} <= set(ids)
        assert len(ids) == len(set(ids))
        assert len(acknowledged) <= len(ids) <= len(sent)
        key = LogPublicKey.read((data / "keys" / "log.pub.pem").read_bytes())
        leaves = set()
        for name in ids:  # also those that were written and never acknowledged: no half record
            record = proven(client, name, key)
            assert record["verification"] == name
            leaves.add(record["evidence"])
        assert len(leaves) == len(ids)
        for idempotency_key, answer in acknowledged.items():  # a repeat gives the same answer, four items included
            again = client.post(PATH, json=body, headers={"Idempotency-Key": idempotency_key})
            assert again.json() == answer
        for idempotency_key in set(sent) - set(acknowledged):  # what was cut off is made once, now or before
            first, second = (
                client.post(PATH, json=body, headers={"Idempotency-Key": idempotency_key}).json() for _ in range(2)
            )
            assert first == second
        assert len(all_ids(client)) == len(sent)


def test_told_to_end_it_finishes_what_runs_and_exits_with_zero(data: Path) -> None:
    with served(data):
        body = signed_by(data, "hanako", "申し込みます。")
    with served(data) as (process, base):
        load = Load(base, data, body)
        until(lambda: len(load.acknowledged) >= CLIENTS, "no check was acknowledged")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG) == 0
        load.ended()
    with served(data) as (_, base), client_of(base, data) as client:
        assert {answer["id"] for answer in load.acknowledged.values()} <= set(all_ids(client))
