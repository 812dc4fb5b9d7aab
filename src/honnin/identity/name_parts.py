"""Taking a name apart: letters with their substitution flags, parts, and what stands in brackets.

Source: my-number-card.md section 5.4 (substitute marks: one flag for each character of the name as issued).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from honnin.identity.characters import readable, script

__all__ = ["UNWRITTEN", "Letters", "Name", "Other", "name_of", "take_apart"]

Letters = tuple[tuple[str, bool], ...]

# What registers and forms print where a character could not be written.
UNWRITTEN = frozenset("〓■□●○▲△?�＿_*◆◇")
_OPEN, _CLOSE = frozenset("([【〔〈《{「『<"), frozenset(")]】〕〉》}」』>")
_BETWEEN = frozenset(" ,、・·=")
_VOICED = {"゛": "\u3099", "゜": "\u309a"}
_LABEL = re.compile(
    r"(旧氏|旧姓|通称名?|通名|別名|本名|FORMERLY|N[EÉ]E|ALIAS|A\.?K\.?A\.?)(?![A-Z])[ :]*", re.IGNORECASE
)
_FORMER = ("旧", "FORMERLY", "NEE", "NÉE")
_LATIN_TITLES = frozenset({"MR", "MRS", "MS", "MISS", "DR", "PROF"})
_TITLES = ("様", "殿", "さん", "氏")


@dataclass(frozen=True, slots=True, repr=False)
class Other:
    """A bracketed name: its kind (former, alias, bracketed), its letters, and how many letters stand before it."""

    kind: str
    name: "Name"
    at: int


@dataclass(frozen=True, slots=True, repr=False)
class Name:
    """A name for comparison; a letter is (character, whether it stands for one that was not writable)."""

    parts: tuple[Letters, ...]
    others: tuple[Other, ...] = ()

    @property
    def letters(self) -> Letters:
        """Return all letters without what stands between parts."""
        return tuple(letter for part in self.parts for letter in part)

    @property
    def text(self) -> str:
        """Return the letters as text."""
        return "".join(c for part in self.parts for c, _ in part)

    @property
    def words(self) -> tuple[str, ...]:
        """Return the parts as text."""
        return tuple("".join(c for c, _ in part) for part in self.parts)


def take_apart(text: str, substituted: Iterable[int] | str = ()) -> Name:
    """Return a name's parts. Raises InputError `identity.text` for text that cannot be a name."""
    readable(text)
    if isinstance(substituted, str):
        flagged = {place for place, flag in enumerate(substituted) if flag == "1"}
    else:
        flagged = set(substituted)
    plain: list[tuple[str, bool]] = []
    bracketed: list[tuple[int, list[tuple[str, bool]]]] = []
    depth = 0
    for character, flag in _marked(text, flagged):
        if character in _OPEN:
            if depth == 0:
                bracketed.append((sum(c not in _BETWEEN for c, _ in plain), []))
            depth += 1
        elif character in _CLOSE:
            depth = max(0, depth - 1)
        else:
            (bracketed[-1][1] if depth else plain).append((character, flag))
    name = name_of(plain)
    others = tuple(_other(letters, at) for at, letters in bracketed)
    return Name(_without_title(name.parts), tuple(o for o in others if o.name.text and o.name.text not in _TITLES))


def name_of(letters: Iterable[tuple[str, bool]]) -> Name:
    """Return the name that marked letters make, cut where spaces and commas stand."""
    parts: list[list[tuple[str, bool]]] = [[]]
    for character, flag in letters:
        if character in _BETWEEN:
            parts.append([])
        else:
            parts[-1].append((character, flag))
    return Name(tuple(tuple(part) for part in parts if part))


def _marked(text: str, flagged: set[int]) -> list[tuple[str, bool]]:
    """Normalise character by character, so that flags stay with their characters."""
    marked: list[tuple[str, bool]] = []
    for place, character in enumerate(text):
        mark = _VOICED.get(character, character)
        for normal in mark if unicodedata.combining(mark) else readable(mark):
            flag = place in flagged or normal in UNWRITTEN or unicodedata.category(normal) == "Co"
            if unicodedata.combining(normal) and marked:
                joined = unicodedata.normalize("NFC", marked[-1][0] + normal)
                if len(joined) == 1:
                    marked[-1] = (joined, flag or marked[-1][1])
                    continue
            marked.append((" " if normal.isspace() else normal, flag))
    return marked


def _other(letters: list[tuple[str, bool]], at: int) -> Other:
    while letters and letters[0][0] in _BETWEEN:
        letters = letters[1:]
    label = _LABEL.match("".join(c for c, _ in letters))
    kind = "bracketed"
    if label:
        kind = "former" if label.group(1).upper().startswith(_FORMER) else "alias"
        letters = letters[label.end() :]
    return Other(kind, name_of(letters), at)


def _without_title(parts: tuple[Letters, ...]) -> tuple[Letters, ...]:
    words = ["".join(c for c, _ in part) for part in parts]
    if len(words) > 1:
        if words[0].rstrip(".").upper() in _LATIN_TITLES:
            return parts[1:]
        if words[-1] in _TITLES or words[-1].rstrip(".").upper() in _LATIN_TITLES:
            return parts[:-1]
    for title in _TITLES[:3]:
        if words and words[-1].endswith(title) and sum(map(len, words)) - len(title) > 2 and words[-1] != title:
            if script("".join(words)) == "kana" and len(words) > 1:
                break
            return (*parts[:-1], parts[-1][: -len(title)])
    return parts
