"""The way out: addresses by configuration alone, no redirects, limits on size and time."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any

import httpcore
import pytest
from tests.connect.dripping import Dripping
from tests.waiting import LONG, joined

from honnin.connect.deadline import DeadlineTransport
from honnin.connect.gateway import Address, Gateway
from honnin.errors import InputError, ServiceError

Reply = Callable[..., None]
LIMIT = 1000


@pytest.fixture
def gateway(misbehaving: Any) -> Iterator[Gateway]:
    opened = Gateway(
        f"http://127.0.0.1:{misbehaving.port}",
        hosts={"ocspsign.jpki-test.invalid": "jlis", "elsewhere.invalid": f"http://localhost:{misbehaving.port}/base/"},
        timeout=LONG,
        deadline=LONG,
    )
    yield opened
    opened.close()


@pytest.fixture
def gateway_of(misbehaving: Any) -> Iterator[Callable[..., Gateway]]:
    """Make gateways with limits or a clock of a test's own."""
    opened: list[Gateway] = []

    def make(**own: Any) -> Gateway:
        limits = {"timeout": LONG, "deadline": LONG, **own}
        opened.append(Gateway(f"http://127.0.0.1:{misbehaving.port}", **limits))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def refused(gateway: Gateway, address: Address | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        gateway.get(address or gateway.at("jlis", "/x"), limit=LIMIT, accept="*/*")
    return caught.value


def resolving(monkeypatch: pytest.MonkeyPatch, getaddrinfo: Callable[..., Any]) -> None:
    """Let the gateway alone resolve names in another way."""
    resolver = SimpleNamespace(getaddrinfo=getaddrinfo, SOCK_STREAM=socket.SOCK_STREAM)
    monkeypatch.setattr("honnin.connect.deadline.socket", resolver)


class TestAddresses:
    def test_label_becomes_host_header(self, gateway: Gateway, misbehaving: Any, reply: Reply) -> None:
        reply(b"here")
        assert gateway.get(gateway.at("jlis", "/link"), limit=LIMIT, accept="*/*").content == b"here"
        path, headers, _ = misbehaving.seen[0]
        assert (path, headers["host"]) == ("/link", f"jlis.localhost:{misbehaving.port}")

    def test_certificates_host_is_mapped(self, gateway: Gateway, misbehaving: Any) -> None:
        found = gateway.locate("http://OCSPsign.jpki-test.invalid:8080/ocsp?x=1")
        assert found == Address(f"http://127.0.0.1:{misbehaving.port}/ocsp?x=1", f"jlis.localhost:{misbehaving.port}")
        assert gateway.locate("http://elsewhere.invalid/a").url == f"http://localhost:{misbehaving.port}/base/a"

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:8600/v1/verifications",
            "http://localhost/",
            "http://console.localhost/",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "ftp://ocspsign.jpki-test.invalid/",
            "ocspsign.jpki-test.invalid",
            "http://ocspsign.jpki-test.invalid@evil.invalid/",
            "http://[::1/",
            "http://[v1.x]/",
            "",
            "http://\x00/",
        ],
    )
    def test_other_hosts_are_refused(self, gateway: Gateway, misbehaving: Any, url: str) -> None:
        with pytest.raises(ServiceError) as caught:
            gateway.locate(url)
        assert caught.value.code == "gateway.host_unknown"
        assert not misbehaving.seen

    @pytest.mark.parametrize("base", ["", "127.0.0.1:8600", "ftp://x", "http://"])
    def test_base_must_be_an_address(self, base: str) -> None:
        with pytest.raises(InputError) as caught:
            Gateway(base)
        assert caught.value.code == "gateway.base"

    def test_proxies_of_the_environment_are_not_used(
        self, gateway: Gateway, reply: Reply, monkeypatch: pytest.MonkeyPatch, misbehaving: Any
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        reply(b"direct")
        own = Gateway(f"http://127.0.0.1:{misbehaving.port}")
        assert own.get(own.at("jlis", "/"), limit=LIMIT, accept="*/*").content == b"direct"
        own.close()


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "code", "retryable"),
        [
            (301, "gateway.redirected", False),
            (302, "gateway.redirected", False),
            (307, "gateway.redirected", False),
            (400, "gateway.refused", False),
            (404, "gateway.refused", False),
            (429, "gateway.unavailable", True),
            (500, "gateway.unavailable", True),
            (503, "gateway.unavailable", True),
        ],
    )
    def test_status(
        self, gateway: Gateway, reply: Reply, misbehaving: Any, status: int, code: str, *, retryable: bool
    ) -> None:
        reply(b"no", status, location="http://evil.invalid/")
        error = refused(gateway)
        assert (error.code, error.retryable) == (code, retryable)
        assert len(misbehaving.seen) == 1

    def test_longer_than_the_limit(self, gateway: Gateway, reply: Reply) -> None:
        reply(bytes(LIMIT + 1))
        assert refused(gateway).code == "gateway.too_large"
        reply(bytes(LIMIT))
        assert len(gateway.get(gateway.at("jlis", "/"), limit=LIMIT, accept="*/*").content) == LIMIT

    def test_endless(self, gateway: Gateway, misbehaving: Any) -> None:
        def endless(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            while True:
                handler.wfile.write(bytes(65536))

        misbehaving.answer = endless
        assert refused(gateway).code == "gateway.too_large"

    @pytest.mark.parametrize(
        "before",
        [
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX-Long: ",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;long=",
        ],
        ids=["content", "head", "chunk"],
    )
    def test_drop_by_drop(self, gateway_of: Callable[..., Gateway], misbehaving: Any, before: bytes) -> None:
        """Every octet comes in time, the whole does not."""
        dripping = misbehaving.answer = Dripping(before, 0.3 * LONG)
        error = refused(gateway_of(clock=dripping.clock))
        assert (error.code, error.retryable) == ("gateway.timeout", True)
        assert 4 <= dripping.sent <= 6  # the fourth comes after the deadline; one more is on its way, one never leaves

    def test_drop_by_drop_until_the_deadline(self, gateway_of: Callable[..., Gateway], misbehaving: Any) -> None:
        dripping = misbehaving.answer = Dripping(b"HTTP/1.1 200 OK\r\n\r\n", 0.9 * LONG / Dripping.OCTETS)
        made = gateway_of(clock=dripping.clock)
        assert made.get(made.at("jlis", "/"), limit=LIMIT, accept="*/*").content == b"." * Dripping.OCTETS

    @pytest.mark.parametrize(("addresses", "given"), [(4, [4.0, 4.0, 2.0]), (1, [4.0, 4.0])])
    def test_addresses_and_a_second_try_share_the_deadline(
        self,
        gateway_of: Callable[..., Gateway],
        monkeypatch: pytest.MonkeyPatch,
        addresses: int,
        given: list[float],
    ) -> None:
        """Nobody answers at any address of the host, and each keeps whoever asks for as long as it may."""
        now, asked = 0.0, list[tuple[str, float]]()

        class Silent(httpcore.NetworkBackend):
            def connect_tcp(self, host: str, port: int, timeout: float | None = None, *_: Any) -> Any:
                nonlocal now
                assert timeout is not None
                asked.append((host, timeout))
                now += timeout
                raise httpcore.ConnectTimeout

        names = [f"192.0.2.{number}" for number in range(1, addresses + 1)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, 80)) for name in names]
        resolving(monkeypatch, lambda *_, **__: found)
        transport = DeadlineTransport(lambda: now)
        monkeypatch.setattr(transport._pool._network_backend, "_inner", Silent())
        made = gateway_of(timeout=4.0, deadline=10.0, clock=lambda: now, transport=transport)
        assert refused(made, Address("http://many.invalid/")).code == "gateway.timeout"
        assert asked == list(zip(names * 2, given, strict=False))
        assert now <= 10

    def test_a_host_without_an_address_is_unreachable(
        self, gateway_of: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        resolving(monkeypatch, unknown)
        assert refused(gateway_of(), Address("http://none.invalid/")).code == "gateway.unreachable"

    def test_a_question_that_is_taken_slowly(self) -> None:
        """Past the deadline nothing more of it is sent."""
        now, size, taken = 0.0, 64 << 20, list[int]()

        def take() -> None:
            nonlocal now
            peer, _ = listening.accept()
            with peer:
                while piece := peer.recv(1 << 16):
                    taken.append(len(piece))
                    now = 2 * LONG if sum(taken) > 1 << 20 else 0.0  # in the midst of its content

        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=take, daemon=True)
            thread.start()
            port = listening.getsockname()[1]
            made = Gateway(f"http://127.0.0.1:{port}", timeout=LONG, deadline=LONG, clock=lambda: now)
            with pytest.raises(ServiceError) as caught:
                made.post(made.at("jlis", "/"), bytes(size), "text/plain", limit=LIMIT, accept="*/*")
            made.close()
            joined(thread)
        assert caught.value.code == "gateway.timeout"
        assert 1 << 20 < sum(taken) < size

    def test_silent(self, gateway_of: Callable[..., Gateway], misbehaving: Any) -> None:
        over = threading.Event()
        misbehaving.answer = lambda _: over.wait(LONG)
        try:
            assert refused(gateway_of(timeout=0.5)).code == "gateway.timeout"
        finally:
            over.set()

    def test_compressed_though_not_asked_for(self, gateway: Gateway, reply: Reply, misbehaving: Any) -> None:
        reply(b"\x1f\x8b", content_encoding="gzip")
        assert refused(gateway).code == "gateway.answer_malformed"
        assert misbehaving.seen[0][1]["accept-encoding"] == "identity"

    @pytest.mark.parametrize("bytes_", [b"\x00\x01\x02\x03\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n", b""])
    def test_not_http(self, gateway: Gateway, misbehaving: Any, bytes_: bytes) -> None:
        misbehaving.answer = lambda handler: handler.wfile.write(bytes_)
        assert refused(gateway).code == "gateway.answer_malformed"

    def test_cut_off(self, gateway: Gateway, misbehaving: Any) -> None:
        def cut(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("content-length", "500")
            handler.end_headers()
            handler.wfile.write(bytes(10))

        misbehaving.answer = cut
        assert refused(gateway).code == "gateway.answer_malformed"


def test_nobody_there() -> None:
    with socket.socket() as silent:  # held, so that nobody else comes to listen there
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        alone = Gateway(f"http://127.0.0.1:{port}", timeout=LONG)
        error = refused(alone)
    assert (error.code, error.retryable) == ("gateway.unreachable", True)
    assert error.where == f"127.0.0.1:{port} (jlis)"
    assert error.where in str(error)
    assert "127.0.0.1" not in f"{error.message}{error.next}"  # what an answer of the API says
    alone.close()


def test_nobody_there_is_told_without_path_query_and_password(caplog: pytest.LogCaptureFixture) -> None:
    alone = Gateway(timeout=LONG)
    address = Address("http://user:password@127.0.0.1:1/path/4711?serial=4711")
    with pytest.raises(ServiceError) as caught:
        alone.get(address, limit=9, accept="*/*")
    assert "The service cannot be reached." in str(caught.value)
    assert caught.value.where == "127.0.0.1:1"
    assert [(one.levelname, one.getMessage()) for one in caplog.records if one.name == "honnin.connect"] == [
        ("WARNING", "gateway.unreachable at 127.0.0.1:1")
    ]
    told = f"{caught.value}{caplog.text}"
    assert not {"password", "user", "path", "4711"} & set(re.findall(r"\w+", told.replace("connect", "")))
    alone.close()


def test_errors_show_no_address_of_a_person(gateway: Gateway, reply: Reply) -> None:
    reply(b"secret", 404)
    assert "secret" not in str(refused(gateway, gateway.at("jlis", "/crl/secret")))
