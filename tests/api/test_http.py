"""What holds for every path: keys, methods, paths, hosts, limits, headers, logs."""

import contextlib
import json
import logging
import select
import socket
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.waiting import LONG, until

from honnin.api.reading import BODY_BYTES, LARGE_BODY
from honnin.web.serving import Running
from honnin.words import in_all

JSON = {"Content-Type": "application/json"}
POST = "POST /v1/verifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SECURED = [
    ("GET", "/v1/verifications"),
    ("POST", "/v1/verifications"),
    ("GET", "/v1/verifications/ver_1"),
    ("GET", "/v1/verifications/ver_1/receipt"),
    ("GET", "/v1/sessions"),
    ("POST", "/v1/sessions"),
    ("GET", "/v1/sessions/ses_1"),
    ("POST", "/v1/sessions/ses_1/cancel"),
    ("GET", "/v1/sessions/ses_1/four-items"),
    ("DELETE", "/v1/sessions/ses_1/four-items"),
    ("GET", "/v1/events"),
    ("GET", "/v1/log/head"),
    ("GET", "/v1/log/key"),
]


@pytest.fixture
def nobody(server: Running) -> Any:
    """A client without a key."""
    with httpx.Client(base_url=server.base, timeout=LONG, trust_env=False) as made:
        yield made


NOT_KEYS = [
    None,
    "",
    "Bearer",
    "Bearer sk_test_",
    "Bearer sk_test_" + "0" * 56,
    "Bearer sk_live_" + "0" * 56,
    "Basic dXNlcjpwYXNz",
    "Bearer a b",
    "Bearer " + "x" * 5000,
]


@pytest.mark.parametrize(("method", "path"), SECURED)
def test_without_a_known_key_nothing_is_given(nobody: httpx.Client, method: str, path: str) -> None:
    for authorization in NOT_KEYS:
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = nobody.request(method, path, headers=headers, json={} if method == "POST" else None)
        problem = answer.json()
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert problem["code"] in {"request.no_key", "tenant.key"}
        assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_test_key_with_a_live_prefix_is_unknown(nobody: httpx.Client, server: Running) -> None:
    forged = server.api_key.replace("sk_test_", "sk_live_")
    assert nobody.get("/v1/events", headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_two_keys_are_refused(client: httpx.Client) -> None:
    twice = [("Authorization", client.headers["Authorization"]), ("Authorization", client.headers["Authorization"])]
    with httpx.Client(base_url=client.base_url, timeout=LONG, trust_env=False) as own:
        answer = own.get("/v1/events", headers=twice)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.header")


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/verifications/",
        "/v1/verifications/ver_1/x",
        "/v2/verifications",
        "/openapi.json/",
        "/v1/verifications/%00",
        "/v1/verifications/ver_%2e%2e%2f",
        "/v1/verifications/..%2f..%2fetc%2fpasswd",
        "/v1/verifications/" + "a" * 3000,
        "/%ff%fe",
        "//v1/verifications",
    ],
)
def test_what_is_not_there_is_a_problem(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    if path.startswith("/v1/"):
        assert answer.json()["code"] == "request.not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/verifications", "GET, HEAD, OPTIONS, POST"),
        ("PUT", "/v1/sessions/ses_1/four-items", "DELETE, GET, HEAD, OPTIONS"),
        ("GET", "/v1/sessions/ses_1/cancel", "OPTIONS, POST"),
        ("PATCH", "/healthz", "GET, HEAD, OPTIONS"),
        ("TRACE", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_a_path_does_not_know(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "request.method", allowed)


def test_options_tell_the_methods_and_grant_no_other_origin_anything(client: httpx.Client) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/v1/verifications", headers=asked)
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    answer = client.head("/v1/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.head("/v1/verifications/ver_1").status_code == 404


def test_every_answer_carries_the_security_headers(client: httpx.Client) -> None:
    for answer in (client.get("/healthz"), client.get("/v1/nothing"), client.post("/v1/sessions", json={})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_problem_speaks_the_language_that_was_asked_for(client: httpx.Client) -> None:
    for asked, language in (("en", "en"), ("ja-simple", "ja-simple"), ("", "ja")):
        problem = client.get("/v1/verifications/nothing", headers={"Accept-Language": asked}).json()
        assert problem["user_message"] == in_all("request.not_found")[language]
        assert set(problem["user_messages"]) == {"ja", "ja-simple", "en"}


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
)
def test_another_kind_of_body_is_refused(client: httpx.Client, kind: str) -> None:
    answer = client.post("/v1/sessions", content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.media_type")


def test_a_compressed_body_is_refused_before_it_is_unpacked(client: httpx.Client) -> None:
    answer = client.post("/v1/sessions", content=b"\x1f\x8b", headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "schlüssel".encode().decode("latin-1")])
def test_an_unusable_idempotency_key_is_refused(client: httpx.Client, key: str) -> None:
    answer = client.post(
        "/v1/sessions",
        json={"purpose": "p", "return_url": "https://a.example"},
        headers={"Idempotency-Key": key.encode("latin-1")},
    )  # type: ignore[dict-item]
    assert (answer.status_code, answer.json()["code"]) == (422, "request.idempotency_key")


def test_a_body_that_is_declared_too_large_is_refused_unread(server: Running) -> None:
    head = f"{POST}Content-Length: {BODY_BYTES + 1}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as raw:
        raw.sendall(head.encode())
        assert raw.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_in_chunks_without_end_is_refused(client: httpx.Client) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield b" " * (1 << 20)

    with contextlib.suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        answer = client.post("/v1/verifications", content=endless(), headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
    assert BODY_BYTES <= sent < 8 * BODY_BYTES


def test_nobody_unknown_makes_the_server_read_a_large_body(server: Running) -> None:
    head = f"{POST}Content-Length: {LARGE_BODY + 1}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as raw:
        raw.sendall(head.encode())
        assert raw.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_bodies_that_stop_half_way_do_not_keep_others_waiting(server: Running, client: httpx.Client) -> None:
    head = f"{POST}Authorization: {client.headers['Authorization']}\r\nContent-Length: 60000\r\n\r\n{{"
    with contextlib.ExitStack() as stack:
        waiting = []
        for _ in range(60):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=LONG))
            raw.sendall(head.encode())
            waiting.append(raw)
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/events").status_code == 200
        answered, _, _ = select.select(waiting, [], [], 0)
        assert not answered  # all of them still wait, so nobody waited for them to be given up


def test_the_log_names_routes_and_never_what_was_sent(
    client: httpx.Client, sign: Callable[..., dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    secret = uuid.uuid4().hex
    with caplog.at_level(logging.INFO):
        answers = [
            client.get(f"/v1/events?after={secret}"),
            client.get(f"/v1/{secret}"),
            client.get(f"/v1/verifications/ver_{secret}"),
            client.post("/v1/verifications", json={**sign(), "purpose": secret}),
            client.post("/v1/verifications", json={secret: secret}),
        ]
        named = [answer.headers["x-request-id"] for answer in answers]  # others' lines may still come among ours
        until(lambda: all(name in caplog.text for name in named), "the log does not name the requests")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("honnin", "uvicorn"))]
    assert any("/v1/verifications/{id}" in line for line in ours)
    assert not [line for line in ours if secret in line]
    assert not [line for line in ours if client.headers["Authorization"].split()[1] in line]


@pytest.mark.parametrize("host", ["evil.example", "bank.localhost.evil.example", "other.localhost", ""])
def test_a_foreign_host_reaches_nothing(client: httpx.Client, host: str) -> None:
    answer = client.get("/v1/events", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "request.wrong_host")


def test_the_sandbox_lists_its_origins_and_each_answers(client: httpx.Client) -> None:
    origins = client.get("/.well-known/honnin-sandbox").json()["origins"]
    assert {"jlis", "bank", "console"} <= set(origins)
    for label, url in origins.items():
        answer = client.get("/", headers={"Host": httpx.URL(url).netloc.decode(), "Authorization": ""})
        assert answer.status_code < 500, label
        assert answer.status_code != 421, label


def test_the_server_is_well_and_says_no_more(nobody: httpx.Client) -> None:
    assert nobody.get("/healthz").json() == {"status": "ok"}


def test_a_fault_of_ours_is_a_problem_and_its_message_stays_inside(
    client: httpx.Client, server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret that an exception quotes")

    monkeypatch.setattr(server.platform, "events", broken)
    with caplog.at_level(logging.INFO):
        answer = client.get("/v1/events")
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (500, "api.internal", True)
    assert "secret" not in answer.text + caplog.text
    assert answer.json()["request_id"] in caplog.text


def test_problems_are_problems_everywhere(client: httpx.Client) -> None:
    for answer in (
        client.get("/v1/nothing"),
        client.post("/v1/sessions", content=b"{", headers=JSON),
        client.get("/v1/events?limit=0"),
        client.get("/v1/events?after=evt_0000"),
    ):
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(json.loads(answer.content)) >= {
            "type",
            "title",
            "status",
            "detail",
            "code",
            "request_id",
            "retryable",
            "user_message",
        }
        assert answer.json()["status"] == answer.status_code
