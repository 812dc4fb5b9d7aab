"""Characters that a screen does not show, or that reorder others: what is signed must be what is seen.

Unicode 15.0: general categories Cc (but tab and line ends), Cf, Zl, Zp, Cs and Co, and of Default_Ignorable_Code_Point
and its like those that leave no mark by themselves. Bidirectional controls (UAX #9) are all Cf. Variation selectors
stay: names in Japanese are written with them (UTS #37), and they change a form, not a meaning.
"""

import unicodedata

__all__ = ["hides"]

LINE_ENDS = frozenset("\t\n\r")
HIDDEN_KINDS = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})
HIDDEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")


def hides(text: str) -> bool:
    """Tell whether a text holds a character that the person would not see as one, or not in its place."""
    if text.isascii() and text.isprintable():
        return False
    return any(
        character in HIDDEN or (unicodedata.category(character) in HIDDEN_KINDS and character not in LINE_ENDS)
        for character in set(text)
    )
