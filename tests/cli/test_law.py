"""`honnin law`: the table from the command line, with --json one object, doubts shown, wrong input coded."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from honnin.cli.main import cli
from honnin.errors import HonninError


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(cli, ["law", *arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def said(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["law", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_methods_of_one_law_and_of_all() -> None:
    (aml,) = run("methods", "aml", "--on", "2027-04-01")["laws"]
    labels = {method["id"]: method["label"] for method in aml["methods"]}
    assert labels["aml.jpki_signature"] == "ヌ"
    assert "aml.image_selfie" not in labels
    assert set(aml["methods"][0]["name"]) == {"ja", "ja-simple", "en"}
    everything = run("methods", "--on", "2026-11-21")
    assert [law["law"] for law in everything["laws"]][:4] == ["aml", "mobile_phone", "my_number", "second_hand"]
    (early,) = run("methods", "aml", "--on", "2018-01-01")["laws"]
    assert (early["coverage"], early["methods"]) == ("not_covered", [])


def test_methods_are_narrowed() -> None:
    def ids(*more: str) -> set[str]:
        (law,) = run("methods", "aml", "--on", "2026-11-21", *more)["laws"]
        return {method["id"] for method in law["methods"]}

    assert "aml.jpki_signature" not in ids("--verifier", "none")
    assert "aml.image_selfie" not in ids("--rules-of-2027", "--verifier", "deemed")
    assert "aml.jpki_signature" not in ids("--age", "14")
    assert ids("--channel", "mail") == {"aml.restricted_mail"}
    assert "aml.ic_selfie" in ids("--holds", "drivers_licence", "--device", "phone_nfc")
    assert "aml.corporate_certificate" in ids("--corporation")


def test_an_instant_is_taken_in_japan() -> None:
    assert run("methods", "aml", "--on", "2027-03-31T15:00:00+00:00")["on"] == "2027-04-01"


def test_explain_takes_ids_of_the_sheet_and_shows_doubts() -> None:
    answer = run("explain", "aml.np.copy_post_limited", "--on", "2026-11-21")
    assert answer["method"] == "aml.copy_mail_limited"
    assert answer["row"]["uncertain"] == ["row", "attach"]
    assert answer["row"]["note"]["en"]
    assert answer["assurance"]["ds_511"] == "not_defined_here"
    assert set(answer["sources"]) == {"EK", "LF"}
    gone = run("explain", "aml.image_selfie", "--on", "2027-04-01")
    assert (gone["in_force"], gone["row"]) == (False, None)


def test_changes_evidence_and_retention() -> None:
    found = {c["method"]: c for c in run("changes", "aml", "--from", "2027-04-01", "--to", "2027-04-01")["changes"]}
    assert found["aml.in_person_photo"]["successor"] == "aml.in_person_ic"
    assert run("evidence", "aml.jpki_signature", "--on", "2026-11-21")["ways"] == [
        ["cert.jpki", "sig.tx", "revocation"]
    ]
    kept = run("retention", "aml.jpki_signature", "--event", "contract_end=2026-11-21")
    assert (kept["until"], kept["provisional"]) == ("2033-11-21", True)


def test_lapse_and_history(tmp_path: Path) -> None:
    file = tmp_path / "checks.jsonl"
    file.write_text(
        '{"law": "aml", "method": "aml.image_selfie", "on": "2026-11-01"}\n\n'
        '{"law": "aml", "method": "aml.jpki_signature", "on": "2026-11-01"}\n',
        encoding="utf-8",
    )
    answer = run("lapse", str(file), "--on", "2027-04-01")
    assert (answer["checks"], [lapse["reason"] for lapse in answer["lapses"]]) == (2, ["ended"])
    assert run("table-of-2019")["state"] == "superseded"


def test_help_explains_the_marks() -> None:
    assert " ?attach" in said("methods", "aml", "--on", "2027-04-01")
    for mark in ("?row", "?start", "?article", "?attach"):
        assert mark in said("methods", "--help")
    assert said("changes", "aml", "--from", "2027-04-01").count(" *") > 1
    assert "* is for one that asks" in " ".join(said("changes", "--help").split())
    assert '"evidence": ["cert.jpki"' in " ".join(said("lapse", "--help").split())


def test_words_for_people() -> None:
    assert "カ\taml.jpki_signature" in said("methods", "aml", "--on", "2026-11-21")
    assert "label: カ" in said("explain", "aml.jpki_signature", "--on", "2026-11-21")
    assert "ways: cert.jpki + sig.tx + revocation" in said("evidence", "aml.jpki_signature", "--on", "2026-11-21")
    assert "カ → ヌ" in said("changes", "aml", "--from", "2027-04-01")
    assert "years: 7" in said("retention", "aml.jpki_signature")
    assert "1-1\t○\t○\t○" in said("table-of-2019")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("methods", "tax"), "law.unknown"),
        (("methods", "aml", "--on", "soon"), "law.date"),
        (("methods", "aml", "--on", "2027-02-30"), "law.date"),
        (("methods", "aml", "--on", "2027-04-01T00:00"), "identity.no_zone"),
        (("methods", "aml", "--channel", "pigeon"), "law.channel"),
        (("methods", "aml", "--device", "abacus"), "law.device"),
        (("methods", "aml", "--age", "-1"), "law.person"),
        (("explain", "aml.tarot"), "law.unknown_method"),
        (("retention", "aml.jpki_signature", "--event", "contract_end"), "law.date"),
        (("lapse", "nowhere.jsonl"), "input.unreadable"),
    ],
)
def test_wrong_input_is_coded(arguments: tuple[str, ...], code: str) -> None:
    with pytest.raises(HonninError) as refused:
        CliRunner().invoke(cli, ["law", *arguments], catch_exceptions=False)
    assert refused.value.code == code


@pytest.mark.parametrize("line", ["x", "[]", '{"law": "aml"}', '{"law": "aml", "method": "a", "on": "x"}', "\udcff"])
def test_lines_that_are_no_checks_are_coded(tmp_path: Path, line: str) -> None:
    file = tmp_path / "checks.jsonl"
    file.write_bytes(line.encode("utf-8", "surrogateescape"))
    with pytest.raises(HonninError) as refused:
        CliRunner().invoke(cli, ["law", "lapse", str(file)], catch_exceptions=False)
    assert refused.value.code == "law.checks"


def test_templates_are_listed_and_shown() -> None:
    found = {one["id"]: one for one in run("templates")["templates"]}
    assert found["insurance_upkeep"]["status"] == "pending"
    one = run("templates", "event_alcohol_age")
    assert (one["attributes"], one["place"]) == (["age_over_20"], "outdoor")
    assert "needs: face_recognition" in said("templates")
    assert "age_over_16" in said("templates", "micro_mobility_age")


def test_assess_says_level_ways_and_reason(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"impacts": {"financial": "moderate"}, "again": True}), encoding="utf-8")
    made = run("assess", str(answers))
    assert (made["ial"], made["aal"], made["decided_by"]) == ("2", "2", ["financial"])
    assert "公的個人認証（署名）" in said("assess", str(answers))
    answers.write_text("[]", encoding="utf-8")
    with pytest.raises(HonninError) as refused:
        run("assess", str(answers))
    assert refused.value.code == "law.answers"
