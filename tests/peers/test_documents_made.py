"""Documents that honnin signed, judged by pdfsig, pyHanko's command, xmlsec1 and openssl; attacks named by both."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.documents.files import CA, CERTIFICATE, OTHER, pdf
from tests.documents.making import KEPT, LEASE, ON_CURVE, sign, sign_on_curve, stamp
from tests.documents.test_pdf import prey, updated
from tests.pki.signing import NOW, rsa_key

import honnin
from honnin.pki.signing import Kept, Stamp, assemble, prepare, time_stamp_document

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


def plainly(octets: bytes) -> bytes:
    prepared = prepare(octets, "pdf", at=NOW, certificate=CERTIFICATE)
    return assemble(prepared, sign(prepared.digest), CERTIFICATE)


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
@pytest.mark.parametrize("change", ["content", "overlay", "hiding", "shadow", "font"])
def test_incremental_update_is_named_by_both(folder: Path, change: str) -> None:
    """Content replaced, painted over, hidden or switched to what was signed unseen, after honnin's own signature."""
    octets = updated(plainly(prey(change)), change)
    (folder / "updated.pdf").write_bytes(octets)
    assert "Not total document signed" in run(folder, "pdfsig", "-nocert", "updated.pdf")
    assert "ILLEGAL_MODIFICATIONS" in pyhanko(folder, "updated.pdf", good=False)
    report = honnin.verify(octets, anchors=[CA.der], crls=[CA.crl()], at=NOW)
    assert report.sub_indication == "HASH_FAILURE"
    assert "changed after it was signed" in report.reason


@pytest.mark.peer("pdfsig")
def test_a_later_signers_stamp_over_the_page_is_that_signers_own(folder: Path) -> None:
    """It covers the rent; both signatures stay valid for all, and the first one's `coverage` says what happened."""
    first = plainly(pdf())
    cover = Stamp(lines=("承認済",), page=0, box=(60, 700, 400, 760))
    second = prepare(first, "pdf", at=NOW, certificate=OTHER, stamp=cover)
    both = assemble(second, sign(second.digest, "other"), OTHER)
    (folder / "both.pdf").write_bytes(both)
    assert run(folder, "pdfsig", "-nocert", "both.pdf").count("Signature is Valid") == 2
    assert pyhanko(folder, "both.pdf").count("INTACT:TRUSTED") == 2
    report = honnin.verify(both, anchors=[CA.der], crls=[CA.crl()], at=NOW)
    assert [(one.indication, one.coverage) for one in report.signers] == [
        ("TOTAL-PASSED", "revision"),
        ("TOTAL-PASSED", "whole_file"),
    ]


def whole_list(*revoked: int) -> bytes:
    """A list of all certificates of the CA, without the partition that NSS does not read."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(CA.certificate.subject)
        .last_update(NOW - timedelta(hours=1))
        .next_update(NOW + timedelta(days=900))
        .add_extension(x509.CRLNumber(9), critical=False)
    )
    for serial in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - timedelta(days=1))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(CA.key, CA.hash).public_bytes(Encoding.DER)


@pytest.mark.peer("pdfsig", "certutil", "crlutil")
def test_revoked_signer_is_named_by_all(folder: Path) -> None:
    """pdfsig reads the list from an NSS database, pyHanko's command from the document's security store."""
    serial = x509.load_der_x509_certificate(CERTIFICATE).serial_number
    (folder / "ca.der").write_bytes(CA.der)
    for name, listed, outcome in (
        ("good", whole_list(serial + 1), ("TOTAL-PASSED", None)),
        ("revoked", whole_list(serial), ("INDETERMINATE", "REVOKED_NO_POE")),
    ):
        prepared = prepare(pdf(), "pdf", at=NOW, certificate=CERTIFICATE)
        kept = Kept(certificates=(CA.der,), crls=(listed,))
        octets = assemble(prepared, sign(prepared.digest), CERTIFICATE, kept=kept)
        (folder / "kept.pdf").write_bytes(octets)
        (folder / "list.crl").write_bytes(listed)
        (folder / name).mkdir()
        base = ("-d", f"sql:{name}")
        run(folder, "certutil", "-N", *base, "--empty-password")
        run(folder, "certutil", "-A", *base, "-n", "ca", "-t", "CT,C,C", "-i", "ca.der")
        run(folder, "crlutil", "-I", *base, "-i", "list.crl", "-t", "1", "-B")
        told = run(folder, "pdfsig", "-nssdir", name, "-no-ocsp", "kept.pdf")
        assert "Signature is Valid" in told
        assert ("Certificate has been Revoked" in told) == (name == "revoked")
        told = run(
            folder, PYHANKO, "sign", "adesverify", "--trust", "ca.pem", "--trust-replace", *AT, "kept.pdf",
            good=name == "good",
        )  # fmt: skip
        assert ("INTACT:TRUSTED" if name == "good" else "INTACT:REVOKED") in told
        report = honnin.verify(octets, anchors=[CA.der], at=NOW)
        assert (report.indication, report.sub_indication) == outcome, report.reason


@pytest.mark.peer("openssl", "pdfsig", "xmlsec1")
def test_next_cards_key_and_a_digest_info_signed_elsewhere(folder: Path) -> None:
    """P-384 signers in PDF, CMS and XML; and an RSA value that `openssl pkeyutl` made over the DigestInfo alone."""
    for kind, name in (("pdf", "curve.pdf"), ("cms", "curve.cms"), ("xml", "curve.xml")):
        content = pdf() if kind == "pdf" else LEASE
        prepared = prepare(content, kind, at=NOW, certificate=ON_CURVE)  # type: ignore[arg-type]
        (folder / name).write_bytes(assemble(prepared, sign_on_curve(prepared.digest), ON_CURVE))
    assert "Signature is Valid" in run(folder, "pdfsig", "-nocert", "curve.pdf")
    assert "INTACT:TRUSTED" in pyhanko(folder, "curve.pdf")
    run(
        folder, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "curve.cms", "-CAfile", "ca.pem",
        "-purpose", "any", "-attime", str(int(NOW.timestamp())), "-out", "out",
    )  # fmt: skip
    assert (folder / "out").read_bytes() == LEASE
    assert "SignedInfo References (ok/all): 2/2" in xmlsec(folder, "curve.xml")
    prepared = prepare(pdf(), "pdf", at=NOW)  # the certificate comes with the signature, as from the signing API
    (folder / "info").write_bytes(prepared.digest_info)
    key = rsa_key("person").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    run(folder, "openssl", "pkeyutl", "-sign", "-inkey", "key.pem", "-in", "info", "-out", "value")
    (folder / "remote.pdf").write_bytes(assemble(prepared, (folder / "value").read_bytes(), CERTIFICATE))
    assert "Signature is Valid" in run(folder, "pdfsig", "-nocert", "remote.pdf")
    assert "INTACT:TRUSTED" in pyhanko(folder, "remote.pdf")


def xmlsec(folder: Path, name: str, *, good: bool = True) -> str:
    return run(
        folder, "xmlsec1", "--verify", "--trusted-pem", "ca.pem", "--verification-time", "2026-11-21 03:00:00",
        "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--id-attr:Id", "Object", name,
        good=good,
    )  # fmt: skip


@pytest.mark.peer("xmlsec1")
@pytest.mark.parametrize("shape", ["enveloped", "enveloping", "detached"])
@pytest.mark.parametrize("level", ["B", "T", "LT"])
def test_xml_is_valid_for_xmlsec1(folder: Path, shape: str, level: str) -> None:
    prepared = prepare(LEASE, "xml", at=NOW, certificate=CERTIFICATE, shape=shape, uri="lease.xml")  # type: ignore[arg-type]
    stamped, kept = (None if level == "B" else stamp), (KEPT if level == "LT" else None)
    signed = assemble(prepared, sign(prepared.digest), CERTIFICATE, stamp=stamped, kept=kept)
    (folder / "lease.xml").write_bytes(LEASE)
    (folder / "signed.xml").write_bytes(signed)
    (folder / "wrong.xml").write_bytes(signed.replace(b"SigningTime>2026", b"SigningTime>2025", 1))
    assert "SignedInfo References (ok/all): 2/2" in xmlsec(folder, "signed.xml")
    xmlsec(folder, "wrong.xml", good=False)


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
