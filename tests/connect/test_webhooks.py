"""Where a webhook may go: a live tenant's to public addresses by https, a test tenant's to this machine, too."""

import asyncio
import socket
import threading
from typing import Any

import pytest
from tests.receiver import receiving
from tests.waiting import LONG

from honnin.connect.webhooks import check_target, post
from honnin.errors import HonninError, InputError, ServiceError

INSIDE = (
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[::]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[2002:a00:1::]/",
    "https://0xa000001/",
    "https://10.1/",
    "https://167772161/",
)
HERE = (
    "https://localhost/",
    "https://hook.localhost/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://2130706433/",
    "https://LOCALHOST./",
)
NEVER = (
    "http://hooks.example/",
    "ftp://hooks.example/",
    "https://user@hooks.example/",
    "https://user:pw@hooks.example/",
    "https://hooks.example/#part",
    "https:///path",
    "https://hooks.example\\@10.0.0.1/",
    "https://hooks.example/a b",
    "https://例.example/",
    "https://[::1/",
    "https://hooks.example:99999/",
    "https://" + "a" * 2000 + ".example/",
)


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("url", [*INSIDE, *NEVER])
def test_inner_addresses_and_odd_ones_are_refused(url: str, local: bool) -> None:
    with pytest.raises(InputError) as refused:
        check_target(url, local=local)
    assert refused.value.code == "webhook.url"


@pytest.mark.parametrize("url", HERE)
def test_this_machine_is_for_those_who_may_name_it(url: str) -> None:
    check_target(url, local=True)
    check_target(url.replace("https", "http"), local=True)
    with pytest.raises(InputError):
        check_target(url, local=False)


@pytest.mark.parametrize("url", ["https://hooks.example/x?y=1", "https://1.1.1.1/", "https://[2606:4700::1111]:8443/"])
def test_public_addresses_are_taken(url: str) -> None:
    check_target(url, local=False)
    check_target(url, local=True)


def sent(url: str, *, local: bool = True, timeout: float = LONG) -> int:
    return asyncio.run(post(url, b"{}", {"webhook-id": "evt_1"}, local=local, timeout=timeout))


@pytest.mark.parametrize(
    ("found", "local"),
    [
        (["93.184.216.34", "10.0.0.1"], False),
        (["127.0.0.1"], False),
        (["169.254.169.254"], True),
        (["::ffff:192.168.0.1"], True),
        (["fe80::1%eth0"], True),
    ],
)
def test_name_that_leads_inside_is_not_reached(monkeypatch: pytest.MonkeyPatch, found: list[str], local: bool) -> None:
    """The name is public by its looks; what it resolves to at the moment of sending counts, all of it."""

    async def resolve(_: Any, __: str, port: int, **___: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", resolve)
    with pytest.raises(ServiceError) as refused:
        sent("https://hooks.example/", local=local)
    assert refused.value.code == "webhook.address"


def test_names_of_this_machine_are_reached_with_their_own_host() -> None:
    with receiving(lambda _: 202) as receiver:
        port = receiver.url.rpartition(":")[2]
        assert sent(f"http://hook.localhost:{port}/a?b=c") == 202
        (got,) = receiver.wait_for(1)
        assert (got.path, got.headers["host"]) == ("/a?b=c", f"hook.localhost:{port}")
        assert "authorization" not in got.headers


def test_nobody_there_and_no_answer_are_told_apart() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert refusal(f"http://127.0.0.1:{port}/", timeout=LONG) == "webhook.unreachable"
        silent.listen()
        assert refusal(f"http://127.0.0.1:{port}/") == "webhook.timeout"


def test_answer_that_drips_ends_with_the_time_of_one_try() -> None:
    """A read timeout starts anew with every octet; the time of a try does not."""
    stop = threading.Event()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(LONG)

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.1):
                    try:
                        connection.sendall(b"X")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        assert refusal(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=0.6) == "webhook.timeout"
        stop.set()
        thread.join(LONG)


def refusal(url: str, timeout: float = 0.5) -> str:
    with pytest.raises(HonninError) as refused:
        sent(url, timeout=timeout)
    return refused.value.code
