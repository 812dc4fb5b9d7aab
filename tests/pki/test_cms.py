"""CMS signatures: what passes, and every contradiction that must not."""

import hashlib

import pytest
from cryptography import x509 as pyca
from cryptography.hazmat.primitives import hashes
from tests.pki import cms
from tests.pki.signing import DAY, NOW, PERSON, Authority, ec_key, rsa_key

import honnin
from honnin.errors import InputError
from honnin.pki import Report
from honnin.pki.der import encode

CA = Authority.make()
CERTIFICATE = CA.issue(rsa_key().public_key(), person=PERSON)
CONTENT = b"<form>open an account</form>"
OTHER = b"<form>open two accounts</form>"


def verify(signed: bytes, **given: object) -> Report:
    arguments = {"anchors": [CA.der], "crls": [CA.crl()], "at": NOW, "existed_at": NOW, **given}
    return honnin.verify(signed, **arguments)  # type: ignore[arg-type]


def outcome(report: Report) -> tuple[str, str | None]:
    return report.indication, report.sub_indication


PASSED = ("TOTAL-PASSED", None)
MALFORMED = ("TOTAL-FAILED", "FORMAT_FAILURE")


def attached(**kwargs: object) -> bytes:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT, **kwargs), cms.pkcs1())  # type: ignore[arg-type]
    return cms.signed_data(CONTENT, [info], [CERTIFICATE])


def detached() -> bytes:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1())
    return cms.signed_data(None, [info], [CERTIFICATE])


def test_attached() -> None:
    report = verify(attached())
    assert outcome(report) == PASSED
    (signer,) = report.signers
    assert (signer.algorithm, signer.hash, signer.shape) == ("rsassa_pkcs1_v1_5", "sha256", "digest_info")
    assert signer.signing_time == NOW
    assert report.four_items is not None
    assert report.four_items.name == PERSON[1]


def test_detached() -> None:
    assert outcome(verify(detached(), content=CONTENT)) == PASSED
    assert outcome(verify(detached(), digest=hashlib.sha256(CONTENT).hexdigest())) == PASSED
    assert outcome(verify(detached(), content=OTHER)) == ("TOTAL-FAILED", "HASH_FAILURE")
    assert outcome(verify(detached(), digest=hashlib.sha256(OTHER).digest())) == ("TOTAL-FAILED", "HASH_FAILURE")
    with pytest.raises(InputError, match=r"signature\.content_missing"):
        verify(detached())


def test_content_beside_attached_content_must_agree() -> None:
    assert outcome(verify(attached(), content=CONTENT)) == PASSED
    assert outcome(verify(attached(), digest=hashlib.sha384(CONTENT).digest())) == PASSED
    assert outcome(verify(attached(), content=OTHER)) == ("TOTAL-FAILED", "HASH_FAILURE")
    assert outcome(verify(attached(), digest=hashlib.sha256(OTHER).digest())) == ("TOTAL-FAILED", "HASH_FAILURE")


def test_attached_content_changed() -> None:
    assert outcome(verify(attached().replace(b"open an", b"open my"))) == ("TOTAL-FAILED", "HASH_FAILURE")


def test_signed_attributes_changed() -> None:
    changed = attached().replace(b"261121030000Z", b"251121030000Z")
    assert outcome(verify(changed)) == ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE")


def test_without_signed_attributes() -> None:
    info = cms.signer(CERTIFICATE, CONTENT, cms.pkcs1())
    signed = cms.signed_data(CONTENT, [info], [CERTIFICATE])
    assert outcome(verify(signed)) == PASSED
    assert outcome(verify(signed.replace(b"open an", b"open my"))) == ("TOTAL-FAILED", "HASH_FAILURE")


def test_without_signed_attributes_only_data_is_signed() -> None:
    """RFC 5652 §5.3: any other content type must have signed attributes."""
    info = cms.signer(CERTIFICATE, CONTENT, cms.pkcs1())
    data, digested = (bytes.fromhex(f"06092a864886f70d0107{kind:02x}") for kind in (1, 5))
    signed = cms.signed_data(CONTENT, [info], [CERTIFICATE])
    assert outcome(verify(signed.replace(data, digested))) == MALFORMED


def test_attributes_passed_off_as_content() -> None:
    """A signature over attributes verifies over their bytes as content; such content is refused."""
    genuine = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1())
    as_content = b"\x31" + genuine["signed_attrs"].dump()[1:]
    stripped = cms.signer(CERTIFICATE, as_content, lambda _: genuine["signature"].native)
    assert outcome(verify(cms.signed_data(as_content, [stripped], [CERTIFICATE]))) == MALFORMED


@pytest.mark.parametrize("missing", [0, 2])
def test_mandatory_attributes(missing: int) -> None:
    attributes = cms.attributes(CONTENT)
    del attributes[missing]
    info = cms.signer(CERTIFICATE, attributes, cms.pkcs1())
    assert outcome(verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))) == MALFORMED


def test_attributes_that_contradict() -> None:
    assert outcome(verify(attached(content_type="1.2.840.113549.1.9.16.1.4"))) == MALFORMED
    twice = cms.attributes(CONTENT, extra=[cms.attributes(CONTENT)[2]])
    info = cms.signer(CERTIFICATE, twice, cms.pkcs1())
    assert outcome(verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))) == MALFORMED
    digests = [encode(0x04, hashlib.sha256(content).digest()) for content in (CONTENT, OTHER)]
    two_values = [*cms.attributes(CONTENT)[:2], cms.raw_attribute("1.2.840.113549.1.9.4", *digests)]
    info = cms.signer(CERTIFICATE, two_values, cms.pkcs1())
    assert outcome(verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))) == MALFORMED


def test_signing_certificate_v2() -> None:
    assert outcome(verify(attached(extra=[cms.signing_certificate_v2(CERTIFICATE)]))) == PASSED
    other = CA.issue(rsa_key("other").public_key())
    report = verify(attached(extra=[cms.signing_certificate_v2(other)]))
    assert outcome(report) == ("INDETERMINATE", "NO_SIGNING_CERTIFICATE_FOUND")


def test_algorithm_protection() -> None:
    """RFC 6211: what the attribute repeats must be what is used."""
    sha256 = bytes.fromhex("300b0609608648016503040201")
    sha384 = bytes.fromhex("300b0609608648016503040202")
    rsa = bytes.fromhex("a10d06092a864886f70d0101010500")
    for digest, expected in ((sha256, PASSED), (sha384, MALFORMED)):
        attribute = cms.raw_attribute("1.2.840.113549.1.9.52", encode(0x30, digest, rsa))
        assert outcome(verify(attached(extra=[attribute]))) == expected


@pytest.mark.parametrize(("digest", "hashed"), [("sha384", hashes.SHA384()), ("sha512", hashes.SHA512())])
def test_other_hashes(digest: str, hashed: hashes.HashAlgorithm) -> None:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT, digest=digest), cms.pkcs1(None, hashed), digest=digest)
    report = verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))
    assert (outcome(report), report.signers[0].hash) == (PASSED, digest)


def test_sha1_is_refused_by_name() -> None:
    info = cms.signer(
        CERTIFICATE,
        cms.attributes(CONTENT, digest="sha1"),
        cms.pkcs1(None, hashes.SHA1()),  # noqa: S303 - to be refused
        digest="sha1",
    )
    report = verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))
    assert outcome(report) == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE")


@pytest.mark.parametrize(
    ("digest", "algorithm"),
    [("sha256", "sha512_rsa"), ("sha512", "sha256_rsa"), ("sha256", "sha256_ecdsa"), ("sha256", "sha1_rsa")],
)
def test_algorithms_that_contradict(digest: str, algorithm: str) -> None:
    info = cms.signer(
        CERTIFICATE, cms.attributes(CONTENT, digest=digest), cms.pkcs1(), digest=digest, algorithm=algorithm
    )
    report = verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))
    assert outcome(report) == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE")


def test_digest_info_of_another_hash_than_named() -> None:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1(None, hashes.SHA512()))
    report = verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))
    assert outcome(report) == ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE")


@pytest.mark.parametrize(
    ("mask", "salt", "stated_salt", "expected"),
    [
        (hashes.SHA256(), 32, 32, PASSED),
        (hashes.SHA256(), 20, 32, ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE")),
        (hashes.SHA512(), 32, 32, ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE")),
    ],
)
def test_pss(mask: hashes.HashAlgorithm, salt: int, stated_salt: int, expected: tuple[str, str | None]) -> None:
    parameters = {
        "hash_algorithm": {"algorithm": "sha256"},
        "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
        "salt_length": stated_salt,
    }
    info = cms.signer(
        CERTIFICATE,
        cms.attributes(CONTENT),
        cms.pss(rsa_key(), hashes.SHA256(), mask, salt),
        algorithm={"algorithm": "rsassa_pss", "parameters": parameters},
    )
    assert outcome(verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))) == expected


def test_ecdsa_p384() -> None:
    authority = Authority.make("next", curve="P-384")
    certificate = authority.issue(ec_key().public_key(), person=PERSON)
    info = cms.signer(
        certificate,
        cms.attributes(CONTENT, digest="sha384"),
        cms.ecdsa(ec_key(), hashes.SHA384()),
        digest="sha384",
        algorithm="sha384_ecdsa",
    )
    signed = cms.signed_data(CONTENT, [info], [certificate])
    report = verify(signed, anchors=[authority.der], crls=[authority.crl()])
    assert (outcome(report), report.signers[0].shape) == (PASSED, "der")


def test_signer_named_by_key_identifier() -> None:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1(), by_key_id=True)
    assert outcome(verify(cms.signed_data(CONTENT, [info], [CERTIFICATE]))) == PASSED


def test_signers_certificate_outside_the_file() -> None:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1())
    alone = cms.signed_data(CONTENT, [info], [])
    assert outcome(verify(alone, certificate=CERTIFICATE)) == PASSED
    assert outcome(verify(alone)) == ("INDETERMINATE", "NO_SIGNING_CERTIFICATE_FOUND")
    other = CA.issue(rsa_key("other").public_key(), serial=5)
    assert outcome(verify(alone, certificate=other)) == ("INDETERMINATE", "NO_SIGNING_CERTIFICATE_FOUND")


def test_every_signer_is_judged_and_the_worst_decides() -> None:
    second = CA.issue(rsa_key("other").public_key(), serial=77, person=PERSON)
    infos = [
        cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1()),
        cms.signer(second, cms.attributes(CONTENT), cms.pkcs1(rsa_key("other"))),
    ]
    signed = cms.signed_data(CONTENT, infos, [CERTIFICATE, second])
    report = verify(signed)
    assert (outcome(report), len(report.signers), report.four_items) == (PASSED, 2, None)
    assert all(signer.four_items is not None for signer in report.signers)
    revoked = CA.crl((77, NOW - DAY, pyca.ReasonFlags.affiliation_changed))
    report = verify(signed, crls=[revoked])
    assert outcome(report) == ("TOTAL-FAILED", "REVOKED")
    assert sorted(signer.indication for signer in report.signers) == ["TOTAL-FAILED", "TOTAL-PASSED"]


def test_crl_inside_the_file_is_material_and_anchors_are_not() -> None:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1())
    signed = cms.signed_data(CONTENT, [info], [CERTIFICATE, CA.der], crls=[CA.crl()])
    assert outcome(verify(signed, crls=[])) == PASSED
    assert outcome(verify(signed, anchors=None)) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")


def test_file_without_a_signer_is_malformed() -> None:
    assert outcome(verify(cms.signed_data(CONTENT, [], [CERTIFICATE]))) == MALFORMED


def test_too_many_signers_are_refused_before_any_work() -> None:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1())
    infos = []
    for number in range(40):
        copy = info.copy()
        copy["unsigned_attrs"] = [cms.raw_attribute(f"1.3.6.1.4.1.99999.{number}", b"\x05\x00")]
        infos.append(copy)
    report = verify(cms.signed_data(CONTENT, infos, [CERTIFICATE]))
    assert outcome(report) == MALFORMED


@pytest.mark.parametrize("label", ["CMS", "PKCS7"])
def test_pem(label: str) -> None:
    from base64 import encodebytes

    pem = f"-----BEGIN {label}-----\n".encode() + encodebytes(attached()) + f"-----END {label}-----\n".encode()
    assert outcome(verify(pem)) == PASSED


def test_every_octet_counts() -> None:
    """Flipping a bit anywhere never passes with other content, and never raises."""
    signed = attached(extra=[cms.signing_certificate_v2(CERTIFICATE)])
    for at in range(0, len(signed), 7):
        changed = bytearray(signed)
        changed[at] ^= 0x04
        report = honnin.verify(
            bytes(changed), content=CONTENT, certificate=CERTIFICATE, anchors=[CA.der], crls=[CA.crl()], at=NOW
        )
        if report.indication == "TOTAL-PASSED":
            # What is neither signed nor used: algorithm hints, embedded copies of the certificate, versions.
            assert report.signers[0].hash == "sha256"
