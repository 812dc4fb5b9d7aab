"""What is known of the card's layout, from `profile.json` beside this module: AIDs, files, PINs, tries, token labels.

A next generation of the card is another table, not other code.
"""

from functools import cache
from importlib.resources import files

import msgspec

from honnin.chip.pins import PinRule

__all__ = ["JpkiFiles", "JpkiProfile", "Profile", "profile"]


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


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The card's layout with its source and date."""

    source: str
    date: str
    jpki: JpkiProfile


@cache
def profile() -> Profile:
    """Return the layout of the present card."""
    text = files("honnin.chip.my_number_card").joinpath("profile.json").read_bytes()
    return msgspec.json.decode(text, type=Profile)
