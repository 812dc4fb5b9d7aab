"""Ages and expiry around every boundary."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from honnin.identity import age_on, attained_on, card_expiry, certificate_expiry
from honnin.identity.dates import PartialDate, from_card_record, from_certificate, to_certificate

BIRTHS = st.dates(date(1900, 1, 1), date(2026, 1, 1)) | st.sampled_from([date(y, 2, 29) for y in range(1904, 2026, 4)])
AGES = st.integers(0, 120)
LIVED = st.integers(0, 40_000)


@given(BIRTHS, AGES)
def test_age_turns_when_the_eve_ends(born: date, age: int) -> None:
    eve = attained_on(born, age)
    assert age_on(born, eve + timedelta(days=1)) == age
    if age:
        assert age_on(born, eve) == age - 1


@given(BIRTHS, LIVED)
def test_age_grows_by_one_at_most_and_never_shrinks(born: date, days: int) -> None:
    day = born + timedelta(days=days)
    assert age_on(born, day + timedelta(days=1)) - age_on(born, day) in {0, 1}


@given(BIRTHS, LIVED)
def test_leap_day_never_ages_before_its_neighbours(born: date, days: int) -> None:
    day = born + timedelta(days=days + 2)
    assert age_on(born, day) >= age_on(born + timedelta(days=1), day)


@given(BIRTHS, LIVED)
def test_certificate_ends_on_a_birthday_four_to_five_years_on(born: date, days: int) -> None:
    issued = born + timedelta(days=days)
    end = certificate_expiry(born, issued)
    assert (end.month, end.day) in {(born.month, born.day), (2, 28)}
    assert timedelta(days=365 * 4) <= end - issued <= timedelta(days=366 * 5)
    assert certificate_expiry(born, end) > end


@given(BIRTHS, LIVED)
def test_card_outlives_its_certificate(born: date, days: int) -> None:
    issued = born + timedelta(days=days)
    assert card_expiry(born, issued) >= certificate_expiry(born, issued)


@given(st.dates(date(1868, 1, 25), date(2099, 12, 31)))
def test_dates_survive_both_formats(day: date) -> None:
    assert from_certificate(to_certificate(PartialDate.of(day))).whole == day
    assert from_card_record(f"{day:%Y%m%d}").whole == day
