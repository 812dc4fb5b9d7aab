"""Use-case templates: every case of the material is there, asks for no more than it needs, and the loader refuses."""

import json
from importlib.resources import files
from typing import Any

import pytest

from honnin.errors import InputError
from honnin.law import TableError, template, templates
from honnin.law.templates import FOUR_ITEMS, needs, read_templates
from honnin.words import in_all

READY = tuple(one for one in templates() if not one.pending)


def test_all_cases_and_the_trials_are_there() -> None:
    assert {one.case for one in templates()} == {*(str(number) for number in range(1, 18)), "trial"}


def test_pending_ones_say_what_they_wait_for() -> None:
    assert {one.id for one in templates() if one.pending} == {
        "securities_account",
        "life_insurance_number",
        "employee_number",
        "dating_registration",
        "insurance_upkeep",
        "golf_check_in",
        "supporters_prize",
    }
    assert {need for one in templates() for need in one.needs} == set(needs())


def test_an_age_is_asked_for_without_the_date_of_birth() -> None:
    for one in templates():
        if any(name.startswith("age_over_") for name in one.attributes):
            assert "birth_date" not in one.attributes, one.id
        if {"prefecture", "city"} & set(one.attributes):
            assert "address" not in one.attributes, one.id
    assert template("micro_mobility_age").attributes == ("age_over_16",)


def test_only_aml_items_are_asked_for_under_aml() -> None:
    for one in templates():
        if one.law == "aml":
            assert set(one.attributes) == {"name", "address", "birth_date"}, one.id


def test_nothing_outdoors_uses_tap() -> None:
    outdoors = [one for one in templates() if one.place == "outdoor"]
    assert outdoors
    assert all(one.by != "tap" and one.rule != "jpki.tap_use" for one in outdoors)


@pytest.mark.parametrize("one", templates(), ids=lambda one: one.id)
def test_each_has_words_for_the_person(one: Any) -> None:
    for kind in ("title", "text"):
        assert set(in_all(f"template.{kind}_{one.id}")) == {"ja", "ja-simple", "en"}
    for name in one.attributes:
        assert in_all(f"check.item_{name}")
    assert len(one.attributes) <= len(FOUR_ITEMS)


def test_unknown_template_is_coded() -> None:
    with pytest.raises(InputError) as refused:
        template("casino")
    assert refused.value.code == "template.unknown"


def _changed(**members: Any) -> bytes:
    content = json.loads(files("honnin.law").joinpath("templates.json").read_text(encoding="utf-8"))
    content["templates"][0].update(members)
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"id": "bank_procedure"}, "stands twice"),
        ({"attributes": ["name", "shoe_size"]}, "unknown attribute"),
        ({"needs": ["magic"]}, "unknown need"),
        ({"law": "maritime"}, "unknown law"),
        ({"method": "aml.handshake"}, "unknown method"),
        ({"rule": "aml.handshake"}, "unknown method"),
        ({"record": {"law": "aml", "retention": "for ever", "keep": []}}, "unknown retention rule"),
        ({"place": "outdoor", "by": "tap"}, "tap is not for use out of doors"),
        ({"place": "outdoor", "rule": "jpki.tap_use"}, "tap is not for use out of doors"),
        ({"law": None}, "law and method go together"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_templates_that_contradict_the_table_are_refused(members: dict[str, Any], why: str) -> None:
    with pytest.raises(TableError, match=why):
        read_templates(_changed(**members))
