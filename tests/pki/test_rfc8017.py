"""RSA signatures in every shape that a card may give, and the forgeries that loose readers have passed."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from tests.pki.signing import rsa_key, sign_block, sign_pkcs1

from honnin.pki.rfc8017 import check_pkcs1, check_pss, check_rsa
from honnin.pki.signed_content import SignedContent

CONTENT = b"open an account"
SIGNED = SignedContent(CONTENT)
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
DIGEST = hashlib.sha256(CONTENT).digest()
KEY = rsa_key().public_key()


@pytest.mark.parametrize("name", ["SHA256", "SHA384", "SHA512"])
def test_digest_info_of_every_hash(name: str) -> None:
    facts = check_rsa(KEY, sign_pkcs1(CONTENT, algorithm=getattr(hashes, name)()), SIGNED)
    assert (facts.result, facts.algorithm, facts.hash, facts.shape) == (
        "valid",
        "rsassa_pkcs1_v1_5",
        name.lower(),
        "digest_info",
    )


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_bare_digest_is_told_apart(name: str) -> None:
    facts = check_rsa(KEY, sign_block(hashlib.new(name, CONTENT).digest()), SIGNED)
    assert (facts.result, facts.hash, facts.shape) == ("valid", name, "bare_digest")


def test_digest_alone_is_enough_and_recorded() -> None:
    facts = check_rsa(KEY, sign_pkcs1(CONTENT), SignedContent(None, DIGEST))
    assert (facts.result, facts.covers) == ("valid", "digest")


@pytest.mark.parametrize("shape", ["digest_info", "bare_digest"])
def test_other_content_is_a_digest_failure(shape: str) -> None:
    block = SHA256_INFO + DIGEST if shape == "digest_info" else DIGEST
    facts = check_rsa(KEY, sign_block(block), SignedContent(b"open two accounts"))
    assert (facts.result, facts.shape) == ("digest_differs", shape)


def test_digest_of_another_hash_than_the_signature_says_nothing_good() -> None:
    facts = check_rsa(KEY, sign_pkcs1(CONTENT), SignedContent(None, hashlib.sha512(CONTENT).digest()))
    assert facts.result == "digest_differs"


def test_sha1_is_recognised_so_that_it_can_be_refused() -> None:
    facts = check_rsa(KEY, sign_pkcs1(CONTENT, algorithm=hashes.SHA1()), SIGNED)  # noqa: S303
    assert (facts.result, facts.hash) == ("valid", "sha1")


@pytest.mark.parametrize("salt", [0, 20, 32, 64])
def test_pss_with_any_salt(salt: int) -> None:
    signature = rsa_key().sign(CONTENT, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())
    facts = check_rsa(KEY, signature, SIGNED)
    assert (facts.result, facts.algorithm, facts.hash, facts.shape) == ("valid", "rsassa_pss", "sha256", "pss")


def test_pss_where_salt_and_hash_are_fixed() -> None:
    signature = rsa_key().sign(CONTENT, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert check_pss(KEY, signature, SIGNED, "sha256", 32).result == "valid"
    assert check_pss(KEY, signature, SIGNED, "sha256", 20).result == "wrong"
    assert check_pss(KEY, signature, SIGNED, "sha384", 32).result == "wrong"


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(SHA256_INFO + DIGEST + b"\x00", id="byte after the digest"),
        pytest.param(SHA256_INFO + DIGEST + bytes(100), id="many bytes after the digest"),
        pytest.param(b"\x00" + SHA256_INFO + DIGEST, id="byte before"),
        pytest.param(bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + DIGEST, id="NULL left out"),
        pytest.param(
            bytes.fromhex("30 81 31 30 0d 06 09 608648016503040201 05 00 04 20") + DIGEST, id="length not minimal"
        ),
        pytest.param(
            bytes.fromhex("3035 3011 0609 608648016503040201 0404 deadbeef 0420") + DIGEST, id="bytes in the parameters"
        ),
        pytest.param(bytes.fromhex("3031300d060960864801650304020205000420") + DIGEST, id="another hash named"),
        pytest.param(b"", id="nothing"),
        pytest.param(DIGEST[:31], id="digest cut off"),
        pytest.param(bytes([0x31]) + SHA256_INFO[1:] + DIGEST, id="SET for SEQUENCE"),
    ],
)
def test_loose_encodings_are_refused(block: bytes) -> None:
    assert check_rsa(KEY, sign_block(block), SIGNED).result == "wrong"


def test_padding_variants_are_refused() -> None:
    info = SHA256_INFO + DIGEST
    size = 256
    ones = b"\xff" * (size - 3 - len(info))
    for fill in (
        b"\x00\x02" + ones + b"\x00" + info,
        b"\x00\x00" + ones + b"\x00" + info,
        b"\x00\x01" + ones[:-1] + b"\xfe\x00" + info,
        b"\x00\x01" + b"\xff" * 8 + b"\x00" + info + bytes(size - 11 - len(info)),
        b"\x00\x01" + ones + b"\x01" + info,
    ):
        assert check_rsa(KEY, sign_block(b"", fill=fill), SIGNED).result == "wrong"


def test_low_exponent_forgery_is_refused() -> None:
    """Bleichenbacher, CRYPTO 2006: with e = 3 a cube root gives a block whose tail nobody looks at."""
    modulus = rsa_key("cube", 3072).public_key().public_numbers().n
    key = RSAPublicNumbers(3, modulus).public_key()
    size = 384
    block = b"\x00\x01" + b"\xff" * 8 + b"\x00" + SHA256_INFO + DIGEST
    target = int.from_bytes(block + b"\xff" * (size - len(block)), "big")
    low, high = 0, 1 << 1030
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= target else (low, middle - 1)
    assert (low**3).to_bytes(size, "big")[: len(block)] == block
    assert check_rsa(key, low.to_bytes(size, "big"), SIGNED).result == "wrong"


def test_value_outside_the_modulus_or_of_another_length_is_refused() -> None:
    signature = sign_pkcs1(CONTENT)
    modulus = KEY.public_numbers().n
    for value in (
        (int.from_bytes(signature, "big") + modulus).to_bytes(257, "big"),
        b"\x00" + signature,
        signature + b"\x00",
        signature[:-1],
        b"",
        bytes(256),
        modulus.to_bytes(256, "big"),
    ):
        assert check_rsa(KEY, value, SIGNED).result == "wrong"


def test_hash_named_elsewhere_must_be_the_hash_inside() -> None:
    facts = check_pkcs1(KEY, sign_pkcs1(CONTENT), SIGNED, "sha512")
    assert (facts.result, facts.problem) == ("wrong", "hash_contradicts")


def test_another_key_gives_a_wrong_signature() -> None:
    facts = check_rsa(rsa_key("other").public_key(), sign_pkcs1(CONTENT), SIGNED)
    assert (facts.result, facts.problem) == ("wrong", "padding")
