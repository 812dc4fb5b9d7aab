"""Keys and signatures: curves written out, NULL parameters, PSS, and all that only looks like them."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.pki import making as m
from tests.waiting import LONG

from honnin.errors import FormatError
from honnin.pki import validate_path
from honnin.pki.rfc5280.keys import load_public_key, scheme, verify_signature

NULL = b"\x05\x00"
CURVES = ["prime256v1", "secp384r1", "secp521r1", "secp224r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"]
NAMES = {"prime256v1": "secp256r1"}


def explicit(curve: str, *options: str) -> bytes:
    """ECParameters as openssl writes them out."""
    command = ["openssl", "ecparam", "-name", curve, "-param_enc", "explicit", "-outform", "DER", *options]
    return subprocess.run(command, capture_output=True, check=True, timeout=LONG).stdout


def spki(parameters: bytes, point: bytes) -> bytes:
    return m.seq(m.seq(m.oid("1.2.840.10045.2.1"), parameters), m.tlv(0x03, b"\0", point))


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.mark.peer("openssl")
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("form", ["uncompressed", "compressed"])
def test_a_curve_written_out_is_its_named_one(curve: str, form: str) -> None:
    kinds = {kind.name: kind for kind in vars(ec).values() if hasattr(kind, "name") and hasattr(kind, "key_size")}
    key = ec.generate_private_key(kinds[NAMES.get(curve, curve)]())
    loaded = load_public_key(spki(explicit(curve, "-conv_form", form), point_of(key)))
    assert loaded == key.public_key()


@pytest.mark.peer("openssl")
def test_a_curve_that_differs_anywhere_is_refused() -> None:
    parameters = explicit("prime256v1")
    point = point_of(m.key("person"))
    generator = bytes.fromhex("6b17d1f2e12c4247")
    for at in (parameters.index(b"\xff\xff\xff\xff\x00\x00\x00\x01"), parameters.index(generator), len(parameters) - 8):
        changed = bytearray(parameters)
        changed[at] ^= 1
        with pytest.raises(FormatError) as caught:
            load_public_key(spki(bytes(changed), point))
        assert caught.value.code == "certificate.key_unsupported"


@pytest.mark.peer("openssl")
def test_the_generator_of_an_attacker_is_refused() -> None:
    """CVE-2020-0601: the victim's public key as generator makes 1 a private key for it."""
    parameters = explicit("prime256v1")
    at = parameters.index(bytes.fromhex("046b17d1f2e12c4247"))
    stolen = point_of(m.key("ca"))
    with pytest.raises(FormatError):
        load_public_key(spki(parameters[:at] + stolen + parameters[at + 65 :], stolen))


@pytest.mark.peer("openssl")
def test_a_passport_like_chain_passes() -> None:
    """An anchor with its curve written out and NULL parameters in the algorithm, as Japan's passport CAs have them."""
    algorithm = m.seq(m.oid("1.2.840.10045.4.3.2"), NULL)
    written = spki(explicit("prime256v1"), point_of(m.key("root")))
    top = m.root(spki=written, algorithm=algorithm).der()
    below = m.authority(algorithm=algorithm).der()
    with pytest.raises(ValueError, match="parsing"):
        x509.load_der_x509_certificate(top)
    verdict = validate_path(below, anchors=[top], at=m.AT, revocation="off")
    assert verdict.indication == "PASSED"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x30\x00",
        spki(m.oid("1.2.840.10045.3.1.7"), b"\x04" + bytes(64)),
        spki(m.oid("1.2.3"), b"\x04" + bytes(64)),
        spki(m.seq(m.num(1)), b"\x04" + bytes(64)),
        m.seq(m.seq(m.oid("1.2.840.113549.1.1.1"), NULL), m.tlv(0x03, b"\0", m.seq(m.num(0), m.num(3)))),
        m.seq(m.seq(m.oid("1.2.840.113549.1.1.10")), m.tlv(0x03, b"\0", m.seq(m.num(-7), m.num(3)))),
        x25519.X25519PrivateKey.generate().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=[
        "empty", "empty sequence", "curve as key", "unknown kind", "no OID", "RSA of zero", "RSA below zero", "X25519",
    ],
)  # fmt: skip
def test_what_is_no_signing_key_is_refused(octets: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        load_public_key(octets)
    assert caught.value.code == "certificate.key_unsupported"


def pss(*parts: bytes) -> bytes:
    return m.seq(m.oid("1.2.840.113549.1.1.10"), m.seq(*parts))


SHA256 = m.seq(m.oid("2.16.840.1.101.3.4.2.1"), NULL)
MGF1_SHA256 = m.seq(m.oid("1.2.840.113549.1.1.8"), SHA256)


def test_pss_is_verified_with_the_parameters_it_states() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = key.sign(b"x", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    stated = pss(m.tlv(0xA0, SHA256), m.tlv(0xA1, MGF1_SHA256), m.tlv(0xA2, m.num(32)))
    assert verify_signature(key.public_key(), stated, b"x", signature)
    other = pss(m.tlv(0xA0, SHA256), m.tlv(0xA1, MGF1_SHA256), m.tlv(0xA2, m.num(20)))
    assert not verify_signature(key.public_key(), other, b"x", signature)
    assert not verify_signature(key.public_key(), pss(), b"x", signature)
    octets = key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    restricted = m.seq(m.seq(m.oid("1.2.840.113549.1.1.10")), m.tlv(0x03, b"\0", octets))
    assert load_public_key(restricted) == key.public_key()


@pytest.mark.parametrize(
    "algorithm",
    [
        b"",
        NULL,
        m.seq(m.oid("1.2.3")),
        m.seq(m.oid("1.2.840.113549.1.1.11"), m.num(1)),
        m.seq(m.oid("1.2.840.10045.4.3.2"), m.seq()),
        m.seq(m.oid("1.3.101.112"), NULL),
        m.seq(m.oid("1.2.840.113549.1.1.11"), NULL) + b"\0",
        m.seq(m.oid("1.2.840.113549.1.1.11"), NULL, NULL),
        pss(m.tlv(0xA3, m.num(2))),
        pss(m.tlv(0xA2, m.num(-1))),
        pss(m.tlv(0xA2, m.num(20)), m.tlv(0xA0, SHA256)),
        pss(m.tlv(0xA4, SHA256)),
        pss(m.tlv(0xA1, m.seq(m.oid("1.2.3"), SHA256))),
        pss(m.tlv(0xA0, m.seq(m.oid("1.2.3")))),
    ],
)
def test_algorithms_that_are_none_are_refused(algorithm: bytes) -> None:
    with pytest.raises(FormatError):
        scheme(algorithm)
    assert not verify_signature(m.key("ca").public_key(), algorithm, b"x", b"y")


def test_edwards_keys_and_dsa() -> None:
    for key, dotted in (
        (ed25519.Ed25519PrivateKey.generate(), "1.3.101.112"),
        (ed448.Ed448PrivateKey.generate(), "1.3.101.113"),
    ):
        public = load_public_key(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        assert verify_signature(public, m.seq(m.oid(dotted)), b"x", key.sign(b"x"))
        assert not verify_signature(public, m.seq(m.oid(dotted)), b"y", key.sign(b"x"))
    old = dsa.generate_private_key(2048)
    public = load_public_key(old.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    algorithm = m.seq(m.oid("2.16.840.1.101.3.4.3.2"))
    assert verify_signature(public, algorithm, b"x", old.sign(b"x", hashes.SHA256()))


def test_an_algorithm_of_another_family_never_verifies() -> None:
    key = m.key("ca")
    signature = key.sign(b"x", ec.ECDSA(hashes.SHA256()))
    for dotted in ("1.2.840.113549.1.1.11", "1.3.101.112", "2.16.840.1.101.3.4.3.2"):
        assert not verify_signature(key.public_key(), m.seq(m.oid(dotted)), b"x", signature)
