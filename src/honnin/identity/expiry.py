"""When cards and certificates end (law-and-assurance.md §10.1, my-number-card.md §7.1).

The last day is still valid, through 24:00 JST; `dates.end_of_day` gives the second that certificates write. Someone
born on 29 February has the birthday of an expiry on 28 February in other years [?].
Not here: the limits of a foreign resident's period of stay (pass them as `card_expires`).
"""

from datetime import date, datetime

from honnin.errors import InputError
from honnin.identity.ages import age_on, whole_birth_date
from honnin.identity.dates import PartialDate, jst_day

__all__ = ["card_expiry", "certificate_expiry", "renewable_from"]

CERTIFICATE_BIRTHDAYS = 5
RENEWED_CERTIFICATE_BIRTHDAYS = 6  # renewed within the last three months [1]
RENEWAL_MONTHS = 3
ADULT_CARD_BIRTHDAYS = 10
MINOR_CARD_BIRTHDAYS = 5
ADULT_AGE_SINCE = ((date(2022, 4, 1), 18), (date.min, 20))  # by the day the application was accepted


def card_expiry(
    birth_date: date | PartialDate, issued: date | datetime, *, accepted: date | datetime | None = None
) -> date:
    """Return the last valid day of a My Number Card: the 10th birthday after issue, the 5th for minors.

    accepted: the day the application was accepted, which decides who is a minor; by default the day of issue.
    Raises InputError as `age_on`.
    """
    born, day = whole_birth_date(birth_date), jst_day(issued)
    applied = day if accepted is None else jst_day(accepted)
    adult = next(age for since, age in ADULT_AGE_SINCE if applied >= since)
    count = ADULT_CARD_BIRTHDAYS if age_on(born, applied) >= adult else MINOR_CARD_BIRTHDAYS
    return _birthday_after(born, day, count)


def certificate_expiry(
    birth_date: date | PartialDate,
    issued: date | datetime,
    *,
    card_expires: date | None = None,
    replaces_expiring: date | None = None,
) -> date:
    """Return the last valid day of a certificate: the 5th birthday after issue, never after the card's last day.

    replaces_expiring: last day of the certificate that this one renews; within its last three months the new one runs
        to the 6th birthday.
    Raises InputError `identity.date_incomplete`, `identity.no_zone`, `identity.not_born_yet`.
    """
    born, day = whole_birth_date(birth_date), jst_day(issued)
    if day < born:
        raise InputError("identity.not_born_yet", "The day lies before the date of birth.")
    early = replaces_expiring is not None and renewable_from(replaces_expiring) <= day <= replaces_expiring
    end = _birthday_after(born, day, RENEWED_CERTIFICATE_BIRTHDAYS if early else CERTIFICATE_BIRTHDAYS)
    return end if card_expires is None else min(end, card_expires)


def renewable_from(expires: date) -> date:
    """Return the first day on which a certificate may be renewed: three months before its last day."""
    month = expires.month - RENEWAL_MONTHS
    year = expires.year + (month - 1) // 12
    month = (month - 1) % 12 + 1
    for day in range(expires.day, expires.day - 4, -1):
        try:
            return date(year, month, day)
        except ValueError:  # the month is shorter: its last day (民法143条2項)
            continue
    raise AssertionError("every month has a 28th day")


def _birthday_after(born: date, day: date, count: int) -> date:
    """Return the `count`-th birthday strictly after `day`."""
    this_year = _birthday_for_expiry(day.year, born)
    return _birthday_for_expiry(day.year + count - (this_year > day), born)


def _birthday_for_expiry(year: int, born: date) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
