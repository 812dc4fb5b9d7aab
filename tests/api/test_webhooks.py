"""Webhook endpoints over HTTP and by command: secrets once, strict bodies, nobody else's endpoint, and the running
server sends.
"""

import json
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from standardwebhooks import Webhook
from tests.receiver import receiving
from tests.waiting import until

from honnin.cli.webhook import webhook
from honnin.errors import InputError
from honnin.platform.event_types import event_types
from honnin.web.serving import Running

PATH = "/v1/webhook-endpoints"


def test_endpoint_is_made_changed_rotated_and_ended(client: httpx.Client, stranger: httpx.Client) -> None:
    made = client.post(PATH, json={"url": "https://hooks.example/honnin", "types": ["session.completed"]})
    assert made.status_code == 201
    body = made.json()
    assert body["secret"].startswith("whsec_")
    path = made.headers["location"]
    assert client.get(path).json() == {name: value for name, value in body.items() if name != "secret"}
    assert body["secret"] not in client.get(PATH).text
    changed = client.post(path, json={"status": "disabled", "types": []}).json()
    assert (changed["status"], changed["types"], changed["url"]) == ("disabled", [], body["url"])
    rotated = client.post(f"{path}/rotate", json={}).json()
    assert rotated["secret"] != body["secret"]
    assert rotated["previous_secret_until"]
    for call in (
        stranger.get(path),
        stranger.post(path, json={}),
        stranger.post(f"{path}/rotate", json={}),
        stranger.post(f"{path}/replay", json={"dead": True}),
        stranger.get(f"{path}/deliveries"),
        stranger.delete(path),
    ):
        assert (call.status_code, call.json()["code"]) == (404, "webhook.unknown")
    assert body["id"] not in stranger.get(PATH).text
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://hooks.example/"}, "webhook.url"),
        ({"url": "https://169.254.169.254/"}, "webhook.url"),
        ({"url": "https://user:pw@hooks.example/"}, "webhook.url"),
        ({}, "request.invalid"),
        ({"url": "https://hooks.example/", "secret": "whsec_AAAA"}, "request.unknown_member"),
        ({"url": "https://hooks.example/", "types": ["no type!"]}, "request.invalid"),
        ({"url": "https://hooks.example/", "types": ["session.completed", "session.complete"]}, "webhook.type"),
    ],
)
def test_endpoint_that_cannot_be_is_refused(client: httpx.Client, body: dict[str, Any], code: str) -> None:
    answer = client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_type_that_no_event_has_is_refused_with_the_list(client: httpx.Client) -> None:
    made = client.post(PATH, json={"url": "https://hooks.example/types", "types": list(event_types())})
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    answer = client.post(path, json={"types": ["verification.complete"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook.type")
    assert all(kind in answer.json()["detail"] for kind in event_types())
    assert client.get(path).json()["types"] == list(event_types())
    client.delete(path)


def test_running_server_sends_and_tells_what_came_of_it(alone: httpx.Client, server: Running) -> None:
    with receiving() as receiver:
        made = alone.post(PATH, json={"url": receiver.url}).json()
        body = {"purpose": "p", "text": "t", "return_url": f"{server.origin('bank')}/return"}
        session = alone.post("/v1/sessions", json=body).json()["id"]
        (got,) = receiver.wait_for(1)
        assert Webhook(made["secret"]).verify(got.body, got.headers)["data"] == {"session": session}
        deliveries = f"{PATH}/{made['id']}/deliveries"
        until(lambda: alone.get(deliveries, params={"status": "delivered"}).json()["data"], "nothing was delivered")
        (sent,) = alone.get(deliveries).json()["data"]
        assert (sent["status"], sent["attempts"], sent["answered"], sent["due_at"]) == ("delivered", 1, 204, None)
        again = alone.post(f"{PATH}/{made['id']}/replay", json={"events": [sent["event"]]})
        assert again.json()["queued"] == 1
        assert receiver.wait_for(2)[1].headers["webhook-id"] == got.headers["webhook-id"]
        alone.delete(f"{PATH}/{made['id']}")


def test_commands_set_up_what_the_server_then_sends(client: httpx.Client, server: Running) -> None:
    data = server.platform.settings.data
    tenant = json.loads((data / "keys.json").read_text())["tenant"]

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(webhook, [*arguments, "--data", str(data), "--json"], standalone_mode=False)
        return (1, {}) if done.exception else (0, json.loads(done.stdout))

    with receiving() as receiver:
        status, made = run("create", tenant, receiver.url, "--type", "session.created")
        assert status == 0
        name = made["id"]
        assert [one["id"] for one in run("list", tenant)[1]["data"]] == [name]
        body = {"purpose": "p", "text": "t", "return_url": f"{server.origin('bank')}/return"}
        client.post("/v1/sessions", json=body)
        got = receiver.wait_for(1)[0]
        Webhook(made["secret"]).verify(got.body, got.headers)
        assert run("replay", tenant, name, "--event", got.headers["webhook-id"])[1]["queued"] == 1
        receiver.wait_for(2)
        assert run("rotate", tenant, name, "--overlap", "0")[1]["previous_secret_until"] is None
        assert run("deliveries", tenant, name)[1]["data"][0]["event"] == got.headers["webhook-id"]
    assert run("delete", tenant, name) == (0, {"endpoint": name, "deleted": True})
    assert run("create", tenant, "http://10.0.0.1/")[0] == 1
    wrong = ["create", tenant, "https://hooks.example/", "--type", "session.finished", "--data", str(data)]
    refused = CliRunner().invoke(webhook, wrong, standalone_mode=False).exception
    assert isinstance(refused, InputError)
    assert refused.code == "webhook.type"
    assert "session.completed" in refused.next
    assert run("list", "ten_x")[0] == 1
