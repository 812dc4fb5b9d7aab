"""Signed PDFs made by pyHanko: what passes, and every attack that must not."""

import time
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from cryptography import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from tests.documents.files import CA, CERTIFICATE, HOUR, OTHER, document_stamped, pdf, signed_pdf
from tests.pki.signing import DAY, NOW, PERSON, Authority

import honnin
from honnin.errors import FormatError
from honnin.pki import Facts, Report, judge
from honnin.pki.bounded_reading import BoundedReading
from honnin.pki.signing.pdf import prepare_pdf

PASSED = ("TOTAL-PASSED", None)
CHANGED = ("TOTAL-FAILED", "HASH_FAILURE")
SERIAL = 0x132C4AB
REVOKED = CA.crl((SERIAL, NOW - HOUR, x509.ReasonFlags.key_compromise), at=NOW - timedelta(minutes=30))


def verify(signed: bytes, **given: object) -> Report:
    return honnin.verify(signed, **{"anchors": [CA.der], "crls": [CA.crl()], "at": NOW, **given})  # type: ignore[arg-type]


def outcome(report: Report) -> tuple[str, str | None]:
    return report.indication, report.sub_indication


def test_one_signer() -> None:
    report = verify(signed_pdf())
    assert outcome(report) == PASSED
    assert report.four_items is not None
    assert report.four_items.name == PERSON[1]
    (signer,) = report.signers
    assert (signer.coverage, signer.hash, signer.purpose) == ("whole_file", "sha256", "signature")
    assert report.to_json()["signers"][0]["coverage"] == "whole_file"


def test_adobe_detached_and_pss_too() -> None:
    assert outcome(verify(signed_pdf(subfilter=fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED))) == PASSED


def test_two_signers_one_after_another() -> None:
    both = signed_pdf(signed_pdf(), name="other", certificate=OTHER, field="Signature2")
    report = verify(both)
    assert outcome(report) == PASSED
    assert [signer.coverage for signer in report.signers] == ["revision", "whole_file"]
    assert report.four_items is None  # whose, where two signed?
    revoked = CA.crl((77, NOW - HOUR, x509.ReasonFlags.key_compromise))
    assert outcome(verify(both, crls=[revoked])) == ("INDETERMINATE", "REVOKED_NO_POE")


def test_no_anchor_and_no_list() -> None:
    assert outcome(verify(signed_pdf(), anchors=[])) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")
    assert outcome(verify(signed_pdf(), anchors=[Authority.make("another").der])) == (
        "INDETERMINATE",
        "NO_CERTIFICATE_CHAIN_FOUND",
    )
    assert outcome(verify(signed_pdf(), crls=[])) == ("INDETERMINATE", "TRY_LATER")


def test_revoked_signer_with_and_without_proof() -> None:
    assert outcome(verify(signed_pdf(), crls=[REVOKED])) == ("INDETERMINATE", "REVOKED_NO_POE")
    assert outcome(verify(signed_pdf(), crls=[REVOKED], existed_at=NOW)) == ("TOTAL-FAILED", "REVOKED")


def test_time_stamp_proves_existence() -> None:
    before, after = NOW - 2 * HOUR, NOW - timedelta(minutes=40)
    report = verify(signed_pdf(stamped=before), crls=[REVOKED])
    assert outcome(report) == PASSED
    assert report.existed_at == before
    assert report.signers[0].time_stamps[0].over == "signature"
    assert outcome(verify(signed_pdf(stamped=after), crls=[REVOKED])) == ("TOTAL-FAILED", "REVOKED")
    assert outcome(verify(document_stamped(signed_pdf(), before), crls=[REVOKED])) == PASSED
    late = verify(signed_pdf(stamped=before), at=NOW + 1200 * DAY, crls=[])
    assert late.indication == "INDETERMINATE"  # the authority's own certificate has ended, too, and nothing proves more


def test_time_stamp_of_nobody_trusted_proves_nothing() -> None:
    other = Authority.make("another")
    report = verify(signed_pdf(stamped=NOW - 2 * HOUR), anchors=[other.der])
    assert report.existed_at is None
    assert report.signers[0].time_stamps[0].indication == "INDETERMINATE"


def test_time_stamp_from_the_future_proves_nothing() -> None:
    report = verify(signed_pdf(stamped=NOW + HOUR))
    assert report.existed_at is None
    assert report.signers[0].time_stamps[0].sub_indication == "NOT_YET_VALID"


def test_facts_replay_to_the_same_report() -> None:
    report = verify(signed_pdf(stamped=NOW - HOUR))
    again = judge(Facts.decode(report.facts.encode()))
    assert again.to_json() == report.to_json()
    assert PERSON[1].encode() not in report.facts.encode()


@pytest.mark.parametrize("damage", ["stream", "tail", "cut"])
def test_altered(damage: str) -> None:
    signed = bytearray(signed_pdf())
    if damage == "stream":
        signed[signed.find(b"stream") + 20] ^= 1
    elif damage == "tail":
        signed = signed.replace(b"/ByteRange", b"/ByteRangf", 1)
    else:
        del signed[-200:]
    assert verify(bytes(signed)).indication == "TOTAL-FAILED"


ATTACKS = ["content", "overlay", "annotation", "hiding", "page", "shadow", "font", "action"]


def prey(attack: str) -> bytes:
    """The PDF that is signed before an attack: with a note to be hidden, or with a page that nothing shows yet."""
    name = generic.pdf_name
    writer = IncrementalPdfFileWriter(BytesIO(pdf()))
    pages = writer.root["/Pages"]
    page = pages["/Kids"][0].get_object()
    if attack == "hiding":
        note = {name("/Type"): name("/Annot"), name("/Subtype"): name("/FreeText"), name("/F"): generic.NumberObject(4)}
        note[name("/Rect")] = generic.ArrayObject(map(generic.NumberObject, (72, 600, 300, 640)))
        note[name("/Contents")] = generic.pdf_string("Deposit: none")
        page[name("/Annots")] = generic.ArrayObject([writer.add_object(generic.DictionaryObject(note))])
        writer.update_container(page)
    elif attack == "shadow":
        text = generic.StreamObject(stream_data=b"BT /F1 12 Tf 72 720 Td (Rent: 900,000 yen) Tj ET")
        other = generic.DictionaryObject(page)
        other[name("/Contents")] = writer.add_object(text)
        tree = generic.DictionaryObject(pages)
        tree[name("/Kids")] = generic.ArrayObject([writer.add_object(other)])
        writer.root[name("/Spare")] = writer.add_object(tree)
        writer.update_root()
    else:
        return pdf()
    return written(writer)


def updated(signed: bytes, change: str) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(signed))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    text = generic.StreamObject(stream_data=b"BT /F1 12 Tf 72 720 Td (Rent: 900,000 yen) Tj ET")
    if change == "overlay":  # white over the rent, another rent over the white
        over = generic.StreamObject(stream_data=b"1 g 60 700 400 60 re f 0 g " + text.data)
        page[generic.pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), writer.add_object(over)])
        writer.update_container(page)
    elif change == "hiding":
        note = page["/Annots"][0].get_object()
        note[generic.pdf_name("/F")] = generic.NumberObject(2)
        writer.update_container(note)
    elif change == "shadow":
        writer.root[generic.pdf_name("/Pages")] = writer.root.raw_get("/Spare")
        writer.update_root()
    return written(writer) if change in {"overlay", "hiding", "shadow"} else _updated(writer, page, text, change)


def written(writer: IncrementalPdfFileWriter) -> bytes:
    held = BytesIO()
    writer.write(held)
    return held.getvalue()


def _updated(writer: IncrementalPdfFileWriter, page: Any, text: Any, change: str) -> bytes:
    if change == "content":
        page[generic.pdf_name("/Contents")] = writer.add_object(text)
        writer.update_container(page)
    elif change == "annotation":
        note = generic.DictionaryObject(
            {
                generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
                generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
                generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 800))),
                generic.pdf_name("/Contents"): generic.pdf_string("Rent: 900,000 yen"),
            }
        )
        page.setdefault(generic.pdf_name("/Annots"), generic.ArrayObject()).append(writer.add_object(note))
        writer.update_container(page)
    elif change == "page":
        pages = writer.root["/Pages"]
        pages["/Kids"].append(pages["/Kids"][0])
        pages[generic.pdf_name("/Count")] = generic.NumberObject(2)
        writer.update_container(pages)
    elif change == "font":
        page["/Resources"]["/Font"][generic.pdf_name("/F1")] = writer.add_object(
            generic.DictionaryObject(
                {
                    generic.pdf_name("/Type"): generic.pdf_name("/Font"),
                    generic.pdf_name("/Subtype"): generic.pdf_name("/Type1"),
                    generic.pdf_name("/BaseFont"): generic.pdf_name("/Symbol"),
                }
            )
        )
        writer.update_container(page["/Resources"]["/Font"])
    else:
        writer.root[generic.pdf_name("/OpenAction")] = writer.add_object(text)
        writer.update_root()
    return written(writer)


@pytest.mark.parametrize("change", ATTACKS)
def test_incremental_update_and_shadow_attacks(change: str) -> None:
    signed = signed_pdf(prey(change))
    assert outcome(verify(signed)) == PASSED
    report = verify(updated(signed, change))
    assert outcome(report) == CHANGED
    assert report.signers[0].coverage == "revision"
    # a second signature over the attack does not make the first one good
    again = signed_pdf(updated(signed, change), name="other", certificate=OTHER, field="Signature2")
    assert [signer.indication for signer in verify(again).signers] == ["TOTAL-FAILED", "TOTAL-PASSED"]


@pytest.mark.parametrize("drawn", [False, True])
def test_unsigned_field_drawn_over_the_page(drawn: bool) -> None:
    """An empty field for a further signer is fine; one that draws another rent over the signed one is not."""
    writer = IncrementalPdfFileWriter(BytesIO(signed_pdf()))
    fields.append_signature_field(writer, fields.SigFieldSpec("Empty", on_page=0, box=(60, 700, 400, 760)))
    if drawn:
        text = b"1 g 0 0 340 60 re f 0 g BT /F1 12 Tf 12 20 Td (Rent: 900,000 yen) Tj ET"
        shown = generic.StreamObject(stream_data=text)
        shown[generic.pdf_name("/Subtype")] = generic.pdf_name("/Form")
        shown[generic.pdf_name("/BBox")] = generic.ArrayObject(map(generic.NumberObject, (0, 0, 340, 60)))
        found = [one.get_object() for one in writer.root["/AcroForm"]["/Fields"]]
        field = next(one for one in found if one["/T"] == "Empty")
        field[generic.pdf_name("/AP")] = generic.DictionaryObject({generic.pdf_name("/N"): writer.add_object(shown)})
        writer.update_container(field)
    held = BytesIO()
    writer.write(held)
    assert outcome(verify(held.getvalue())) == (CHANGED if drawn else PASSED)


def test_object_appended_without_cross_reference() -> None:
    signed = signed_pdf()
    assert outcome(verify(signed + b"\n4 0 obj <</Type /Page>> endobj\n")) in {
        CHANGED,
        ("TOTAL-FAILED", "FORMAT_FAILURE"),
    }
    start = signed[signed.rfind(b"startxref") :]
    assert outcome(verify(signed + b"4 0 obj <<>> endobj\n" + start)) == CHANGED
    assert outcome(verify(signed + b"\n\n")) == PASSED


def test_gap_that_holds_something_else() -> None:
    """Signature wrapping: the byte range leaves out more than the signature's own value."""
    signed = signed_pdf()
    at = signed.find(b"/ByteRange")
    span = signed[at : signed.find(b"]", at) + 1]
    first, length, second, rest = (int(one) for one in span[span.find(b"[") + 1 : -1].split())
    for changed in (
        (first, length - 5, second, rest),
        (first, length, second + 5, rest - 5),
        (5, length - 5, second, rest),
    ):
        text = (b"/ByteRange [" + b" ".join(b"%d" % one for one in changed)).ljust(len(span) - 1) + b"]"
        assert verify(signed.replace(span, text)).indication == "TOTAL-FAILED"


def test_field_filled_in_after_the_signature() -> None:
    from reportlab.pdfgen.canvas import Canvas

    held = BytesIO()
    canvas = Canvas(held)
    canvas.acroForm.textfield(name="rent", x=72, y=700, value="")
    canvas.showPage()
    canvas.save()
    signed = signed_pdf(held.getvalue())
    writer = IncrementalPdfFileWriter(BytesIO(signed))
    field = next(one.get_object() for one in writer.root["/AcroForm"]["/Fields"] if one.get_object()["/T"] == "rent")
    field[generic.pdf_name("/V")] = generic.pdf_string("900,000")
    writer.update_container(field)
    out = BytesIO()
    writer.write(out)
    assert outcome(verify(out.getvalue())) == CHANGED


def test_unsigned_encrypted_and_unknown() -> None:
    assert outcome(verify(pdf())) == ("TOTAL-FAILED", "FORMAT_FAILURE")
    signed = signed_pdf().replace(b"/ETSI.CAdES.detached", b"/ETSI.CAdES.somewhat")
    assert verify(signed).indication != "TOTAL-PASSED"
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import copy_into_new_writer

    writer = copy_into_new_writer(PdfFileReader(BytesIO(pdf())))
    writer.encrypt("secret", "secret")
    out = BytesIO()
    writer.write(out)
    report = verify(out.getvalue())
    assert outcome(report) == ("TOTAL-FAILED", "FORMAT_FAILURE")
    assert "pdf_encrypted" in report.checks[0].reason


def test_more_hexadecimal_digits_than_anybody_signs_cost_nothing() -> None:
    """A value of 16 million digits would keep a reader busy for half a minute."""
    signed = signed_pdf(bytes_reserved=8 << 20)
    began = time.process_time()
    report = verify(signed)
    assert outcome(report) == ("TOTAL-FAILED", "FORMAT_FAILURE")
    assert time.process_time() - began < 2


def with_fields_in_one_comment(fields: int, length: int) -> bytes:
    """A PDF whose form fields all begin in one comment, which a reader goes over once for each of them."""
    held = bytearray(b"%PDF-1.7\n")
    named = b" ".join(b"%d 0 R" % (4 + n) for n in range(fields))
    places = []
    for number, body in enumerate(
        (
            b"<</Type/Catalog/Pages 2 0 R/AcroForm 3 0 R>>",
            b"<</Type/Pages/Kids[]/Count 0>>",
            b"<</SigFlags 3/Fields[" + named + b"]>>",
        ),
        1,
    ):
        places.append(len(held))
        held += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    for n in range(fields):
        places.append(len(held))
        held += b"%d 0 obj %%" % (4 + n)
    held += b"x" * length + b"\n<</FT/Sig/T(a)>>\nendobj\n"
    start = len(held)
    held += b"xref\n0 %d\n0000000000 65535 f \n" % (1 + len(places))
    held += b"".join(b"%010d 00000 n \n" % place for place in places)
    held += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (1 + len(places), start)
    return bytes(held)


@pytest.mark.parametrize("read", ["verified", "prepared"])
def test_file_that_would_be_read_over_and_over_is_refused(read: str) -> None:
    """600 fields in a comment of 1.2 million octets: 720 million octets to read, one by one."""
    assert honnin.verify(with_fields_in_one_comment(3, 1000)).reason == "Nobody signed this file."
    hostile = with_fields_in_one_comment(600, 1_200_000)
    began = time.process_time()
    if read == "verified":
        assert outcome(verify(hostile)) == ("TOTAL-FAILED", "FORMAT_FAILURE")
    else:
        with pytest.raises(FormatError, match=r"signature\.pdf_malformed"):
            prepare_pdf(
                hostile,
                CERTIFICATE,
                name="sha256",
                at=NOW,
                stamp=None,
                reason=None,
                location=None,
                field=None,
                words=None,
            )
    assert time.process_time() - began < 20


def test_reading_is_bounded_by_the_files_length() -> None:
    octets = bytes(8 << 20)
    stream = BoundedReading(octets)
    for _ in range(2):  # and four megabytes more
        assert stream.read() == octets
        stream.seek(0)
    stream.read()
    with pytest.raises(FormatError, match=r"signature\.pdf_malformed"):
        stream.seek(0)


def test_header_after_rubbish() -> None:
    assert verify(b"rubbish\n" + signed_pdf()).indication == "TOTAL-FAILED"


def test_certificate_of_another_signer_is_not_enough() -> None:
    signed = signed_pdf(certificate=OTHER)  # another's certificate over the person's key
    assert outcome(verify(signed)) == ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE")
    assert CERTIFICATE != OTHER
