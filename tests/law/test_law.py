"""The rule table and its evaluator: who may use which method on which day, what changes, how long records are kept."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from honnin.errors import InputError
from honnin.identity.dates import JST
from honnin.law import (
    PastCheck,
    TableError,
    TenantStanding,
    changes,
    coverage,
    duties,
    evaluate,
    evidence_needed,
    load,
    methods,
    retention,
    rule_table,
    shipped,
    would_lapse,
)

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
        offered = {method.id for method in methods("aml", on=day, tenant=dated)}
        assert ("aml.jpki_signature" in offered) == (status == "satisfied")


def ids(law: str, on: date, **known: Any) -> set[str]:
    return {method.id for method in methods(law, on=on, **known)}


def test_methods_are_narrowed_by_channel() -> None:
    assert ids("aml", TODAY, channel="mail") == {"aml.restricted_mail"}
    assert "aml.jpki_signature" not in ids("aml", TODAY, channel="in_person")
    assert "aml.mnc_record" in ids("aml", TODAY, channel="in_person") & ids("aml", TODAY, channel="remote")
    assert ids("my_number", TODAY, channel="phone") == {"my_number.telephone"}


def test_methods_are_narrowed_by_the_person() -> None:
    assert "aml.jpki_signature" not in ids("aml", TODAY, person={"age": 14})
    assert "aml.jpki_signature" in ids("aml", TODAY, person={"age": 15})
    assert "aml.ic_selfie" in ids("aml", TODAY, person={"age": 14})
    born = date(2011, 11, 22)  # 15 on the day after TODAY
    assert "aml.jpki_signature" not in ids("aml", TODAY, person={"birth_date": born})
    assert "aml.jpki_signature" in ids("aml", date(2026, 11, 22), person={"birth_date": born})
    licence = ids("aml", TODAY, person={"holds": ["drivers_licence"]})
    assert "aml.ic_selfie" in licence
    assert not {"aml.jpki_signature", "aml.mnc_record"} & licence
    retired = ids("aml", TODAY, person={"holds": ["record_of_driving"]})  # no chip
    assert "aml.ic_selfie" not in retired
    one = {"holds": ["my_number_card"], "certificates": ["user_authentication"]}
    assert "aml.jpki_signature" not in ids("aml", TODAY, person=one)
    assert "aml.jpki_signature" in ids("aml", TODAY, person={"holds": ["my_number_card"]})
    after = date(2027, 4, 1)
    assert "aml.nonresident_copy_mail" not in ids("aml", after, person={"residency": "resident"})
    assert "aml.nonresident_copy_mail" in ids("aml", after, person={"residency": "moved_abroad"})
    assert ids("aml", TODAY, person={"kind": "corporation"}) == {
        method for method in rule_table().methods if method.startswith("aml.corporate_")
    }


def test_methods_are_narrowed_by_the_business() -> None:
    assert "aml.jpki_signature" not in ids("aml", TODAY, tenant=TenantStanding())
    assert "aml.image_selfie" in ids("aml", TODAY, tenant=TenantStanding())
    assert ids("aml", TODAY, tenant=TenantStanding(verifier_status="deemed", obliged_entity=False)) == set()
    assert ids("my_number", TODAY, tenant=DEEMED) == set()
    assert "my_number.jpki_signature" in ids("my_number", TODAY, tenant=TenantStanding(number_handler=True))


def test_methods_are_narrowed_by_the_device() -> None:
    assert "aml.ic_selfie" not in ids("aml", TODAY, channel="remote", device="phone")
    assert {"aml.ic_selfie", "aml.jpki_signature"} <= ids("aml", TODAY, channel="remote", device="phone_nfc")
    reader = ids("aml", TODAY, channel="remote", device="computer_card_reader")
    assert "aml.jpki_signature" in reader
    assert not {"aml.ic_selfie", "aml.mnc_record"} & reader  # no camera, no phone
    (bank,) = [m for m in methods("aml", on=TODAY, device="computer_card_reader") if m.id == "aml.bank_link"]
    assert bank.ways == (("doc.ic", "bank.inquiry"), ("doc.ic", "bank.transfer"))


def test_switch_applies_the_rules_of_2027_at_once() -> None:
    early = TenantStanding(verifier_status="deemed", apply_2027_rules=True)
    refused = ids("aml", TODAY, tenant=DEEMED) - ids("aml", TODAY, tenant=early)
    assert refused == {"aml.image_selfie", "aml.in_person_two_documents", "aml.in_person_then_sent"}
    image = evaluate("aml", "aml.image_selfie", ("face.capture", "doc.image.live"), on=TODAY, tenant=early)
    assert (image.status, image.missing) == ("not_available", ("apply_2027_rules",))
    seen = evaluate("aml", "aml.in_person_photo", ("doc.shown",), on=TODAY, tenant=early)
    assert (seen.status, seen.label, seen.missing) == ("missing", "イ", ("doc.ic", "doc.ic.display"))
    for linked, status in (("doc.image.live", "missing"), ("doc.ic", "satisfied")):
        assert evaluate("aml", "aml.bank_link", (linked, "bank.inquiry"), on=TODAY, tenant=early).status == status
    copies = ("doc.copy", "doc.copy.second", "mail.nf")
    assert evaluate("aml", "aml.two_copies_mail", copies, on=TODAY, tenant=early).missing == ("residency",)
    assert evaluate("aml", "aml.two_copies_mail", copies, on=TODAY, tenant=DEEMED).status == "satisfied"
    assert ids("aml", date(2027, 4, 1), tenant=early) == ids("aml", date(2027, 4, 1), tenant=DEEMED)
    assert ids("second_hand", TODAY, tenant=early) == ids("second_hand", TODAY, tenant=DEEMED)


def test_one_whole_way_is_enough_and_the_nearest_is_named() -> None:
    def linked(*evidence: str) -> tuple[str, tuple[str, ...]]:
        decision = evaluate("aml", "aml.bank_link", evidence, on=TODAY, tenant=DEEMED)
        return decision.status, decision.missing

    assert linked("doc.image.live", "bank.transfer") == ("satisfied", ())
    assert linked("doc.image.live", "doc.ic") == ("missing", ("bank.inquiry",))
    assert linked() == ("missing", ("doc.image.live", "bank.inquiry"))


def test_what_must_not_be_taken_spoils_a_method() -> None:
    clean = evaluate("aml", "aml.mnc_record", ("mnc.record",), on=TODAY, tenant=DEEMED)
    spoilt = evaluate("aml", "aml.mnc_record", ("mnc.record", "field.my_number"), on=TODAY, tenant=DEEMED)
    assert (clean.status, spoilt.status, spoilt.missing) == ("satisfied", "missing", ("without_my_number",))


def test_circumstances_add_demands() -> None:
    guest = ("guest.name", "guest.address", "guest.contact")
    foreign = (*guest, "person.foreigner_without_domestic_address")
    assert evaluate("lodging", "lodging.guest_register", guest, on=TODAY, tenant=DEEMED).status == "satisfied"
    decision = evaluate("lodging", "lodging.guest_register", foreign, on=TODAY, tenant=DEEMED)
    assert decision.missing == ("nationality", "passport_no", "passport_copy")
    risk = ("base_method", "extra.identity_or_supplementary_document", "amount.over_2000000_yen")
    assert evaluate("aml", "aml.high_risk", risk, on=TODAY, tenant=DEEMED).missing == ("assets_income_document",)
    listed = evaluate("aml", "aml.copy_mail_limited", ("doc.copy", "mail.nf"), on=TODAY, tenant=DEEMED)
    assert listed.missing == ("transaction",)
    payroll = ("doc.copy", "mail.nf", "transaction.payroll_account")
    assert evaluate("aml", "aml.copy_mail_limited", payroll, on=TODAY, tenant=DEEMED).status == "satisfied"


@pytest.mark.parametrize(
    ("law", "method", "born", "on", "status"),
    [
        (
            "alcohol_tobacco",
            "alcohol_age",
            date(2006, 11, 21),
            datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC),
            "missing",
        ),
        ("alcohol_tobacco", "alcohol_age", date(2006, 11, 21), datetime(2026, 11, 20, 15, 0, tzinfo=UTC), "satisfied"),
        ("alcohol_tobacco", "tobacco_age", date(2006, 11, 22), TODAY, "missing"),
        ("micro_mobility", "age_check", date(2010, 11, 21), TODAY, "satisfied"),
        ("micro_mobility", "age_check", date(2010, 11, 22), TODAY, "missing"),
        ("civil_code", "adulthood", date(2008, 2, 29), date(2026, 2, 28), "missing"),
        ("civil_code", "adulthood", date(2008, 2, 29), date(2026, 3, 1), "satisfied"),
        ("golf_tax", "exemption", date(1956, 11, 22), TODAY, "missing"),
        ("golf_tax", "exemption", date(1956, 11, 22), date(2026, 11, 22), "satisfied"),
        ("golf_tax", "exemption", date(2008, 11, 22), TODAY, "satisfied"),
        ("golf_tax", "exemption", date(2008, 11, 21), TODAY, "missing"),
    ],
)
def test_ages_are_judged_at_midnight_in_japan(law: str, method: str, born: date, on: date, status: str) -> None:
    """Test vectors of the reference sheet, §10.2."""
    person = {"birth_date": born}
    assert evaluate(law, f"{law}.{method}", (), on=on, tenant=DEEMED, person=person).status == status


def test_dating_site_needs_age_and_a_document_or_adult_means() -> None:
    def judged(*evidence: str, **person: Any) -> str:
        return evaluate("dating", "dating.age_check", evidence, on=TODAY, tenant=DEEMED, person=person or None).status

    assert judged("doc.image", age=18) == "satisfied"
    assert judged("doc.image", age=17) == "missing"
    assert judged(*ALL, age=18) == "satisfied"
    assert judged("payment.adult_means") == "satisfied"
    assert judged(age=18) == "missing"


def test_other_laws_have_their_rows() -> None:
    assert [m.label for m in methods("mobile_phone", on=TODAY)] == list("イロハニホヘトトチリヌ")
    second_hand = next(m for m in methods("second_hand", on=TODAY) if m.id == "second_hand.jpki_signature")
    assert (second_hand.label, second_hand.signed_items) == ("11号", ("address", "name", "occupation", "age"))
    assert "ic.number_signed" in next(
        m.evidence for m in methods("my_number", on=TODAY) if m.id == "my_number.jpki_signature"
    )
    assert [duty.id for duty in duties("aml", on=TODAY)] == [
        "aml.customer_items",
        "aml.high_risk",
        "aml.known_customer",
    ]


@pytest.mark.parametrize(
    ("law", "method", "last"),
    [
        ("aml", "aml.image_selfie", date(2027, 3, 31)),
        ("aml", "aml.in_person_two_documents", date(2027, 3, 31)),
        ("mobile_phone", "mobile_phone.image_selfie", date(2026, 3, 31)),
    ],
)
def test_methods_end_at_midnight_in_japan(law: str, method: str, last: date) -> None:
    midnight = datetime(last.year, last.month, last.day, tzinfo=JST) + timedelta(days=1)
    codes = evidence_needed(method, last).ways[0]
    for moment, status in (
        (midnight - timedelta(microseconds=1), "satisfied"),
        ((midnight - timedelta(seconds=1)).astimezone(UTC), "satisfied"),
        (midnight, "not_available"),
        (midnight.astimezone(UTC), "not_available"),
    ):
        assert evaluate(law, method, codes, on=moment, tenant=DEEMED).status == status
        assert (method in {m.id for m in methods(law, on=moment)}) == (status == "satisfied")


def test_second_hand_image_method_has_no_end() -> None:
    for day in (TODAY, date(2027, 4, 1), date(2099, 1, 1)):
        assert "second_hand.image_selfie" in ids("second_hand", day)


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        methods("aml", on=datetime(2027, 4, 1))  # noqa: DTZ001
    assert refused.value.code == "identity.no_zone"


def test_before_the_table_begins_nothing_is_said() -> None:
    def status(method: str, day: date) -> str:
        return evaluate(method.partition(".")[0], method, (), on=day, tenant=DEEMED).status

    assert status("aml.jpki_signature", date(2018, 11, 29)) == "not_covered"
    assert status("aml.in_person_photo", date(2018, 11, 29)) == "not_covered"
    assert status("aml.two_copies_mail", date(2018, 11, 29)) == "not_covered"
    assert status("aml.two_copies_mail", date(2020, 3, 31)) == "not_available"  # it was created on 2020-04-01
    assert status("aml.mnc_record", date(2025, 6, 23)) == "not_available"
    assert status("mobile_phone.image_selfie", date(2019, 11, 30)) == "not_covered"
    assert status("second_hand.jpki_signature", date(2010, 1, 1)) == "not_covered"
    assert coverage("aml", date(2018, 11, 29)) == "not_covered"
    assert coverage("aml", date(2018, 11, 30)) == "covered"
    assert methods("aml", on=date(2018, 11, 29)) == []


def test_changes_name_day_and_labels() -> None:
    found = [c for c in changes("aml", date(2025, 1, 1), date(2027, 12, 31)) if c.method == "aml.jpki_signature"]
    assert [(c.on, c.kind, c.before, c.after, c.demands_changed) for c in found] == [
        (date(2025, 6, 24), "relabelled", "ワ", "カ", False),
        (date(2027, 4, 1), "relabelled", "カ", "ヌ", False),
    ]
    assert changes("aml", date(2027, 4, 2), date(2099, 1, 1)) == []
    assert changes("aml", date(2018, 11, 30), date(2018, 11, 30))
    assert "aml.jpki_signature" not in {c.method for c in changes("aml", date(2018, 1, 1), date(2018, 12, 31))}


def test_what_changes_on_2027_04_01() -> None:
    """§1.4: image methods and sight alone end, ways of counter and mail are rewritten, every other letter moves."""
    found = {c.method: c for c in changes("aml", date(2027, 4, 1), date(2027, 4, 1))}
    ends = {name for name, c in found.items() if c.kind == "ends"}
    starts = {name for name, c in found.items() if c.kind == "starts"}
    assert ends == {
        "aml.image_selfie",
        "aml.in_person_photo",
        "aml.in_person_two_documents",
        "aml.in_person_then_sent",
    }
    assert starts == {"aml.in_person_ic", "aml.in_person_nonresident", "aml.nonresident_copy_mail"}
    assert found["aml.in_person_photo"].successor == "aml.in_person_ic"
    assert (found["aml.in_person_mail"].kind, found["aml.in_person_mail"].before) == ("rewritten", "ロ")
    assert found["aml.bank_link"].demands_changed
    assert not any("doc.image.live" in way for way in found["aml.bank_link"].ways_after)
    mobile = {c.method: c.kind for c in changes("mobile_phone", date(2026, 4, 1), date(2026, 4, 1))}
    assert mobile["mobile_phone.image_selfie"] == "ends"
    assert mobile["mobile_phone.copy_mail"] == "starts"


def test_checks_that_would_lapse() -> None:
    november, april = date(2026, 11, 1), date(2027, 4, 1)
    checks = [
        ("aml", "aml.image_selfie", november),
        ("aml", "aml.in_person_photo", november),
        ("aml", "aml.bank_link", november),
        PastCheck("aml", "aml.bank_link", november, ("doc.ic", "bank.inquiry")),
        PastCheck("aml", "aml.bank_link", november, ("doc.image.live", "bank.inquiry")),
        ("aml", "aml.jpki_signature", november),
        ("aml", "aml.two_copies_mail", november),
        ("mobile_phone", "mobile_phone.image_selfie", november),
        ("second_hand", "second_hand.image_selfie", november),
    ]
    found = {(lapse.check.method, lapse.check.evidence): lapse for lapse in would_lapse(checks, april)}
    assert {key: lapse.reason for key, lapse in found.items()} == {
        ("aml.image_selfie", None): "ended",
        ("aml.in_person_photo", None): "ended",
        ("aml.bank_link", None): "depends",
        ("aml.bank_link", ("doc.image.live", "bank.inquiry")): "missing",
        ("aml.two_copies_mail", None): "depends",
        ("mobile_phone.image_selfie", None): "was_not_lawful",
    }
    assert found["aml.in_person_photo", None].successor == "aml.in_person_ic"
    assert found["aml.bank_link", ("doc.image.live", "bank.inquiry")].missing == ("doc.ic",)
    assert would_lapse(checks[:4], TODAY) == []
    tenant = TenantStanding(verifier_status="certified", verifier_to=date(2026, 12, 31))
    (lapse,) = would_lapse([("aml", "aml.jpki_signature", november)], april, tenant=tenant)
    assert (lapse.reason, lapse.missing) == ("tenant", ("verifier_status",))


def test_evidence_needed_names_what_is_kept() -> None:
    needed = evidence_needed("aml.jpki_signature", TODAY)
    assert needed.ways == (ALL,)
    assert "certificate" in needed.keep["cert.jpki"]
    assert needed.attach == ("signed_bytes", "signature", "certificate")
    assert (needed.in_force, needed.article) == (True, "規則6条1項1号")
    gone = evidence_needed("aml.image_selfie", date(2027, 4, 1))
    assert (gone.in_force, gone.ways, gone.keep) == (False, (), {})


def test_keeping_follows_the_way_that_was_used() -> None:
    decision = evaluate("aml", "aml.bank_link", ("doc.ic", "bank.inquiry"), on=TODAY, tenant=DEEMED)
    assert "operator_name" in decision.keep
    assert "transfer_id" not in decision.keep


def test_uncertainty_is_visible() -> None:
    found = {method.id: method for method in methods("aml", on=TODAY)}
    assert found["aml.copy_mail_limited"].uncertain == ("row", "attach")
    assert found["aml.copy_mail_limited"].note is not None
    assert found["aml.jpki_signature"].uncertain == ()
    assert evaluate("second_hand", "second_hand.jpki_signature", (), on=TODAY, tenant=DEEMED).uncertain == ("start",)
    uncertain = [rule for rule in rule_table().rules if rule.confidence == "?"]
    assert all("row" in rule.uncertain for rule in uncertain)


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
        (lambda: changes("aml", date(2027, 4, 1), date(2027, 3, 31)), "law.period_reversed"),
        (lambda: evaluate("aml", "aml.tarot", (), on=TODAY, tenant=DEEMED), "law.unknown_method"),
        (lambda: evaluate("tax", "aml.jpki_signature", (), on=TODAY, tenant=DEEMED), "law.unknown"),
        (lambda: retention("aml.tarot", {}), "law.unknown_method"),
        (lambda: evidence_needed("aml.tarot", TODAY), "law.unknown_method"),
        (lambda: evaluate("aml", "mobile_phone.ic_selfie", (), on=TODAY, tenant=DEEMED), "law.unknown_method"),
        (lambda: would_lapse([("aml", "aml.tarot", TODAY)], TODAY), "law.unknown_method"),
        (lambda: methods("aml", on=TODAY, channel="pigeon"), "law.channel"),
        (lambda: methods("aml", on=TODAY, device="abacus"), "law.device"),
        (lambda: methods("aml", on=TODAY, person={"mood": "good"}), "law.person"),
        (lambda: methods("aml", on=TODAY, person={"age": -1}), "law.person"),
        (lambda: methods("aml", on=TODAY, person={"holds": "my_number_card"}), "law.person"),
        (lambda: methods("aml", on=TODAY, person={"birth_date": "2000"}), "law.person"),
        (lambda: methods("aml", on=TODAY, person={"residency": "moon"}), "law.person"),
        (lambda: retention("aml.jpki_signature", {"contract_end": date(9999, 12, 31)}), "law.too_far"),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert refused.value.code == code


def bent(name: str, change: Any) -> dict[str, bytes]:
    """Return the data files with one of them changed."""
    parts = shipped()
    value = json.loads(parts[name])
    change(value)
    return {**parts, name: json.dumps(value).encode()}


def rows(value: Any, method: str) -> list[Any]:
    return [row for row in value["rules"] if row["id"] == method]


def test_shipped_table_has_source_and_confidence_on_every_row() -> None:
    shipped_table = rule_table()
    assert shipped_table.source
    assert shipped_table.dated == date(2026, 11, 21)
    assert len(shipped_table.rules) > 100
    assert all(rule.source and rule.read_in and rule.confidence in {"1", "2", "?"} for rule in shipped_table.rules)


SIGNED = "aml.jpki_signature"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rules/aml", lambda t: rows(t, SIGNED)[1].update({"from": "2020-03-31"})),  # two rows for one day
        ("rules/aml", lambda t: rows(t, SIGNED)[1].update({"from": "2020-04-02"})),  # a hole
        ("rules/aml", lambda t: rows(t, SIGNED)[1].update({"to": None})),
        ("rules/aml", lambda t: rows(t, SIGNED)[2].update({"from": None})),
        ("rules/mobile_phone", lambda t: t["rules"][1].update({"to": "2026-03-01"})),  # ends before it starts
        ("rules/aml", lambda t: t["rules"][0].update({"id": "tax.counter"})),
        ("rules/aml", lambda t: t["rules"][0].update({"id": "my_number.counter"})),
        ("rules/aml", lambda t: t["rules"][0].update({"retention": "for ever"})),
        ("rules/aml", lambda t: t["rules"][0].update({"all": ["crystal.ball"]})),
        ("rules/aml", lambda t: t["rules"][0].update({"any_of": [["crystal.ball"]]})),
        ("rules/aml", lambda t: t["rules"][0].update({"holds": ["library_card"]})),
        ("rules/aml", lambda t: t["rules"][0].update({"from": "2018-02-30"})),
        ("rules/aml", lambda t: t["rules"][0].update({"from": "2018-11-29"})),  # before the law is covered
        ("rules/aml", lambda t: t["rules"][0].update({"confidence": "3"})),
        ("rules/aml", lambda t: t["rules"][0].update({"surprise": 1})),
        ("rules/aml", lambda t: t["rules"][0].update({"succeeded_by": "aml.nothing"})),
        ("rules/aml", lambda t: t["rules"][0].pop("source")),
        ("rules/aml", lambda t: t["rules"][0].update({"source": " "})),
        ("rules/aml", lambda t: t["rules"][0].update({"read_in": []})),
        ("rules/aml", lambda t: t["rules"][0].update({"read_in": ["XX"]})),
        ("rules/aml", lambda t: t["revisions"].reverse()),
        ("rules/aml", lambda t: t["revisions"].clear()),
        ("rules/aml", lambda t: t.update({"law": "tax"})),
        ("common", lambda t: t.update({"timezone": "UTC"})),
        ("common", lambda t: t.pop("date")),
        ("documents", lambda t: t["documents"].pop("my_number_card")),
        ("crosswalk", lambda t: t["ids"].update({"aml.np.jpki_sign": ["aml.nothing"]})),
    ],
)
def test_table_that_contradicts_itself_is_refused(name: str, change: Any) -> None:
    with pytest.raises(TableError):
        load(bent(name, change))


def test_bytes_that_are_no_table_are_refused() -> None:
    for content in (b"", b"[]", b"{", b"\xff"):
        with pytest.raises(TableError):
            load({**shipped(), "rules/aml": content})
    with pytest.raises(TableError):
        load({})
