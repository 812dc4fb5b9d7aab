"""What a kind of chip consists of: applications, files, keys, PINs and who may read or use them, from a data file.

The table of a document stands beside this module (`my_number_card.json`) with its source and date; a further
application is a further entry there, not code. Holds no content of any one card (see `personalise`).
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

__all__ = [
    "Application",
    "File",
    "Key",
    "Layout",
    "Pin",
    "PinRule",
    "Records",
    "TerminalKey",
    "Transparent",
    "load_layout",
]

Reading = Literal["free", "never"] | tuple[str, ...]  # nobody's PIN, no PIN at all, or any one of these PINs


class _File(msgspec.Struct, frozen=True, tag_field="kind"):
    id: str  # four hex digits, as on the wire

    @property
    def identifier(self) -> bytes:
        """The two bytes that SELECT names it by."""
        return bytes.fromhex(self.id)

    @property
    def short_identifier(self) -> int | None:
        """The five-bit identifier, for files 0001 to 001E."""
        number = int(self.id, 16)
        return number if 0x01 <= number <= 0x1E else None


class Transparent(_File, frozen=True, tag="transparent"):
    """A file of plain bytes. `content` names what personalisation puts there; nothing leaves it unwritten."""

    content: str | None
    read: Reading
    read_on_phones: Reading | None = None
    read_also: tuple[str, ...] = ()  # PINs that must have been verified besides

    def read_rule(self, *, phone: bool) -> Reading:
        """Return who may read this file on a card, or on a phone."""
        return self.read_on_phones if phone and self.read_on_phones else self.read


class Records(_File, frozen=True, tag="records"):
    """A file of numbered records; `contents` names what personalisation puts into each."""

    read: Reading
    contents: tuple[str, ...] = ()


class Key(_File, frozen=True, tag="key"):
    """A private key that can be used, never read.

    use: the PINs that must all have been verified. authenticates: answers INTERNAL AUTHENTICATE, and nothing else.
    """

    content: str | None
    use: tuple[str, ...]
    authenticates: bool = False


class Pin(_File, frozen=True, tag="pin"):
    """A PIN reference; two files that name the same PIN share its counter."""

    pin: str


class TerminalKey(_File, frozen=True, tag="terminal_key"):
    """A public key by which terminals prove themselves; grants: what counts as verified then."""

    content: str
    grants: str


File = Transparent | Records | Key | Pin | TerminalKey


class PinRule(msgspec.Struct, frozen=True):
    """How often a PIN may be wrong, what shape a new one must have, and which command changes it."""

    tries: int
    format: str  # a regular expression for the whole PIN
    changed_by: Literal["change_reference_data", "change_key"] | None


class Application(msgspec.Struct, frozen=True):
    """One application of a chip, selected by `aid`.

    objects: GET DATA tag → name of the content. needs: the content without which the application is not installed.
    internal_key: content that P2 = 00 signs with. delivery_key: content that opens a session key; delivery_pin: the PIN
    before it. absent_reference: status word for a PIN or key that is not there, hex.
    """

    name: str
    aid: str
    on_phones: bool
    objects: dict[str, str]
    files: tuple[File, ...]
    needs: str | None = None
    internal_key: str | None = None
    delivery_key: str | None = None
    delivery_pin: str | None = None
    absent_reference: str = "6A88"

    @property
    def identifier(self) -> bytes:
        """The whole AID."""
        return bytes.fromhex(self.aid)

    def by_identifier(self, identifier: bytes) -> File | None:
        """Return the file that SELECT names with two bytes."""
        return next((file for file in self.files if file.identifier == identifier), None)

    def by_short_identifier(self, number: int) -> File | None:
        """Return the file that a command names with five bits."""
        return next((file for file in self.files if file.short_identifier == number), None)


class Layout(msgspec.Struct, frozen=True):
    """A document's whole table; the first application is current after power-on.

    master_file: that first one is the master file: SELECT MF returns to it, and PINs stay verified until power-off.
    most_read: bytes of one READ BINARY. instructions: those that the chip knows, hex; None for all of this emulator.
    """

    document: str
    source: str
    date: str
    atrs: dict[Literal["contact", "contactless"], str]
    token: dict[str, str | int]
    pins: dict[str, PinRule]
    applications: tuple[Application, ...]
    master_file: bool = False
    most_read: int = 256
    instructions: tuple[str, ...] | None = None

    def knows(self, instruction: int) -> bool:
        """Tell whether the chip has an instruction at all."""
        return self.instructions is None or f"{instruction:02X}" in self.instructions


@cache
def load_layout(document: str) -> Layout:
    """Read the table of `document`. Raises KeyError for a document without one."""
    table = files(__package__).joinpath(f"{document}.json")
    if not table.is_file():
        raise KeyError(document)
    return msgspec.json.decode(table.read_bytes(), type=Layout)
