"""Every row of the reference sheet's §11 is answered, every label maps both ways, and the table of 2019 is explained.

Rows: tests/vectors/law-reference-rows.json (§11 as JSON). Labels by revision: §1.2 and §2.1, written out here.
"""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from honnin.law import (
    TenantStanding,
    assurance,
    card_validity,
    evaluate,
    evidence_needed,
    fees,
    labels,
    methods_by_label,
    retention,
    rule_table,
    scales,
    table_of_2019,
)
from honnin.law.assurance import authenticators, harms

SHEET = json.loads((Path(__file__).parents[1] / "vectors" / "law-reference-rows.json").read_text(encoding="utf-8"))
TODAY = date(2026, 11, 21)
EVERYBODY = TenantStanding(verifier_status="certified", number_handler=True, obliged_entity=True)
CHANNELS = {"f2f": {"in_person"}, "remote": {"remote"}, "mail": {"mail"}, "any": {"in_person", "remote"}}
NARROWED = {"mobile_phone.jpki_signature": "cert.jpki", "mobile_phone.accredited_certificate": "cert.accredited"}
WIDER = {  # rows that the product says more of than the sheet's line: the reason
    "aml.restricted_mail": "§1.4 チ: the carrier may confirm the 特定電磁的記録 instead of the chip",
    "dating.age_check": "§6 deai.18 lists the ways that §11 leaves out",
}


def named(row: dict[str, Any]) -> str:
    return f"{row['id']}@{row['from']}"


def first_day(row: dict[str, Any]) -> date:
    """Return a day that the row answers for."""
    if row["from"] is not None:
        return max(date.fromisoformat(row["from"]), date(1900, 4, 1))
    return date.fromisoformat(row["to"]) if row["to"] else TODAY


def demanded(row: dict[str, Any], method: str) -> set[frozenset[str]]:
    """Return the sets of evidence that the sheet's row asks for."""
    base = list(row.get("all", ()))
    groups = row.get("any_of") or [[code] for code in row.get("any", ())] or [[]]
    found = {frozenset([*base, *group]) for group in groups}
    keep = NARROWED.get(method)
    return {way for way in found if keep in way} if keep else found


@pytest.mark.parametrize("row", SHEET["rules"], ids=named)
def test_row_is_answered_on_its_days(row: dict[str, Any]) -> None:
    for method in rule_table().crosswalk[row["id"]]:
        day = first_day(row)
        rule = rule_table().row(method, day)
        assert rule is not None
        assert rule.label == (f"{row['id'].partition('.')[2]}号" if row["law"] == "古物営業法" else row.get("letter"))
        if row["from"] is not None:
            assert rule.since == date.fromisoformat(row["from"])
        assert rule.until == (date.fromisoformat(row["to"]) if row["to"] else None)
        assert rule.confidence == str(row["conf"])
        assert set(row["src"]) <= set(rule.read_in)
        assert evaluate(rule.law, method, rule.codes, on=day, tenant=EVERYBODY).status in {"satisfied", "missing"}
        if "channel" in row:
            assert set(rule.channels) == CHANNELS[row["channel"].partition("+")[0]]
            assert rule.with_mail == ("mail" in row["channel"])


@pytest.mark.parametrize("row", [r for r in SHEET["rules"] if {"all", "any_of"} & set(r)], ids=named)
def test_row_demands_what_the_sheet_demands(row: dict[str, Any]) -> None:
    for method in rule_table().crosswalk[row["id"]]:
        rule = rule_table().row(method, first_day(row))
        assert rule is not None
        asked = {frozenset(way) for way in rule.ways}
        if method in WIDER:
            assert demanded(row, method) <= asked or row["id"] == "age.deai"
        else:
            assert asked == demanded(row, method)
        persona = {"outside_jukiho": "outside_resident_register", "kokugai_tenshutsu": "moved_abroad"}
        assert {persona[p] for p in row.get("persona", ())} == set(rule.residency)
        assert tuple(row.get("verifier_status", ())) == rule.verifier_status
        assert row.get("signed_payload_must_contain", []) == list(rule.signed_items)
        assert row.get("decl", []) == list(rule.declared_items)
        assert row.get("transactions", []) == list(rule.transactions)
        assert set(row.get("forbid_fields", ())) <= set(rule.forbid_fields)
        if "tenant_flag" in row:
            assert rule.tenant_flag == row["tenant_flag"]


@pytest.mark.parametrize("row", [r for r in SHEET["rules"] if "min_age" in r and r["id"].startswith("age.")], ids=named)
def test_age_rules_have_their_ages(row: dict[str, Any]) -> None:
    (method,) = rule_table().crosswalk[row["id"]]
    rule = rule_table().row(method, TODAY)
    assert rule is not None
    assert rule.age is not None
    assert rule.age.at_least == row["min_age"]
    if row["id"] == "age.jfa_selfcheckout":
        assert rule.assurance == {
            "ial_2019": row["min_ial_2019"],
            "aal_2019_if_used": row["min_aal_2019_if_used"],
        }


def test_retention_and_fees_of_the_sheet() -> None:
    ours = rule_table().retention
    renamed = {"kobutsu.ledger": "second_hand.ledger", "mobile.record": "mobile_phone.record"}
    renamed |= {"ryokan.register": "lodging.register", "consent.4info": "jpki.consent"}
    for name, row in SHEET["retention"].items():
        assert ours[renamed.get(name, name)].years == row["years"]
    today = {fee.id: fee for fee in fees(TODAY)}
    assert (today["ocsp"].yen, today["ocsp"].dormant_tariff) == (0, {"sign": 20, "auth": 2})
    assert "sign_check" not in today
    assert {fee.id: fee.yen for fee in fees(date(2022, 12, 31))}["sign_check"] == 20
    assert {row["id"].removeprefix("fee.").replace(".", "_") for row in SHEET["fees"]} <= {
        fee.id for day in (TODAY, date(2022, 12, 31)) for fee in fees(day)
    }
    assert (card_validity(date(2022, 3, 31)).adult_age, card_validity(date(2022, 4, 1)).adult_age) == (20, 18)


# §1.2: revision's first day → the letters of its natural-person methods, in the sheet's order
LETTERS = {
    date(2018, 11, 30): "イロハニホヘトチリヌルヲ",
    date(2020, 4, 1): "イロハニホヘトチリヌルヲワカ",
    date(2025, 6, 24): "イロハニホヘトチリヌルヲワカヨ",
    date(2027, 4, 1): "イロハニホヘトチリヌルヲワカ",
}
# §1.2: method → its letters in the four revisions
CROSSWALK = {
    "aml.in_person_photo": "イイイ–",
    "aml.in_person_ic": "–––イ",
    "aml.in_person_mail": "ロロロロ",
    "aml.in_person_two_documents": "ハハハ–",
    "aml.in_person_then_sent": "ニニニ–",
    "aml.image_selfie": "ホホホ–",
    "aml.ic_selfie": "ヘヘヘハ",
    "aml.bank_link": "トトトニ",
    "aml.original_or_ic_mail": "チチチホ",
    "aml.two_copies_mail": "–リリカ",
    "aml.copy_mail_limited": "–ヌヌヘ",
    "aml.mnc_record": "––ルト",
    "aml.restricted_mail": "リルヲチ",
    "aml.accredited_certificate": "ヌヲワリ",
    "aml.jpki_signature": "ルワカヌ",
    "aml.specific_certificate": "ヲカヨル",
    "aml.in_person_nonresident": "–––ヲ",
    "aml.nonresident_copy_mail": "–––ワ",
}
ARTICLE = "規則6条1項1号"


@pytest.mark.parametrize("place", range(4))
def test_every_letter_of_a_revision_maps_both_ways(place: int) -> None:
    first = list(LETTERS)[place]
    last = list(LETTERS)[place + 1] - timedelta(days=1) if place < 3 else date(2099, 12, 31)
    for day in (first, last):
        for letter in LETTERS[first]:
            (method,) = methods_by_label("aml", letter, on=day, article=ARTICLE)
            assert CROSSWALK[method][place] == letter
        for method, letters in CROSSWALK.items():
            rule = rule_table().row(method, day)
            assert (rule.label if rule else "–") == letters[place], (method, day)


def test_mobile_and_second_hand_labels_map_both_ways() -> None:
    for letter in "イロハニホヘトチリヌ":
        found = methods_by_label("mobile_phone", letter, on=TODAY)
        assert len(found) == (2 if letter == "ト" else 1)
    for number in range(1, 14):
        (method,) = methods_by_label("second_hand", f"{number}号", on=TODAY, article="規則15条3項")
        assert labels(method)[-1][2] == f"{number}号"
        assert rule_table().crosswalk[f"kobutsu.{number}"] == (method,)
    assert methods_by_label("aml", "ホ", on=TODAY, article="規則6条1項3号") == ["aml.corporate_certificate"]


def test_no_id_is_a_letter() -> None:
    for method in rule_table().methods:
        assert method.isascii()
        assert not any(character.isdigit() for character in method)


CELLS = [(row, law, cell) for row in table_of_2019().rows for law, cell in row.cells.items()]


@pytest.mark.parametrize(("row", "law", "cell"), CELLS, ids=[f"{row.id}-{law}" for row, law, _ in CELLS])
def test_cell_of_2019_agrees_with_today_or_has_a_reason(row: Any, law: str, cell: Any) -> None:
    in_force = [method for method in cell.methods if rule_table().row(method, TODAY) is not None]
    assert in_force == list(cell.methods)
    assert all(method.startswith(f"{law}.") for method in cell.methods)
    agrees = bool(cell.methods) == (cell.mark != "×")
    assert agrees or cell.reason is not None


def test_table_of_2019_is_whole_and_superseded() -> None:
    table = table_of_2019()
    assert table.state == "superseded"
    assert len({row.id for row in table.rows}) == len(table.rows) == 32
    assert all(len(row.cells) == 3 for row in table.rows)


def test_assurance_is_stated_for_methods_and_ds_511_is_not_defined() -> None:
    jpki = assurance("aml.jpki_signature")
    assert (jpki.ial_2019.level, jpki.dadc_ial.level, jpki.nist_ial_4.level) == ("3", "4", "2")
    image = assurance("aml.image_selfie")
    assert (image.ial_2019.level, image.dadc_ial.confidence, image.nist_ial_4.level) == ("2", "?", "1")
    assert scales()["ds_511"].state == "not_defined_here"
    assert scales()["ds_511"].levels == {}
    for method in rule_table().methods:
        stated = assurance(method)
        assert stated.ds_511 == "not_defined_here"
        for scale in ("ial_2019", "dadc_ial", "nist_ial_4"):
            mark = getattr(stated, scale)
            assert mark.level is None or mark.level in scales()[scale].levels
    identity = [m for m, rules in rule_table().methods.items() if rules[-1].law == "aml" and rules[-1].kind == "method"]
    silent = {m for m in identity if assurance(m).kind is None}
    assert all(m.startswith("aml.corporate_") for m in silent)
    assert authenticators()["jpki_user_authentication"].nist is not None
    assert harms()["personal_safety"] == {"low": 2, "moderate": 3, "high": 3}


def test_consent_lasts_ten_years_from_the_day_after() -> None:
    assert retention("jpki.latest_four_items_consent", {"consent_day": date(2023, 5, 18)}).until == date(2033, 5, 18)
    assert evidence_needed("jpki.latest_four_items_consent", TODAY).keep["consent.signed"]
