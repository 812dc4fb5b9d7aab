"""The three date formats, kept apart."""

from datetime import UTC, date, datetime

import pytest

from honnin.errors import FormatError, InputError
from honnin.identity import dates
from honnin.identity.dates import PartialDate


@pytest.mark.parametrize(
    ("text", "iso", "era"),
    [
        ("419900401", "1990-04-01", "heisei"),
        ("319260101", "1926-01-01", "showa"),
        ("520190501", "2019-05-01", "reiwa"),
        ("118700000", "1870-00-00", "meiji"),
        ("000000000", "0000-00-00", None),
        ("319450300", "1945-03-00", "showa"),
        ("300001225", "0000-12-25", "showa"),
        ("020040229", "2004-02-29", None),
        ("400000229", "0000-02-29", "heisei"),
    ],
)
def test_certificate_format(text: str, iso: str, era: str | None) -> None:
    found = dates.from_certificate(text)
    assert (found.iso(), found.era) == (iso, era)
    assert dates.to_certificate(found)[1:] == text[1:]
    if era:
        assert dates.to_certificate(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "19900401",
        "4199004011",
        "619900401",
        "419901301",
        "419900230",
        "420010229",
        "41990040a",
        "４１９９００４０１",
        "4 1990040",
        "419900431",
        "-19900401",
        "419900401\n",
    ],
)
def test_certificate_format_refuses(text: str) -> None:
    with pytest.raises(FormatError, match=r"identity\.date_malformed"):
        dates.from_certificate(text)


def test_card_record_format() -> None:
    assert dates.from_card_record("19900401") == PartialDate(1990, 4, 1)
    assert dates.from_card_record("19900400").whole is None
    for text in ("419900401", "1990040", "199004 1", "19900432"):
        with pytest.raises(FormatError, match=r"identity\.date_malformed"):
            dates.from_card_record(text)


@pytest.mark.parametrize(
    ("digits", "era", "day"),
    [
        ("020401", "heisei", date(1990, 4, 1)),
        ("010108", "heisei", date(1989, 1, 8)),
        ("640107", "showa", date(1989, 1, 7)),
        ("310430", "heisei", date(2019, 4, 30)),
        ("010501", "reiwa", date(2019, 5, 1)),
    ],
)
def test_verification_number_b_counts_in_the_era(digits: str, era: dates.Era, day: date) -> None:
    assert dates.from_verification_number_b(digits, era).whole == day
    assert dates.to_verification_number_b(day) == digits


def test_verification_number_b_refuses_other_formats() -> None:
    for text in ("19900401", "02040", "0204 1", "021301"):
        with pytest.raises(FormatError, match=r"identity\.date_malformed"):
            dates.from_verification_number_b(text, "heisei")


def test_day_before_the_first_era_is_refused() -> None:
    with pytest.raises(InputError, match=r"identity\.date_out_of_range"):
        dates.era_of(date(1867, 1, 1))


def test_era_does_not_make_two_days_differ() -> None:
    assert dates.from_certificate("419900401") == dates.from_card_record("19900401")


def test_instants_are_japanese_days() -> None:
    assert dates.jst_day(datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert dates.jst_day(datetime(2026, 11, 20, 15, 0, tzinfo=UTC)) == date(2026, 11, 21)
    assert dates.end_of_day(date(2030, 2, 17)) == datetime(2030, 2, 17, 14, 59, 59, tzinfo=UTC)
    with pytest.raises(InputError, match=r"identity\.no_zone"):
        dates.jst_day(datetime(2026, 11, 20, 12, 0))  # noqa: DTZ001 - the missing zone is what is tested


def test_repr_shows_nothing() -> None:
    assert "1990" not in repr(dates.from_certificate("419900401"))
