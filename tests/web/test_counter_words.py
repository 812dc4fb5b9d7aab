"""How the counter writes what a chip says: dates of every kind, codes, characters without a code, missing pictures."""

from datetime import date
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from honnin.chip.icao9303.mrz import Mrz
from honnin.web.counter.documents.passport import _birth_date
from honnin.web.counter.saying import write_country, write_day, write_field
from honnin.web.counter.schema import drawn, picture_at
from honnin.web.counter.seen import Field, Form, Seen
from honnin.words import LANGUAGES, Language

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("text", "era", "ja", "en"),
    [
        ("2019-04-30", None, "平成31年（2019年）4月30日", "30 April 2019 (Heisei 31)"),
        ("2019-05-01", None, "令和元年（2019年）5月1日", "1 May 2019 (Reiwa 1)"),
        ("2024-06-01", "heisei", "平成36年（2024年）6月1日", "1 June 2024 (Heisei 36)"),
        ("1930-00-00", "showa", "昭和5年（1930年）（月日は不明）", "1930 (Showa 5), month and day unknown"),
        ("1930-02-00", None, "1930年2月（日は不明）", "February 1930, day unknown"),
        ("0000-00-00", None, "不明", "Unknown"),
        ("0000-05-01", None, "不明", "Unknown"),
        ("1850-01-01", None, "1850年1月1日", "1 January 1850"),
        ("9999-12-31", None, "令和7981年（9999年）12月31日", "31 December 9999 (Reiwa 7981)"),
    ],
)
def test_days(text: str, era: str | None, ja: str, en: str) -> None:
    assert write_day(text, "ja", era=era, with_era=True) == ja  # type: ignore[arg-type]
    assert write_day(text, "en", era=era, with_era=True) == en  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "form", "text", "ja", "en"),
    [
        ("period_of_stay", "period", "0000", "無期限", "Indefinite"),
        ("period_of_stay", "period", "0300", "3年", "3 year(s)"),
        ("period_of_stay", "period", "0103", "1年3月", "1 year(s) and 3 month(s)"),
        ("period_of_stay", "period", "090", "90日", "90 day(s)"),
        (
            "period_of_stay",
            "period",
            "XY",
            "コード XY（意味は公開されていません）",
            "Code XY (its meaning is not published)",
        ),
        ("work_permission", "code", "9", "就労不可", "No work"),
        (
            "work_permission",
            "code",
            "{7}",
            "コード {7}（意味は公開されていません）",
            "Code {7} (its meaning is not published)",
        ),
        (
            "birth_date",
            "zone",
            "9004<<",
            "一部不明（旅券の表記：9004<<）",
            "Partly unknown (as in the passport: 9004<<)",
        ),
        ("sex", "sex", "unspecified", "記載なし", "Unspecified"),
        ("nationality", "country", "D", "ドイツ（D）", "Germany (D)"),
        ("nationality", "country", "Q.{}", "Q.{}", "Q.{}"),
    ],
)
def test_codes(name: str, form: Form, text: str, ja: str, en: str) -> None:
    field = Field(name, "details", text, form=form)
    assert (write_field(field, "ja"), write_field(field, "en")) == (ja, en)


@given(
    name=st.sampled_from(["birth_date", "permission_type", "status_of_residence", "period_of_stay", "nationality"]),
    form=st.sampled_from(["text", "date", "era_date", "country", "period", "code", "zone"]),
    text=st.text(max_size=12),
    language=st.sampled_from(LANGUAGES),
)
def test_nothing_that_a_chip_says_stops_the_page(name: str, form: Form, text: str, language: Language) -> None:
    assert isinstance(write_field(Field(name, "details", text, form=form), language), str)


@given(st.dates(min_value=date(1, 1, 1)), st.sampled_from(LANGUAGES))
def test_every_day_is_written(day: date, language: Language) -> None:
    assert str(day.day) in write_day(day.isoformat(), language, with_era=True)


def test_every_country_of_the_world_has_a_name() -> None:
    for code in ("JPN", "CHN", "KOR", "VNM", "PHL", "BRA", "NPL", "USA", "TWN", "GBR", "XXA", "XXB"):
        for language in LANGUAGES:
            assert write_country(code, language).endswith((f"（{code}）", f"({code})"))


def zone(born: str) -> Mrz:
    return Mrz("TD3", "P", "JPN", "MIHON", "HANAKO", "TS7298124", "JPN", born, "F", "351022", "")


@pytest.mark.parametrize(
    ("born", "printed", "meant"),
    [
        ("900412", "19900412", date(1990, 4, 12)),
        ("260101", "20260101", date(2026, 1, 1)),
        ("260101", "19260101", date(1926, 1, 1)),  # a hundred years old: the page prints the century
        ("270101", "20270101", date(1927, 1, 1)),  # nobody is born tomorrow
        ("261128", "20261128", date(1926, 11, 28)),
        ("261127", "20261127", date(2026, 11, 27)),
        ("900412", "18900412", date(1990, 4, 12)),  # nor alive at 136
        ("000229", "19000229", date(2000, 2, 29)),  # 1900 had no such day
        ("9004<<", "19900401", None),
        ("991399", "19991399", None),
    ],
)
def test_birth_date_of_a_passport_has_the_right_century(born: str, printed: str, meant: date | None) -> None:
    assert _birth_date(zone(born), printed, TODAY) == meant


def tiff() -> bytes:
    out = BytesIO()
    Image.new("1", (24, 24)).save(out, "TIFF")
    return out.getvalue()


def test_characters_without_a_code_are_pictures_or_gaps_and_their_pictures_say_that_none_signed_them() -> None:
    pieces = ("架空", tiff(), b"", "町", b"no picture")
    seen = Seen("drivers_licence", (Field("name", "record", "架空〓〓町〓", pieces=pieces),), ())
    (shown,) = drawn(seen, "/visit/v/image", "ja")
    assert [(piece.text, piece.address) for piece in shown.pieces] == [
        ("架空", ""),
        ("", "/visit/v/image/0/1"),
        ("", ""),
        ("町", ""),
        ("", ""),
    ]
    assert picture_at(seen.fields[0], 1) == tiff()
    assert [picture_at(seen.fields[0], n) for n in (0, 2, 3, 99, None)] == [b"", b"", b"", b"", b""]


def test_picture_that_cannot_be_shown_says_so_and_a_second_field_has_no_second_place() -> None:
    fields = (Field("portrait", "photo", image=b"broken"), Field("portrait", "photo", image=tiff()))
    first, second = drawn(Seen("drivers_licence", fields, ()), "/visit/v/image", "ja")
    assert (first.broken, first.front) == (True, True)
    assert (second.broken, second.front) == (False, False)
