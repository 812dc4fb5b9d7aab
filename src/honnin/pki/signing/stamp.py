"""The visible stamp of a signature in a PDF: a few lines in Japanese within a border, never cut off.

A stamp proves nothing: anybody can draw one. What counts is the signature's own report.
"""

from functools import cache
from io import BytesIO
from typing import Any

from honnin.words.fonts import japanese_font

__all__ = ["content_of", "drawn_stamp"]

_FONT = "honnin-japanese"
_LARGEST, _LEADING, _MARGIN = 11.0, 1.35, 6.0  # points, times the size, points
_INK = (0.72, 0.11, 0.11)  # the red of a seal


def drawn_stamp(lines: tuple[str, ...], width: float, height: float) -> bytes:
    """Return a PDF of one page, so large, that shows the lines. Raises `font.missing`."""
    from reportlab.pdfbase.pdfmetrics import stringWidth
    from reportlab.pdfgen.canvas import Canvas

    _register()
    shown = [" ".join(line.splitlines()).strip() for line in lines if line.strip()] or [""]
    widest = max(stringWidth(line, _FONT, 1) for line in shown) or 1
    size = min(_LARGEST, (width - 2 * _MARGIN) / widest, (height - 2 * _MARGIN) / (len(shown) * _LEADING))
    held = BytesIO()
    canvas = Canvas(held, pagesize=(width, height), invariant=True)
    canvas.setStrokeColorRGB(*_INK)
    canvas.setFillColorRGB(*_INK)
    canvas.roundRect(0.75, 0.75, width - 1.5, height - 1.5, 4)
    canvas.setFont(_FONT, size)
    top = (height + len(shown) * size * _LEADING) / 2 - size
    for number, line in enumerate(shown):
        canvas.drawString(_MARGIN, top - number * size * _LEADING, line)
    canvas.showPage()
    canvas.save()
    return held.getvalue()


def content_of(page: bytes) -> Any:
    """Return a page as content that pyHanko puts into a field."""
    from pyhanko.pdf_utils.content import PdfContent
    from pyhanko.pdf_utils.layout import BoxConstraints
    from pyhanko.pdf_utils.reader import PdfFileReader

    class Page(PdfContent):
        def render(self) -> bytes:
            drawn = self._ensure_writer.import_page_as_xobject(PdfFileReader(BytesIO(page)), page_ix=0)
            self.resources.xobject["/Stamp"] = drawn
            left, below, right, above = drawn.get_object()["/BBox"]
            self.box = BoxConstraints(width=abs(right - left), height=abs(above - below))
            return b"/Stamp Do"

    return Page()


@cache
def _register() -> None:
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    registerFont(TTFont(_FONT, str(japanese_font())))
