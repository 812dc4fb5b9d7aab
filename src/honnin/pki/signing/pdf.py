"""PDF: the place for a signature, the value put there, kept revocation data, document time stamps (PAdES).

pyHanko writes the structure; every change is an incremental update, so that earlier signatures stay what they were.
"""

from datetime import datetime
from io import BytesIO
from typing import Any

from honnin.errors import FormatError, HonninError, InputError
from honnin.pki.bounded_reading import BoundedReading
from honnin.pki.signing.cms import signed_attributes
from honnin.pki.signing.prepared import Hash, Kept, Prepared, Stamp, StampDigest

__all__ = ["fill", "keep", "prepare_pdf", "stamp_document"]

RESERVED = 40 << 10  # hex digits: CMS with a time stamp and some certificates takes about 20 Ki; readers pay for each
FIRST_BOX, BOX, GAP, COLUMNS = (36, 36), (168, 54), 9, 3  # points; three stamps beside each other, then a row above


def prepare_pdf(
    octets: bytes,
    certificate: bytes | None,
    *,
    name: Hash,
    at: datetime,
    stamp: Stamp | None,
    reason: str | None,
    location: str | None,
    field: str | None,
    words: str | None,
) -> Prepared:
    """Return the PDF with a place for one more signature. Raises FormatError `signature.pdf_malformed`."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
    from pyhanko.sign.signers import cms_embedder
    from pyhanko.sign.signers.pdf_byterange import SignatureObject

    try:
        writer = IncrementalPdfFileWriter(BoundedReading(octets))
        existing = [found for found, _, _ in enumerate_sig_fields(writer.prev)]
        filled = len(list(enumerate_sig_fields(writer.prev, filled_status=True)))
        chosen = field or _free_name(existing)
        where = None if stamp is None else (stamp.box or _place(filled))
        spec = SigFieldSpec(chosen, on_page=-1 if stamp is None else stamp.page, box=where)
        embedder = cms_embedder.PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name=chosen, writer=writer)
        next(embedder)
        # ETSI.CAdES.detached asks for the certificate among what is signed (EN 319 142-1 §6.3).
        known = SigSeedSubFilter.PADES if certificate is not None else SigSeedSubFilter.ADOBE_PKCS7_DETACHED
        placeholder = SignatureObject(
            timestamp=at, subfilter=known, reason=reason, location=location, bytes_reserved=RESERVED
        )
        appearance = None if stamp is None or where is None else _appearance(stamp, where, at)
        embedder.send(cms_embedder.SigObjSetup(sig_placeholder=placeholder, appearance_setup=appearance))
        prepared, out = embedder.send(cms_embedder.SigIOSetup(md_algorithm=name, in_place=False))
    except HonninError:
        raise
    except Exception as error:  # noqa: BLE001 - pyHanko's own errors, and whatever broken structures lead it to
        raise _unwritable(error) from None
    return Prepared(
        kind="pdf",
        hash=name,
        to_be_signed=signed_attributes(prepared.document_digest, name, certificate, None if certificate else at, words),
        document=out.getvalue(),
        place=(prepared.reserved_region_start, prepared.reserved_region_end),
        certificate=certificate,
    )


def fill(document: bytes, place: tuple[int, int], value: bytes) -> bytes:
    """Return the PDF with a CMS or a token in its place. Raises InputError `signing.no_room`."""
    start, end = place
    digits = value.hex().upper().encode()
    room = end - start - 2
    if document[start : start + 1] != b"<" or len(digits) > room:
        raise InputError(
            "signing.no_room", "The signature does not fit its place.", next="Keep less with it, or prepare again."
        )
    return document[: start + 1] + digits.ljust(room, b"0") + document[end - 1 :]


def keep(document: bytes, kept: Kept) -> bytes:
    """Return the PDF with a document security store (EN 319 142-1 §5.4.2) beside what it has already."""
    from asn1crypto import crl, ocsp, x509
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.validation.dss import DocumentSecurityStore

    writer = IncrementalPdfFileWriter(BoundedReading(document))
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[x509.Certificate.load(one) for one in kept.certificates],
        ocsps=[ocsp.OCSPResponse.load(one) for one in kept.ocsp],
        crls=[crl.CertificateList.load(one) for one in kept.crls],
    )
    return _written(writer)


def stamp_document(document: bytes, stamp: StampDigest) -> bytes:
    """Return the PDF with a time stamp over all of it (EN 319 142-1 §5.4.3)."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import enumerate_sig_fields
    from pyhanko.sign.signers import cms_embedder
    from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp

    try:
        writer = IncrementalPdfFileWriter(BoundedReading(document))
        chosen = _free_name([found for found, _, _ in enumerate_sig_fields(writer.prev)], "TimeStamp")
        embedder = cms_embedder.PdfCMSEmbedder().write_cms(field_name=chosen, writer=writer)
        next(embedder)
        placeholder = DocumentTimestamp(bytes_reserved=RESERVED)  # type: ignore[no-untyped-call]
        embedder.send(cms_embedder.SigObjSetup(sig_placeholder=placeholder))
        prepared, out = embedder.send(cms_embedder.SigIOSetup(md_algorithm="sha256", in_place=False))
    except Exception as error:  # noqa: BLE001 - as above
        raise _unwritable(error) from None
    place = (prepared.reserved_region_start, prepared.reserved_region_end)
    return fill(out.getvalue(), place, stamp(prepared.document_digest))


def _written(writer: Any) -> bytes:
    held = BytesIO()
    writer.write(held)
    return held.getvalue()


def _free_name(existing: list[str], begin: str = "Signature") -> str:
    return next(name for name in (f"{begin}{number}" for number in range(1, 10_000)) if name not in existing)


def _place(filled: int) -> tuple[int, int, int, int]:
    """Return a box at the foot of the page for the next stamp."""
    row, column = divmod(filled, COLUMNS)
    left = FIRST_BOX[0] + column * (BOX[0] + GAP)
    below = FIRST_BOX[1] + row * (BOX[1] + GAP)
    return left, below, left + BOX[0], below + BOX[1]


def _appearance(stamp: Stamp, where: tuple[int, int, int, int], at: datetime) -> Any:
    from pyhanko.sign.signers.cms_embedder import SigAppearanceSetup
    from pyhanko.stamp import StaticStampStyle

    from honnin.pki.signing.stamp import content_of, drawn_stamp

    page = drawn_stamp(stamp.lines, where[2] - where[0], where[3] - where[1])
    style = StaticStampStyle(background=content_of(page), background_opacity=1, border_width=0)
    return SigAppearanceSetup(style=style, timestamp=at, name=None)


def _unwritable(error: Exception) -> FormatError:
    return FormatError(
        "signature.pdf_malformed",
        f"The PDF cannot be signed ({type(error).__name__}).",
        next="Give a PDF that is whole, not encrypted, and whose field is still free.",
    )
