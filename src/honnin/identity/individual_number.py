"""The check digit of the individual number (個人番号; 平成26年総務省令85号5条, smartphone-and-reuse.md §2).

A typo filter, no proof that a number was given to anyone. The number goes into no message, no exception, no repr.
"""

import re
import unicodedata

__all__ = ["check_individual_number"]

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
