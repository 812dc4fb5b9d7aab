"""Normal forms of characters for comparison: width, compatibility forms, variant families, kana.

What is compared is a form; the text itself is never rewritten. Variant families are data (`variants.json`).
"""

import json
import re
import unicodedata
from functools import cache
from importlib.resources import files

from honnin.errors import InputError

__all__ = [
    "LIMIT",
    "confusable",
    "family",
    "fold_kana",
    "glyphs",
    "is_kana",
    "is_kanji",
    "is_latin",
    "readable",
    "script",
]

LIMIT = 1000  # characters; the certificate's fields end at 200

# Variation selectors, zero-width characters and byte order marks carry no identity of their own.
_INVISIBLE = {
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
    "\u200b",
    "\u200c",
    "\u200d",
    "\ufeff",
}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－⁃˗ｰ﹘"), "-")
_LONG = str.maketrans({"-": "ー", "~": "ー", "〜": "ー"})
_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")


def readable(text: str) -> str:
    """Return NFKC of a text with one kind of dash and without invisible characters.

    Raises InputError `identity.text` for lone surrogates, control and direction characters, and over-long texts.
    """
    if len(text) > LIMIT:
        raise InputError(
            "identity.text", f"The text is longer than {LIMIT} characters.", next="Give one name or address."
        )
    kept = []
    for character in text:
        if character in _INVISIBLE:
            continue
        category = unicodedata.category(character)
        if (category in {"Cc", "Cs", "Cn"} and character not in "\t\n\r") or category == "Cf":
            raise InputError(
                "identity.text",
                "The text has a control, direction or unassigned character.",
                next="Enter the text again without it.",
            )
        kept.append(character)
    return unicodedata.normalize("NFKC", "".join(kept)).translate(_DASHES)


def glyphs(text: str) -> list[str]:
    """Return what NFKC takes from ideographs: variation selectors and compatibility ideographs."""
    return [
        c
        for c in text
        if "\ufe00" <= c <= "\ufe0f"
        or c >= "\U000e0100"
        or "\uf900" <= c <= "\ufaff"
        or "\U0002f800" <= c <= "\U0002fa1f"
    ]


@cache
def _tables() -> tuple[dict[str, str], dict[str, set[str]]]:
    table = json.loads(files("honnin.identity").joinpath("variants.json").read_text(encoding="utf-8"))
    first = {character: row[0] for row in table["families"] for character in row}
    near: dict[str, set[str]] = {}
    for row in table["confusable"]:
        for character in row:
            near.setdefault(first.get(character, character), set()).update(first.get(c, c) for c in row)
    return first, near


def family(character: str) -> str:
    """Return the character that stands for this one's variant family."""
    return _tables()[0].get(character, character)


def confusable(one: str, other: str) -> bool:
    """Tell whether two families are taken for one another in daily life, though they are different names."""
    return other in _tables()[1].get(one, ())


def is_kanji(character: str) -> bool:
    """Tell whether a character is a CJK ideograph (or an iteration mark)."""
    return unicodedata.name(character, "").startswith("CJK") or character in "々〆"


def is_kana(character: str) -> bool:
    """Tell whether a character is hiragana, katakana or the long-vowel mark."""
    return "\u3041" <= character <= "\u30ff"


def is_latin(character: str) -> bool:
    """Tell whether a character is a Latin letter, diacritics included."""
    return unicodedata.name(character, "").startswith("LATIN")


def script(text: str) -> str:
    """Return `kanji`, `kana`, `latin`, `mixed` or `other` for the letters of a text."""
    letters = [c for c in text if c.isalpha() or is_kana(c)]
    if letters and all(is_latin(c) for c in letters):
        return "latin"
    if letters and all(is_kana(c) for c in letters):
        return "kana"
    if any(is_kanji(c) for c in letters):
        return "mixed" if any(is_latin(c) for c in letters) else "kanji"
    return "other" if not letters else "mixed"


def fold_kana(text: str, *, small: bool = False, vowels: bool = False) -> str:
    """Return kana as katakana; `small` writes small kana large and dashes as ー, `vowels` takes long vowels out."""
    text = "".join(chr(ord(c) + 0x60) if "\u3041" <= c <= "\u3096" else c for c in text)
    text = text.replace("ヸ", "ヰ").replace("ヷ", "ワ")
    if small:
        text = text.translate(_SMALL).translate(_LONG)
    if vowels:
        text = text.translate(_SMALL).translate(_LONG).translate(_HISTORIC)
        text = _short(re.sub("ヴ([アイエオ])", lambda m: _B[m.group(1)], text).replace("ヴ", "ブ"))
    return text


_B = {"ア": "バ", "イ": "ビ", "エ": "ベ", "オ": "ボ"}
_HISTORIC = str.maketrans("ヅヂヲヱヰ", "ズジオエイ")
_ROWS = {
    "ア": "アカサタナハマヤラワガザダバパ",
    "イ": "イキシチニヒミリギジビピ",
    "ウ": "ウクスツヌフムユルグズブプヴ",
    "エ": "エケセテネヘメレゲゼデベペ",
    "オ": "オコソトノホモヨロゴゾドボポ",
}
_VOWEL = {kana: vowel for vowel, row in _ROWS.items() for kana in row}


def _short(text: str) -> str:
    """Take out what only lengthens the vowel before it: ー, the same vowel again, ウ after an o, イ after an e."""
    out = ""
    for kana in text:
        vowel = _VOWEL.get(out[-1]) if out else None
        lengthens = kana in {"ー", vowel} or (vowel, kana) in {("オ", "ウ"), ("エ", "イ")}
        if vowel is None or not lengthens:
            out += kana
    return out
