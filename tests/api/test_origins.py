"""Hosts: each label reaches its own application, and a name that is not ours reaches none."""

import asyncio
import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import httpx
import pytest
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.api.serving import serving
from tests.waiting import LONG

from honnin.api.guard import MOST_AT_ONCE, Guard
from honnin.web.origins import PAGES_AT_ONCE, AtMost, Origins, PathSplit


def answering(name: str) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(name)(scope, receive, send)

    return app


ORIGINS = Origins(answering("main"), {"bank": answering("bank"), "jlis": answering("jlis")}, names=["Check.Example.jp"])


def get(app: ASGIApp, path: str = "/", **more: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, **more)

    return asyncio.run(once())


def ask(host: str, origins: Origins = ORIGINS) -> tuple[int, str]:
    answer = get(origins, headers={"Host": host.encode("latin-1")})
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "main"),
        ("localhost:8600", "main"),
        ("LOCALHOST:1", "main"),
        ("localhost.", "main"),
        ("127.0.0.1:8600", "main"),
        ("[::1]:8600", "main"),
        ("check.example.jp", "main"),
        ("bank.localhost:8600", "bank"),
        ("Bank.Localhost", "bank"),
        ("jlis.localhost.:80", "jlis"),
    ],
)
def test_a_host_reaches_its_application(host: str, name: str) -> None:
    assert ask(host) == (200, name)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "bank.localhost.evil.example",
        "x.bank.localhost",
        "other.localhost",
        "bank",
        "127.0.0.2",
        "localhost@evil.example",
        "localhost:8600:1",
        "local host",
        "bank.localhost/..",
        "[::1",
        "a" * 5000,
        "l\u00f6calhost",
    ],
)
def test_a_host_that_is_not_ours_reaches_nothing(host: str) -> None:
    status, text = ask(host)
    problem = json.loads(text)
    assert (status, problem["code"]) == (421, "request.wrong_host")


def test_two_hosts_or_none_are_refused() -> None:
    twice = get(ORIGINS, headers=[("Host", "localhost"), ("Host", "bank.localhost")])
    assert (twice.status_code, twice.json()["code"]) == (400, "request.header")


def test_any_name_may_be_allowed_behind_a_proxy_but_no_foreign_label() -> None:
    open_to_all = Origins(answering("main"), {"bank": answering("bank")}, names=None)
    assert ask("anything.example", open_to_all) == (200, "main")
    assert ask("other.localhost", open_to_all)[0] == 421


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/verifications", "api"),
        ("/openapi.json", "api"),
        ("/healthz", "api"),
        ("/.well-known/x", "api"),
        ("/", "pages"),
        ("/v1", "pages"),
        ("/s/abc", "pages"),
    ],
)
def test_the_api_and_the_pages_share_an_origin_by_path(path: str, name: str) -> None:
    assert get(PathSplit(answering("api"), answering("pages")), path).text == name


def fetch(port: int, host: str) -> str:
    """GET / by the plainest client there is, so that eighty of them are quick."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LONG)
    with contextlib.closing(connection):
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().read().decode()


def test_pages_that_wait_for_an_institution_leave_it_threads_to_answer() -> None:
    """Eighty pages at once, each holding a thread while it asks another origin of the port, which needs one too."""
    ports: list[int] = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await run_in_threadpool(fetch, ports[0], "jlis.localhost")
        await PlainTextResponse(answer)(scope, receive, send)

    async def institution(scope: Scope, receive: Receive, send: Send) -> None:
        await run_in_threadpool(time.sleep, 0.1)
        await PlainTextResponse("good")(scope, receive, send)

    origins = Origins(AtMost(page, asyncio.Semaphore(PAGES_AT_ONCE)), {"jlis": institution})
    with serving(origins) as port, ThreadPoolExecutor(80) as pool:
        ports.append(port)
        assert set(pool.map(fetch, [port] * 80, ["localhost"] * 80)) == {"good"}


@pytest.mark.parametrize("begun", [False, True])
def test_what_an_application_raises_is_logged_without_its_message(
    begun: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        raise RuntimeError("a secret that an exception quotes")

    with serving(Origins(broken, {})) as port:
        if begun:
            with pytest.raises(IncompleteRead):
                fetch(port, "localhost")
        else:
            assert json.loads(fetch(port, "localhost"))["code"] == "api.internal"
    assert "RuntimeError at " in caplog.text
    assert "secret" not in caplog.text


def test_more_requests_than_the_server_takes_on_are_told_to_come_back() -> None:
    async def flood() -> list[int]:
        gate, settled = asyncio.Event(), asyncio.Semaphore(0)

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            settled.release()
            await gate.wait()
            await PlainTextResponse("done")(scope, receive, send)

        transport = httpx.ASGITransport(Guard(slow))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

            async def ask() -> int:
                answer = await client.get("/")
                settled.release()
                return answer.status_code

            tasks = [asyncio.create_task(ask()) for _ in range(MOST_AT_ONCE + 5)]
            async with asyncio.timeout(LONG):
                for _ in tasks:  # each is inside, or was sent away
                    await settled.acquire()
            gate.set()
            return await asyncio.gather(*tasks)

    statuses = asyncio.run(flood())
    assert (statuses.count(200), statuses.count(503)) == (MOST_AT_ONCE, 5)
