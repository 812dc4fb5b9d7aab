"""Sessions over HTTP: create, page, return, cancel, and four items that are read while they are there."""

import uuid
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.api.outbox import drain

from honnin.platform.models import SessionSignature
from honnin.web.serving import Running

PATH = "/v1/sessions"


def opened(client: httpx.Client, server: Running, **more: Any) -> dict[str, Any]:
    body = {
        "purpose": "account_opening",
        "text": "申し込みます。",
        "return_url": f"{server.origin('bank')}/return",
        "state": "abc-123",
        **more,
    }
    answer = client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ended(client: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]], **more: Any) -> tuple[str, str]:
    """Return the id of a session that hanako completed, and the address that her browser was sent to."""
    session = opened(client, server, **more)
    key = session["url"].rsplit("/", 1)[1]
    page = server.platform.sessions.page(key)
    parts = sign("hanako", page.document.decode())
    signed = SessionSignature(signature=b64decode(parts["signature"]), certificate=b64decode(parts["certificate"]))
    return session["id"], server.platform.sessions.complete(key, signed).url


def completed(client: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{PATH}/{ended(client, server, sign)[0]}").json()
    return found


def test_a_session_is_created_seen_and_listed(client: httpx.Client, server: Running) -> None:
    session = opened(client, server)
    assert (session["object"], session["status"], session["livemode"]) == ("session", "open", False)
    seen = client.get(f"{PATH}/{session['id']}").json()
    assert seen["url"] is None
    assert {**seen, "url": ""} == {**session, "url": ""}
    assert session["id"] in [row["id"] for row in client.get(PATH).json()["data"]]


def test_the_same_key_opens_one_session(client: httpx.Client, server: Running) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"purpose": "p", "text": "t", "return_url": f"{server.origin('bank')}/return"}
    first, second = (client.post(PATH, json=body, headers=key).json() for _ in range(2))
    assert first == second


def test_an_open_session_is_cancelled_once(client: httpx.Client, server: Running) -> None:
    session = opened(client, server)
    ended = client.post(f"{PATH}/{session['id']}/cancel")
    assert (ended.status_code, ended.json()["status"]) == (200, "cancelled")
    again = client.post(f"{PATH}/{session['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "session.not_open")


def test_four_items_are_there_until_they_are_deleted(
    client: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]
) -> None:
    session = completed(client, server, sign)
    assert session["status"] == "completed"
    assert "four_items" not in session
    path = f"{PATH}/{session['id']}/four-items"
    first, second = client.get(path), client.get(path)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert first.json()["four_items"]["name"]
    assert client.delete(path).status_code == 204
    gone = client.get(path)
    assert (gone.status_code, gone.json()["code"]) == (410, "session.four_items_gone")
    assert client.delete(path).status_code == 204


def test_four_items_wait_for_the_code_of_the_return(
    client: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]
) -> None:
    name, url = ended(client, server, sign, return_code=True)
    code = parse_qs(urlsplit(url).query)["code"][0]
    path = f"{PATH}/{name}/four-items"
    missing = client.get(path)
    assert (missing.status_code, missing.json()["code"]) == (403, "session.code_missing")
    forged = client.get(path, headers={"Honnin-Session-Code": "0" * 32})
    assert (forged.status_code, forged.json()["code"]) == (403, "session.code")
    assert client.get(path, params={"code": code}).status_code == 422  # never in an address that is logged
    found = client.get(path, headers={"Honnin-Session-Code": code})
    assert found.json()["four_items"]["name"]
    again = client.post(f"{PATH}/{name}/redeem", json={"code": code})
    assert (again.status_code, again.json()["code"]) == (409, "session.code_used")
    assert code not in client.get(f"{PATH}/{name}").text + str(drain(client)[0])


def test_code_may_be_brought_before_the_four_items_are_read(
    client: httpx.Client, stranger: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]
) -> None:
    name, url = ended(client, server, sign, return_code=True)
    code = parse_qs(urlsplit(url).query)["code"][0]
    assert stranger.post(f"{PATH}/{name}/redeem", json={"code": code}).status_code == 404
    redeemed = client.post(f"{PATH}/{name}/redeem", json={"code": code})
    assert (redeemed.status_code, redeemed.json()["status"]) == (200, "completed")
    assert client.get(f"{PATH}/{name}/four-items").status_code == 200


@pytest.mark.parametrize("code", ["x" * 65, "a b", "\u00e9"])
def test_code_that_cannot_be_one_is_refused_as_such(client: httpx.Client, server: Running, code: str) -> None:
    session = opened(client, server)
    headers = {"Honnin-Session-Code": code.encode("latin-1")}
    answer = client.get(f"{PATH}/{session['id']}/four-items", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.session_code")
    assert code not in answer.text


def test_four_items_of_a_session_that_is_not_completed(client: httpx.Client, server: Running) -> None:
    session = opened(client, server)
    answer = client.get(f"{PATH}/{session['id']}/four-items")
    assert (answer.status_code, answer.json()["code"]) == (409, "session.not_completed")


def test_a_completed_session_names_its_verification(
    client: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]
) -> None:
    session = completed(client, server, sign)
    verification = client.get(f"/v1/verifications/{session['verification']}").json()
    assert verification["session"] == session["id"]


def test_another_tenant_neither_sees_nor_ends_it(
    client: httpx.Client, stranger: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]
) -> None:
    name = completed(client, server, sign)["id"]
    assert stranger.get(f"{PATH}/{name}").status_code == 404
    assert stranger.get(f"{PATH}/{name}/four-items").status_code == 404
    assert stranger.delete(f"{PATH}/{name}/four-items").status_code == 404
    assert stranger.post(f"{PATH}/{name}/cancel").status_code == 404
    assert client.get(f"{PATH}/{name}/four-items").status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"return_url": "javascript:alert(1)"}, "tenant.return_url"),
        ({"return_url": "https://evil.example/"}, "session.return_url"),
        ({"return_url": "http://bank.localhost@evil.example/"}, "tenant.return_url"),
        ({"text": None}, "session.content"),
        ({"attributes": ["name", "blood_type"]}, "request.invalid"),
        ({"expires_in": 5}, "request.invalid"),
        ({"state": "x" * 513}, "request.invalid"),
        ({"attributes": ["name", "name"]}, "session.attributes_twice"),
        ({"text": "10,000\u202e円"}, "session.hidden_characters"),
        ({"text": "ゼロ\u200b幅"}, "session.hidden_characters"),
        ({"text": "a\u2028b"}, "session.hidden_characters"),
        ({"text": "a\u3164b"}, "session.hidden_characters"),
        ({"text": "a\x08b", "document": "YQ=="}, "session.hidden_characters"),
        ({"purpose": "契\u2066約"}, "session.hidden_characters"),
    ],
)
def test_a_session_that_cannot_be_is_refused(
    client: httpx.Client, server: Running, change: dict[str, Any], code: str
) -> None:
    body = {"purpose": "p", "text": "t", "return_url": f"{server.origin('bank')}/return", **change}
    answer = client.post(PATH, json={name: value for name, value in body.items() if value is not None})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_events_tell_in_order_what_happened_and_nothing_of_the_person(
    alone: httpx.Client, server: Running, sign: Callable[..., dict[str, Any]]
) -> None:
    opened(alone, server)
    after = drain(alone, limit=3)[1]
    session = completed(alone, server, sign)
    cancelled = opened(alone, server)
    alone.post(f"{PATH}/{cancelled['id']}/cancel")
    events, _ = drain(alone, after, limit=3)
    assert [event["type"] for event in events] == [
        "session.created",
        "session.completed",
        "verification.completed",
        "session.created",
        "session.cancelled",
    ]
    assert {event["data"].get("session") for event in events} == {session["id"], cancelled["id"]}


def test_an_empty_page_gives_a_cursor_that_works_later(alone: httpx.Client, server: Running) -> None:
    """Also before the first event ever: a reader that began with nothing misses nothing."""
    first = alone.get("/v1/events").json()
    assert (first["data"], first["has_more"]) == ([], False)
    again = alone.get("/v1/events", params={"after": first["next"]}).json()
    assert again == first
    session = opened(alone, server)
    page = alone.get("/v1/events", params={"after": first["next"]}).json()
    assert [event["data"]["session"] for event in page["data"]] == [session["id"]]
    empty = alone.get("/v1/events", params={"after": page["next"]}).json()
    assert (empty["data"], empty["next"]) == ([], page["next"])
    more = [opened(alone, server)["id"] for _ in range(7)]
    events, mine = drain(alone, page["next"], limit=3)
    assert [event["data"]["session"] for event in events] == more
    assert alone.get("/v1/events", params={"after": mine}).json()["next"] == mine
