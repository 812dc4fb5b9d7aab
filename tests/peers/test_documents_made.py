"""Documents that honnin signed, judged by pdfsig, pyHanko's command, xmlsec1 and openssl; attacks named by both."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.documents.files import CA, CERTIFICATE, OTHER, pdf
from tests.documents.making import KEPT, LEASE, sign, stamp
from tests.documents.test_pdf import REVOKED, updated
from tests.pki.signing import NOW

import honnin
from honnin.pki.signing import Stamp, assemble, prepare, time_stamp_document

PYHANKO = str(Path(sys.executable).with_name("pyhanko"))
AT = ["--validation-time", "2026-11-21T03:00:00+00:00"]


def run(folder: Path, *arguments: str, good: bool = True) -> str:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, timeout=120, check=False)
    assert (done.returncode == 0) == good, done.stderr.decode()
    return done.stdout.decode() + done.stderr.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(x509.load_der_x509_certificate(CA.der).public_bytes(Encoding.PEM))
    return tmp_path


def signed_pdf(*, levels: bool = True) -> bytes:
    shown = Stamp(lines=("電子署名", "見本　花子", "2026年11月21日"))
    prepared = prepare(pdf(), "pdf", at=NOW, certificate=CERTIFICATE, stamp=shown)
    given = {"stamp": stamp, "kept": KEPT} if levels else {}
    return assemble(prepared, sign(prepared.digest), CERTIFICATE, **given)  # type: ignore[arg-type]


def pyhanko(folder: Path, name: str, *, good: bool = True) -> str:
    return run(
        folder, PYHANKO, "sign", "validate", "--no-revocation-check", "--trust", "ca.pem", "--trust-replace", *AT, name,
        good=good,
    )  # fmt: skip


@pytest.mark.peer("pdfsig")
def test_pdf_is_valid_for_pdfsig_and_pyhanko(folder: Path) -> None:
    first = signed_pdf()
    second = prepare(first, "pdf", at=NOW, certificate=OTHER, stamp=Stamp(lines=("電子署名", "例　太郎")))
    both = assemble(second, sign(second.digest, "other"), OTHER, stamp=stamp)
    for name, octets, count in (("one.pdf", signed_pdf(levels=False), 1), ("lt.pdf", first, 1), ("both.pdf", both, 2)):
        (folder / name).write_bytes(octets)
        told = run(folder, "pdfsig", "-nocert", name)
        assert told.count("Signature is Valid") == count
        assert "ETSI.CAdES.detached" in told
        told = pyhanko(folder, name)
        assert told.count("INTACT:TRUSTED") >= count
    (folder / "lta.pdf").write_bytes(time_stamp_document(first, stamp))
    assert "Signature is Valid" in run(folder, "pdfsig", "-nocert", "lta.pdf")  # it reads no document time stamps
    assert "EXTENDED_WITH_LTA_UPDATES" in pyhanko(folder, "lta.pdf")


@pytest.mark.peer("pdftotext")
def test_stamp_can_be_read(folder: Path) -> None:
    (folder / "one.pdf").write_bytes(signed_pdf(levels=False))
    # a reader shows the stamp as part of the page
    run(folder, "pdftocairo", "-pdf", "one.pdf", "shown.pdf")
    text = re.sub(r"\s", "", run(folder, "pdftotext", "shown.pdf", "-"))
    assert "電子署名" in text
    assert "見本花子" in text


@pytest.mark.peer("pdfsig")
def test_altered_pdf_is_named_by_both(folder: Path) -> None:
    octets = bytearray(signed_pdf(levels=False))
    octets[octets.find(b"stream") + 20] ^= 1
    (folder / "altered.pdf").write_bytes(octets)
    assert "Digest Mismatch" in run(folder, "pdfsig", "-nocert", "altered.pdf")
    assert "INVALID" in pyhanko(folder, "altered.pdf", good=False)
    report = honnin.verify(bytes(octets), anchors=[CA.der], crls=[CA.crl()], at=NOW)
    assert report.sub_indication == "HASH_FAILURE"


@pytest.mark.peer("pdfsig")
@pytest.mark.parametrize("change", ["content", "font"])
def test_incremental_update_is_named_by_both(folder: Path, change: str) -> None:
    octets = updated(signed_pdf(levels=False), change)
    (folder / "updated.pdf").write_bytes(octets)
    assert "Not total document signed" in run(folder, "pdfsig", "-nocert", "updated.pdf")
    assert "ILLEGAL_MODIFICATIONS" in pyhanko(folder, "updated.pdf", good=False)
    report = honnin.verify(octets, anchors=[CA.der], crls=[CA.crl()], at=NOW)
    assert report.sub_indication == "HASH_FAILURE"
    assert "changed after it was signed" in report.reason


def test_revoked_signer_is_named_by_both() -> None:
    import asyncio
    from io import BytesIO

    from asn1crypto import crl
    from asn1crypto import x509 as asn1
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    octets = signed_pdf(levels=False)
    context = ValidationContext(
        trust_roots=[asn1.Certificate.load(CA.der)],
        crls=[crl.CertificateList.load(REVOKED)],
        moment=NOW,
        revocation_mode="require",
        allow_fetching=False,
    )
    (embedded,) = PdfFileReader(BytesIO(octets)).embedded_signatures
    status = asyncio.run(async_validate_pdf_signature(embedded, context))
    assert status.revoked
    report = honnin.verify(octets, anchors=[CA.der], crls=[REVOKED], at=NOW)
    assert (report.indication, report.sub_indication) == ("INDETERMINATE", "REVOKED_NO_POE")


@pytest.mark.peer("xmlsec1")
@pytest.mark.parametrize("shape", ["enveloped", "enveloping", "detached"])
def test_xml_is_valid_for_xmlsec1(folder: Path, shape: str) -> None:
    prepared = prepare(LEASE, "xml", at=NOW, certificate=CERTIFICATE, shape=shape, uri="lease.xml")  # type: ignore[arg-type]
    signed = assemble(prepared, sign(prepared.digest), CERTIFICATE, stamp=stamp, kept=KEPT)
    (folder / "lease.xml").write_bytes(LEASE)
    (folder / "signed.xml").write_bytes(signed)
    (folder / "wrong.xml").write_bytes(signed.replace(b"SigningTime>2026", b"SigningTime>2025", 1))

    def xmlsec(name: str, *, good: bool) -> str:
        return run(
            folder, "xmlsec1", "--verify", "--trusted-pem", "ca.pem", "--verification-time", "2026-11-21 03:00:00",
            "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--id-attr:Id", "Object", name,
            good=good,
        )  # fmt: skip

    assert "SignedInfo References (ok/all): 2/2" in xmlsec("signed.xml", good=True)
    xmlsec("wrong.xml", good=False)


@pytest.mark.peer("openssl")
@pytest.mark.parametrize("shape", ["attached", "detached"])
def test_cms_is_valid_for_openssl(folder: Path, shape: str) -> None:
    prepared = prepare(b"a lease", "cms", at=NOW, certificate=CERTIFICATE, shape=shape)  # type: ignore[arg-type]
    signed = assemble(prepared, sign(prepared.digest), CERTIFICATE, stamp=stamp, kept=KEPT)
    (folder / "signed").write_bytes(signed)
    (folder / "content").write_bytes(b"a lease")
    (folder / "other").write_bytes(b"another lease")

    def openssl(content: str, *, good: bool) -> None:
        beside = ["-content", content] if shape == "detached" else []
        run(
            folder, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signed", "-CAfile", "ca.pem",
            "-purpose", "any", "-attime", str(int(NOW.timestamp())), "-cades", "-out", "out", *beside,
            good=good,
        )  # fmt: skip

    openssl("content", good=True)
    assert (folder / "out").read_bytes() == b"a lease"
    if shape == "detached":
        openssl("other", good=False)
