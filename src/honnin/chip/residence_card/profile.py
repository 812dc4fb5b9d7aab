"""What is known of the cards' layouts, from `profile.json` beside this module: kinds, files, tags, what is signed."""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

__all__ = ["CardFile", "Kind", "Profile", "profile"]


class CardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file. df: by name; sfi: short id; length: bytes; key: whether the number opens it; protected: encrypted.

    tags: of its objects, hexadecimal, in stored order, each with the longest length of its value.
    """

    df: str
    sfi: int
    length: int
    key: bool
    protected: bool
    tags: tuple[tuple[str, int], ...]


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of card. signed: part, tag (empty: all of the part's values) and length to which zeros fill it up."""

    name: Literal["residence_card", "special_permanent_resident_certificate"]
    generation: int
    cipher: str
    files: dict[str, CardFile]
    signed: tuple[tuple[str, str, int], ...]
    signature: str
    certificate: str


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All kinds by the value of C1, with source and date. uncertain: what no source says.

    specified: cards on a My Number Card, as which kind they read.
    """

    source: str
    date: str
    uncertain: str
    aids: dict[str, str]
    specified_aid: str
    kinds: dict[str, Kind]
    specified: dict[str, str]


@cache
def profile() -> Profile:
    """Return the layouts of the present specifications."""
    text = files("honnin.chip.residence_card").joinpath("profile.json").read_bytes()
    return msgspec.json.decode(text, type=Profile)
