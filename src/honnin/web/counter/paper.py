"""A record of the counter as a PDF to print or save: what was found and why, by whom, where; nothing of the customer.

It names the record, the method by its paragraph and the place in the evidence log: a receipt can be held against it.
Black on white, results by sign and word; the font is embedded and covers JIS X 0213.
"""

import re
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
from honnin.platform.evidence.receipt import Receipt
from honnin.platform.records import record_law
from honnin.web.design.languages import html_lang
from honnin.web.design.times import write_moment
from honnin.words import Language, say
from honnin.words.fonts import japanese_font

__all__ = ["proof_paper"]

FONT: Final = "honnin-japanese"
MARGIN: Final = 18 * mm
NAME_WIDTH: Final = 42 * mm
VARIATION_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
STAND_IN: Final = "〓"
SIGNS: Final = {"passed": "○", "failed": "×", "not_checked": "－"}


def proof_paper(check: CounterCheck, business: str, receipt: Receipt | None, language: Language) -> bytes:
    """Return the PDF. Raises InputError `font.missing`.

    business: name of the tenant. receipt: of the check; None while the log has no signed head over it.
    """
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

    sheet.build(list(_story(check, business, receipt, title, language)), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


@cache
def _font() -> str:
    pdfmetrics.registerFont(TTFont(FONT, str(japanese_font())))
    return FONT


def _printable(text: str) -> str:
    """Return a text with 〓 for what the font does not have; variants of a character are written as the character."""
    glyphs = pdfmetrics.getFont(_font()).face.charToGlyph
    plain = VARIATION_SELECTORS.sub("", text)
    return "".join(letter if ord(letter) in glyphs or letter.isspace() else STAND_IN for letter in plain)


def _story(
    check: CounterCheck, business: str, receipt: Receipt | None, title: str, language: Language
) -> Iterator[Flowable]:
    wrap = None if language == "en" else "CJK"
    text = ParagraphStyle("text", fontName=_font(), fontSize=10, leading=14, wordWrap=wrap, splitLongWords=1)
    small = ParagraphStyle("small", parent=text, fontSize=8.5, leading=12)
    head = ParagraphStyle("head", parent=text, fontSize=18, leading=26)
    part = ParagraphStyle("part", parent=text, fontSize=12, leading=18, spaceBefore=10, spaceAfter=4)

    def word(name: str) -> str:
        return say(f"counter.{name}", language)

    def cell(value: str, style: ParagraphStyle = text) -> Flowable:
        return Paragraph(escape(_printable(value)), style)

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
    yield cell(word("paper_evidence"), part)
    yield _table([[cell(name, small), cell(value)] for name, value in _evidence(check, receipt, language)])
    yield cell(word("paper_verify"), small)
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
        (word("staff"), _with_id(check.staff, check.staff_id)),
        (word("place"), check.place),
        (word("terminal"), _with_id(check.terminal, check.terminal_id)),
        (word("purpose"), word(f"purpose_{check.purpose}")),
        *_of_law(check, language),
    ]


def _of_law(check: CounterCheck, language: Language) -> list[tuple[str, str]]:
    """Return the law's method by its paragraph and id, and the verification record that was made."""
    if check.law is None:
        return []
    title = record_law(check.law).title
    name = title.en if language == "en" else title.ja
    none = "law_not_enough" if check.verdict.indication == "PASSED" else "law_not_passed"
    method = f"{check.article or ''} {check.method}".strip() if check.method else say(f"counter.{none}", language)
    rows = [(say("counter.method", language), method)]
    return [*rows, (say("counter.record", language), f"{name} {check.record}")] if check.record else rows


def _evidence(check: CounterCheck, receipt: Receipt | None, language: Language) -> list[tuple[str, str]]:
    def word(name: str) -> str:
        return say(f"counter.{name}", language)

    rows = [(word("check_id"), check.id), (word("evidence"), check.evidence)]
    if receipt is None:
        return [*rows, (word("log_place"), word("log_pending"))]
    place = say("counter.log_at", language, log=receipt.log_id, index=receipt.leaf_index, size=receipt.tree_size)
    return [*rows, (word("log_place"), place), (word("log_key"), receipt.key_id)]


def _with_id(name: str, known: str | None) -> str:
    return f"{name} {known}" if known else name
