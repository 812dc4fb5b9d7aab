"""What stands in a residence card's files, as typed values (other-documents sheet §4.2, §4.3).

Neither generation carries the name as text: it is a picture of the whole front, or of the name. Codes of nationality,
status and period are kept as they are: their tables are handed out by the agency.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from honnin.chip.residence_card.profile import CardFile
from honnin.errors import FormatError
from honnin.identity.dates import PartialDate, from_card_record
from honnin.identity.four_items import SEX_CODES, Sex

__all__ = ["ResidenceValues", "objects", "values_of"]

WIDE: Final = 0xDF  # the one tag of two bytes is DFD1; BER would read a third
SHORT_FORMS: Final = {0x81: 1, 0x82: 2}


TIFF_END: Final = 8  # the last entry's value and the offset of no next directory (TIFF 6.0 §2)


@dataclass(frozen=True, slots=True)
class ResidenceValues:
    """What was read, parsed. None: not asked for, not recorded, or not on this generation.

    front_image (first generation), name_image, address_image (second): TIFF with MMR; portrait: JPEG 2000.
    address, municipality_code, address_date: appended to a first-generation card; often nothing is recorded.
    unreadable: parts of another form than theirs.
    """

    version: str | None = None
    kind: str | None = None
    card_number: str | None = field(default=None, repr=False)
    expires: PartialDate | None = None
    birth_date: PartialDate | None = field(default=None, repr=False)
    sex: Sex | None = field(default=None, repr=False)
    nationality: str | None = field(default=None, repr=False)
    status: str | None = field(default=None, repr=False)
    period: str | None = None
    period_expires: PartialDate | None = None
    permission_type: str | None = None
    permission_date: PartialDate | None = None
    work_restriction: str | None = None
    front_image: bytes | None = field(default=None, repr=False)
    name_image: bytes | None = field(default=None, repr=False)
    address_image: bytes | None = field(default=None, repr=False)
    portrait: bytes | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    address_date: PartialDate | None = None
    municipality_code: str | None = field(default=None, repr=False)
    comprehensive_permission: str | None = None
    comprehensive_permission_expires: PartialDate | None = None
    individual_permission: str | None = None
    pending: bool | None = None
    note: bool | None = None
    unreadable: tuple[str, ...] = ()


def objects(content: bytes, layout: CardFile) -> dict[str, bytes]:
    """Return a file's values by tag, which must stand there once, in the layout's order and no longer than there.

    Tags are not under the signature, so another order would let signed values change places.
    Raises FormatError `residence.record_malformed`, `residence.order_unknown` for the same objects in another order.
    """
    at = 0
    found: dict[str, bytes] = {}
    expected = {bytes.fromhex(tag)[0] for tag, _ in layout.tags}
    for tag, longest in layout.tags:
        name = bytes.fromhex(tag)
        if content[at : at + len(name)] != name:
            if content[at : at + 1] and content[at] in expected - {bytes.fromhex(known)[0] for known in found}:
                raise FormatError(
                    "residence.order_unknown",
                    "A file of the card has its objects in an order that is not known here.",
                    next="Nothing can be proved of it; report the card's kind and version.",
                )
            raise _malformed(f"{tag} is not where it belongs")
        start, length = _length(content, at + len(name))
        if length > longest or start + length > len(content):
            raise _malformed(f"{tag} is too long")
        found[tag] = content[start : start + length]
        at = start + length
    return found


def values_of(found: Mapping[str, bytes], files: Mapping[str, CardFile]) -> ResidenceValues:
    """Return the values of what was read. found: contents by part."""
    values: dict[str, Any] = {}
    unreadable = []
    for part, content in found.items():
        if part == "signature":
            continue
        try:
            parsed = objects(content, files[part])
            values |= {
                name: _CODINGS[coding](parsed[tag])
                for (of, tag), (name, coding) in _FIELDS.items()
                if of == part and tag in parsed and parsed[tag].strip(b"\0 ")
            }
        except (FormatError, UnicodeDecodeError):
            unreadable.append(part)
    return ResidenceValues(**values, unreadable=tuple(unreadable))


def _length(content: bytes, at: int) -> tuple[int, int]:
    first = content[at] if at < len(content) else 0xFF
    if first < 0x80:
        return at + 1, first
    octets = SHORT_FORMS.get(first)
    if octets is None or at + 1 + octets > len(content):
        raise _malformed("a length is cut off")
    return at + 1 + octets, int.from_bytes(content[at + 1 : at + 1 + octets], "big")


def _text(octets: bytes) -> str:
    """Read UTF-8, or what first-generation cards may have instead."""
    plain = octets.rstrip(b"\0")
    try:
        return plain.decode("utf-8").strip()
    except UnicodeDecodeError:
        return plain.decode("shift_jisx0213").strip()


def _ascii(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("ascii").strip()


def _date(octets: bytes) -> PartialDate:
    return from_card_record(_ascii(octets))


def _sex(octets: bytes) -> Sex | None:
    return SEX_CODES.get(_ascii(octets))


def _flag(octets: bytes) -> bool:
    return _ascii(octets) == "1"


def _picture(octets: bytes) -> bytes:
    """Return a picture without its padding, but with as many zeros as a TIFF may end in (no next directory).

    How many zeros pad it is under no signature, so the picture must not depend on it.
    """
    return octets.rstrip(b"\0") + bytes(TIFF_END)


_CODINGS: Final = {"text": _text, "ascii": _ascii, "date": _date, "sex": _sex, "flag": _flag, "picture": _picture}
_FIELDS: Final = {
    ("version", "C0"): ("version", "ascii"),
    ("kind", "C1"): ("kind", "ascii"),
    ("front", "D0"): ("front_image", "picture"),
    ("portrait", "D1"): ("portrait", "picture"),
    ("address", "D2"): ("address_date", "date"),
    ("address", "D3"): ("municipality_code", "ascii"),
    ("address", "D4"): ("address", "text"),
    ("comprehensive_permission", "D5"): ("comprehensive_permission", "text"),
    ("individual_permission", "D6"): ("individual_permission", "text"),
    ("pending", "D7"): ("pending", "flag"),
    ("pending", "D8"): ("pending", "flag"),
    ("number", "C2"): ("card_number", "ascii"),
    ("details", "C5"): ("expires", "date"),
    ("details", "C6"): ("birth_date", "date"),
    ("details", "C7"): ("sex", "sex"),
    ("details", "C8"): ("nationality", "ascii"),
    ("details", "C9"): ("status", "ascii"),
    ("details", "CE"): ("period", "ascii"),
    ("details", "CA"): ("permission_type", "ascii"),
    ("details", "CB"): ("permission_date", "date"),
    ("details", "CC"): ("work_restriction", "ascii"),
    ("details", "CD"): ("period_expires", "date"),
    ("pictures", "D0"): ("name_image", "picture"),
    ("pictures", "D1"): ("portrait", "picture"),
    ("address_image", "DFD1"): ("address_image", "picture"),
    ("permissions", "D5"): ("comprehensive_permission", "ascii"),
    ("permissions", "D6"): ("comprehensive_permission_expires", "date"),
    ("permissions", "D7"): ("individual_permission", "ascii"),
    ("note", "D9"): ("note", "flag"),
}


def _malformed(why: str) -> FormatError:
    return FormatError(
        "residence.record_malformed",
        f"A file of the card cannot be read: {why}.",
        next="Put the card back once more; if it stays so, the chip is faulty or forged.",
    )
