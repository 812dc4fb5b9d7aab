"""What xmlsec1 and openssl signed and stamped, judged by honnin."""

import hashlib
import json
import subprocess
from base64 import encodebytes
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.documents.files import CA, CERTIFICATE, STAMPER
from tests.documents.xml import ENVELOPED, EXCLUSIVE, WITHOUT_SIGNATURES, by_xmlsec, signature
from tests.pki.signing import NOW, rsa_key
from tests.waiting import LONG

import honnin
from honnin.cli.verify import verify as command
from honnin.errors import InputError
from honnin.pki import Report
from honnin.pki.time_stamps import read_token

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
def test_xmlsec1_signs_a_file_beside(tmp_path: Path) -> None:
    """Detached: xmlsec1 reads the file that the signature names, honnin is given it and fetches nothing."""
    (tmp_path / "lease.xml").write_text(BODY, encoding="utf-8")
    template = signature(f"file://{tmp_path}/lease.xml")
    transforms = template[template.index("<Transforms>") : template.index("<DigestMethod")]
    signed = by_xmlsec(template.replace(transforms, ""))  # the file's own bytes
    report = verify(signed, content=BODY.encode())
    assert report.indication == "TOTAL-PASSED", report.reason
    assert verify(signed, content=BODY.replace("100000", "900000").encode()).sub_indication == "HASH_FAILURE"


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


CONFIG = (
    "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_cert=stamper.pem\nsigner_key=stamper.key\n"
    "signer_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256,sha512\naccuracy=secs:1\nordering=yes\n"
    "tsa_name=no\ness_cert_id_chain=no\n"
)


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], cwd=folder, check=False, capture_output=True, timeout=LONG)


@pytest.mark.peer("openssl")
@pytest.mark.parametrize("name", ["sha256", "sha512"])
def test_time_stamps_that_stand_alone_are_judged_as_openssl_judges_them(folder: Path, name: str) -> None:
    """`.tsr` (the whole answer) and `.tst` (the token): over the content, over another, altered, revoked."""
    content = b"a lease"
    (folder / "content").write_bytes(content)
    (folder / "other").write_bytes(b"another lease")
    (folder / "serial").write_text("01\n")
    (folder / "config").write_text(CONFIG)
    assert openssl(folder, "ts", "-query", "-data", "content", f"-{name}", "-cert", "-out", "query").returncode == 0
    made = ("ts", "-reply", "-config", "config", "-queryfile", "query")
    assert openssl(folder, *made, "-out", "stamp.tsr").returncode == 0
    assert openssl(folder, *made, "-token_out", "-out", "stamp.tst").returncode == 0
    token = (folder / "stamp.tst").read_bytes()
    pem = b"-----BEGIN PKCS7-----\n" + encodebytes(token) + b"-----END PKCS7-----\n"
    altered = token[:-1] + bytes([token[-1] ^ 1])
    (folder / "altered.tst").write_bytes(altered)

    def by_openssl(file: str, over: str) -> bool:
        kind = () if file.endswith(".tsr") else ("-token_in",)
        return openssl(folder, "ts", "-verify", "-in", file, *kind, "-data", over, "-CAfile", "ca.pem").returncode == 0

    stated = read_token(token).time
    later = stated + timedelta(days=1)
    good: dict[str, Any] = {"at": later, "crls": [CA.crl(at=later)]}
    for octets, over, outcome in (
        ((folder / "stamp.tsr").read_bytes(), content, ("TOTAL-PASSED", None)),
        (token, content, ("TOTAL-PASSED", None)),
        (pem, content, ("TOTAL-PASSED", None)),
        (token, b"another lease", ("TOTAL-FAILED", "HASH_FAILURE")),
    ):
        report = verify(octets, content=over, **good)
        assert (report.indication, report.sub_indication) == outcome, report.reason
    assert verify(altered, content=content, **good).indication == "TOTAL-FAILED"
    assert verify(token, digest=hashlib.new(name, content).hexdigest(), **good).existed_at is not None
    told = [by_openssl("stamp.tsr", "content"), by_openssl("stamp.tst", "content"), by_openssl("stamp.tst", "other")]
    assert [*told, by_openssl("altered.tst", "content")] == [True, True, False, False]
    # what the stamp proves is not what a signature proves, and without the content nothing is judged
    assert verify(token, content=content, **good, policy="jpki_signature").indication != "TOTAL-PASSED"
    with pytest.raises(InputError, match=r"signature\.content_missing"):
        verify(token, **good)
    revoked = verify(
        token, content=content, at=later, crls=[CA.crl((99, stated, x509.ReasonFlags.key_compromise), at=later)]
    )
    assert revoked.sub_indication == "REVOKED_NO_POE"
    assert honnin.verify(token, content=content, at=later).sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    (folder / "lone.crl").write_bytes(CA.crl(at=later))
    arguments = ["verify", str(folder / "stamp.tsr"), "--content", str(folder / "content"), "--anchor"]
    arguments += [str(folder / "ca.pem"), "--crl", str(folder / "lone.crl"), "--at", later.isoformat(), "--json"]
    done = CliRunner().invoke(command, arguments[1:])
    assert (done.exit_code, json.loads(done.output)["indication"]) == (0, "TOTAL-PASSED")


@pytest.mark.peer("openssl")
def test_openssl_stamps(folder: Path) -> None:
    """A token by `openssl ts` over the value of a signature by `openssl cms`, put into it by asn1crypto."""
    from asn1crypto import cms

    (folder / "content").write_bytes(b"a lease")
    (folder / "serial").write_text("01\n")
    (folder / "config").write_text(CONFIG)

    def run(*arguments: str) -> None:
        assert openssl(folder, *arguments).returncode == 0

    run(
        "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", "content", "-signer", "person.pem",
        "-inkey", "person.key", "-out", "signed",
    )  # fmt: skip
    info = cms.ContentInfo.load((folder / "signed").read_bytes())
    signer = info["content"]["signer_infos"][0]
    (folder / "value").write_bytes(signer["signature"].native)
    run("ts", "-query", "-data", "value", "-sha256", "-cert", "-out", "query")
    run("ts", "-reply", "-config", "config", "-queryfile", "query", "-token_out", "-out", "token")
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
    run("ts", "-query", "-data", "content", "-sha256", "-cert", "-out", "query")
    run("ts", "-reply", "-config", "config", "-queryfile", "query", "-token_out", "-out", "token")
    token = cms.ContentInfo.load((folder / "token").read_bytes())
    other["content"]["signer_infos"][0]["unsigned_attrs"] = [
        cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
    ]
    report = verify(other.dump(force=True), at=stated, crls=[CA.crl(at=stated)])
    assert report.existed_at is None
    assert report.signers[0].time_stamps[0].sub_indication == "HASH_FAILURE"
