"""The logical data structure (ICAO Doc 9303-10 §4): files, EF.COM, and the data groups of plain identity.

Read as typed values: DG1 (the zone), DG2 (faces; ISO/IEC 19794-5 and 39794-5), DG7 (signature image), DG11 and DG12
(further details). Raw only: DG3, DG4 (never asked for), DG5, DG13 to DG16. Parsing proves nothing.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from honnin.chip.icao9303.mrz import Mrz, parse_mrz
from honnin.chip.icao9303.tlv import child, elements, only
from honnin.errors import FormatError

__all__ = ["AID", "FILES", "TAGS", "Common", "DocumentDetails", "Face", "PersonDetails"]
__all__ += [
    "parse_common",
    "parse_dg1",
    "parse_dg2",
    "parse_dg7",
    "parse_dg11",
    "parse_dg12",
    "parse_dg14",
    "parse_dg15",
]

AID: Final = bytes.fromhex("A0000002471001")
# Elementary files inside the application (table 33 of the part), and the tag that each begins with.
FILES: Final = {"com": 0x011E, "sod": 0x011D} | {f"dg{n}": 0x0100 | n for n in range(1, 17)}
TAGS: Final = dict(
    zip(
        FILES,
        (0x60, 0x77, 0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70),
        strict=True,
    )
)
MOST_FACES: Final = 16
FACE_HEADER, FEATURE_POINT, IMAGE_HEADER, RECORD_HEADER = 20, 8, 12, 14
JPEG, JPEG_2000, CODESTREAM = b"\xff\xd8\xff", bytes.fromhex("0000000c6a502020"), bytes.fromhex("ff4fff51")
DEEPEST = 12


class Common(msgspec.Struct, frozen=True):
    """EF.COM: versions and the files that are said to be present, by name (`dg1` …). It is not signed."""

    lds_version: str
    unicode_version: str
    present: tuple[str, ...]


class Face(msgspec.Struct, frozen=True):
    """One portrait. width, height: pixels as the record says, None where it does not say."""

    media_type: Literal["image/jpeg", "image/jp2", "image/j2c"]
    image: bytes
    width: int | None = None
    height: int | None = None

    def __repr__(self) -> str:
        return f"Face({self.media_type}, {len(self.image)} bytes)"


class PersonDetails(msgspec.Struct, frozen=True):
    """DG11: what the issuing State wrote of the person, as text; None for what it left out."""

    full_name: str | None = None
    other_names: tuple[str, ...] = ()
    personal_number: str | None = None
    birth_date: str | None = None
    birth_place: str | None = None
    address: str | None = None
    telephone: str | None = None
    profession: str | None = None
    title: str | None = None

    def __repr__(self) -> str:
        return "PersonDetails(…)"


class DocumentDetails(msgspec.Struct, frozen=True):
    """DG12: what the issuing State wrote of the document; None for what it left out."""

    issuing_authority: str | None = None
    issue_date: str | None = None
    endorsements: str | None = None
    personalised_at: str | None = None

    def __repr__(self) -> str:
        return "DocumentDetails(…)"


def parse_common(content: bytes) -> Common:
    """Read EF.COM (60). Raises FormatError `chip.object_malformed`."""
    value = only(content, 0x60)
    listed = child(value, 0x5C) or b""
    names = {tag: name for name, tag in TAGS.items()}
    present = tuple(names[tag] for tag in listed if tag in names)
    return Common(_text(child(value, 0x5F01)) or "", _text(child(value, 0x5F36)) or "", present)


def parse_dg1(content: bytes) -> Mrz:
    """Read DG1 (61{5F1F zone}). Raises FormatError `chip.object_malformed`, `passport.mrz_malformed`."""
    zone = child(only(content, TAGS["dg1"]), 0x5F1F)
    if zone is None:
        raise _missing("the machine-readable zone")
    return parse_mrz(zone)


def parse_dg2(content: bytes) -> tuple[Face, ...]:
    """Return the portraits in DG2 (75{7F61{02, 7F60{A1, 5F2E|7F2E}…}}), in file order.

    Raises FormatError `chip.object_malformed`.
    """
    group = child(only(content, TAGS["dg2"]), 0x7F61)
    if group is None:
        raise _missing("the biometric group")
    found: list[Face] = []
    for template in elements(group):
        if template.tag != 0x7F60:
            continue
        for block in elements(template.value):
            if block.tag in {0x5F2E, 0x7F2E}:
                found += _faces(block.value)
    if not found:
        raise _missing("a portrait")
    return tuple(found[:MOST_FACES])


def parse_dg7(content: bytes) -> tuple[bytes, ...]:
    """Return the images of the handwritten signature in DG7 (67{02, 5F43…})."""
    return tuple(element.value for element in elements(only(content, TAGS["dg7"])) if element.tag == 0x5F43)


def parse_dg11(content: bytes) -> PersonDetails:
    """Read DG11 (6B). Raises FormatError `chip.object_malformed`."""
    value = only(content, TAGS["dg11"])
    others = child(value, 0xA0) or b""
    return PersonDetails(
        full_name=_name(child(value, 0x5F0E)),
        other_names=tuple(_name(element.value) or "" for element in elements(others) if element.tag == 0x5F0F),
        personal_number=_text(child(value, 0x5F10)),
        birth_date=_day(child(value, 0x5F2B)),
        birth_place=_lines(child(value, 0x5F11)),
        address=_lines(child(value, 0x5F42)),
        telephone=_text(child(value, 0x5F12)),
        profession=_text(child(value, 0x5F13)),
        title=_text(child(value, 0x5F14)),
    )


def parse_dg12(content: bytes) -> DocumentDetails:
    """Read DG12 (6C). Raises FormatError `chip.object_malformed`."""
    value = only(content, TAGS["dg12"])
    return DocumentDetails(
        issuing_authority=_text(child(value, 0x5F19)),
        issue_date=_day(child(value, 0x5F26)),
        endorsements=_text(child(value, 0x5F1B)),
        personalised_at=_day(child(value, 0x5F55)),
    )


def parse_dg14(content: bytes) -> bytes:
    """Return the SecurityInfos (DER) in DG14 (6E)."""
    return only(content, TAGS["dg14"])


def parse_dg15(content: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo (DER) in DG15 (6F)."""
    return only(content, TAGS["dg15"])


def _faces(record: bytes) -> Iterator[Face]:
    if record[:4] != b"FAC\x00":
        yield from _within(record, 0)
        return
    count, at = int.from_bytes(record[12:14], "big"), RECORD_HEADER
    for _ in range(min(count, MOST_FACES)):
        length = int.from_bytes(record[at : at + 4], "big")
        points = int.from_bytes(record[at + 4 : at + 6], "big")
        image_at = at + FACE_HEADER + FEATURE_POINT * points
        start = image_at + IMAGE_HEADER
        if length <= start - at or at + length > len(record):
            raise _missing("the whole of a portrait")
        size = record[image_at + 2 : image_at + 4], record[image_at + 4 : image_at + 6]
        width, height = (int.from_bytes(part, "big") for part in size)
        image = record[start : at + length]
        kind = _media_type(image)
        if kind is not None:
            yield Face(kind, image, width, height)
        at += length


def _within(octets: bytes, depth: int) -> Iterator[Face]:
    """Find the images in the tagged record of ISO/IEC 39794-5: values that begin as an image does."""
    for element in elements(octets):
        kind = _media_type(element.value)
        first = element.tag >> 8 * ((element.tag.bit_length() - 1) // 8 if element.tag else 0)
        if kind is not None:
            yield Face(kind, element.value)
        elif first & 0x20 and depth < DEEPEST:
            yield from _within(element.value, depth + 1)


def _media_type(image: bytes) -> Literal["image/jpeg", "image/jp2", "image/j2c"] | None:
    if image.startswith(JPEG):
        return "image/jpeg"
    if image.startswith(JPEG_2000):
        return "image/jp2"
    return "image/j2c" if image.startswith(CODESTREAM) else None


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace").strip(" \x00")


def _name(value: bytes | None) -> str | None:
    """Return a name; as in the zone `<<` parts surname and given names and `<` is a space."""
    text = _text(value)
    return None if text is None else text.replace("<<", ", ").replace("<", " ").strip()


def _lines(value: bytes | None) -> str | None:
    text = _text(value)
    return None if text is None else ", ".join(part for part in text.split("<") if part)


def _day(value: bytes | None) -> str | None:
    """Return a date as digits: chips write it as text or, early ones, as binary-coded decimals."""
    if value is None:
        return None
    text = value.decode("latin-1")
    return text if text.isascii() and text.isprintable() else value.hex()


def _missing(what: str) -> FormatError:
    return FormatError(
        "chip.object_malformed", f"A data group lacks {what}.", next="Take the document off, put it back and try again."
    )
