"""When cards and certificates end, with the vectors of law-and-assurance.md §10.2."""

from datetime import UTC, date, datetime

import pytest

from honnin.errors import InputError
from honnin.identity import PartialDate, card_expiry, certificate_expiry
from honnin.identity.expiry import renewable_from

ISSUED = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("born", "issued", "expires"),
    [
        (date(2000, 11, 21), ISSUED, date(2036, 11, 21)),
        (date(2000, 11, 20), ISSUED, date(2036, 11, 20)),
        (date(2000, 11, 22), ISSUED, date(2035, 11, 22)),
        (date(2009, 1, 10), ISSUED, date(2031, 1, 10)),
        (date(2008, 11, 21), ISSUED, date(2036, 11, 21)),
        (date(2008, 11, 22), ISSUED, date(2030, 11, 22)),
        (date(2004, 2, 29), date(2026, 2, 28), date(2036, 2, 29)),
        (date(2004, 2, 29), date(2026, 2, 27), date(2035, 2, 28)),
        (date(2004, 2, 29), date(2028, 2, 29), date(2038, 2, 28)),
        (date(2002, 4, 1), date(2022, 3, 31), date(2026, 4, 1)),
        (date(2002, 4, 1), date(2022, 4, 1), date(2032, 4, 1)),
    ],
)
def test_card_expiry(born: date, issued: date, expires: date) -> None:
    assert card_expiry(born, issued) == expires


def test_day_of_acceptance_decides_who_is_a_minor() -> None:
    born = date(2008, 12, 1)
    assert card_expiry(born, date(2026, 12, 10), accepted=date(2026, 11, 30)) == date(2031, 12, 1)
    assert card_expiry(born, date(2026, 12, 10), accepted=date(2026, 12, 1)) == date(2036, 12, 1)
    assert card_expiry(date(2003, 1, 1), date(2022, 4, 20), accepted=date(2022, 3, 31)) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("born", "expires"),
    [
        (date(2000, 11, 22), date(2030, 11, 22)),
        (date(2000, 11, 21), date(2031, 11, 21)),
        (date(2000, 11, 20), date(2031, 11, 20)),
        (date(2004, 2, 29), date(2031, 2, 28)),
    ],
)
def test_certificate_expiry(born: date, expires: date) -> None:
    assert certificate_expiry(born, ISSUED) == expires
    assert certificate_expiry(PartialDate.of(born), datetime(2026, 11, 20, 15, tzinfo=UTC)) == expires


def test_certificate_never_outlives_the_card() -> None:
    assert certificate_expiry(date(2000, 11, 22), ISSUED, card_expires=date(2035, 11, 22)) == date(2030, 11, 22)
    assert certificate_expiry(date(2000, 11, 22), ISSUED, card_expires=date(2028, 11, 22)) == date(2028, 11, 22)


def test_renewal_in_the_last_three_months_runs_to_the_sixth_birthday() -> None:
    born, old = date(2000, 12, 20), date(2026, 12, 20)
    assert certificate_expiry(born, ISSUED, replaces_expiring=old) == date(2031, 12, 20)
    assert certificate_expiry(born, date(2026, 9, 20), replaces_expiring=old) == date(2031, 12, 20)
    assert certificate_expiry(born, date(2026, 9, 19), replaces_expiring=old) == date(2030, 12, 20)
    assert certificate_expiry(born, date(2026, 12, 21), replaces_expiring=old) == date(2031, 12, 20)


@pytest.mark.parametrize(
    ("expires", "first"),
    [
        (date(2027, 5, 31), date(2027, 2, 28)),
        (date(2028, 5, 31), date(2028, 2, 29)),
        (date(2027, 2, 10), date(2026, 11, 10)),
        (date(2027, 3, 31), date(2026, 12, 31)),
    ],
)
def test_renewable_from(expires: date, first: date) -> None:
    assert renewable_from(expires) == first


def test_before_birth_and_unknown_parts_are_refused() -> None:
    with pytest.raises(InputError, match=r"identity\.not_born_yet"):
        certificate_expiry(date(2026, 11, 22), ISSUED)
    with pytest.raises(InputError, match=r"identity\.date_incomplete"):
        card_expiry(PartialDate(2000), ISSUED)
