"""Certificates are read over their original bytes, and refused when they are not DER."""

import cryptography_vectors
import pytest
from cryptography import x509

from honnin.errors import FormatError
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5280.keys import verify_signature


def pkits(name: str) -> bytes:
    with cryptography_vectors.open_vector_file(f"x509/PKITS_data/certs/{name}", "rb") as file:
        octets: bytes = file.read()
    return octets


def test_fields_agree_with_the_library() -> None:
    octets = pkits("ValidCertificatePathTest1EE.crt")
    ours, theirs = parse_certificate(octets), x509.load_der_x509_certificate(octets)
    assert ours.serial_number == theirs.serial_number
    assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
    assert (ours.tbs, ours.signature_value) == (theirs.tbs_certificate_bytes, theirs.signature)
    assert (ours.issuer, ours.subject) == (theirs.issuer.public_bytes(), theirs.subject.public_bytes())
    assert ours.public_key() == theirs.public_key()
    assert {oid: e.critical for oid, e in ours.extensions.items()} == {
        e.oid.dotted_string: e.critical for e in theirs.extensions
    }


def test_signature_by_the_issuer_alone() -> None:
    leaf, issuer, other = map(
        parse_certificate, map(pkits, ("ValidCertificatePathTest1EE.crt", "GoodCACert.crt", "DSACACert.crt"))
    )
    arguments = (leaf.signature_algorithm, leaf.tbs, leaf.signature_value)
    assert verify_signature(issuer.public_key(), *arguments)
    assert not verify_signature(other.public_key(), *arguments)
    assert not verify_signature(issuer.public_key(), leaf.signature_algorithm, leaf.tbs + b"\0", leaf.signature_value)


@pytest.mark.parametrize("cut", [0, 1, 4, 100, 600])
def test_cut_off_is_a_coded_error(cut: int) -> None:
    with pytest.raises(FormatError) as caught:
        parse_certificate(pkits("GoodCACert.crt")[:cut])
    assert caught.value.code == "certificate.malformed"


def test_trailing_octet_is_refused() -> None:
    with pytest.raises(FormatError):
        parse_certificate(pkits("GoodCACert.crt") + b"\0")
