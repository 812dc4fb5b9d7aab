"""The report's words, its JSON, and that the table of verdicts is spoken for in three languages."""

import json
from importlib.resources import files

import pytest
from tests.pki.signing import NOW, PERSON, Authority, rsa_key, sign_pkcs1

import honnin
from honnin.pki.report import words_for
from honnin.words import LANGUAGES

TABLE = json.loads(files("honnin.pki").joinpath("verdicts.json").read_text(encoding="utf-8"))["situations"]
CA = Authority.make()


@pytest.mark.parametrize("row", TABLE)
def test_every_signature_verdict_has_words_and_a_next_step(row: str) -> None:
    words = words_for(*TABLE[row]["signature"])
    assert set(words) == set(LANGUAGES)
    assert all(len(sentence) > 10 for sentence in words.values())
    if row != "passed":
        assert "ください" in words["ja"]
        assert " " in words["ja-simple"]


def test_json_is_the_shape_of_the_contracts() -> None:
    content = b"open an account"
    report = honnin.verify(
        sign_pkcs1(content),
        content=content,
        certificate=CA.issue(rsa_key().public_key(), person=PERSON),
        anchors=[CA.der],
        crls=[CA.crl()],
        at=NOW,
        existed_at=NOW,
    )
    shown = json.loads(json.dumps(report.to_json()))
    assert set(shown) >= {"indication", "sub_indication", "reason", "at", "checks"}
    assert (shown["indication"], shown["sub_indication"], shown["at"]) == (
        "TOTAL-PASSED",
        None,
        "2026-11-21T03:00:00Z",
    )
    for check in shown["checks"]:
        assert set(check) <= {"id", "result", "reason", "source"}
        assert check["result"] in {"passed", "failed", "not_checked"}
    (signer,) = shown["signers"]
    assert "four_items" not in signer
    assert signer["revocation"]["source"] == "crl"
    assert "132c4ab" not in json.dumps(shown)


def test_checks_carry_reason_even_when_empty() -> None:
    report = honnin.verify(
        sign_pkcs1(b""), content=b"", certificate=CA.issue(rsa_key().public_key()), at=NOW, existed_at=NOW
    )
    assert all("reason" in check for check in report.to_json()["checks"])
