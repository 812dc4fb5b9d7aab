"""The individual number (個人番号): its check digit, and a value that does not leave by accident.

平成26年総務省令85号5条, smartphone-and-reuse.md §2; 番号法20条・29条 (law-and-assurance §3). The check digit is a typo
filter, no proof that a number was given to anyone. The number goes into no message, no exception, no repr.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable
from typing import Final, NoReturn, final

from honnin.errors import FormatError

__all__ = ["MASKED", "IndividualNumber", "check_individual_number"]

MASKED: Final = "************"

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


@final
class IndividualNumber:
    """Twelve digits whose check digit fits, held so that they cannot be logged, hashed into an id or serialised.

    It prints as MASKED wherever text is made of it (repr, str, format, f-strings, `%`); it has no hash, no bytes, no
    attribute that holds the digits, so that no id, digest, dict key or format string gets at them; pickling, copying
    and every encoder are refused. `reveal` is the one way out, for the store of its own that the law demands.
    """

    __slots__ = ("_tell",)
    __hash__ = None  # type: ignore[assignment]  # no key, no member of a set, nothing to derive an id from
    _tell: Callable[[], str]

    def __init__(self, text: str) -> None:
        if not isinstance(text, str) or not check_individual_number(text):
            raise FormatError(
                "identity.number_malformed", "This is no individual number.", next="Check the twelve digits."
            )
        digits = re.sub(r"[ -]", "", unicodedata.normalize("NFKC", text))
        object.__setattr__(self, "_tell", lambda: digits)  # a closure: "{n._tell}" shows a function, not the number

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("an individual number is not subclassed")

    def reveal(self) -> str:
        """Return the twelve digits. Call it only where the number is used or stored under 番号法."""
        return self._tell()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("an individual number does not change")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IndividualNumber):
            return NotImplemented
        return hmac.compare_digest(self.reveal(), other.reveal())

    def __repr__(self) -> str:
        return f"IndividualNumber({MASKED})"

    def __str__(self) -> str:
        return MASKED

    def __format__(self, spec: str) -> str:
        return format(MASKED, spec if not spec or spec[-1] not in "bcdeEfFgGnoxX%" else "")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an individual number is neither copied nor serialised")
