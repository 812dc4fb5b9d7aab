"""The matrix of routes: it agrees with the quick matrix of the reference sheet (§0.1), and no method is left out."""

from datetime import date

import pytest

from honnin.law import methods
from honnin.law.matrix import matrix, matrix_laws

TODAY, AFTER = date(2026, 11, 21), date(2027, 4, 1)
# §0.1: route → what the sheet says: AML today, AML from 2027-04-01, mobile phone, My Number, second-hand today
SHEET = {
    "counter_sight": "イヲイ○1",  # from 2027-04-01 only for people outside the resident register
    "counter_chip": "イイイ○1",
    "counter_mail": "ロロロ––",
    "image_face": "ホ–––8",
    "chip_face": "ヘハハ–9",
    "chip_mail": "チホニ–4",
    "jpki_signature": "カヌト○11",
    "login_only": "–––––",
    "mobile_record": "ルトチ○–",
    "restricted_mail": "ヲチヘ–2",
    "private_certificate": "ワリト–3",
}


def first_open(day: date, route: str, law: str) -> str:
    (found,) = [row for row in matrix(day) if row.id == route]
    (cell,) = [cell for cell in found.cells if cell.law == law]
    labels = [entry.row.label or "○" for entry in cell.entries if entry.state == "open"]
    return labels[0].removesuffix("号") if labels else "–"


@pytest.mark.parametrize("route", SHEET)
def test_route_agrees_with_the_sheet(route: str) -> None:
    said = [first_open(TODAY, route, "aml"), first_open(AFTER, route, "aml")]
    said += [first_open(TODAY, route, law) for law in ("mobile_phone", "my_number", "second_hand")]
    assert "".join(said) == SHEET[route]


@pytest.mark.parametrize("day", [date(2018, 11, 30), date(2020, 4, 1), date(2025, 6, 24), TODAY, AFTER])
def test_no_method_is_left_out(day: date) -> None:
    shown = {
        entry.row.id for route in matrix(day) for cell in route.cells for entry in cell.entries if entry.state == "open"
    }
    assert shown == {method.id for law in matrix_laws() for method in methods(law, on=day)}


def test_what_ended_and_what_comes_is_told() -> None:
    def state(day: date, method: str) -> str:
        return next(e.state for r in matrix(day) for c in r.cells for e in c.entries if e.row.id == method)

    assert state(TODAY, "aml.in_person_ic") == "coming"
    assert state(AFTER, "aml.image_selfie") == "ended"
    assert all(cell.silent for route in matrix(date(2015, 1, 1)) for cell in route.cells)
