"""A record of the counter as a PDF to print or save: what was found and why, by whom, where; nothing of the customer.

Black on white, results by sign and word; the font is embedded and covers JIS X 0213.
"""

from collections.abc import Iterator
from functools import cache
from html import escape
from io import BytesIO
from typing import Any, Final

from reportlab.lib.colors import black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from honnin.platform.counter import CounterCheck
from honnin.web.design.languages import html_lang
from honnin.web.design.times import write_moment
from honnin.words import Language, say
from honnin.words.fonts import japanese_font

__all__ = ["proof_paper"]

FONT: Final = "honnin-japanese"
MARGIN: Final = 22 * mm
NAME_WIDTH: Final = 42 * mm
SIGNS: Final = {"passed": "○", "failed": "×", "not_checked": "－"}


def proof_paper(check: CounterCheck, business: str, language: Language) -> bytes:
    """Return the PDF. business: name of the tenant. Raises InputError `font.missing`."""
    out = BytesIO()
    title = say("counter.paper_title", language)
    sheet = SimpleDocTemplate(
        out,
        pagesize=A4,
        title=title,
        author="honnin",
        lang=html_lang(language),
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        invariant=True,
    )

    def foot(canvas: Canvas, page: Any) -> None:
        canvas.setFont(_font(), 8)
        canvas.drawString(MARGIN, 12 * mm, check.id)
        canvas.drawRightString(A4[0] - MARGIN, 12 * mm, str(page.page))

    sheet.build(list(_story(check, business, title, language)), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


@cache
def _font() -> str:
    pdfmetrics.registerFont(TTFont(FONT, str(japanese_font())))
    return FONT


def _story(check: CounterCheck, business: str, title: str, language: Language) -> Iterator[Flowable]:
    wrap = None if language == "en" else "CJK"
    text = ParagraphStyle("text", fontName=_font(), fontSize=10, leading=15, wordWrap=wrap, splitLongWords=1)
    small = ParagraphStyle("small", parent=text, fontSize=8.5, leading=13)
    head = ParagraphStyle("head", parent=text, fontSize=18, leading=26)
    part = ParagraphStyle("part", parent=text, fontSize=12, leading=18, spaceBefore=10, spaceAfter=4)

    def word(name: str) -> str:
        return say(f"counter.{name}", language)

    def cell(value: str, style: ParagraphStyle = text) -> Flowable:
        return Paragraph(escape(value), style)

    yield cell(title, head)
    yield Spacer(1, 4 * mm)
    yield _table([[cell(name, small), cell(value)] for name, value in _rows(check, business, language)])
    yield cell(word("proofs"), part)
    yield _table(
        [
            [
                cell(f"{SIGNS[one['result']]} {word('result_' + one['result'])}"),
                [cell(word(f"proof_{one['id']}")), cell(_why(one, language), small)],
            ]
            for one in check.verdict.checks
        ]
    )
    yield Spacer(1, 4 * mm)
    yield cell(word("not_lost"), small)


def _table(rows: list[list[Any]]) -> Table:
    style: list[Any] = [("LINEBELOW", (0, 0), (-1, -1), 0.5, black), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    return Table(rows, colWidths=(NAME_WIDTH, A4[0] - 2 * MARGIN - NAME_WIDTH), style=style, hAlign="LEFT")


def _why(check: dict[str, Any], language: Language) -> str:
    """Return a check's reason in words; a record from before reasons had codes has it in English alone."""
    return say(check["code"], language) if "code" in check else str(check["reason"])


def _rows(check: CounterCheck, business: str, language: Language) -> list[tuple[str, str]]:
    def word(name: str) -> str:
        return say(f"counter.{name}", language)

    return [
        (word("paper_verdict"), word(f"verdict_{check.verdict.indication}")),
        (word("authentic"), word(f"authentic_{check.authentic}")),
        (word("current"), word(f"current_{check.current}")),
        (word("standing"), word(f"standing_{check.standing}")),
        (word("same_person"), word("yes" if check.same_person else "no")),
        (word("document"), word(f"document_{check.document}")),
        (word("kept"), check.kept),
        (word("when"), write_moment(check.created_at, language, seconds=True)),
        (word("business"), business),
        (word("staff"), check.staff),
        (word("place"), check.place),
        (word("terminal"), check.terminal),
        (word("purpose"), word(f"purpose_{check.purpose}")),
        (word("check_id"), check.id),
        (word("evidence"), check.evidence),
    ]
