"""The rule table and its evaluator: who may use which method on which day, what changes, how long records are kept."""

import json
from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from honnin.errors import InputError
from honnin.law import TableError, TenantStanding, changes, evaluate, load, methods, retention, rule_table

DEEMED = TenantStanding(verifier_status="deemed")
ALL = ("cert.jpki", "sig.tx", "revocation")
TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("day", "label"),
    [
        (date(2018, 11, 29), None),
        (date(2018, 11, 30), "ル"),
        (date(2020, 3, 31), "ル"),
        (date(2020, 4, 1), "ワ"),
        (date(2025, 6, 23), "ワ"),
        (date(2025, 6, 24), "カ"),
        (date(2027, 3, 31), "カ"),
        (date(2027, 4, 1), "ヌ"),
        (date(2099, 1, 1), "ヌ"),
    ],
)
def test_letter_changes_and_the_id_does_not(day: date, label: str | None) -> None:
    """Crosswalk of the reference sheet, §1.2."""
    found = [method for method in methods("aml", on=day) if method.id == "aml.jpki_signature"]
    assert [method.label for method in found] == ([label] if label else [])


def test_revision_is_the_one_in_force_on_the_day() -> None:
    for day, revision in (
        (date(2025, 7, 1), "令和7年令第2号"),
        (TODAY, "420M60000F5A001_20260806_508M60000F5A006"),
        (date(2027, 4, 1), "420M60000F5A001_20270401_508M60000F5A005"),
    ):
        assert evaluate("aml", "aml.jpki_signature", ALL, on=day, tenant=DEEMED).revision == revision


def test_evidence_decides_and_what_is_missing_is_named() -> None:
    whole = evaluate("aml", "aml.jpki_signature", ALL, on=TODAY, tenant=DEEMED)
    assert (whole.status, whole.missing) == ("satisfied", ())
    assert {condition.source for condition in whole.conditions} != {""}
    partly = evaluate("aml", "aml.jpki_signature", ("cert.jpki", "sig.tx"), on=TODAY, tenant=DEEMED)
    assert (partly.status, partly.missing) == ("missing", ("revocation",))


def test_verifier_status_counts_on_its_days_alone() -> None:
    dated = TenantStanding(
        verifier_status="certified", verifier_from=date(2026, 11, 21), verifier_to=date(2027, 11, 20)
    )
    for day, status in (
        (date(2026, 11, 20), "not_available"),
        (date(2026, 11, 21), "satisfied"),
        (date(2027, 11, 20), "satisfied"),
        (date(2027, 11, 21), "not_available"),
    ):
        decision = evaluate("aml", "aml.jpki_signature", ALL, on=day, tenant=dated)
        assert decision.status == status
        assert ("verifier_status" in decision.missing) == (status == "not_available")
        offered = methods("aml", on=day, tenant=dated)
        assert bool(offered) == (status == "satisfied")


def test_methods_are_narrowed_by_what_is_known() -> None:
    assert methods("aml", on=TODAY, channel="in_person") == []
    assert methods("aml", on=TODAY, person={"age": 14}) == []
    assert len(methods("aml", on=TODAY, person={"age": 15})) == 1
    assert methods("aml", on=TODAY, tenant=TenantStanding()) == []
    assert methods("my_number", on=TODAY, tenant=DEEMED) == []
    assert methods("my_number", on=TODAY, tenant=TenantStanding(number_handler=True))


def test_other_laws_have_their_rows() -> None:
    assert [m.label for m in methods("mobile_phone", on=TODAY)] == ["ト"]
    assert methods("mobile_phone", on=date(2026, 3, 31)) == []
    (second_hand,) = methods("second_hand", on=TODAY)
    assert (second_hand.label, second_hand.signed_items) == ("11号", ("address", "name", "occupation", "age"))
    (my_number,) = methods("my_number", on=TODAY)
    assert "ic.number_signed" in my_number.evidence


def test_changes_name_day_and_labels() -> None:
    found = changes("aml", date(2025, 1, 1), date(2027, 12, 31))
    assert [(c.on, c.kind, c.before, c.after) for c in found] == [
        (date(2025, 6, 24), "relabelled", "ワ", "カ"),
        (date(2027, 4, 1), "relabelled", "カ", "ヌ"),
    ]
    assert changes("aml", date(2027, 4, 1), date(2027, 4, 1))
    assert changes("aml", date(2027, 4, 2), date(2099, 1, 1)) == []
    assert [c.kind for c in changes("mobile_phone", date(2026, 1, 1), TODAY)] == ["starts"]


@pytest.mark.parametrize(
    ("method", "events", "until"),
    [
        ("aml.jpki_signature", {}, None),
        ("aml.jpki_signature", {"contract_end": date(2026, 11, 21)}, date(2033, 11, 21)),
        (
            "aml.jpki_signature",
            {"contract_end": date(2026, 11, 21), "last_covered_transaction_end": date(2027, 1, 5)},
            date(2034, 1, 5),
        ),
        ("aml.jpki_signature", {"contract_end": date(2024, 2, 29)}, date(2031, 2, 28)),
        ("aml.jpki_signature", {"contract_end": date(2024, 2, 28)}, date(2031, 2, 28)),
        ("aml.jpki_signature", {"contract_end": date(2021, 2, 28)}, date(2028, 2, 29)),
        ("mobile_phone.jpki_signature", {"contract_end": date(2026, 11, 21)}, date(2029, 11, 21)),
        ("second_hand.jpki_signature", {"last_entry": date(2026, 11, 21)}, date(2029, 11, 21)),
        ("my_number.jpki_signature", {"work_end": date(2026, 11, 21)}, None),
    ],
)
def test_records_are_kept_to_the_last_day(method: str, events: dict[str, date], until: date | None) -> None:
    """民法140条・143条: seven years from 1 March 2021 end on the eve of 1 March 2028, which is 29 February."""
    assert retention(method, events).until == until


def test_unknown_laws_and_methods_are_coded() -> None:
    for call, code in (
        (lambda: methods("tax", on=TODAY), "law.unknown"),
        (lambda: changes("tax", TODAY, TODAY), "law.unknown"),
        (lambda: evaluate("aml", "aml.tarot", (), on=TODAY, tenant=DEEMED), "law.unknown_method"),
        (lambda: evaluate("tax", "aml.jpki_signature", (), on=TODAY, tenant=DEEMED), "law.unknown"),
        (lambda: retention("aml.tarot", {}), "law.unknown_method"),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert refused.value.code == code


def table() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(files("honnin.law").joinpath("rules.json").read_text(encoding="utf-8"))
    return value


def bent(change: Any) -> bytes:
    value = table()
    change(value)
    return json.dumps(value).encode()


def test_shipped_table_has_source_date_and_confidence_on_every_row() -> None:
    shipped = rule_table()
    assert shipped.source
    assert shipped.dated == date(2026, 11, 21)
    assert all(rule.source and rule.confidence in {"1", "2", "?"} for rule in shipped.rules)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t["rules"][1].update({"from": "2020-03-31"}),  # two rows for one day
        lambda t: t["rules"][1].update({"from": "2020-04-02"}),  # a hole
        lambda t: t["rules"][1].update({"to": None}),
        lambda t: t["rules"][2].update({"from": None}),
        lambda t: t["rules"][4].update({"to": "2026-03-01"}),  # ends before it starts
        lambda t: t["rules"][0].update({"law": "tax"}),
        lambda t: t["rules"][0].update({"law": "my_number"}),
        lambda t: t["rules"][0].update({"retention": "for ever"}),
        lambda t: t["rules"][0].update({"all": ["crystal.ball"]}),
        lambda t: t["rules"][0].update({"from": "2018-02-30"}),
        lambda t: t["rules"][0].update({"confidence": "3"}),
        lambda t: t["rules"][0].update({"surprise": 1}),
        lambda t: t["rules"][0].pop("source"),
        lambda t: t["laws"]["aml"]["revisions"].reverse(),
        lambda t: t.update({"timezone": "UTC"}),
        lambda t: t.pop("date"),
    ],
)
def test_table_that_contradicts_itself_is_refused(change: Any) -> None:
    with pytest.raises(TableError):
        load(bent(change))


def test_bytes_that_are_no_table_are_refused() -> None:
    for content in (b"", b"[]", b"{", b"\xff"):
        with pytest.raises(TableError):
            load(content)
