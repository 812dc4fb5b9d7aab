"""The OCSP responder, read with pyca: states, nonce, unknown issuers, several certificates, and any bytes at all."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honnin.sandbox.jlis.ocsp import answer, asked_about
from honnin.sandbox.life import happen
from honnin.sandbox.people import card_material
from honnin.sandbox.world import World

NewWorld = Callable[..., World]
STATUS = ocsp.OCSPResponseStatus
NONCE = bytes(range(32))


def pair(world: World, person: str, purpose: str = "signature") -> tuple[x509.Certificate, x509.Certificate]:
    material = card_material(world, person)
    parts = (getattr(material, f"{purpose}_certificate"), getattr(material, f"{purpose}_ca_certificate"))
    certificate, issuer = (x509.load_der_x509_certificate(der) for der in parts)
    return certificate, issuer


def request(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    nonce: bytes | None = NONCE,
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm or hashes.SHA1())  # noqa: S303
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def ask(world: World, person: str, purpose: str = "signature") -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response(answer(world, request(*pair(world, person, purpose)), world.now()).der)


@pytest.mark.parametrize(
    ("person", "purpose", "status", "reason"),
    [
        ("hanako", "signature", "GOOD", None),
        ("minoru", "signature", "REVOKED", "affiliation_changed"),
        ("minoru", "user_authentication", "GOOD", None),
        ("naoki", "signature", "REVOKED", "certificate_hold"),
        ("tsuru", "user_authentication", "REVOKED", "cessation_of_operation"),
        ("kagari", "signature", "REVOKED", "key_compromise"),
        ("keita", "signature", "GOOD", None),
        ("mirai", "signature", "GOOD", None),
        ("taro", "signature", "GOOD", None),
    ],
)
def test_states(world: World, person: str, purpose: str, status: str, reason: str | None) -> None:
    response = ask(world, person, purpose)
    assert response.response_status is STATUS.SUCCESSFUL
    assert response.certificate_status.name == status
    assert (response.revocation_reason.name if response.revocation_reason else None) == reason
    assert response.this_update_utc == world.now()
    assert response.next_update_utc == world.now() + timedelta(minutes=10)


def test_a_state_changes_at_once(new_world: NewWorld) -> None:
    world = new_world()
    assert ask(world, "hanako").certificate_status.name == "GOOD"
    happen(world, "hanako", "lose")
    after = ask(world, "hanako")
    assert after.certificate_status.name == "REVOKED"
    assert after.revocation_time_utc == world.now()


@pytest.mark.parametrize("person", ["hanako", "mirai"])
def test_signed_by_a_delegated_responder(world: World, person: str) -> None:
    _, issuer = pair(world, person)
    response = ask(world, person)
    (delegate,) = response.certificates
    delegate.verify_directly_issued_by(issuer)
    usages = delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    delegate.extensions.get_extension_for_class(x509.OCSPNoCheck)
    assert delegate.not_valid_before_utc <= world.now() <= delegate.not_valid_after_utc
    assert response.responder_name == delegate.subject
    key, algorithm = delegate.public_key(), response.signature_hash_algorithm
    assert algorithm is not None
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
    else:
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)


def test_nonce_comes_back(world: World) -> None:
    echoed = ask(world, "hanako").extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    assert echoed == NONCE
    without = answer(world, request(*pair(world, "hanako"), nonce=None), world.now())
    assert not list(ocsp.load_der_ocsp_response(without.der).extensions)


@pytest.mark.parametrize("size", [0, 129, 4000])
def test_nonce_of_impossible_size_is_refused(world: World, size: int) -> None:
    asked = asn1_ocsp.OCSPRequest.load(request(*pair(world, "hanako"), nonce=None)).copy()
    asked["tbs_request"]["request_extensions"] = [
        {"extn_id": "nonce", "extn_value": core.ParsableOctetString(core.OctetString(bytes(size)).dump())}
    ]
    assert answer(world, asked.dump(), world.now()).status == "malformed_request"


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])  # noqa: S303
def test_hashes_of_the_issuer(world: World, algorithm: hashes.HashAlgorithm) -> None:
    der = request(*pair(world, "hanako"), algorithm=algorithm)
    assert ocsp.load_der_ocsp_response(answer(world, der, world.now()).der).certificate_status.name == "GOOD"


def test_a_serial_never_issued_is_unknown(world: World) -> None:
    for number in (1, 100663297, 1 << 63, (1 << 159) - 1, 0):
        asked = asn1_ocsp.OCSPRequest.load(request(*pair(world, "hanako"))).copy()
        asked["tbs_request"]["request_list"][0]["req_cert"]["serial_number"] = number
        response = ocsp.load_der_ocsp_response(answer(world, asked.dump(), world.now()).der)
        assert response.certificate_status.name == "UNKNOWN"


def test_a_certificate_of_another_generation_is_unknown(world: World) -> None:
    """taro's certificate is from the first generation: the second knows nothing of it, though their names are one."""
    certificate, _ = pair(world, "taro")
    _, other = pair(world, "hanako")
    der = (
        ocsp.OCSPRequestBuilder()
        .add_certificate_by_hash(
            ocsp.load_der_ocsp_request(request(certificate, other)).issuer_name_hash,
            ocsp.load_der_ocsp_request(request(certificate, other)).issuer_key_hash,
            certificate.serial_number,
            hashes.SHA1(),  # noqa: S303
        )
        .build()
        .public_bytes(Encoding.DER)
    )
    response = ocsp.load_der_ocsp_response(answer(world, der, world.now()).der)
    assert response.certificate_status.name == "UNKNOWN"


def test_before_its_issue_a_certificate_is_unknown(world: World) -> None:
    der = request(*pair(world, "hanako"))
    early = answer(world, der, datetime(2024, 1, 1, tzinfo=UTC)).der
    assert ocsp.load_der_ocsp_response(early).certificate_status.name == "UNKNOWN"


def test_somebody_elses_ca_is_not_our_business(world: World) -> None:
    certificate, issuer = pair(world, "hanako")
    der = request(certificate, certificate)
    assert answer(world, der, world.now()).status == "unauthorized"
    assert ocsp.load_der_ocsp_response(answer(world, der, world.now()).der).response_status is STATUS.UNAUTHORIZED
    assert issuer != certificate


def test_several_certificates_in_one_request(world: World) -> None:
    asked = asn1_ocsp.OCSPRequest.load(request(*pair(world, "hanako"))).copy()
    more = asn1_ocsp.OCSPRequest.load(request(*pair(world, "minoru")))
    asked["tbs_request"]["request_list"].append(more["tbs_request"]["request_list"][0])
    response = ocsp.load_der_ocsp_response(answer(world, asked.dump(), world.now()).der)
    assert [one.certificate_status.name for one in response.responses] == ["GOOD", "REVOKED"]


def test_two_cas_in_one_request_are_refused(world: World) -> None:
    asked = asn1_ocsp.OCSPRequest.load(request(*pair(world, "hanako"))).copy()
    more = asn1_ocsp.OCSPRequest.load(request(*pair(world, "hanako", "user_authentication")))
    asked["tbs_request"]["request_list"].append(more["tbs_request"]["request_list"][0])
    assert answer(world, asked.dump(), world.now()).status == "unauthorized"


def test_too_many_are_refused(world: World) -> None:
    asked = asn1_ocsp.OCSPRequest.load(request(*pair(world, "hanako"))).copy()
    one = asked["tbs_request"]["request_list"][0]
    for _ in range(100):
        asked["tbs_request"]["request_list"].append(one)
    assert answer(world, asked.dump(), world.now()).status == "malformed_request"


class TestFailures:
    def test_try_later(self, world: World) -> None:
        told = answer(world, request(*pair(world, "hanako")), world.now(), state="try_later")
        assert ocsp.load_der_ocsp_response(told.der).response_status is STATUS.TRY_LATER

    def test_stale(self, world: World) -> None:
        told = answer(world, request(*pair(world, "hanako")), world.now(), state="stale")
        response = ocsp.load_der_ocsp_response(told.der)
        assert response.next_update_utc is not None
        assert response.next_update_utc < world.now() - timedelta(days=2)

    def test_wrong_nonce(self, world: World) -> None:
        told = answer(world, request(*pair(world, "hanako")), world.now(), state="wrong_nonce")
        nonce = ocsp.load_der_ocsp_response(told.der).extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
        assert nonce != NONCE

    def test_malformed(self, world: World) -> None:
        told = answer(world, request(*pair(world, "hanako")), world.now(), state="malformed")
        with pytest.raises(ValueError, match="pars"):
            ocsp.load_der_ocsp_response(told.der)

    def test_forged(self, world: World) -> None:
        good, forged = (
            ocsp.load_der_ocsp_response(answer(world, request(*pair(world, "hanako")), world.now(), state=state).der)
            for state in ("up", "forged")
        )
        assert good.tbs_response_bytes == forged.tbs_response_bytes
        assert good.signature != forged.signature


QUIET = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@QUIET
@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer(world: World, content: bytes) -> None:
    told = answer(world, content, world.now())
    assert ocsp.load_der_ocsp_response(told.der).response_status is STATUS.MALFORMED_REQUEST
    assert asked_about(world, content) is None


@QUIET
@given(st.data())
def test_mutated_requests_get_an_answer(world: World, data: st.DataObject) -> None:
    whole = bytearray(request(*pair(world, "hanako")))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    told = answer(world, bytes(whole[:cut]), world.now())
    asked_about(world, bytes(whole[:cut]))
    assert ocsp.load_der_ocsp_response(told.der).response_status in set(STATUS)
