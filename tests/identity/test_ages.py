"""Legal age, with the vectors of law-and-assurance.md §10.2."""

from datetime import UTC, date, datetime, timedelta

import pytest

from honnin.errors import InputError
from honnin.identity import PartialDate, age_on, attained_on
from honnin.identity.dates import JST

BORN = date(2006, 11, 21)
LEAP = date(2004, 2, 29)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (BORN, date(2026, 11, 20), 19),
        (BORN, date(2026, 11, 21), 20),
        (BORN, datetime(2026, 11, 20, 23, 59, 59, tzinfo=JST), 19),
        (BORN, datetime(2026, 11, 21, 0, 0, tzinfo=JST), 20),
        (BORN, datetime(2026, 11, 20, 15, 0, tzinfo=UTC), 20),
        (LEAP, date(2026, 2, 28), 21),
        (LEAP, date(2026, 3, 1), 22),
        (LEAP, date(2028, 2, 28), 23),
        (LEAP, date(2028, 2, 29), 24),
        (date(1956, 11, 22), date(2026, 11, 21), 69),
        (date(1956, 11, 22), date(2026, 11, 22), 70),
        (BORN, BORN, 0),
        (PartialDate(2006, 11, 21), date(2026, 11, 21), 20),
    ],
)
def test_age_on(born: date | PartialDate, day: date, age: int) -> None:
    assert age_on(born, day) == age


@pytest.mark.parametrize(
    ("born", "age", "day"),
    [
        (BORN, 20, date(2026, 11, 20)),
        (LEAP, 22, date(2026, 2, 28)),
        (LEAP, 24, date(2028, 2, 28)),
        (date(2008, 4, 1), 18, date(2026, 3, 31)),
        (date(2008, 1, 1), 18, date(2025, 12, 31)),
    ],
)
def test_attained_on(born: date, age: int, day: date) -> None:
    assert attained_on(born, age) == day


@pytest.mark.parametrize("threshold", [15, 16, 17, 18, 19, 20])
def test_both_sides_of_midnight(threshold: int) -> None:
    midnight = datetime(BORN.year + threshold, 11, 21, tzinfo=JST)
    assert age_on(BORN, midnight - timedelta(microseconds=1)) == threshold - 1
    assert age_on(BORN, midnight) == threshold


def test_what_gives_no_age() -> None:
    with pytest.raises(InputError, match=r"identity\.date_incomplete"):
        age_on(PartialDate(2006, 11, None), BORN)
    with pytest.raises(InputError, match=r"identity\.not_born_yet"):
        age_on(BORN, BORN - timedelta(days=1))
