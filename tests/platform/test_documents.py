"""Who may receive a file with certificate data; what everyone else gets holds none of it."""

import re
import subprocess
from datetime import date
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from tests.documents.files import CA, CERTIFICATE, pdf
from tests.documents.making import KEPT, LEASE, sign, stamp
from tests.documents.test_pdf import updated
from tests.pki.signing import NOW
from tests.waiting import LONG

import honnin
from honnin.pki import Report
from honnin.pki.signing import Stamp, assemble, prepare
from honnin.platform.documents import ground_for, release
from honnin.platform.models import Tenant

LIVE = Tenant(id="ten_1", name="見本銀行", livemode=True, created_at=NOW, verifier_status="none")
CERTIFIED = msgspec.structs.replace(LIVE, verifier_status="certified", verifier_from=date(2026, 1, 1))


def signed(kind: str = "pdf") -> bytes:
    shown = Stamp(lines=("電子署名", "見本　花子")) if kind == "pdf" else None
    prepared = prepare(pdf() if kind == "pdf" else LEASE, kind, at=NOW, certificate=CERTIFICATE, stamp=shown)  # type: ignore[arg-type]
    return assemble(prepared, sign(prepared.digest), CERTIFICATE, stamp=stamp, kept=KEPT)


def judged(octets: bytes) -> Report:
    return honnin.verify(octets, anchors=[CA.der], crls=[CA.crl()], at=NOW)


def test_grounds() -> None:
    ground = msgspec.structs.replace(CERTIFIED, certificate_ground="公的個人認証法 第17条第1項第6号")
    assert ground_for(LIVE, at=NOW) is None
    assert ground_for(CERTIFIED, at=NOW) is None  # certified, but nobody configured the legal ground
    assert ground_for(ground, at=NOW) == "certified_verifier"
    later = msgspec.structs.replace(ground, verifier_from=date(2027, 1, 1))
    assert ground_for(later, at=NOW) is None
    assert ground_for(LIVE, at=NOW, to_signer=True) == "signer"
    assert ground_for(msgspec.structs.replace(LIVE, livemode=False), at=NOW) == "sandbox"


def test_the_file_itself_on_a_ground() -> None:
    octets = signed()
    given = release(octets, judged(octets), LIVE, at=NOW, to_signer=True)
    assert given.content == octets
    assert repr(given) == "Released(signer)"


def everything(octets: bytes) -> bytes:
    """All objects of a PDF, streams decoded."""
    reader = PdfFileReader(BytesIO(octets))
    parts = [octets]
    for number in range(1, 400):
        try:
            found = reader.get_object(
                __import__("pyhanko.pdf_utils.generic").pdf_utils.generic.Reference(number, 0, reader)
            )
        except Exception:  # noqa: BLE001, S112 - no such object
            continue
        held = BytesIO()
        found.write_to_stream(held, None)
        parts.append(held.getvalue())
        if hasattr(found, "data"):
            parts.append(found.data)
    return b"\n".join(parts)


@pytest.mark.peer("pdftotext")
@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_rendition_shows_the_document_and_holds_no_certificate(kind: str, tmp_path: Path) -> None:
    octets = signed(kind)
    given = release(octets, judged(octets), LIVE, at=NOW, receipt="ver_sample")
    assert (given.ground, given.media_type) == (None, "application/pdf")
    held = everything(given.content)
    for secret in (CERTIFICATE, CA.der, KEPT.crls[0], KEPT.ocsp[0]):
        for part in (secret, secret[40:80], secret.hex().encode()[:120], secret.hex().upper().encode()[:120]):
            assert part not in held
    for word in (b"/DSS", b"/ByteRange", b"/Sig", b"20261101ABCDEF"):
        assert word not in held
    (tmp_path / "rendition.pdf").write_bytes(given.content)
    told = subprocess.run(
        ["pdftotext", "rendition.pdf", "-"], cwd=tmp_path, capture_output=True, check=True, timeout=LONG
    ).stdout.decode()
    text = re.sub(r"\s", "", told)
    assert "電子署名の検証結果" in text
    assert "TOTAL-PASSED" in text
    assert "ver_sample" in text
    if kind == "pdf":
        assert "Rent:100,000yen" in text
        assert "見本花子" in text


def test_changed_document_is_not_shown() -> None:
    octets = updated(signed(), "content")
    given = release(octets, judged(octets), LIVE, at=NOW)
    assert int(PdfFileReader(BytesIO(given.content)).root["/Pages"]["/Count"]) == 1
