"""The check digit of the individual number; the numbers here belong to nobody."""

import pytest

from honnin.identity import check_individual_number


@pytest.mark.parametrize(
    "text", ["123456789018", "1234 5678 9018", "1234-5678-9018", "１２３４５６７８９０１８", "1234　5678　9018"]
)
def test_fits(text: str) -> None:
    assert check_individual_number(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "123456789012",  # the specimen number
        "",
        "12345678901",
        "1234567890180",
        "12345678901a",
        "12 34 56 78 90 18",
        "1234-5678 9018",
        "123456789018\n",
        " 123456789018",
        "١٢٣٤٥٦٧٨٩٠١٨",
        "1" * 10_000,
    ],
)
def test_does_not_fit(text: str) -> None:
    assert check_individual_number(text) is False


def test_exactly_one_last_digit_fits() -> None:
    for first in ("00000000000", "99999999999", "10203040506", "00000000100"):
        assert sum(check_individual_number(first + digit) for digit in "0123456789") == 1
