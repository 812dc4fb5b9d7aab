"""ECDSA in both encodings, told apart and recorded."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.pki.signing import ec_key

from honnin.pki.ecdsa import check_ecdsa
from honnin.pki.signed_content import SignedContent

CONTENT = b"open an account"
SIGNED = SignedContent(CONTENT)


def both(curve: str, algorithm: hashes.HashAlgorithm) -> tuple[ec.EllipticCurvePublicKey, bytes, bytes]:
    key = ec_key("signer", curve)
    encoded = key.sign(CONTENT, ec.ECDSA(algorithm))
    octets = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(encoded)
    return key.public_key(), encoded, r.to_bytes(octets, "big") + s.to_bytes(octets, "big")


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [("P-256", hashes.SHA256()), ("P-384", hashes.SHA384()), ("P-256", hashes.SHA512()), ("P-384", hashes.SHA256())],
)
def test_both_encodings(curve: str, algorithm: hashes.HashAlgorithm) -> None:
    key, encoded, raw = both(curve, algorithm)
    for signature, shape in ((encoded, "der"), (raw, "raw")):
        facts = check_ecdsa(key, signature, SIGNED)
        assert (facts.result, facts.algorithm, facts.hash, facts.shape) == ("valid", "ecdsa", algorithm.name, shape)
    digest = hashlib.new(algorithm.name, CONTENT).digest()
    assert check_ecdsa(key, raw, SignedContent(None, digest)).covers == "digest"


def test_other_content_and_other_key() -> None:
    key, encoded, raw = both("P-384", hashes.SHA384())
    for signature in (encoded, raw):
        assert check_ecdsa(key, signature, SignedContent(b"other")).result == "wrong"
        assert check_ecdsa(ec_key("other").public_key(), signature, SIGNED).result == "wrong"


def test_encodings_are_strict() -> None:
    key, encoded, raw = both("P-384", hashes.SHA384())
    r_length = encoded[3]
    padded = bytes([0x30, encoded[1] + 1, 0x02, r_length + 1, 0]) + encoded[4:]
    for signature in (
        encoded + b"\0",
        encoded[:-1],
        b"\x30\x81" + encoded[1:],
        padded,
        raw + b"\0",
        raw[:-1],
        b"\0" + raw,
        b"",
        b"\x30\x00",
        bytes(96),
        bytes.fromhex("3006020100020100"),
        bytes.fromhex("3006020101020101"),
    ):
        assert check_ecdsa(key, signature, SIGNED).result == "wrong"


def test_raw_is_refused_where_der_is_prescribed() -> None:
    key, encoded, raw = both("P-384", hashes.SHA384())
    assert check_ecdsa(key, raw, SIGNED, "sha384", raw_allowed=False).result == "wrong"
    assert check_ecdsa(key, encoded, SIGNED, "sha384", raw_allowed=False).result == "valid"
    assert check_ecdsa(key, encoded, SIGNED, "sha256").result == "wrong"
