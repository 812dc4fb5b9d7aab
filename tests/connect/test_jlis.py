"""J-LIS's client against the sandbox over a real socket: every source, every failure, coded."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.waiting import LONG

from honnin.connect import jlis
from honnin.connect.gateway import Address, Answer, Gateway
from honnin.connect.jlis.crl import sandbox_path
from honnin.connect.jlis.ocsp import responder
from honnin.connect.jlis.points import Point, crl_points, whole_object
from honnin.errors import FormatError, InputError, ServiceError
from honnin.pki import check_revocation
from honnin.pki.jpki import parse_jpki_certificate
from honnin.sandbox.jlis.switches import set_switch
from honnin.sandbox.people import card_material
from honnin.sandbox.world import World

Reply = Callable[..., None]
AT = datetime(2026, 11, 21, 0, 0, 0, tzinfo=UTC)


def parts(world: World, person: str, purpose: str = "signature") -> tuple[bytes, bytes]:
    material = card_material(world, person)
    return getattr(material, f"{purpose}_certificate"), getattr(material, f"{purpose}_ca_certificate")


@pytest.fixture
def switched(world: World) -> Iterator[Callable[[str, str], None]]:
    """Switch a service of the shared world for one test."""
    used = []

    def switch(service: str, state: str) -> None:
        used.append(service)
        set_switch(world, service, state)

    yield switch
    for service in used:
        set_switch(world, service, "up")


@pytest.fixture
def astray(misbehaving: Any, world: World) -> Iterator[Gateway]:
    """A gateway that leads to the misbehaving server."""
    opened = Gateway(f"http://127.0.0.1:{misbehaving.port}", hosts=world.hosts(), timeout=LONG, deadline=LONG)
    yield opened
    opened.close()


class TestRevocation:
    @pytest.mark.parametrize("source", [jlis.OcspSource, jlis.HttpCrlSource])
    @pytest.mark.parametrize(
        ("person", "purpose", "state", "reason"),
        [
            ("hanako", "signature", "good", None),
            ("hanako", "user_authentication", "good", None),
            ("minoru", "signature", "revoked", "affiliationChanged"),
            ("naoki", "user_authentication", "revoked", "certificateHold"),
            ("keita", "signature", "good", None),
            ("mirai", "signature", "good", None),
            ("kyoko", "signature", "good", None),
        ],
    )
    def test_agrees_with_the_register(
        self, gateway: Gateway, world: World, source: Any, person: str, purpose: str, state: str, reason: str | None
    ) -> None:
        certificate, issuer = parts(world, person, purpose)
        got = source(gateway).fetch(certificate, issuer, at=AT)
        status = check_revocation(certificate, issuer, crls=got.crls, ocsp=got.ocsp, at=AT)
        assert (status.state, status.reason) == (state, reason)
        assert (got.source, got.fetched_at) == ("ocsp" if source is jlis.OcspSource else "crl_http", AT)

    @pytest.mark.parametrize(
        ("state", "code", "retryable"),
        [
            ("down", "gateway.unavailable", True),
            ("try_later", "jlis.try_later", True),
            ("wrong_nonce", "jlis.nonce_mismatch", True),
            ("malformed", "jlis.answer_malformed", True),
        ],
    )
    def test_ocsp_failures(
        self,
        gateway: Gateway,
        world: World,
        switched: Callable[[str, str], None],
        state: str,
        code: str,
        *,
        retryable: bool,
    ) -> None:
        switched("ocsp", state)
        with pytest.raises(ServiceError) as caught:
            jlis.OcspSource(gateway).fetch(*parts(world, "hanako"), at=AT)
        assert (caught.value.code, caught.value.retryable) == (code, retryable)

    @pytest.mark.parametrize("service", ["ocsp", "crl"])
    @pytest.mark.parametrize("state", ["stale", "forged"])
    def test_what_is_well_formed_and_wrong_never_becomes_good(
        self, gateway: Gateway, world: World, switched: Callable[[str, str], None], service: str, state: str
    ) -> None:
        switched(service, state)
        certificate, issuer = parts(world, "hanako")
        source: Any = jlis.OcspSource(gateway) if service == "ocsp" else jlis.HttpCrlSource(gateway)
        got = source.fetch(certificate, issuer, at=AT)
        assert check_revocation(certificate, issuer, crls=got.crls, ocsp=got.ocsp, at=AT).state == "unknown"

    @pytest.mark.parametrize(
        ("state", "code"),
        [("down", "gateway.unavailable"), ("try_later", "gateway.unavailable"), ("malformed", "jlis.answer_malformed")],
    )
    def test_crl_failures(
        self, gateway: Gateway, world: World, switched: Callable[[str, str], None], state: str, code: str
    ) -> None:
        switched("crl", state)
        with pytest.raises(ServiceError) as caught:
            jlis.HttpCrlSource(gateway).fetch(*parts(world, "hanako"), at=AT)
        assert caught.value.code == code

    def test_slow_is_a_timeout(self, base: str, world: World, switched: Callable[[str, str], None]) -> None:
        switched("ocsp", "slow")
        impatient = Gateway(base, hosts=world.hosts(), timeout=0.3)
        with pytest.raises(ServiceError) as caught:
            jlis.OcspSource(impatient).fetch(*parts(world, "hanako"), at=AT)
        assert caught.value.code == "gateway.timeout"
        impatient.close()

    def test_a_foreign_issuer_is_refused(self, gateway: Gateway, world: World) -> None:
        certificate, _ = parts(world, "hanako")
        with pytest.raises(ServiceError) as caught:
            jlis.OcspSource(gateway).fetch(certificate, certificate, at=AT)
        assert caught.value.code == "jlis.refused"

    def test_a_crl_larger_than_the_limit(self, gateway: Gateway, world: World) -> None:
        with pytest.raises(ServiceError) as caught:
            jlis.HttpCrlSource(gateway, limit=100).fetch(*parts(world, "hanako"), at=AT)
        assert caught.value.code == "gateway.too_large"

    def test_options_for_a_responder_of_other_habits(self, gateway: Gateway, world: World) -> None:
        plain = jlis.OcspSource(gateway, nonce=None, hash_name="sha256")
        certificate, issuer = parts(world, "hanako")
        got = plain.fetch(certificate, issuer, at=AT)
        assert check_revocation(certificate, issuer, ocsp=got.ocsp, at=AT).state == "good"

    def test_an_answer_without_nonce(self, gateway: Gateway, world: World, astray: Gateway, reply: Reply) -> None:
        certificate, issuer = parts(world, "hanako")
        (replayed,) = jlis.OcspSource(gateway, nonce=None).fetch(certificate, issuer, at=AT).ocsp
        reply(replayed, content_type="application/ocsp-response")
        with pytest.raises(ServiceError) as caught:
            jlis.OcspSource(astray).fetch(certificate, issuer, at=AT)
        assert caught.value.code == "jlis.nonce_mismatch"
        lenient = jlis.OcspSource(astray, nonce_required=False)
        assert lenient.fetch(certificate, issuer, at=AT).ocsp == (replayed,)

    @pytest.mark.parametrize(
        ("body", "kind"),
        [(b"", "application/ocsp-response"), (b"<html>", "text/html"), (b"\x30\x80", "application/ocsp-response")],
    )
    def test_answers_that_are_none(self, astray: Gateway, world: World, reply: Reply, body: bytes, kind: str) -> None:
        reply(body, content_type=kind)
        with pytest.raises(ServiceError) as caught:
            jlis.OcspSource(astray).fetch(*parts(world, "hanako"), at=AT)
        assert caught.value.code == "jlis.answer_malformed"

    def test_the_request_carries_no_more_than_it_must(
        self, astray: Gateway, world: World, misbehaving: Any, reply: Reply
    ) -> None:
        reply(b"", 500)
        with pytest.raises(ServiceError):
            jlis.OcspSource(astray).fetch(*parts(world, "hanako"), at=AT)
        path, headers, content = misbehaving.seen[0]
        assert path == "/ocsp"
        assert headers["host"].startswith("jlis.localhost")
        assert len(content) < 200
        assert "cookie" not in headers
        assert "authorization" not in headers


class TestFallback:
    def test_first_when_it_answers(self, gateway: Gateway, world: World) -> None:
        both = jlis.Fallback(jlis.OcspSource(gateway), jlis.HttpCrlSource(gateway))
        assert both.fetch(*parts(world, "hanako"), at=AT).source == "ocsp"

    def test_then_when_it_does_not(self, gateway: Gateway, world: World) -> None:
        both = jlis.Fallback(jlis.OcspSource(gateway), jlis.HttpCrlSource(gateway))
        assert both.fetch(*parts(world, "madoka"), at=AT).source == "crl_http"

    def test_neither(self, gateway: Gateway, world: World) -> None:
        both = jlis.Fallback(jlis.OcspSource(gateway), jlis.HttpCrlSource(gateway))
        with pytest.raises(ServiceError) as caught:
            both.fetch(*parts(world, "kumo"), at=AT)
        assert (caught.value.code, caught.value.retryable) == ("jlis.unavailable", True)

    def test_a_certificate_that_cannot_be_read_is_no_reason_to_ask_elsewhere(self, gateway: Gateway) -> None:
        both = jlis.Fallback(jlis.OcspSource(gateway), jlis.HttpCrlSource(gateway))
        with pytest.raises(FormatError):
            both.fetch(b"\x30\x00", b"\x30\x00", at=AT)


class TestLinks:
    def test_linked(self, gateway: Gateway, world: World) -> None:
        own = parse_jpki_certificate(parts(world, "kaede")[0])
        other = parse_jpki_certificate(parts(world, "kaede", "user_authentication")[0])
        told = jlis.HttpLinkSource(gateway).link(own.issuer_key_id, own.serial, at=AT)
        assert told.state == "linked"
        assert told.counterpart == jlis.CertificateKey(other.issuer_key_id, other.serial)
        assert told.previous is not None
        assert told.previous.serial != own.serial

    def test_pending(self, gateway: Gateway, world: World) -> None:
        own = parse_jpki_certificate(parts(world, "sora")[0])
        assert jlis.HttpLinkSource(gateway).link(own.issuer_key_id, own.serial, at=AT) == jlis.Link("pending")

    def test_unknown(self, gateway: Gateway) -> None:
        assert jlis.HttpLinkSource(gateway).link(bytes(20), 1, at=AT) == jlis.Link("unknown")

    @pytest.mark.parametrize(
        ("state", "code"), [("down", "gateway.unavailable"), ("malformed", "jlis.answer_malformed")]
    )
    def test_failures(
        self, gateway: Gateway, world: World, switched: Callable[[str, str], None], state: str, code: str
    ) -> None:
        switched("link", state)
        own = parse_jpki_certificate(parts(world, "hanako")[0])
        with pytest.raises(ServiceError) as caught:
            jlis.HttpLinkSource(gateway).link(own.issuer_key_id, own.serial, at=AT)
        assert caught.value.code == code

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"\xff\xfe",
            b"[" * 100_0,
            b'{"format":"honnin-sandbox-link/1","state":"linked","previous":{"issuer_key_id":"zz","serial":"1"}}',
            b'{"format":"honnin-sandbox-link/1","state":"linked","previous":{"issuer_key_id":"00","serial":""}}',
            b'{"format":"honnin-sandbox-link/2","state":"linked"}',
        ],
    )
    def test_answers_that_are_none(self, astray: Gateway, reply: Reply, body: bytes) -> None:
        reply(body, content_type="application/json")
        with pytest.raises(ServiceError) as caught:
            jlis.HttpLinkSource(astray).link(bytes(20), 1, at=AT)
        assert caught.value.code == "jlis.answer_malformed"

    def test_another_format_is_a_plug_in(self, astray: Gateway, reply: Reply, misbehaving: Any) -> None:
        class Lines:
            media_type = "text/plain"
            path = "/official"

            def question(self, issuer_key_id: bytes, serial: int) -> bytes:
                return f"{issuer_key_id.hex()} {serial}".encode()

            def answer(self, content: bytes) -> jlis.Link:
                return jlis.Link("linked", jlis.CertificateKey(b"\x01", int(content)))

        reply(b"41", content_type="text/plain")
        told = jlis.HttpLinkSource(astray, messages=Lines()).link(b"\x01", 42, at=AT)
        assert told.previous == jlis.CertificateKey(b"\x01", 41)
        assert misbehaving.seen[0][0] == "/official"
        assert misbehaving.seen[0][2] == b"01 42"


class TestNames:
    def test_points_of_a_certificate(self, world: World) -> None:
        (point,) = crl_points(parts(world, "kyoko")[0])
        assert point.directory_name.startswith("CN=Kyoto-shi Kamigyo-ku CRLDP,OU=Kyoto-fu,OU=CRL Distribution Points,")
        assert sandbox_path(point).endswith("/Kyoto-fu/Kyoto-shi%20Kamigyo-ku.crl")

    def test_a_root_names_its_own_entry_and_no_responder(self, world: World) -> None:
        root = world.anchors()["signature"][0]
        (point,) = crl_points(root)
        assert point.directory_name.startswith("OU=Japan Agency for Local Authority Information Systems,")
        with pytest.raises(ServiceError) as caught:
            responder(root)
        assert caught.value.code == "jlis.no_address"
        with pytest.raises(ServiceError):
            sandbox_path(point)

    @pytest.mark.parametrize("content", [b"", b"0", b"\x30\x05\x00", b"\x30\x00\x00", b"\x31\x00", b"<html>"])
    def test_what_is_not_one_whole_object(self, content: bytes) -> None:
        with pytest.raises(ServiceError) as caught:
            whole_object(content)
        assert caught.value.code == "jlis.answer_malformed"

    @pytest.mark.parametrize("url", ["http://x", "", "ldap:/x"])
    def test_a_directory_has_an_ldap_address(self, url: str) -> None:
        with pytest.raises(InputError) as caught:
            jlis.LdapCrlSource(url)
        assert caught.value.code == "jlis.directory_address"

    def test_a_directory_that_is_not_there(self, world: World) -> None:
        with pytest.raises(ServiceError) as caught:
            jlis.LdapCrlSource("ldap://127.0.0.1:9", timeout=LONG).fetch(*parts(world, "hanako"), at=AT)
        assert (caught.value.code, caught.value.retryable) == ("jlis.unreachable", True)

    def test_every_promised_name_is_there(self) -> None:
        for name in jlis.__all__:
            assert getattr(jlis, name)
        with pytest.raises(AttributeError):
            _ = jlis.Nothing

    def test_data_show_nothing_in_their_repr(self) -> None:
        shown = repr(jlis.RevocationData((b"crl bytes",), (b"ocsp bytes",), source="ocsp", fetched_at=AT))
        assert "bytes" not in shown


def with_points(count: int, times: int) -> bytes:
    """Return a certificate that names so many municipalities' lists, each so many times."""
    names = [
        x509.Name(
            [
                x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "Tokyo"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, f"City {number} CRLDP"),
            ]
        )
        for number in range(count)
        for _ in range(times)
    ]
    points = [x509.DistributionPoint([x509.DirectoryName(name)] * 2, None, None, None) for name in names]
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, AT, AT)
        .add_extension(x509.CRLDistributionPoints(points), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


class TestManyPoints:
    @pytest.mark.parametrize(("count", "times", "asked"), [(20, 3, 2), (1, 20, 1), (2, 1, 2)])
    def test_a_certificate_does_not_choose_how_many_lists_are_fetched(
        self, monkeypatch: pytest.MonkeyPatch, count: int, times: int, asked: int
    ) -> None:
        seen: list[str] = []

        def get(_: Gateway, address: Address, **__: Any) -> Answer:
            seen.append(address.url)
            return Answer(200, "application/pkix-crl", b"\x30\x00")

        monkeypatch.setattr(Gateway, "get", get)
        gateway = Gateway()
        jlis.HttpCrlSource(gateway).fetch(with_points(count, times), b"", at=AT)
        gateway.close()
        assert len(seen) == len(set(seen)) == asked

    @pytest.mark.parametrize(("count", "times", "asked"), [(20, 3, 2), (1, 20, 1), (2, 1, 2)])
    def test_nor_from_the_directory(self, monkeypatch: pytest.MonkeyPatch, count: int, times: int, asked: int) -> None:
        seen: list[str] = []

        def read(_: Any, __: Any, name: str) -> list[bytes]:
            seen.append(name)
            return [b"\x30\x00"]

        monkeypatch.setattr(jlis.LdapCrlSource, "_connected", lambda _: nullcontext())
        monkeypatch.setattr(jlis.LdapCrlSource, "_read", read)
        jlis.LdapCrlSource("ldap://127.0.0.1:9").fetch(with_points(count, times), b"", at=AT)
        assert len(seen) == len(set(seen)) == asked


QUIET = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@QUIET
@given(st.binary(max_size=300))
def test_any_name_gives_a_path_or_a_coded_error(name: bytes) -> None:
    try:
        path = sandbox_path(Point(name, "", b"\x01"))
    except ServiceError as error:
        assert error.code == "jlis.no_address"  # noqa: PT017 - both ends are fine
    else:
        assert path.startswith("/crl/01/")


@QUIET
@given(st.data())
def test_mutated_certificates_give_addresses_or_coded_errors(world: World, data: st.DataObject) -> None:
    whole = bytearray(parts(world, "hanako")[0])
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    for ask in (crl_points, responder):
        try:
            ask(bytes(whole))
        except (ServiceError, FormatError) as error:
            assert error.code  # noqa: PT017 - both ends are fine


@QUIET
@given(st.binary(max_size=300))
def test_any_link_answer_is_read_or_refused(content: bytes) -> None:
    try:
        jlis.SandboxLinkFormat().answer(content)
    except ValueError:
        return
