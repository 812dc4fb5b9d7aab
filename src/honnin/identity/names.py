"""Comparing names (氏名の突合): a grade with its reasons, never a bare yes or no.

Grades, from the strongest: `same` (the same characters but for width and spacing), `same_variant` (the same name in
another lawful writing), `likely` (the same but for something that a former name, an alias, a romanisation or a
substituted character explains), `unclear` (cannot be told from the writing), `different`. Which grade suffices is said
by a law or a tenant, not here. Sources: my-number-card.md §5.4 (substitute characters), issue of name matching; variant
families are data.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from honnin.identity.characters import confusable, family, fold_kana, is_kana, readable, script

__all__ = ["Grade", "Match", "compare_names"]

Grade = Literal["same", "same_variant", "likely", "unclear", "different"]

# What registers and forms print where a character could not be written.
_UNWRITTEN = set("〓■□●○▲△?�＿_*◆◇")
_BRACKETS = re.compile(r"[(\[【〔〈{「『](.*?)[)\]】〕〉}」』]")
_LABELS = re.compile(
    r"^(旧氏|旧姓|通称名?|通名|別名|本名|FORMERLY|NEE|NÉE|ALIAS|AKA|A\.K\.A\.?)\s*[:：]?\s*", re.IGNORECASE
)
_FORMER = re.compile(r"^(旧氏|旧姓|FORMERLY|NEE|NÉE)", re.IGNORECASE)
_TITLES = re.compile(r"\s*(様|殿|氏|さん|MR\.?|MRS\.?|MS\.?|DR\.?)\s*$|^(MR|MRS|MS|DR)\.?\s+", re.IGNORECASE)
_ORDER: dict[Grade, int] = {"same": 0, "same_variant": 1, "likely": 2, "unclear": 3, "different": 4}


@dataclass(frozen=True, slots=True)
class Match:
    """A grade and the reasons that led to it, in the order they were found."""

    grade: Grade
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class _Name:
    """A name taken apart for comparison; `letters` are (character, whether it stands for one that was not writable)."""

    parts: tuple[str, ...]
    letters: tuple[tuple[str, bool], ...]
    others: tuple[tuple[str, str], ...]  # (former | alias, text) from brackets

    @property
    def text(self) -> str:
        return "".join(character for character, _ in self.letters)


def compare_names(
    a: str, b: str, *, substituted_a: Iterable[int] | str = (), substituted_b: Iterable[int] | str = ()
) -> Match:
    """Compare two writings of a name.

    substituted_a, substituted_b: positions (from 0) of characters that stand for one that could not be written, or the
    certificate's string of `0` and `1`. Raises InputError `identity.text` for text that cannot be a name.
    """
    first, second = _take_apart(a, substituted_a), _take_apart(b, substituted_b)
    if not first.letters or not second.letters:
        return Match("unclear", ("empty",))
    best = _compare(first, second)
    if best.grade == "same" and _glyphs(a) != _glyphs(b):
        best = Match("same_variant", ("variant_character",))
    if best.grade == "same" and (first.others or second.others):
        best = _with_others(first, second, best)
    elif best.grade != "same":
        for name, other in ((first, second), (second, first)):
            for kind, text in name.others:
                best = _better(best, _by_other_name(name, kind, text, other))
        if best.grade != "different" and bool(first.others) != bool(second.others) and len(best.reasons) < 2:
            best = Match(best.grade, (*best.reasons, "bracketed_name_omitted"))
    return best


def _take_apart(text: str, substituted: Iterable[int] | str) -> _Name:
    positions = (
        {i for i, flag in enumerate(substituted) if flag == "1"} if isinstance(substituted, str) else set(substituted)
    )
    marked: list[tuple[str, bool]] = []  # normalise character by character, so that flags stay with their characters
    for place, character in enumerate(text):
        normals = readable(character) if not unicodedata.combining(character) else character
        marked.extend((normal, place in positions or normal in _UNWRITTEN) for normal in normals)
    joined = unicodedata.normalize("NFC", "".join(c for c, _ in marked))
    if len(joined) != len(marked):  # combining marks joined their letters: flags by order
        flags = [flag for c, flag in marked if not unicodedata.combining(c)]
        marked = list(zip(joined, [*flags, *(False,) * len(joined)], strict=False))
    readable(text)
    others = tuple(_other(found) for found in _BRACKETS.findall(joined) if found.strip())
    kept: list[tuple[str, bool]] = []
    depth = 0
    for character, flag in marked:
        if character in "([【〔〈{「『":
            depth += 1
        elif character in ")]】〕〉}」』":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append((character, flag))
    plain = "".join(c for c, _ in kept)
    shorter = _TITLES.sub("", plain)
    if shorter != plain and shorter.strip() and script(plain) == "latin":
        start = plain.index(shorter)
        kept = kept[start : start + len(shorter)]
        plain = shorter
    elif shorter != plain and len(shorter.strip()) > 1 and plain.rstrip().endswith(("様", "殿", "さん")):
        kept, plain = kept[: len(shorter)], shorter
    parts = tuple(part for part in re.split(r"[\s,・·=]+", plain) if part)
    letters = tuple((c, flag) for c, flag in kept if not c.isspace() and c not in ",・·=")
    return _Name(parts, letters, others)


def _glyphs(text: str) -> list[str]:
    """Return what NFKC takes from ideographs: variation selectors and compatibility ideographs."""
    return [
        c
        for c in text
        if "\ufe00" <= c <= "\ufe0f"
        or c >= "\U000e0100"
        or "\uf900" <= c <= "\ufaff"
        or "\U0002f800" <= c <= "\U0002fa1f"
    ]


def _other(bracketed: str) -> tuple[str, str]:
    text = bracketed.strip()
    kind = "former" if _FORMER.match(text) else "alias" if _LABELS.match(text) else "bracketed"
    return kind, _LABELS.sub("", text).strip()


def _better(one: Match, other: Match) -> Match:
    return other if _ORDER[other.grade] < _ORDER[one.grade] else one


def _compare(a: _Name, b: _Name) -> Match:
    """Compare two names without what stands in brackets."""
    kinds = (script(a.text), script(b.text))
    if any(flag for _, flag in a.letters + b.letters):
        return _substituted(a, b)
    if kinds == ("latin", "latin"):
        return _latin(a, b)
    if a.text.casefold() == b.text.casefold():
        return Match("same", () if a.parts == b.parts else ("spacing",))
    if kinds == ("kana", "kana"):
        return _kana(a.text, b.text)
    if "latin" in kinds or "kana" in kinds:
        if {"kanji", "mixed"} & set(kinds) or set(kinds) == {"latin", "kana"}:
            return Match("unclear", ("other_script",))
        return Match("different", ("other_characters",))
    return _kanji(a.text, b.text)


def _kanji(a: str, b: str) -> Match:
    folded_a, folded_b = _families(a), _families(b)
    if folded_a == folded_b:
        return Match("same_variant", ("variant_character",))
    if len(folded_a) == len(folded_b):
        apart = [(x, y) for x, y in zip(folded_a, folded_b, strict=True) if x != y]
        if all(confusable(x, y) for x, y in apart):
            return Match("likely", ("confusable_character",))
    plain_a, plain_b = fold_kana(folded_a, vowels=True), fold_kana(folded_b, vowels=True)
    if plain_a == plain_b:
        return Match("likely", ("kana_spelling",))
    return Match("different", ("other_characters",))


def _families(text: str) -> str:
    """Return a text by variant families, iteration marks written out, small ケ and カ as one."""
    out = ""
    for character in text:
        current = out[-1] if character == "々" and out else family(character)
        out += {"ヶ": "ケ", "ヵ": "カ", "ゝ": out[-1:] or "ゝ", "ヽ": out[-1:] or "ヽ"}.get(current, current)
    return fold_kana(out, small=True)


def _kana(a: str, b: str) -> Match:
    if fold_kana(a) == fold_kana(b):
        return Match("same", ("hiragana_or_katakana",))
    if fold_kana(a, small=True) == fold_kana(b, small=True):
        return Match("same_variant", ("small_kana_or_dash",))
    if fold_kana(a, vowels=True) == fold_kana(b, vowels=True):
        return Match("likely", ("long_vowel",))
    return Match("different", ("other_characters",))


# --- characters that could not be written


def _substituted(a: _Name, b: _Name) -> Match:
    if len(a.letters) != len(b.letters):
        flagged = sum(flag for _, flag in a.letters + b.letters)
        longer = max(len(a.letters), len(b.letters))
        return Match("unclear" if flagged * 2 >= longer else "different", ("substitute_character", "other_length"))
    hidden = variants = known = 0
    for (x, x_flag), (y, y_flag) in zip(a.letters, b.letters, strict=True):
        if x == y and not (x_flag and x in _UNWRITTEN):
            known += 1
        elif family(x) == family(y) and x not in _UNWRITTEN:
            variants += 1
        elif x_flag or y_flag:
            hidden += 1
        elif fold_kana(x) != fold_kana(y):
            return Match("different", ("substitute_character", "other_characters"))
    if hidden == 0:
        return Match(
            "same_variant" if variants else "same", ("variant_character",) if variants else ("substitute_character",)
        )
    if hidden * 2 > len(a.letters):
        return Match("unclear", ("substitute_character",))
    return Match("likely", ("substitute_character",))


# --- Latin


_LETTERS = {
    "Æ": "AE",
    "Ø": "OE",
    "Å": "AA",
    "Œ": "OE",
    "ß": "SS",
    "Þ": "TH",
    "Ð": "D",
    "Ł": "L",
    "Ä": "AE",
    "Ö": "OE",
    "Ü": "UE",
}


def _bare(text: str) -> str:
    """Return upper-case letters without diacritics, hyphens and apostrophes."""
    text = text.upper()
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return re.sub(r"[^A-Z0-9]", "", "".join(_LETTERS.get(c, c) for c in text))


def _icao(text: str) -> str:
    """Return letters by the transliteration of ICAO Doc 9303-3 (Ä → AE), which passports print."""
    return re.sub(r"[^A-Z0-9]", "", "".join(_LETTERS.get(c, c) for c in unicodedata.normalize("NFC", text.upper())))


def _romanised(text: str) -> str:
    """Return romanised Japanese with its spellings of one sound made one: OU, OH, OO → O; SI → SHI …"""
    text = _bare(text)
    for old, new in (
        ("SHI", "SI"),
        ("CHI", "TI"),
        ("TSU", "TU"),
        ("JI", "ZI"),
        ("FU", "HU"),
        ("SH", "SY"),
        ("CH", "TY"),
    ):
        text = text.replace(old, new)
    text = re.sub(r"J(?=[AUO])", "ZY", text).replace("DZU", "ZU").replace("L", "R")
    text = re.sub(r"M(?=[BPM])", "N", text)
    text = re.sub(r"OU|OO|OH(?![AIUEO])|O-", "O", text)
    return re.sub(r"UU", "U", text)


def _latin(a: _Name, b: _Name) -> Match:
    upper_a, upper_b = tuple(p.upper() for p in a.parts), tuple(p.upper() for p in b.parts)
    if upper_a == upper_b:
        return Match("same", () if a.parts == b.parts else ("letter_case",))
    for fold, reason in ((_bare, "diacritics_or_punctuation"), (_icao, "transliteration")):
        one, other = _folded(a.parts, fold), _folded(b.parts, fold)
        if "".join(one) == "".join(other):
            return Match("same_variant", (reason,))
        if _reordered(one, other):
            return Match("same_variant", ("name_order",))
    one, other = _folded(a.parts, _romanised), _folded(b.parts, _romanised)
    if "".join(one) == "".join(other) or _reordered(one, other):
        return Match("likely", ("romanisation",))
    return _partial(_folded(a.parts, _bare), _folded(b.parts, _bare))


def _folded(parts: tuple[str, ...], fold: object) -> tuple[str, ...]:
    return tuple(folded for part in parts for piece in re.split(r"[-‐]", part) if (folded := fold(piece)))  # type: ignore[operator]


def _reordered(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Tell whether the parts are the same in another order, also where two were written together."""
    if sorted(one) == sorted(other):
        return True
    few, many = sorted((one, other), key=len)
    if len(many) > 5 or sum(map(len, one)) != sum(map(len, other)):
        return False
    joined = sorted("".join(few))
    if joined != sorted("".join(many)):
        return False
    target = "".join(few)
    return any("".join(order) == target for order in permutations(many))


def _partial(one: tuple[str, ...], other: tuple[str, ...]) -> Match:
    """Judge Latin names of which one says less: no middle name, an initial, a cut end, no family name."""
    few, many = sorted((list(one), list(other)), key=len)
    left = list(many)
    initials = cut = 0
    for part in sorted(few, key=len, reverse=True):
        if part in left:
            left.remove(part)
            continue
        short = next((p for p in left if (len(part) == 1 or len(p) == 1) and p[0] == part[0]), None)
        long = next(
            (p for p in left if min(len(p), len(part)) >= 5 and (p.startswith(part) or part.startswith(p))), None
        )
        if short is not None:
            initials += 1
            left.remove(short)
        elif long is not None:
            cut += 1
            left.remove(long)
        else:
            return Match("different", ("other_characters",))
    if len(few) == 1 and len(many) > 1:
        return Match("unclear", ("name_part_missing",))
    if initials and len(few) - initials < 2 and len(many) - len(left) - initials < 2:
        return Match("unclear", ("initial",))
    reasons = [
        reason
        for reason, count in (("initial", initials), ("cut_short", cut), ("middle_name_omitted", len(left)))
        if count
    ]
    return Match("likely", tuple(reasons) or ("name_order",))


# --- former names and aliases


def _with_others(a: _Name, b: _Name, best: Match) -> Match:
    if a.others and b.others:
        same = [text for _, text in a.others] == [text for _, text in b.others]
        return best if same else Match("likely", ("other_bracketed_name",))
    return Match("same_variant", ("bracketed_name_omitted",))


def _by_other_name(name: _Name, kind: str, text: str, other: _Name) -> Match:
    """Judge the other side against the former name or alias that this side has in brackets."""
    reason = {"former": "former_name", "alias": "alias"}.get(kind, "bracketed_name")
    candidates = [text]
    if len(name.parts) > 1:  # the bracket may hold a family name alone
        candidates.append(text + "".join(name.parts[1:]))
        candidates.append(" ".join([text, *name.parts[1:]]))
    for candidate in candidates:
        match = _compare(_take_apart(candidate, ()), _Name(other.parts, other.letters, ()))
        if match.grade in {"same", "same_variant", "likely"}:
            return Match("likely", (reason, *match.reasons))
    family_name, given = text, other.text
    if name.parts and kind != "alias" and all(not is_kana(c) for c in family_name):
        for cut in range(1, len(name.text)):  # no space in the name: the given name is what both end with
            if given.startswith(family_name) and name.text[cut:] == given[len(family_name) :] and given != family_name:
                return Match("likely", (reason,))
    return Match("different", ("other_characters",))
