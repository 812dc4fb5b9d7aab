"""kill -9 of `honnin up` while it sends webhooks: every event of an acknowledged call comes, in the end, signed."""

import os
import random
import signal
import time
from pathlib import Path

import httpx
from standardwebhooks import Webhook
from tests.faults.test_http_killing import client_of, served
from tests.receiver import Receiver, receiving
from tests.waiting import LONG, until

from honnin.platform.webhooks.schedule import schedule

ROUNDS = 3
EACH = 12


def test_killed_sender_loses_no_event(data: Path) -> None:
    chance = random.Random(20261126)  # noqa: S311 - moments of death, not secrets

    def answer(number: int) -> int:
        time.sleep(0.05)  # so that some are under way when the process dies
        return 500 if number == 3 else 204

    acknowledged: list[str] = []
    with receiving(answer) as receiver:
        with served(data) as (_, base), client_of(base, data) as client:
            made = client.post("/v1/webhook-endpoints", json={"url": receiver.url, "types": ["session.created"]}).json()
        for _ in range(ROUNDS):
            with served(data) as (process, base), client_of(base, data) as client:
                before = len(receiver.got)
                acknowledged += [opened(client) for _ in range(EACH)]
                receiver.wait_for(before + 1)
                time.sleep(chance.uniform(0.0, 0.2))
                os.kill(process.pid, signal.SIGKILL)
        with served(data) as (_, base), client_of(base, data) as client:
            until(lambda: told_of(receiver) >= set(acknowledged), "an event never came", schedule().lease + LONG)
            last = client.get(f"/v1/webhook-endpoints/{made['id']}/deliveries", params={"status": "dead"}).json()
            assert last["data"] == []
        for got in receiver.got:
            Webhook(made["secret"]).verify(got.body, got.headers)
        ids = [got.headers["webhook-id"] for got in receiver.got]
        assert len(set(ids)) == len(acknowledged)  # what came twice has one id


def opened(client: httpx.Client) -> str:
    body = {"purpose": "p", "text": "t", "return_url": "http://bank.localhost/return"}
    answer = client.post("/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def told_of(receiver: Receiver) -> set[str]:
    return {got.event["data"]["session"] for got in list(receiver.got)}
