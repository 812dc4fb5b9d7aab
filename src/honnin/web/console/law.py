"""The console's page on the law: methods by law on a day, what changes next, each cell explained with its source.

GET /law?on=YYYY-MM-DD      the matrix on a day in Japan; without a day, that of the environment's clock
GET /law?…&early=1          the same with the tenant's switch "apply the rules of 2027 now"
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from honnin.identity.dates import jst_day
from honnin.law import TenantStanding, assurance, changes, methods, retention, rule_table
from honnin.law.matrix import Cell, Entry, matrix, matrix_laws
from honnin.law.rows import Words
from honnin.law.standing import tightened
from honnin.platform.simulating import Simulation
from honnin.web.design import Pages, language_of
from honnin.words import Language, say

__all__ = ["law_routes"]

FIRST, LAST = date(2018, 11, 30), date(2027, 12, 31)
MARKS = {"open": "good", "ended": "bad", "coming": "info", "refused": "bad"}
EARLY = TenantStanding(verifier_status="certified", number_handler=True, apply_2027_rules=True)


def law_routes(
    pages: Pages, now: Callable[[], datetime], past: Callable[[date, bool], Simulation | None]
) -> list[Route]:
    """Return the routes of the page.

    now: the environment's clock. past: what the law of a day says of the demo tenant's last checks, with the switch.
    """

    def page(request: Request) -> Response:
        today = jst_day(now())
        day = _day(request.query_params.get("on"), today)
        early = "early" in request.query_params
        language = language_of(request)
        days = sorted({change.on for name in matrix_laws() for change in changes(name, FIRST, LAST)})
        coming = next((on for on in days if on > day), None)
        return pages.render(
            request,
            "law.html",
            day=day,
            today=today,
            first=FIRST,
            last=LAST,
            place=(day - FIRST).days,
            length=(LAST - FIRST).days,
            milestones=sorted({FIRST, *days, today, coming - timedelta(days=1) if coming else today}),
            laws=[
                (name, _either(rule_table().laws[name].name, language), _note(name, language)) for name in matrix_laws()
            ],
            routes=[
                (say(f"law.route_{r.id}", language), [_cell(c, language, day, early=early) for c in r.cells])
                for r in matrix(day)
            ],
            early=early,
            past=past(day, early),
            name_of=lambda method: _name(method, language),
            coming=coming,
            changes=_changes(coming, language) if coming else [],
            others=_others(day, language),
        )

    return [Route("/law", page)]


def _day(text: str | None, today: date) -> date:
    """Return the day asked for, kept within the page's years; today's where it is none."""
    try:
        return min(max(date.fromisoformat(text or ""), FIRST), LAST)
    except ValueError:
        return today


def _cell(cell: Cell, language: Language, day: date, *, early: bool) -> dict[str, Any]:
    entries = [_entry(entry, language, day, early=early) for entry in cell.entries]
    return {"silent": cell.silent, "entries": sorted(entries, key=lambda entry: str(entry["state"]), reverse=True)}


def _entry(entry: Entry, language: Language, day: date, *, early: bool) -> dict[str, Any]:
    row, state = entry.row, str(entry.state)
    if early and state == "open":
        strict = tightened(rule_table(), row, EARLY, day)
        row, state = (row, "refused") if strict is None else (strict, state)
    kept, levels = retention(row.id, {}), assurance(row.id)
    return {
        "id": row.id,
        "state": state,
        "mood": MARKS[state],
        "name": _name(row.id, language),
        "label": row.label or "○",
        "article": f"{row.article} {row.label or ''}".strip(),
        "since": row.since,
        "until": row.until,
        "ways": [[say(f"law.evidence_{code.replace('.', '_')}", language) for code in way] for way in row.ways],
        "verifier": bool(row.verifier_status),
        "number_handler": row.tenant_flag == "number_handler",
        "residency": bool(row.residency),
        "years": kept.years,
        "kept_by": kept.law,
        "levels": [(name, getattr(levels, name)) for name in ("ial_2019", "dadc_ial", "nist_ial_4")],
        "confidence": row.confidence,
        "uncertain": [say(f"law.uncertain_{mark}", language) for mark in row.uncertain],
        "note": _either(row.note, language),
        "source": row.source,
        "read_in": [(key, rule_table().sources[key]) for key in row.read_in],
    }


def _changes(on: date, language: Language) -> list[dict[str, Any]]:
    return [
        {
            "law": _either(rule_table().laws[name].name, language),
            "kind": change.kind,
            "kind_words": say(f"law.change_{change.kind}", language),
            "name": _name(change.method, language),
            "before": change.before,
            "after": change.after,
            "demands": change.demands_changed,
            "successor": _name(change.successor, language) if change.successor else None,
            "note": _either(change.note, language),
        }
        for name in matrix_laws()
        for change in changes(name, on, on)
    ]


def _others(day: date, language: Language) -> list[dict[str, Any]]:
    """Return the rules of the other laws on the day: ages, registers, signatures."""
    return [
        {
            "law": _either(rule_table().laws[name].name, language),
            "name": _name(method.id, language),
            "article": method.article,
            "uncertain": [say(f"law.uncertain_{mark}", language) for mark in method.uncertain],
            "note": _either(method.note, language),
            "source": method.source,
        }
        for name in rule_table().laws
        if name not in matrix_laws()
        for method in methods(name, on=day)
    ]


def _name(method: str, language: Language) -> str:
    return say(f"law.method_{method.partition('.')[2]}", language)


def _note(law: str, language: Language) -> str | None:
    return _either(rule_table().laws[law].note, language)


def _either(words: Words | None, language: Language) -> str | None:
    return None if words is None else words.en if language == "en" else words.ja
