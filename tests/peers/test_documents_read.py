"""What xmlsec1 and openssl signed and stamped, judged by honnin."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.documents.files import CA, CERTIFICATE, STAMPER
from tests.documents.xml import ENVELOPED, EXCLUSIVE, WITHOUT_SIGNATURES, by_xmlsec, signature
from tests.pki.signing import NOW, rsa_key

import honnin
from honnin.pki import Report

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
BODY = '<Body Id="body"><Rent>100000</Rent>　賃料 &amp; <!-- a word --> 敷金</Body>'


def verify(signed: bytes, **given: object) -> Report:
    return honnin.verify(signed, **{"anchors": [CA.der], "crls": [CA.crl()], "at": NOW, **given})  # type: ignore[arg-type]


@pytest.mark.peer("xmlsec1")
@pytest.mark.parametrize("form", [EXCLUSIVE, INCLUSIVE, INCLUSIVE + "#WithComments", EXCLUSIVE + "WithComments"])
@pytest.mark.parametrize(("uri", "transforms"), [("#body", ""), ("", ENVELOPED), ("", WITHOUT_SIGNATURES)])
def test_xmlsec1_signs(form: str, uri: str, transforms: str) -> None:
    signed = by_xmlsec(f'<Lease xmlns="urn:example:lease">{BODY}{signature(uri, transforms, form=form)}</Lease>')
    assert verify(signed).indication == "TOTAL-PASSED"
    assert verify(signed.replace(b"100000", b"900000")).sub_indication == "HASH_FAILURE"


@pytest.mark.peer("xmlsec1")
def test_xmlsec1_signs_an_object() -> None:
    held = f'<Object Id="object">{BODY}</Object>'
    signed = by_xmlsec(signature("#object", objects=held))
    assert verify(signed).indication == "TOTAL-PASSED"
    assert verify(signed.replace(b"100000", b"900000")).sub_indication == "HASH_FAILURE"


@pytest.mark.peer("xmlsec1")
@pytest.mark.parametrize("method", ["rsa-sha384", "rsa-sha512"])
def test_xmlsec1_signs_with_longer_hashes(method: str) -> None:
    signed = by_xmlsec(f"<Lease>{BODY}{signature('', ENVELOPED, method=method)}</Lease>")
    assert verify(signed).indication == "TOTAL-PASSED"


@pytest.mark.peer("xmlsec1")
def test_xmlsec1_signs_with_an_old_hash() -> None:
    signed = by_xmlsec(
        f"<Lease>{BODY}{signature('', ENVELOPED)}</Lease>".replace(
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
        )
    )
    assert verify(signed).sub_indication == "CRYPTO_CONSTRAINTS_FAILURE"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("person", "stamper"):
        key = rsa_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{name}.key").write_bytes(key)
    for name, octets in (("person", CERTIFICATE), ("stamper", STAMPER), ("ca", CA.der)):
        pem = x509.load_der_x509_certificate(octets).public_bytes(Encoding.PEM)
        (tmp_path / f"{name}.pem").write_bytes(pem)
    return tmp_path


@pytest.mark.peer("openssl")
def test_openssl_stamps(folder: Path) -> None:
    """A token by `openssl ts` over the value of a signature by `openssl cms`, put into it by asn1crypto."""
    from asn1crypto import cms

    (folder / "content").write_bytes(b"a lease")
    (folder / "serial").write_text("01\n")
    (folder / "config").write_text(
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_cert=stamper.pem\nsigner_key=stamper.key\n"
        "signer_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256,sha512\naccuracy=secs:1\nordering=yes\n"
        "tsa_name=no\ness_cert_id_chain=no\n"
    )

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    openssl(
        "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", "content", "-signer", "person.pem",
        "-inkey", "person.key", "-out", "signed",
    )  # fmt: skip
    info = cms.ContentInfo.load((folder / "signed").read_bytes())
    signer = info["content"]["signer_infos"][0]
    (folder / "value").write_bytes(signer["signature"].native)
    openssl("ts", "-query", "-data", "value", "-sha256", "-cert", "-out", "query")
    openssl("ts", "-reply", "-config", "config", "-queryfile", "query", "-token_out", "-out", "token")
    token = cms.ContentInfo.load((folder / "token").read_bytes())
    signer["unsigned_attrs"] = [cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})]
    stamped = info.dump(force=True)
    stated = token["content"]["encap_content_info"]["content"].parsed["gen_time"].native
    report = verify(stamped, at=stated, crls=[CA.crl(at=stated)])
    assert report.indication == "TOTAL-PASSED", report.reason
    assert report.existed_at == stated
    # over another value it proves nothing
    signer["unsigned_attrs"] = []
    other = cms.ContentInfo.load((folder / "signed").read_bytes())
    openssl("ts", "-query", "-data", "content", "-sha256", "-cert", "-out", "query")
    openssl("ts", "-reply", "-config", "config", "-queryfile", "query", "-token_out", "-out", "token")
    token = cms.ContentInfo.load((folder / "token").read_bytes())
    other["content"]["signer_infos"][0]["unsigned_attrs"] = [
        cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
    ]
    report = verify(other.dump(force=True), at=stated, crls=[CA.crl(at=stated)])
    assert report.existed_at is None
    assert report.signers[0].time_stamps[0].sub_indication == "HASH_FAILURE"
