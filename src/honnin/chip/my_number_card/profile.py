"""What is known of the card's layout, from `profile.json` beside this module: AIDs, files, PINs, tries, token labels.

A next generation of the card is another table, not other code.
"""

from functools import cache
from importlib.resources import files

import msgspec

from honnin.chip.pins import PinRule

__all__ = [
    "CommonProfile",
    "JpkiFiles",
    "JpkiProfile",
    "PresentProfile",
    "Profile",
    "RecordFile",
    "RecordProfile",
    "profile",
]


class JpkiFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Elementary file ids of the JPKI application (sheet §3.1)."""

    signature: int
    signature_ca: int
    token: int
    issued: int
    user_authentication: int
    user_authentication_ca: int


class JpkiProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One generation of the JPKI application.

    aid: hexadecimal. token_length, issued_length: bytes of EF 0006 and EF 0008.
    certificate_limit: bytes above which a certificate file is not believed.
    issued_mark: the byte of EF 0008 that says a certificate is there; carriers: token label → carrier.
    """

    aid: str
    generation: int
    files: JpkiFiles
    certificate_limit: int
    issued_mark: int
    token_length: int
    issued_length: int
    carriers: dict[str, str]
    pins: dict[str, PinRule]


class RecordFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a card face or input support application (sheet §3.3, §3.4).

    limit: bytes above which it is not believed, or its length when `fixed`; opened_by: keys of which any opens it, none
    when it is free; data: what reading it collects: `individual_number`, `four_items`, `portrait`, `birth_date`.
    """

    file: int
    limit: int
    opened_by: tuple[str, ...]
    data: tuple[str, ...]
    fixed: bool


class RecordProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One generation of an application of signed records."""

    aid: str
    generation: int
    pins: dict[str, PinRule]
    files: dict[str, RecordFile]


class CommonProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The common application: its record file by short id (sheet §3.5)."""

    aid: str
    generation: int
    record: int


class PresentProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application that is only looked for, never read: the resident register's."""

    aid: str
    generation: int


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The card's layout with its source and date."""

    source: str
    date: str
    jpki: JpkiProfile
    card_face: RecordProfile
    input_support: RecordProfile
    common: CommonProfile
    resident_register: PresentProfile


@cache
def profile() -> Profile:
    """Return the layout of the present card."""
    text = files("honnin.chip.my_number_card").joinpath("profile.json").read_bytes()
    return msgspec.json.decode(text, type=Profile)
