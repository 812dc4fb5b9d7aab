"""The sandbox's invented people as pages show them: name, story, PIN, and how their story ends."""

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from honnin.platform.models import CertificateKind
from honnin.words import Language

if TYPE_CHECKING:
    from honnin.connect.worlds import World

__all__ = ["Ending", "Group", "Person", "folded", "grouped", "persons"]

Ending = Literal["success", "pin", "certificate", "later", "login"]  # of a login no story tells the end
ENDINGS: tuple[Ending, ...] = ("success", "certificate", "pin", "later", "login")
CARD_LINE = 16
KATAKANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}  # to hiragana
MOODS = {"success": "good", "pin": "bad", "certificate": "bad", "later": "wait", "login": "wait"}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person.

    pin: of the certificate that is asked for, empty where there is none; carrier: `card` or `phone`, what holds it.
    outcome: the story's end as a code. documents: what the person holds.
    """

    id: str
    name: str
    story: str
    pin: str
    carrier: str
    ending: Ending
    outcome: str
    search: str
    documents: tuple[str, ...]

    @property
    def name_lines(self) -> tuple[str, ...]:
        """The name on the card's face: lines of at most CARD_LINE full-width characters, broken between its parts."""
        lines = [""]
        for part in self.name.split():
            for piece in (part[start : start + CARD_LINE] for start in range(0, len(part), CARD_LINE)):
                together = f"{lines[-1]}\u3000{piece}" if lines[-1] else piece
                if len(together) <= CARD_LINE:
                    lines[-1] = together
                else:
                    lines.append(piece)
        return tuple(lines)

    @property
    def mood(self) -> str:
        """The colour of the ending: `good`, `bad`, `wait`."""
        return MOODS[self.ending]


class Group(msgspec.Struct, frozen=True):
    """The people whose stories end alike."""

    id: Ending
    people: tuple[Person, ...]


def persons(world: "World", language: Language, kind: CertificateKind = "signature") -> list[Person]:
    """Return the world's people, told in one language (a story without plain Japanese is told in Japanese)."""
    return [_person(entry, language, kind) for entry in world.people()]


def grouped(everyone: Sequence[Person]) -> list[Group]:
    """Return the people by ending, in the order in which a tester wants them."""
    groups = [Group(ending, tuple(person for person in everyone if person.ending == ending)) for ending in ENDINGS]
    return [group for group in groups if group.people]


def _person(entry: dict[str, Any], language: Language, kind: CertificateKind) -> Person:
    story = entry["story"]
    told = str(story.get(language) or story["ja"])
    expected = entry["expected"]
    return Person(
        id=entry["id"],
        name=entry["name"],
        story=told,
        pin=entry["pins"].get(kind, ""),
        carrier="phone" if entry.get("carrier") == "phone" else "card",
        ending=_ending(expected) if kind == "signature" else "login",
        outcome=_outcome(expected),
        search=_search(entry["id"], entry["name"], entry.get("kana", ""), told),
        documents=tuple(entry["documents"]),
    )


def folded(text: str) -> str:
    """Return a text as it is searched: width (NFKC), case and the two kana are one; `check.js` folds what is typed."""
    return unicodedata.normalize("NFKC", text).lower().translate(KATAKANA)


def _search(person: str, name: str, kana: str, told: str) -> str:
    """Return the words under which a person is found; names also in one piece."""
    words = [folded(word) for word in (person, name, kana, told)]
    return " ".join([*words, *("".join(word.split()) for word in words[1:3])])


def _ending(expected: dict[str, Any]) -> Ending:
    if expected["account_opened"]:
        return "success"
    if expected.get("indication") == "INDETERMINATE":
        return "later"
    return "pin" if str(expected.get("error", "")).startswith("card.pin_") else "certificate"


def _outcome(expected: dict[str, Any]) -> str:
    if error := expected.get("error"):
        return str(error)
    return "/".join(filter(None, [expected.get("indication"), expected.get("sub_indication")]))
