"""Names in Latin letters: order, diacritics, transliteration, romanisation, parts left out.

Sources: ICAO Doc 9303-3 section 6 (what passports print for letters with diacritics); the spellings of Japanese
sounds in Hepburn, Kunrei and passport romanisation. Does not guess a romanisation from kana or kanji.
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import permutations

from honnin.identity.grades import Match

__all__ = ["compare_latin"]

_MOST_PARTS = 12  # more parts than this are compared whole
_FIELD = 16  # letters; a shorter name is not cut by a field's end
_PLAIN = {"Æ": "AE", "Ø": "O", "Œ": "OE", "ß": "SS", "ẞ": "SS", "Þ": "TH", "Ð": "D", "Đ": "D", "Ł": "L", "Ħ": "H"}
_PRINTED = {**_PLAIN, "Ø": "OE", "Å": "AA", "Ä": "AE", "Ö": "OE", "Ü": "UE"}
_SOUNDS = (
    ("SHI", "SI"),
    ("CHI", "TI"),
    ("TSU", "TU"),
    ("JI", "ZI"),
    ("FU", "HU"),
    ("SH", "SY"),
    ("CH", "TY"),
    ("DZU", "ZU"),
    ("L", "R"),
)


def compare_latin(a: tuple[str, ...], b: tuple[str, ...]) -> Match:
    """Compare two names by their parts, each as written."""
    if tuple(map(_upper, a)) == tuple(map(_upper, b)):
        return Match("same", () if a == b else ("letter_case",))
    for fold, reason in ((_bare, "diacritics_or_punctuation"), (_icao, "transliteration")):
        one, other = _folded(a, fold), _folded(b, fold)
        if "".join(one) == "".join(other):
            return Match("same_variant", (reason,))
        if _reordered(one, other):
            return Match("same_variant", ("name_order",))
    one, other = _folded(a, _romanised), _folded(b, _romanised)
    if "".join(one) == "".join(other) or _reordered(one, other):
        return Match("likely", ("romanisation",))
    return _partial(_folded(a, _bare), _folded(b, _bare))


def _upper(text: str) -> str:
    """Return upper case letter by letter, so that ß stays one letter."""
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def _bare(text: str) -> str:
    """Return upper-case letters without diacritics, hyphens and apostrophes."""
    text = "".join(c for c in unicodedata.normalize("NFD", _upper(text)) if not unicodedata.combining(c))
    return "".join(c for c in (_PLAIN.get(c, c) for c in text) if c.isalnum())


def _icao(text: str) -> str:
    """Return letters by the transliteration that passports print (Ä as AE)."""
    return _bare("".join(_PRINTED.get(c, c) for c in unicodedata.normalize("NFC", _upper(text))))


def _romanised(text: str) -> str:
    """Return romanised Japanese with its spellings of one sound made one: OU, OH, OO as O; SI as SHI."""
    text = _bare(text)
    for old, new in _SOUNDS:
        text = text.replace(old, new)
    text = re.sub(r"J(?=[AUO])", "ZY", text)
    text = re.sub(r"M(?=[BPM])", "N", text)
    return re.sub(r"UU", "U", re.sub(r"OU|OO|OH(?![AIUEO])", "O", text))


def _folded(parts: tuple[str, ...], fold: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(folded for part in parts for piece in part.split("-") if (folded := fold(piece)))


def _reordered(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Tell whether the parts are the same in another order, also where two were written together."""
    if sorted(one) == sorted(other):
        return True
    few, many = sorted((one, other), key=len)
    target = "".join(few)
    if len(many) > 5 or sorted(target) != sorted("".join(many)):
        return False
    return any("".join(order) == target for order in permutations(many)) or (
        len(few) <= 5 and any("".join(order) == "".join(many) for order in permutations(few))
    )


def _partial(one: tuple[str, ...], other: tuple[str, ...]) -> Match:
    """Judge names of which one says less: no middle name, an initial, a cut end, no family name."""
    few, many = sorted((one, other), key=lambda parts: (len(parts), sum(map(len, parts)), parts))
    if not few or len(many) > _MOST_PARTS:
        return Match("different", ("other_characters",))
    left = list(many)
    initials = cut = 0
    unmatched = []
    for part in few:
        if part in left:
            left.remove(part)
        else:
            unmatched.append(part)
    long_enough = sum(map(len, many)) >= _FIELD
    for part in unmatched:
        short = next((p for p in left if 1 in {len(part), len(p)} and p[0] == part[0]), None)
        long = next((p for p in left if long_enough and _cut(p, part)), None)
        found = short or long
        if found is None:
            return Match("different", ("other_characters",))
        initials += short is not None
        cut += short is None
        left.remove(found)
    if len(few) == 1 and len(many) > 1:
        return Match("unclear", ("name_part_missing",))
    if initials and len(few) - initials < 2:
        return Match("unclear", ("initial",))
    counts = (("initial", initials), ("cut_short", cut), ("middle_name_omitted", len(left)))
    return Match("likely", tuple(reason for reason, count in counts if count) or ("name_order",))


def _cut(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= 5 and long.startswith(short)
