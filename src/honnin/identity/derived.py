"""Answers that follow from the four items and say less than they do: "20 or over" in place of a date of birth.

Ages count at midnight in Japan (`honnin.identity.age_on`; law-and-assurance.md §10.2); an area is the head of the
address as it is written. None where the item is missing or has unknown parts: nothing is guessed.
"""

from collections.abc import Callable
from datetime import date

from honnin.errors import InputError
from honnin.identity.address_parts import area
from honnin.identity.ages import age_on
from honnin.identity.four_items import FourItems

__all__ = ["DERIVED", "derive"]

# attribute: the one of the four items that it follows from
DERIVED: dict[str, str] = {
    "age_over_16": "birth_date",
    "age_over_18": "birth_date",
    "age_over_20": "birth_date",
    "age_over_70": "birth_date",
    "prefecture": "address",
    "city": "address",
}


def derive(attribute: str, items: FourItems, on: date) -> bool | str | None:
    """Return what an attribute of DERIVED says of a person on a Japanese calendar day; None where nothing follows.

    Raises KeyError for any other attribute.
    """
    return _FROM[DERIVED[attribute]](attribute, items, on)


def _age(attribute: str, items: FourItems, on: date) -> bool | None:
    if items.birth_date is None:
        return None
    try:
        return age_on(items.birth_date, on) >= int(attribute.removeprefix("age_over_"))
    except InputError:  # unknown parts, or a day before the birth
        return None


def _area(attribute: str, items: FourItems, on: date) -> str | None:  # noqa: ARG001 - the ages need the day
    if items.address is None:
        return None
    prefecture, city = area(items.address)
    return (prefecture if attribute == "prefecture" else city) or None


_FROM: dict[str, Callable[[str, FourItems, date], bool | str | None]] = {"birth_date": _age, "address": _area}
