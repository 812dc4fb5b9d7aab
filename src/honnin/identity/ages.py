"""Legal age (年齢計算ニ関スル法律, 民法143条; law-and-assurance.md §10.2).

Age n is attained when the day before the n-th birthday ends, at 24:00 JST. A rule for a moment ("may buy now") asks
`age_on`; a rule that counts days (votes, school year) asks `attained_on`. Someone born on 29 February attains an age at
the end of 28 February in every year.
"""

from datetime import date, datetime, timedelta

from honnin.errors import InputError
from honnin.identity.dates import PartialDate, jst_day

__all__ = ["age_on", "attained_on", "birthday_in"]


def birthday_in(year: int, birth_date: date) -> date:
    """Return the day of `year` from whose first moment on the new age holds (1 March for 29 February, if needed)."""
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def age_on(birth_date: date | PartialDate, day: date | datetime) -> int:
    """Return the legal age in years on a Japanese calendar day (an instant counts as its day in JST).

    Raises InputError `identity.date_incomplete` for a birth date with unknown parts, `identity.not_born_yet`, and
    `identity.no_zone` for a datetime without zone.
    """
    born, today = whole_birth_date(birth_date), jst_day(day)
    if today < born:
        raise InputError("identity.not_born_yet", "The day lies before the date of birth.")
    return today.year - born.year - (today < birthday_in(today.year, born))


def attained_on(birth_date: date | PartialDate, age: int) -> date:
    """Return the day at whose end an age is attained: the eve of the birthday (rules that count days).

    Raises InputError `identity.date_incomplete`.
    """
    born = whole_birth_date(birth_date)
    return birthday_in(born.year + age, born) - timedelta(days=1)


def whole_birth_date(birth_date: date | PartialDate) -> date:
    """Return the birth date as a calendar day. Raises InputError `identity.date_incomplete`."""
    if isinstance(birth_date, datetime):
        return birth_date.date()
    if isinstance(birth_date, date):
        return birth_date
    if (whole := birth_date.whole) is not None:
        return whole
    raise InputError(
        "identity.date_incomplete",
        "The date of birth has unknown parts, so no age follows from it.",
        next="Ask the person for another document that shows the whole date.",
    )
