"""A record of the counter as one page to print or save: what was found, by whom, where; nothing of the customer."""

from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from honnin.platform.counter import CounterCheck
from honnin.web.design.times import write_moment
from honnin.words import Language, say
from honnin.words.fonts import japanese_font

__all__ = ["proof_paper"]

FONT = "honnin-japanese"
LEFT, TOP, LINE, VALUE = 25 * mm, 270 * mm, 8 * mm, 75 * mm


def proof_paper(check: CounterCheck, business: str, language: Language) -> bytes:
    """Return the PDF. business: name of the tenant. Raises InputError `font.missing`."""
    pdfmetrics.registerFont(TTFont(FONT, str(japanese_font())))
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    canvas.setTitle(say("counter.paper_title", language))
    canvas.setFont(FONT, 18)
    canvas.drawString(LEFT, TOP, say("counter.paper_title", language))
    y = TOP - 2 * LINE
    for name, value in _rows(check, business, language):
        canvas.setFont(FONT, 10)
        canvas.drawString(LEFT, y, name)
        canvas.setFont(FONT, 11)
        for line in _lines(value):
            canvas.drawString(VALUE, y, line)
            y -= LINE * 0.7
        y -= LINE * 0.3
        canvas.line(LEFT, y + LINE * 0.55, A4[0] - LEFT, y + LINE * 0.55)
    canvas.setFont(FONT, 9)
    for line in _lines(say("counter.not_lost", language), 46):
        canvas.drawString(LEFT, y, line)
        y -= LINE * 0.6
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _rows(check: CounterCheck, business: str, language: Language) -> list[tuple[str, str]]:
    def word(name: str) -> str:
        return say(f"counter.{name}", language)

    proofs = [": ".join((word("proof_" + one["id"]), word("result_" + one["result"]))) for one in check.verdict.checks]
    return [
        (word("paper_verdict"), f"{check.verdict.indication} {check.verdict.sub_indication or ''}".strip()),
        (word("authentic"), word(f"authentic_{check.authentic}")),
        (word("current"), word(f"current_{check.current}")),
        (word("same_person"), word("yes" if check.same_person else "no")),
        (word("document"), word(f"document_{check.document}")),
        (word("kept"), check.kept),
        (word("when"), write_moment(check.created_at, language, seconds=True)),
        (word("business"), business),
        (word("staff"), check.staff),
        (word("place"), check.place),
        (word("terminal"), check.terminal),
        (word("purpose"), word(f"purpose_{check.purpose}")),
        *((word("proofs") if n == 0 else "", proof) for n, proof in enumerate(proofs)),
        (word("check_id"), check.id),
        (word("evidence"), check.evidence),
    ]


def _lines(text: str, width: int = 34) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)] or [""]
