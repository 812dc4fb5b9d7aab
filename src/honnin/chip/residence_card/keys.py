"""The card number (在留カード番号), which opens the chip: two letters, eight digits, two letters. It cannot lock."""

import re
from dataclasses import dataclass, field
from typing import Literal

from honnin.errors import InputError

__all__ = ["CardNumber"]

_WRITTEN = re.compile(r"[A-Z]{2}[0-9]{8}[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class CardNumber:
    """The number as printed at the top right; it proves only that whoever gives it saw the card."""

    value: str = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self.value.strip().upper())
        if not _WRITTEN.fullmatch(self.value):
            raise InputError(
                "residence.number_format",
                "This cannot be the number of a residence card; it was not sent to the card.",
                next="It has two letters, eight digits and two letters: mind O and 0, I and 1.",
            )

    @property
    def name(self) -> Literal["card_number"]:
        """Which key this is."""
        return "card_number"

    def octets(self) -> bytes:
        """Return its 12 ASCII bytes."""
        return self.value.encode("ascii")
