"""Names: distinguished names compared as RFC 5280 §7.1 says (RFC 4518 string preparation), and GeneralName.

A name stays raw DER; equal bytes are equal names, and only then are attributes prepared and compared. Strings that RFC
4518 prohibits, and Teletex strings beyond ASCII, equal themselves alone, octet for octet.
"""

import unicodedata
from collections.abc import Iterator

import msgspec

from honnin.pki import der
from honnin.pki.der import malformed, read, remembered

__all__ = [
    "DIRECTORY_NAME",
    "EMPTY",
    "GeneralName",
    "Rdn",
    "general_names",
    "names_equal",
    "prepared",
    "prepared_content",
    "relative_name",
]

EMPTY = b"\x30\x00"

# GeneralName tags (RFC 5280 §4.2.1.6)
OTHER_NAME, EMAIL, DNS, X400, DIRECTORY_NAME = 0xA0, 0x81, 0x82, 0xA3, 0xA4
EDI_PARTY, URI, IP_ADDRESS, REGISTERED_ID = 0xA5, 0x86, 0x87, 0x88

# attribute type and the prepared value, or the raw value with its tag where RFC 4518 cannot prepare it
Attribute = tuple[bytes, str | bytes]
Rdn = frozenset[Attribute]

_PRINTABLE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")
_NUMERIC = frozenset(b"0123456789 ")
_ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x12: "ascii", 0x14: "ascii", 0x16: "ascii", 0x1A: "ascii"}
_WIDE = {0x1C: "utf-32-be", 0x1E: "utf-16-be"}


class GeneralName(msgspec.Struct, frozen=True):
    """One GeneralName: its tag and content; a directoryName's content is the raw Name."""

    tag: int
    content: bytes


def names_equal(first: bytes, second: bytes) -> bool:
    """Return whether two Names (DER) are the same. Raises FormatError for one that is malformed."""
    return first == second or prepared(first) == prepared(second)


@remembered(4096)
def prepared(name: bytes) -> tuple[Rdn, ...]:
    """Return a Name (DER) as its relative names with prepared values. Raises FormatError `der.malformed`."""
    start, stop = der.whole(name, der.SEQUENCE)
    return prepared_content(name[start:stop])


def prepared_content(content: bytes) -> tuple[Rdn, ...]:
    """Return the relative names in a Name's content, prepared. Raises FormatError `der.malformed`."""
    return tuple([relative_name(content[first:last]) for first, last in der.items(content, 0, len(content), der.SET)])


def _rdn(name: bytes, start: int, stop: int) -> Rdn:
    found: set[Attribute] = set()
    count = 0
    for first, last in der.items(name, start, stop, der.SEQUENCE):
        type_start, type_stop = der.enclosed(name, first, last, der.OID)
        tag, value_start, value_stop = read(name, type_stop, last)
        if value_stop != last:
            raise malformed("A name's attribute has more than a type and a value.")
        der.oid(name, type_start, type_stop)
        found.add((name[type_start:type_stop], _value(tag, name[value_start:value_stop])))
        count += 1
    if not count or count != len(found):
        raise malformed("A relative name is empty, or holds an attribute twice.")
    return frozenset(found)


@remembered(4096)
def relative_name(content: bytes) -> Rdn:
    """Return a RelativeDistinguishedName from the content of its SET, prepared."""
    return _rdn(content, 0, len(content))


def _value(tag: int, content: bytes) -> str | bytes:
    raw = bytes((tag,)) + content
    if tag in _WIDE:
        encoding = _WIDE[tag]
    elif tag in _ENCODINGS:
        if tag == 0x14 and not content.isascii():
            return raw
        if (tag == 0x13 and not _PRINTABLE.issuperset(content)) or (tag == 0x12 and not _NUMERIC.issuperset(content)):
            raise malformed("A name's string holds a character that its type does not have.")
        encoding = _ENCODINGS[tag]
    else:
        return raw
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise malformed("A name's string is not in its encoding.") from None
    ready = _prepare(text)
    return raw if ready is None else ready


def _prepare(text: str) -> str | None:
    """Return a string prepared for caseIgnoreMatch (RFC 4518 §2), None where a character is prohibited."""
    if text.isascii() and text.isprintable():
        return _squeeze(text)
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category in {"Zs", "Zl", "Zp"} or character in "\t\n\v\f\r\x85":
            kept.append(" ")
        elif category not in {"Cc", "Cf"} and character not in _IGNORED:
            kept.append(character)
    folded = unicodedata.normalize("NFKC", "".join(kept).casefold())
    folded = unicodedata.normalize("NFKC", folded.casefold())
    if any(c == "\ufffd" or unicodedata.category(c) in {"Co", "Cs"} or ord(c) & 0xFFFE == 0xFFFE for c in folded):
        return None
    return _squeeze(folded)


# Mapped to nothing beside the controls and formats: combining grapheme joiner, Mongolian and general variation
# selectors, object replacement (RFC 4518 §2.2).
_IGNORED = frozenset(map(chr, (0x034F, 0x1806, 0x180B, 0x180C, 0x180D, *range(0xFE00, 0xFE10), 0xFFFC)))


def _squeeze(text: str) -> str:
    return " ".join(part for part in text.casefold().split(" ") if part)


def general_names(
    octets: bytes, start: int, stop: int, *, addresses: tuple[int, int] = (4, 16)
) -> Iterator[GeneralName]:
    """Yield the GeneralName values between two offsets, each checked for the form of its kind.

    addresses: the lengths that an iPAddress may have (with masks 8 and 32).
    """
    for tag, first, last in der.children(octets, start, stop):
        content = octets[first:last]
        if tag == DIRECTORY_NAME:
            prepared(content)
        elif tag in {EMAIL, DNS, URI}:
            if not content or not content.isascii():
                raise malformed("A mail address, host name or URI is empty or not ASCII.")
        elif tag == IP_ADDRESS:
            if len(content) not in addresses:
                raise malformed("An IP address has an impossible length.")
        elif tag == REGISTERED_ID:
            der.oid(octets, first, last)
        elif tag == OTHER_NAME:
            kind, _, after = read(octets, first, last)
            if kind != der.OID or octets[after : after + 1] != b"\xa0" or read(octets, after, last)[2] != last:
                raise malformed("An otherName is not of a type and a value.")
        elif tag not in {X400, EDI_PARTY}:
            raise malformed("A general name is of an unknown kind.")
        yield GeneralName(tag, content)
