"""What stands in a licence's files, as typed values (other-documents sheet §2.4 to §2.8, §3).

A field that cannot be read is named in `unreadable` and left out; the others stand.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from honnin.chip.drivers_licence.dates import bcd_date, era_date
from honnin.chip.drivers_licence.glyphs import Glyph
from honnin.chip.drivers_licence.number import LicenceNumber
from honnin.chip.drivers_licence.text import Text, ascii_text, kanji_text
from honnin.chip.drivers_licence.tlv import Item, items, malformed
from honnin.errors import FormatError
from honnin.identity.dates import PartialDate

__all__ = [
    "Change",
    "Common",
    "LicenceRecord",
    "SignatureRecord",
    "changes_in",
    "common_in",
    "glyphs_in",
    "photo_in",
    "pin_is_set",
    "record_of",
    "signature_in",
]

COMMON: Final = 0x45
MAKER: Final = 0x46
PIN_SETTING: Final = 0x05
PIN_SETTING_ON_MY_NUMBER_CARD: Final = 0xC1
PHOTO: Final = 0x5F40
CODESTREAM: Final = b"\xff\x4f\xff\x51"  # JPEG 2000 (ISO/IEC 15444-1 annex A)
JP2: Final = b"\0\0\0\x0cjP  "  # the same in a file with a header (annex I)


@dataclass(frozen=True, slots=True)
class Common:
    """Free to read: specification version, issue and expiry date, manufacturer and cryptography by number."""

    version: str
    issued: PartialDate
    expires: PartialDate
    manufacturer: int | None = None
    cryptography: int | None = None


@dataclass(frozen=True, slots=True)
class LicenceRecord:
    """What the licence says. None: not recorded, or not a field of this kind of licence.

    categories: name → date of the first licence (True on a My Number Card, which says no date), only those held.
    recorded, driver_kind, driving_record_number: of the licence on a My Number Card.
    """

    name: Text | None = field(default=None, repr=False)
    called_name: Text | None = field(default=None, repr=False)
    alias: Text | None = field(default=None, repr=False)
    name_kana: Text | None = field(default=None, repr=False)
    birth_date: PartialDate | None = field(default=None, repr=False)
    address: Text | None = field(default=None, repr=False)
    issued: PartialDate | None = None
    reference_number: str | None = field(default=None, repr=False)
    colour: Text | None = field(default=None, repr=False)
    expires: PartialDate | None = None
    conditions: tuple[Text, ...] = ()
    remarks: tuple[Text, ...] = ()
    commission: Text | None = field(default=None, repr=False)
    number: LicenceNumber | None = field(default=None, repr=False)
    driving_record_number: str | None = field(default=None, repr=False)
    small_and_motorbike_since: PartialDate | None = None
    other_since: PartialDate | None = None
    second_class_since: PartialDate | None = None
    categories: Mapping[str, PartialDate | bool] = field(default_factory=dict)
    jis_year: str | None = None
    recorded: PartialDate | None = None
    driver_kind: str | None = None
    photo: bytes | None = field(default=None, repr=False)
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Something appended after issue, which nobody signed. kind: `name`, `address`, `registered_domicile` …"""

    kind: str
    date: PartialDate | None = None
    value: Text | None = field(default=None, repr=False)
    commission: Text | None = field(default=None, repr=False)
    jis_year: str | None = None


@dataclass(frozen=True, slots=True)
class SignatureRecord:
    """The signature file. key_id: names the police's key, which is not on the card."""

    value: bytes = field(repr=False)
    key_id: bytes
    serial: str
    issuer: str
    subject: str


def common_in(content: bytes) -> Common:
    """Read MF/EF01. Raises FormatError."""
    found = {item.tag: item.value for item in items(content)}
    value, maker = found.get(COMMON, b""), found.get(MAKER, b"")
    if len(value) != 11:
        raise malformed("Its common data have another length.")
    return Common(
        version=ascii_text(value[:3]),
        issued=bcd_date(value[3:7]),
        expires=bcd_date(value[7:11]),
        manufacturer=maker[0] if len(maker) == 2 else None,
        cryptography=maker[1] if len(maker) == 2 else None,
    )


def pin_is_set(content: bytes) -> bool:
    """Tell whether the holder chose PINs (MF/EF02, or WEF01). Raises FormatError."""
    for item in items(content, on_my_number_card=content[:1] == b"\xc1"):
        if item.tag in {PIN_SETTING, PIN_SETTING_ON_MY_NUMBER_CARD} and item.value in {b"\0", b"\1"}:
            return item.value == b"\1"
    raise malformed("It does not say whether PINs were set.")


def record_of(found: Iterable[Item], table: Mapping[str, tuple[str, str]]) -> LicenceRecord:
    """Return the record that data objects make. table: tag → field and coding."""
    values: dict[str, Any] = {"conditions": [], "remarks": [], "categories": {}, "unreadable": []}
    for item in found:
        name, coding = table.get(f"{item.tag:02X}" if item.tag <= 0xFF else f"{item.tag:04X}", ("", ""))
        if not name or not item.value:
            continue
        try:
            _put(values, name, coding, item.value)
        except FormatError:
            values["unreadable"].append(coding if name == "category" else name)
    for several in ("conditions", "remarks", "unreadable"):
        values[several] = tuple(values[several])
    return LicenceRecord(**values)


def glyphs_in(content: bytes, table: Mapping[str, tuple[str, int]]) -> tuple[Glyph, ...]:
    """Read DF1/EF03 or EF05: pairs of a number of dots and a bitmap. Raises FormatError."""
    dots: dict[int, int] = {}
    found = []
    for item in items(content):
        what, number = table.get(f"{item.tag:02X}", ("", 0))
        if what == "dots" and len(item.value) == 1:
            dots[number] = item.value[0]
        elif what == "bitmap" and dots.get(number) and item.value.strip(b"\0\xff"):
            found.append(Glyph(number, dots[number], item.value))
    return tuple(found)


def changes_in(content: bytes, table: Mapping[str, tuple[str, str]]) -> tuple[Change, ...]:
    """Read DF1/EF04 or EF06, in stored order. A group begins with a field that the one before has, or another kind.

    Raises FormatError.
    """
    groups: list[tuple[str, dict[str, Any]]] = []
    for item in items(content):
        kind, name = table.get(f"{item.tag:02X}", ("", ""))
        if not kind or not item.value:
            continue
        if not groups or groups[-1][0] != kind or name in groups[-1][1]:
            groups.append((kind, {}))
        groups[-1][1][name] = _CODINGS[_CHANGE_CODINGS[name]](item.value)
    return tuple(Change(kind, **values) for kind, values in groups)


def photo_in(content: bytes) -> bytes | None:
    """Return the JPEG 2000 picture of DF2/EF01, None where there is none. Raises FormatError."""
    value = next((item.value for item in items(content) if item.tag == PHOTO), b"")
    return picture(value)


def picture(value: bytes) -> bytes | None:
    """Return a picture that begins as JPEG 2000 does; whatever stands before its codestream is no part of it."""
    if value.startswith(JP2):
        return value
    at = value.find(CODESTREAM)
    return value[at:] if at >= 0 else None


def signature_in(found: Iterable[Item], table: Mapping[str, str]) -> SignatureRecord:
    """Read the signature file. Raises FormatError where the signature or its key's identifier is not there."""
    values = {}
    for item in found:
        name = table.get(f"{item.tag:02X}" if item.tag <= 0xFF else f"{item.tag:04X}")
        if name:
            values[name] = item.value
    if not values.get("value") or not values.get("key_id"):
        raise malformed("It holds no signature.")
    text = {name: values.get(name, b"").strip(b"\0\xff").decode("ascii", "replace").strip() for name in _NAMED}
    return SignatureRecord(value=values["value"], key_id=values["key_id"], **text)


_NAMED: Final = ("serial", "issuer", "subject")
_CODINGS: Final[dict[str, Callable[[bytes], Any]]] = {
    "text": kanji_text,
    "date": era_date,
    "ascii": ascii_text,
    "hex": bytes.hex,
    "bytes": picture,
}
_CHANGE_CODINGS: Final = {"jis_year": "hex", "date": "date", "value": "text", "commission": "text"}


def _put(values: dict[str, Any], name: str, coding: str, value: bytes) -> None:
    if name == "category":
        held: PartialDate | bool | None = era_date(value) if len(value) > 1 else value[0] == 1
        if held:
            values["categories"][coding] = held
    elif name in {"condition", "remark"}:
        values[f"{name}s"].append(kanji_text(value))
    elif name in values:
        raise malformed("A field stands in it twice.")
    elif name == "number":
        values[name] = LicenceNumber.of(ascii_text(value))
    else:
        values[name] = _CODINGS[coding](value)
