"""A signed file as it looks, without its signatures: pages and stamps drawn anew, and a closing page in Japanese.

Only what a page draws is taken over (content and the appearance of signature fields), never annotations, forms,
attachments, metadata or the security store, so that no certificate and no revocation data is left in it.
"""

from contextlib import suppress
from io import BytesIO
from typing import Any

from honnin.identity.dates import JST
from honnin.pki.bounded_reading import BoundedReading
from honnin.pki.report import Report
from honnin.words import say
from honnin.words.fonts import japanese_font

__all__ = ["rendition"]

A4 = (595.28, 841.89)
MOST_PAGES = 500


def rendition(document: bytes, report: Report, receipt: str | None) -> bytes:
    """Return a PDF of what the file shows and how it was judged. Raises `font.missing`."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import PdfFileWriter

    closing = PdfFileReader(BytesIO(_closing(report, receipt)))
    # A file that was changed, or that cannot be read, is not shown: nobody signed what it would show.
    unchanged = report.indication != "TOTAL-FAILED" and all(one.coverage for one in report.signers)
    if report.facts.kind == "pdf" and unchanged:
        with suppress(Exception):  # whatever broken structures lead pyHanko to
            return _pages(PdfFileReader(BoundedReading(document)), closing)
    writer = PdfFileWriter()  # type: ignore[no-untyped-call]
    _add(writer, closing, 0, stamps=False)
    return _written(writer)


def _pages(reader: Any, closing: Any) -> bytes:
    from pyhanko.pdf_utils.writer import PdfFileWriter

    writer = PdfFileWriter()  # type: ignore[no-untyped-call]
    count = int(reader.root["/Pages"]["/Count"])
    for number in range(min(count, MOST_PAGES)):
        _add(writer, reader, number, stamps=True)
    _add(writer, closing, 0, stamps=False)
    return _written(writer)


def _add(writer: Any, reader: Any, number: int, *, stamps: bool) -> None:
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.writer import PageObject

    name = generic.pdf_name
    page = reader.find_page_for_modification(number)[0].get_object()
    drawn = writer.import_page_as_xobject(reader, page_ix=number)
    box = [float(one) for one in drawn.get_object()["/BBox"]]
    held: Any = generic.DictionaryObject({name("/Page"): drawn})  # type: ignore[no-untyped-call]
    content = [b"/Page Do"]
    for place, (left, below, appearance) in enumerate(_stamps(page) if stamps else ()):
        held[name(f"/Stamp{place}")] = writer.import_object(appearance)
        content.append(b"q 1 0 0 1 %.2f %.2f cm /Stamp%d Do Q" % (left, below, place))
    stream = writer.add_object(generic.StreamObject(stream_data=b"\n".join(content)))
    resources = generic.DictionaryObject({name("/XObject"): held})  # type: ignore[no-untyped-call]
    writer.insert_page(PageObject(stream, box, resources))  # type: ignore[no-untyped-call]


def _stamps(page: Any) -> list[tuple[float, float, Any]]:
    """Return the visible signature fields of a page: where, and what they draw."""
    found = []
    for reference in page.get("/Annots", ()):
        field = reference.get_object()
        if field.get("/FT") != "/Sig" or "/AP" not in field or "/N" not in field["/AP"]:
            continue
        left, below, right, above = (float(one) for one in field["/Rect"])
        if right > left and above > below:
            found.append((left, below, field["/AP"].raw_get("/N")))
    return found


def _closing(report: Report, receipt: str | None) -> bytes:
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    registerFont(TTFont("honnin-rendition", str(japanese_font())))
    held = BytesIO()
    canvas = Canvas(held, pagesize=A4, invariant=True)
    canvas.setTitle(say("rendition.title", "ja"))
    canvas.setFont("honnin-rendition", 16)
    canvas.drawString(56, A4[1] - 80, say("rendition.title", "ja"))
    canvas.setFont("honnin-rendition", 10)
    lines = [say("rendition.what", "ja"), say("rendition.why", "ja"), "", report.words()["ja"], ""]
    lines.append(f"{say('rendition.judged', 'ja')}  {report.at.astimezone(JST):%Y-%m-%d %H:%M:%S}")
    for number, signer in enumerate(report.signers, start=1):
        existed = signer.existed_at.astimezone(JST).strftime("%Y-%m-%d %H:%M:%S") if signer.existed_at else "―"
        outcome = " / ".join(filter(None, (signer.indication, signer.sub_indication)))
        lines.append(f"{say('rendition.signature', 'ja')} {number}  {outcome}")
        lines.append(f"　{say('rendition.existed', 'ja')}  {existed}")
    if receipt is not None:
        lines += ["", f"{say('rendition.receipt', 'ja')}  {receipt}"]
    for number, line in enumerate(lines):
        canvas.drawString(56, A4[1] - 116 - 18 * number, line)
    canvas.showPage()
    canvas.save()
    return held.getvalue()


def _written(writer: Any) -> bytes:
    held = BytesIO()
    writer.write(held)
    return held.getvalue()
