"""What is known of a licence's layout, from `profile.json` beside this module: files, tags, PINs, commissions."""

from functools import cache
from importlib.resources import files

import msgspec

from honnin.chip.pins import PinRule

__all__ = ["CardLayout", "FileLayout", "MyNumberCardLayout", "Profile", "profile"]


class FileLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One elementary file. df: by name; length: bytes; pins: what must be verified to read it."""

    df: str
    file: int
    length: int
    pins: tuple[str, ...]


class CardLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The licence card. Tables of fields are by tag, hexadecimal.

    aids: by DF name, hexadecimal, empty for the master file; pin_unset: verified where the holder chose none;
    signed: files under the signature, in its order; record: tag → field and coding, a category has its name there.
    """

    generation: int
    aids: dict[str, str]
    pins: dict[str, PinRule]
    pin_unset: str
    files: dict[str, FileLayout]
    signed: tuple[str, ...]
    signature_tags: dict[str, str]
    record: dict[str, tuple[str, str]]
    glyph_tags: dict[str, tuple[str, int]]
    changes: dict[str, tuple[str, str]]
    domicile_changes: dict[str, tuple[str, str]]


class MyNumberCardLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The licence in the free area of a My Number Card (マイナ免許証)."""

    generation: int
    aid: str
    pins: dict[str, PinRule]
    pin_unset: str
    files: dict[str, FileLayout]
    signature_tags: dict[str, str]
    record: dict[str, tuple[str, str]]
    glyph_tags: dict[str, int]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both layouts with their source and date. uncertain: what no source says; commissions: by the first two digits."""

    source: str
    date: str
    uncertain: str
    card: CardLayout
    on_my_number_card: MyNumberCardLayout
    commissions: dict[str, str]


@cache
def profile() -> Profile:
    """Return the layouts of the present specification."""
    text = files("honnin.chip.drivers_licence").joinpath("profile.json").read_bytes()
    return msgspec.json.decode(text, type=Profile)
