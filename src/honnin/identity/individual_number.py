"""The check digit of the individual number (個人番号; 平成26年総務省令85号5条, smartphone-and-reuse.md §2).

A typo filter, no proof that a number was given to anyone. The number goes into no message, no exception, no repr.
"""

import re
import unicodedata
from hmac import compare_digest

from honnin.errors import FormatError

__all__ = ["IndividualNumber", "check_individual_number"]

# Twelve digits, as one block or in the groups of four that the card prints.
_WRITTEN = re.compile(r"[0-9]{12}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}")
_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)  # Q11 … Q1, for the digits from the left


def check_individual_number(text: str) -> bool:
    """Tell whether `text` is twelve digits (half or full width, or grouped by four) whose check digit fits."""
    written = unicodedata.normalize("NFKC", text) if len(text) <= 14 else ""
    if not _WRITTEN.fullmatch(written):
        return False
    digits = [int(character) for character in written if character.isdigit()]
    remainder = sum(digit * weight for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 11
    return digits[11] == (0 if remainder <= 1 else 11 - remainder)


class IndividualNumber:
    """An individual number in memory: it shows itself in no repr, no str, no format; only `reveal` gives the digits."""

    __slots__ = ("_digits",)

    def __init__(self, text: str) -> None:
        """Take twelve digits with a check digit that fits. Raises FormatError `identity.number_malformed`."""
        if not check_individual_number(text):
            raise FormatError(
                "identity.number_malformed", "This is no individual number: its check digit does not fit."
            )
        self._digits = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isdigit())

    def reveal(self) -> str:
        """Return the twelve digits, for the one place that may have them."""
        return self._digits

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndividualNumber) and compare_digest(self._digits, other._digits)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "IndividualNumber(…)"

    def __reduce__(self) -> str:
        """Refuse to be written anywhere."""
        raise TypeError("an individual number is not stored by pickling")
