"""Photographs of faces: what is read whole, what is left out, and what is never returned."""

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honnin.bench.ocr import SUBJECTS, photograph
from honnin.chip.icao9303 import check_digit
from honnin.errors import FormatError
from honnin.web.counter.camera import entries_of, text_lines

TODAY = date(2026, 11, 26)
FIRST = "P<JPNMIHON<<HANAKO".ljust(44, "<")
WHOLE = {"document_number": "TS7298124", "birth_date": "19900412", "expiry_date": "20351022"}


@pytest.mark.parametrize("document", SUBJECTS)
def test_clean_photograph_is_read_whole(document: str) -> None:
    picture, meant = SUBJECTS[document](random.Random(7))  # noqa: S311
    assert entries_of(document, text_lines(photograph(picture)), today=TODAY) == meant


@pytest.mark.parametrize("at", range(28))
def test_misread_zone_goes_to_no_chip(at: int) -> None:
    lines = list(_zone())
    for other in "0123456789":
        changed = lines[1][:at] + other + lines[1][at + 1 :]
        if changed == lines[1]:
            continue
        assert entries_of("passport", [lines[0], changed], today=TODAY) in ({}, _meant())


def _zone() -> tuple[str, str]:
    second = "TS72981248JPN9004128F3510221" + "<" * 14 + "0"
    number = second[:9] + str(check_digit(second[:9]))
    second = number + second[10:]
    six, end = second[13:19], second[21:27]
    second = second[:19] + str(check_digit(six)) + second[20:27] + str(check_digit(end)) + second[28:]
    return FIRST, second + str(check_digit(second[:10] + second[13:20] + second[21:43]))


def _meant() -> dict[str, str]:
    return entries_of("passport", _zone(), today=TODAY)


def test_letters_and_digits_that_look_alike_are_put_right_by_place() -> None:
    first, second = _zone()
    assert _meant() == WHOLE
    assert entries_of("passport", [first.replace("O", "0"), second], today=TODAY) == WHOLE
    assert entries_of("passport", [first, second[:13] + "9OO4I2" + second[19:]], today=TODAY) == WHOLE
    assert entries_of("passport", [first, second[:30] + second[31:]], today=TODAY) == WHOLE


def test_card_face_gives_number_b_and_never_the_individual_number() -> None:
    lines = [
        "氏名 見本 花子",
        "平成 元年 3月31日生",
        "2031年 3月31日まで有効",
        "1234",
        "1234 5678 9018",
        "123456789018",
    ]
    found = entries_of("my_number_card", lines, today=TODAY)
    assert found == {"printed_birth_date": "010331", "expiry_year": "2031", "security_code": "1234"}


def test_two_codes_are_no_code() -> None:
    assert "security_code" not in entries_of("my_number_card", ["1234", "5678"], today=TODAY)


@pytest.mark.parametrize("line", ["AB12345678CD", "ＡＢ１２３４５６７８ＣＤ", "AB 12345678 CD", "AB1234S678CD"])
def test_residence_card_number(line: str) -> None:
    assert entries_of("residence_card", [line], today=TODAY) == {"card_number": "AB12345678CD"}


@given(
    st.lists(st.text(max_size=60), max_size=6), st.sampled_from(["passport", "my_number_card", "residence_card", "x"])
)
def test_any_text_gives_entries_or_nothing(lines: list[str], document: str) -> None:
    for text in entries_of(document, lines, today=TODAY).values():
        assert text.isascii()
        assert len(text) <= 12
        assert not (len(text) == 12 and text.isdigit())


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(40), bytes(1000)])
def test_what_is_no_photograph_is_said(content: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        text_lines(content)
    assert caught.value.code == "camera.picture"
