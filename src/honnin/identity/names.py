"""Comparing names (氏名の突合): a grade with its reasons, never a bare yes or no.

Grades, from the strongest: `same` (the same characters but for width, spacing, kind of kana or letter case),
`same_variant` (the same name in another lawful writing), `likely` (the same but for something that a former name, an
alias, a romanisation or a substituted character explains), `unclear` (cannot be told from the writing), `different`.
Which grade suffices is said by a law or a tenant, not here. Variant families are data; what each grade means and how
well it holds: docs/matching.md.
"""

import re
import unicodedata
from collections.abc import Iterable

from honnin.identity.characters import confusable, family, fold_kana, glyphs, is_kana, is_kanji, script
from honnin.identity.grades import Grade, Match, better
from honnin.identity.latin import compare_latin
from honnin.identity.name_parts import UNWRITTEN, Letters, Name, Other, name_of, take_apart

__all__ = ["Grade", "Match", "compare_names"]

_DIFFERENT = Match("different", ("other_characters",))
_MATCHED = {"same", "same_variant", "likely"}


def compare_names(
    a: str, b: str, *, substituted_a: Iterable[int] | str = (), substituted_b: Iterable[int] | str = ()
) -> Match:
    """Compare two writings of a name.

    substituted_a, substituted_b: positions (from 0) of characters that stand for one that could not be written, or the
    certificate's string of `0` and `1`. Raises InputError `identity.text` for text that cannot be a name.
    """
    first, second = take_apart(a, substituted_a), take_apart(b, substituted_b)
    if not first.parts or not second.parts:
        return Match("same" if a == b else "unclear", ("empty",))
    best = _compare(first, second)
    if best.grade == "same" and glyphs(a) != glyphs(b):
        best = Match("same_variant", ("variant_character",))
    if best.grade == "different" or best.reasons == ("name_part_missing",):
        best = better(best, _beside_reading(first, second))
    if best.grade == "same":
        return _with_others(first, second, best) if first.others or second.others else best
    return _by_brackets(first, second, best)


def _compare(a: Name, b: Name) -> Match:
    """Compare two names without what stands in brackets."""
    kinds = {script(a.text), script(b.text)}
    if len(kinds) > 1 and _other_scripts(a.text, b.text, kinds):
        return Match("unclear", ("other_script",))
    if any(flag for _, flag in a.letters + b.letters):
        return _substituted(a.letters, b.letters)
    if kinds == {"latin"}:
        return compare_latin(a.words, b.words)
    if a.text == b.text:
        return Match("same", () if a.parts == b.parts else ("spacing",))
    match = _kana(a.text, b.text) if kinds == {"kana"} else _kanji(a.text, b.text)
    return match if match.grade != "different" else _one_part(a, b)


def _other_scripts(a: str, b: str, kinds: set[str]) -> bool:
    if "other" in kinds:
        return False
    return bool(kinds & {"latin", "kana"}) or not any(map(is_kanji, a)) or not any(map(is_kanji, b))


def _kanji(a: str, b: str) -> Match:
    one, other = _families(a), _families(b)
    if one == other:
        return Match("same_variant", ("variant_character",))
    if len(one) == len(other) and all(x == y or confusable(x, y) for x, y in zip(one, other, strict=True)):
        return Match("likely", ("confusable_character",))
    if _joined(fold_kana(one, vowels=True)) == _joined(fold_kana(other, vowels=True)):
        return Match("likely", ("kana_spelling",))
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    for kana, kanji in ((one, other), (other, one)):
        if kana and kanji and all(map(is_kana, kana)) and all(map(is_kanji, kanji)) and len(kana) >= len(kanji):
            return Match("unclear", ("other_script",))
    return _DIFFERENT


def _joined(text: str) -> str:
    """Return a text with what joins two kanji (ケ and ガ, ノ and 之) made one."""
    text = re.sub(r"(?<=[一-鿿])[ケガ](?=[一-鿿])", "ケ", text)
    return re.sub(r"(?<=[一-鿿])[ノ之乃](?=[一-鿿])", "ノ", text)


def _families(text: str) -> str:
    """Return a text by variant families, iteration marks written out, small kana large."""
    out: list[str] = []
    for character in text:
        if out and character in "々ゝヽ":
            out.append(out[-1])
        elif out and character in "ゞヾ":
            voiced = unicodedata.normalize("NFC", out[-1] + "\u3099")
            out.append(voiced if len(voiced) == 1 else out[-1])
        else:
            out.append(family(character))
    return fold_kana("".join(out), small=True)


def _kana(a: str, b: str) -> Match:
    if fold_kana(a) == fold_kana(b):
        return Match("same", ("hiragana_or_katakana",))
    if _families(a) == _families(b):
        return Match("same_variant", ("small_kana_or_dash",))
    if fold_kana(_families(a), vowels=True) == fold_kana(_families(b), vowels=True):
        return Match("likely", ("long_vowel",))
    return _DIFFERENT


def _one_part(a: Name, b: Name) -> Match:
    """Tell whether one side has only the family name or only the given name of the other."""
    few, many = sorted((a, b), key=lambda name: len(name.letters))
    short, long = _families(few.text), _families(many.text)
    whole = len(few.parts) == 1 and len(many.parts) > 1 and short in map(_families, many.words)
    unspaced = len(few.parts) == len(many.parts) == 1 or len(many.parts) == 1
    half = len(short) <= 2 or len(short) * 2 <= len(long)
    if whole or (unspaced and half and len(short) < len(long) and long.startswith(short)):
        return Match("unclear", ("name_part_missing",))
    if len(few.parts) == 1 and half and len(short) < len(long) and (long.startswith(short) or long.endswith(short)):
        return Match("unclear", ("name_part_missing",))
    return _DIFFERENT


def _substituted(a: Letters, b: Letters) -> Match:
    """Compare letter by letter where some stand for others that could not be written."""
    if len(a) != len(b):
        flagged = sum(flag for _, flag in a + b)
        grade: Grade = "unclear" if flagged * 2 >= max(len(a), len(b)) else "different"
        return Match(grade, ("substitute_character", "other_length"))
    if a == b:
        return Match("same", ("substitute_character",))
    hidden = variants = 0
    for (x, x_flag), (y, y_flag) in zip(a, b, strict=True):
        if x == y and x not in UNWRITTEN:
            continue
        if _families(x) == _families(y) and x not in UNWRITTEN:
            variants += x.casefold() != y.casefold()
        elif x_flag or y_flag:
            hidden += 1
        elif x.casefold() != y.casefold():
            return Match("different", ("substitute_character", "other_characters"))
    if hidden == 0:
        return Match("same_variant", ("variant_character",)) if variants else Match("same", ("substitute_character",))
    return Match("unclear" if hidden * 2 > len(a) else "likely", ("substitute_character",))


def _beside_reading(a: Name, b: Name) -> Match:
    """Compare again where one side has its reading, in kana or Latin letters, written behind the name."""
    best = _DIFFERENT
    for name, other in ((a, b), (b, a)):
        scripts = [script(word) for word in name.words]
        cut = next((i for i, kind in enumerate(scripts) if i and kind in {"kana", "latin"}), 0)
        if set(scripts[:cut]) != {"kanji"}:
            continue
        written, reading = name.parts[:cut], name.parts[cut:]
        lengths = sum(map(len, written)), sum(map(len, reading))
        if not cut or len(set(scripts[cut:])) > 1 or lengths[0] < 3 or lengths[1] <= lengths[0]:
            continue
        match = _compare(Name(written), Name(other.parts))
        if match.grade == "same":
            match = Match("same_variant", ("reading_beside",))
        best = better(best, match)
    return best


# --- former names and aliases


def _with_others(a: Name, b: Name, best: Match) -> Match:
    if a.others and b.others:
        same = [_families(o.name.text) for o in a.others] == [_families(o.name.text) for o in b.others]
        return best if same else Match("likely", ("other_bracketed_name",))
    return Match("same_variant", ("bracketed_name_omitted",))


def _by_brackets(a: Name, b: Name, best: Match) -> Match:
    for name, other in ((a, b), (b, a)):
        for bracketed in name.others:
            found = _by_other_name(name, bracketed, Name(other.parts))
            same_script = script(bracketed.name.text) == script(other.text)
            if best.reasons == ("other_script",) and bracketed.kind != "former" and same_script:
                best = found
            best = better(best, found)
    if best.grade not in {"different", "unclear"} and bool(a.others) != bool(b.others) and len(best.reasons) < 2:
        return Match(best.grade, (*best.reasons, "bracketed_name_omitted"))
    return best


def _by_other_name(name: Name, bracketed: Other, other: Name) -> Match:
    """Judge the other side against the former name or alias that this side has in brackets."""
    reason = {"former": "former_name", "alias": "alias"}.get(bracketed.kind, "bracketed_name")
    letters, space = bracketed.name.letters, ((" ", False),)
    candidates = [bracketed.name]
    if 0 < bracketed.at < len(name.letters):  # the bracket follows the family name
        candidates.append(name_of((*letters, *space, *name.letters[bracketed.at :])))
    elif len(name.parts) > 1:  # the bracket may hold a family name alone
        candidates.append(name_of((*letters, *space, *(letter for part in name.parts[1:] for letter in part))))
        candidates.append(Name((*bracketed.name.parts, *name.parts[:-1])))
    elif 0 < len(other.letters) - len(letters) < len(name.letters):  # the given name is what both end with
        candidates.append(Name((letters, name.letters[len(letters) - len(other.letters) :])))
    for candidate in candidates:
        match = _compare(candidate, other)
        if match.grade in _MATCHED:
            return Match("likely", (reason, *match.reasons))
    return _DIFFERENT
