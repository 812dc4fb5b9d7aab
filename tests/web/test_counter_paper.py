"""The record on paper: any name that a business may have is printed, on as many pages as it needs."""

import re
import subprocess
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.waiting import LONG

from honnin.platform.counter import CounterCheck
from honnin.platform.models import VerdictAnswer
from honnin.web.counter.paper import proof_paper

AT = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
CHECK = CounterCheck(
    id="cch_1",
    livemode=False,
    created_at=AT,
    document="passport",
    purpose="age_check",
    staff="見本",
    place="見本支店",
    terminal="窓口一",
    kept="8124",
    authentic="failed",
    current="current",
    same_person=False,
    verdict=VerdictAnswer(
        indication="FAILED",
        sub_indication="SIG_CRYPTO_FAILURE",
        reason="DG2 is not what was signed.",
        at=AT,
        checks=(
            {
                "id": "passive_authentication",
                "result": "failed",
                "reason": "DG2 is not what was signed.",
                "code": "proof.groups_changed",
            },
        ),
    ),
    evidence="evd_1",
    law=None,
    full=False,
)


def text_of(paper: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-", "-"], input=paper, capture_output=True, check=True, timeout=LONG
    ).stdout.decode()


def with_names(**names: Any) -> CounterCheck:
    return msgspec.structs.replace(CHECK, **names)


@pytest.mark.peer("pdftotext")
def test_names_with_variants_and_characters_that_no_font_has() -> None:
    text = text_of(
        proof_paper(with_names(staff="葛\U000e0100城　髙子", place="𠀋橋前👩支店"), "﨑<銀行> & Co.", None, "ja")
    )
    assert "葛城" in text
    assert "髙子" in text
    assert "橋前〓支店" in text  # the first character is drawn, but reportlab names none beyond the BMP
    assert "﨑<銀行> & Co." in text


@pytest.mark.peer("pdftotext")
def test_forgery_has_its_sign_and_its_reason() -> None:
    text = text_of(proof_paper(CHECK, "見本銀行", None, "ja"))
    assert "× 失敗" in text
    assert "データが、署名されたときから書き換えられています。" in text
    assert "2026年11月28日 0:00:00" in text  # midnight in Japan
    old = {"id": "passive_authentication", "result": "failed", "reason": "DG2 is not what was signed."}
    before = msgspec.structs.replace(CHECK.verdict, checks=(old,))
    assert "DG2 is not what was signed." in text_of(proof_paper(with_names(verdict=before), "見本銀行", None, "ja"))


@pytest.mark.peer("pdftotext")
@pytest.mark.parametrize("language", ["ja", "en"])
def test_long_names_wrap_and_nothing_runs_off_the_page(language: Any) -> None:
    long = "ＳＰＥＣＩＭＥＮ　ＭＡＸＩＭＩＬＩＡＮ　" * 3
    checks = CHECK.verdict.checks * 40
    check = with_names(place=long, staff="x" * 60, verdict=msgspec.structs.replace(CHECK.verdict, checks=checks))
    paper = proof_paper(check, long, None, language)
    assert len(re.findall(rb"/Type /Page\b", paper)) >= 3
    assert re.sub(r"\s", "", text_of(paper)).count("ＳＰＥＣＩＭＥＮＭＡＸＩＭＩＬＩＡＮ") == 6
    assert proof_paper(check, long, None, language) == paper
