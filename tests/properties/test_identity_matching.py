"""Matching for any text: symmetric, reflexive, blind to width and spacing, quick, a grade or a coded error."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honnin.errors import InputError
from honnin.identity import compare_addresses, compare_names

COMPARE: list[Callable[[str, str], Any]] = [compare_names, compare_addresses]
ALPHABET = "見本太郎花髙高々ヶがノ之一二十丁目番地号室棟東京都市区町村通上る甲イタロー゛ｶﾞABé-'? 　12３(（[])旧氏:〓"
WRITTEN = st.text(alphabet=ALPHABET, max_size=30)


def outcome(compare: Callable[[str, str], Any], a: str, b: str) -> tuple[str, str | None] | str:
    try:
        match = compare(a, b)
    except InputError as error:
        return error.code
    return match.grade, getattr(match, "level", None)


@pytest.mark.parametrize("compare", COMPARE)
@given(a=WRITTEN | st.text(), b=WRITTEN | st.text())
def test_symmetry_and_no_traceback(compare: Callable[[str, str], Any], a: str, b: str) -> None:
    one, other = outcome(compare, a, b), outcome(compare, b, a)
    assert one == other


@pytest.mark.parametrize("compare", COMPARE)
@given(text=WRITTEN.filter(lambda text: any(c in "見本太郎花" for c in text)))
def test_reflexivity(compare: Callable[[str, str], Any], text: str) -> None:
    found = outcome(compare, text, text)
    assert found[0] == "same"


@given(family=st.sampled_from(["見本", "髙見", "MIHON"]), given_name=st.sampled_from(["太郎", "花子", "TARO"]))
def test_spacing_says_nothing(family: str, given_name: str) -> None:
    assert compare_names(f"{family} {given_name}", f" {family}　{given_name} ").grade == "same"


HOSTILE = [c * 200 for c in "(一1-〓ー ゛a東市丁ァ々号["] + ["a b " * 50, "一-" * 100, "1の" * 100, "(見" * 100]


@pytest.mark.parametrize("compare", COMPARE)
def test_hostile_text_takes_no_time(compare: Callable[[str, str], Any]) -> None:
    for text in HOSTILE:
        began = time.process_time()
        for _ in range(3):
            outcome(compare, text * (5 if compare is compare_addresses else 1), text + "見")
        assert (time.process_time() - began) / 3 < 0.05, text[:4]
