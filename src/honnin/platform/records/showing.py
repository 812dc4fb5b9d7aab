"""A record on paper and for an auditor: PDF in Japanese (A4), and CSV (RFC 4180, UTF-8, with or without BOM).

Nothing is left out of either: every entry in order, what is still missing, how long it is kept and where its evidence
lies. A value that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, CSV injection).
"""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from honnin.platform.clock import JAPAN
from honnin.platform.records.items import record_law
from honnin.platform.records.making import Entry, Record
from honnin.words import Language, say
from honnin.words.fonts import japanese_font

__all__ = ["as_csv", "as_pdf"]

HEAD = ("record", "law", "verification", "entry", "at", "by", "reason", "number", "item", "name", "value")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
FONT = "honnin-japanese"


def as_csv(records: Sequence[tuple[Record, tuple[Entry, ...]]], *, bom: bool = False) -> bytes:
    """Return records with all entries, one item a line. bom: for spreadsheets that guess another encoding."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEAD)
    for record, entries in records:
        for entry in entries:
            for filled in entry.items:
                writer.writerow(
                    _harmless(value)
                    for value in (
                        record.id,
                        record.law,
                        record.verification,
                        entry.number,
                        entry.at.astimezone(JAPAN).isoformat(timespec="seconds"),
                        entry.by,
                        entry.reason or "",
                        filled.number or "",
                        filled.id,
                        filled.name,
                        filled.value,
                    )
                )
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def as_pdf(record: Record, entries: tuple[Entry, ...], language: Language = "ja") -> bytes:
    """Return a record as a PDF. Raises InputError `font.missing` on a machine without a Japanese font."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    out = io.BytesIO()
    title = record.title.en if language == "en" else record.title.ja
    document = SimpleDocTemplate(
        out, pagesize=A4, title=f"{title} {record.id}", author="honnin", topMargin=48, bottomMargin=48
    )

    def footer(canvas: Any, page: Any) -> None:
        canvas.setFont(_font(), 8)
        canvas.drawString(page.leftMargin, 28, record.id)
        canvas.drawRightString(A4[0] - page.rightMargin, 28, str(canvas.getPageNumber()))

    document.build(list(_story(record, entries, title, language)), onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()


@cache
def _font() -> str:
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    registerFont(TTFont(FONT, str(japanese_font())))
    return FONT


def _story(record: Record, entries: tuple[Entry, ...], title: str, language: Language) -> Iterator[Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, Spacer

    head = ParagraphStyle("head", fontName=_font(), fontSize=18, leading=26, wordWrap="CJK")
    part = ParagraphStyle("part", parent=head, fontSize=11, leading=18, spaceBefore=12, spaceAfter=4)
    text = ParagraphStyle("text", parent=head, fontSize=9, leading=13)

    def cell(value: str) -> Any:
        return Paragraph(_escaped(value), text)

    def t(key: str, **values: object) -> str:
        return say(f"record.{key}", language, **values)

    law = record_law(record.law)
    items = {item.id: item for item in law.items}
    yield Paragraph(_escaped(title), head)
    kept = record.keep_until.isoformat() if record.keep_until else t("page_running")
    note = (record.numbering.en if language == "en" else record.numbering.ja) if record.numbering else ""
    about = [
        (t("page_record"), record.id),
        (t("page_law"), f"{record.article}\n{note}".strip()),
        (t("page_check"), record.verification),
        (t("page_keep"), kept),
        (t("page_evidence"), t(f"evidence_{record.evidence}", where=record.custody or "–")),
    ]
    if record.missing:
        words = [items[name].en if language == "en" else items[name].ja for name in record.missing]
        about.append((t("page_missing"), "\n".join(words)))
    yield _table([[cell(name), cell(value)] for name, value in about], (110, 340))
    for entry in entries:
        name = t("page_first") if entry.number == 1 else t("page_correction", n=entry.number - 1)
        yield Paragraph(_escaped(name), part)
        when = entry.at.astimezone(JAPAN).strftime("%Y-%m-%d %H:%M:%S JST")
        who = f"{t('page_at')} {when}　{t('page_by')} {entry.by}"
        yield cell(who + (f"　{t('page_reason')} {entry.reason}" if entry.reason else ""))
        yield Spacer(1, 4)
        rows = [[cell(t(f"page_{column}")) for column in ("number", "item", "value")]]
        for filled in entry.items:
            named = items[filled.id].en if language == "en" else filled.name
            rows.append([cell(filled.number or ""), cell(named), cell(filled.value)])
        yield _table(rows, (32, 168, 250), head=True)


def _table(rows: list[list[Any]], widths: tuple[int, ...], *, head: bool = False) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table

    style: list[Any] = [("GRID", (0, 0), (-1, -1), 0.5, HexColor("#949494")), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    if head:
        style.append(("BACKGROUND", (0, 0), (-1, 0), HexColor("#e8f1fe")))
    return Table(rows, colWidths=widths, style=style, repeatRows=1 if head else 0, hAlign="LEFT")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br/>")


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
