"""The drawing as a page writes it: a document without a portrait, and words of a chip that look like markup."""

from functools import partial

import pytest

from honnin.chip import Proof
from honnin.web.counter.schema import Drawn, drawn
from honnin.web.counter.seen import Field, Seen
from honnin.web.design.pages import environment
from honnin.words import say


def written(*fields: Field, document: str = "drivers_licence", proofs: tuple[Proof, ...] = ()) -> str:
    seen = Seen(document, fields, proofs)
    page = environment().get_template("counter/drawing.html")
    return page.render(
        seen=seen, drawing=drawn(seen, "/visit/v/image", "ja"), t=partial(_say, language="ja"), html_lang="ja"
    )


def _say(key: str, *, language: str, **values: object) -> str:
    return say(key, language, **values)  # type: ignore[arg-type]


def test_document_without_a_portrait_says_so_at_its_place() -> None:
    for document in ("my_number_card", "drivers_licence", "residence_card", "passport"):
        page = written(Field("birth_date", "record", "1990-04-12", form="date"), document=document)
        assert "at-portrait" in page
        assert "チップに顔写真がありません" in page
        assert "<img" not in page


def test_words_of_a_chip_are_no_markup() -> None:
    page = written(Field("name", "record", "<script>alert(1)</script>"), Field("conditions", "record", "{{ 7 * 7 }}"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7 * 7 }}" in page


def test_only_what_a_passed_proof_covers_is_green_and_a_failed_one_outweighs_it() -> None:
    passed = Proof("data_signature", "passed", "proof.police_signed", ("record",))
    chip = Proof("active_authentication", "passed", "proof.active_passed", ("photo",))
    failed = Proof("data_signature", "failed", "proof.police_mismatch", ("record",))
    name = Field("name", "record", "見本")
    other = Field("registered_domicile", "photo", "見本")
    page = written(name, other, proofs=(passed, chip))
    assert (page.count('class="mark mark--covered'), page.count('class="mark mark--open')) == (1, 2)  # and no portrait
    page = written(name, other, proofs=(passed, chip, failed))
    assert page.count('class="mark mark--covered') == 0
    assert 'href="#proof-3"' in page


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1990年4月12日", ["1990年", "4月", "12日"]),
        ("令和7年（2025年）10月14日", ["令和7年", "（2025年）", "10月", "14日"]),
        ("300847287440", ["300847287440"]),
        ("", [""]),
    ],
)
def test_line_of_a_date_ends_behind_a_whole_part_of_it(text: str, parts: list[str]) -> None:
    assert Drawn("birth_date", "covered", front=True, text=text).parts == parts
