"""Certificates that differ from one known before only in what is the holder's: read by comparing, not by walking.

A CA writes millions of certificates that are alike but for serial number, validity, subject, an RSA key of 2048 bits,
subjectAltName, subjectKeyIdentifier and signature. `divide` cuts a certificate at these places, and whoever has the
same remaining octets as a certificate that the strict reader took apart would be taken apart by it in the same way:

- every cut is proved, not found: each length on the way is read, must be the shortest, and must lead to the next part;
  where a search proposes a place (the two extensions), the length before it is compared with the one it must have;
- DER that is read from its beginning has one reading. The octets up to a cut being those of a known certificate, and
  the cut having been a border between two extensions there, it is a border here;
- no extension is there twice, because none was there twice in the known one.

What is remembered is a function of the octets alone, so nobody can make it wrong by what they send; that nobody can
push it out, `remember` is for certificates whose signature a trusted key has verified. No part of it is about a person.
"""

from functools import cache
from typing import Any

import msgspec

from honnin.pki import der

__all__ = ["NOBODYS", "Extension", "Parts", "Template", "divide", "remember", "template_of"]


class Extension(msgspec.Struct, frozen=True, gc=False):
    """One extension: whether it is critical, and the content of its OCTET STRING."""

    critical: bool
    value: bytes


class Template(msgspec.Struct, frozen=True, eq=False):
    """What certificates of one kind have in common. `extensions`: the holder's two stand in their places, empty.

    memory: what was derived from these fields, remembered by whoever derived it.
    """

    extensions: dict[str, Extension]
    memory: dict[str, Any] = msgspec.field(default_factory=dict)


Common = tuple[bytes, ...]


class Parts(msgspec.Struct, frozen=True, gc=False):
    """Where a certificate is cut. `common`: the octets that others share; the rest are offsets, in their order.

    names, names_stop: the content of subjectAltName's OCTET STRING; the same offset twice where there is none.
    borders: where extensions must begin for the cuts to be right.
    """

    common: Common
    serial_stop: int
    validity: int
    subject: int
    key: int
    names: int
    names_stop: int
    identifier: int
    tbs_stop: int
    borders: tuple[int, ...]


NAMES, KEY_IDENTIFIER = "2.5.29.17", "2.5.29.14"
# Extensions whose values say nothing of the holder and repeat from one certificate to the next.
NOBODYS = frozenset(f"2.5.29.{number}" for number in (15, 18, 19, 31, 32, 35, 37, 46)) | {"1.3.6.1.5.5.7.1.1"}
SERIAL = 15  # offset of the serial number's content
KEY = 294  # octets of the SubjectPublicKeyInfo
_SIGNATURE = 256
ALGORITHM = bytes.fromhex("300d06092a864886f70d01010b0500")  # sha256WithRSAEncryption
_TAIL = ALGORITHM + bytes.fromhex("0382010100")
_KEY_BEFORE = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
_KEY_AFTER = bytes.fromhex("0203010001")
_NAMES = bytes.fromhex("0603551d1104")
_IDENTIFIER = bytes.fromhex("301d0603551d0e0416")  # the OCTET STRING with 20 octets in another one
_MOST = 8192
_templates: dict[Common, Template] = {}


def divide(octets: bytes) -> Parts | None:
    """Return where a certificate (DER) is cut, None for one of another shape than described above."""
    size = len(octets)
    tbs_stop = size - _SIGNATURE - len(_TAIL)
    if tbs_stop < 600 or size > 4096:
        return None
    digits, first = octets[14], octets[15]
    if (
        not octets.startswith(_begins(size))
        or not 0 < digits <= 20
        or first >= 0x80
        or (first == 0 and (digits == 1 or octets[16] < 0x80))
    ):
        return None
    serial_stop = SERIAL + digits
    issuer = serial_stop + len(ALGORITHM)
    validity = _after_name(octets, issuer)
    subject = validity + 32
    key = _after_name(octets, subject)
    run = key + KEY + 8  # where the extensions begin, behind the headers of two lists
    length = tbs_stop - run
    if (
        length < 0x100
        or not octets.startswith(ALGORITHM, serial_stop)
        or not octets.startswith(_TAIL, tbs_stop)
        or not octets.startswith(_KEY_BEFORE, key)
        or not octets.startswith(_between(length), run - 8 - len(_KEY_AFTER))
    ):
        return None
    found = octets.find(_NAMES, run, tbs_stop)
    if found < 0:
        start = names = stop = run
    else:
        names = found + len(_NAMES) + 1
        form = length = octets[names - 1]
        if form >= 0x80:
            count = form - 0x80
            length = int.from_bytes(octets[names : names + count], "big")
            names += count
            if not (count == 1 and length >= 0x80) and not (count == 2 and length >= 0x100):
                return None
        stop = names + length
        if stop > tbs_stop:
            return None
        header = _header(stop - found)
        start = found - len(header)
        if start < run or not octets.startswith(header, start):
            return None
    identifier = octets.find(_IDENTIFIER, stop, tbs_stop)
    after = identifier + 31
    if identifier < 0 or after > tbs_stop or not octets.startswith(b"\x04\x14", after - 22):
        return None
    common: Common = (octets[issuer:validity], octets[stop:identifier], octets[after:tbs_stop])
    if found >= 0:  # one part more, so that a certificate with names is never taken for one without
        common = (*common, octets[run:start])
    borders = (run, start, stop, identifier, after)
    return Parts(common, serial_stop, validity, subject, key, names, stop, identifier + 9, tbs_stop, borders)


@cache
def _begins(size: int) -> bytes:
    """Return what stands before the length of the serial number in a certificate of so many octets."""
    lengths = (size - 4).to_bytes(2, "big"), (size - 284).to_bytes(2, "big")
    return b"\x30\x82" + lengths[0] + b"\x30\x82" + lengths[1] + b"\xa0\x03\x02\x01\x02\x02"


@cache
def _between(length: int) -> bytes:
    """Return what stands between the key's modulus and so many octets of extensions."""
    lengths = (length + 4).to_bytes(2, "big"), length.to_bytes(2, "big")
    return _KEY_AFTER + b"\xa3\x82" + lengths[0] + b"\x30\x82" + lengths[1]


def _after_name(octets: bytes, at: int) -> int:
    """Return where a SEQUENCE of up to 255 octets ends that begins at an offset; 0 if there is none."""
    if octets[at] != 0x30:
        return 0
    length = octets[at + 1]
    if length < 0x80:
        return at + 2 + length
    return at + 3 + octets[at + 2] if length == 0x81 and octets[at + 2] >= 0x80 else 0


@cache
def _header(length: int) -> bytes:
    """Return the tag and the length of a SEQUENCE of less than 4096 octets."""
    if length < 0x80:
        return bytes((0x30, length))
    return bytes((0x30, 0x81, length)) if length < 0x100 else bytes((0x30, 0x82, length >> 8, length & 0xFF))


def template_of(parts: Parts) -> Template | None:
    """Return the template that certificates with these common octets are read by, None where there is none."""
    return _templates.get(parts.common)


def remember(octets: bytes, extensions: dict[str, Extension]) -> Template | None:
    """Make a template of a certificate (DER) that the strict reader has read; None where its shape is another one."""
    parts = divide(octets)
    if parts is None:
        return None
    known = _templates.get(parts.common)
    if known is None:
        begin = parts.borders[0]
        starts = {begin, *(stop for _, _, stop in der.children(octets, begin, parts.tbs_stop))}
        personal = {KEY_IDENTIFIER, NAMES} if parts.names < parts.names_stop else {KEY_IDENTIFIER}
        if not starts.issuperset(parts.borders) or not personal <= extensions.keys() <= personal | NOBODYS:
            return None
        empty = Extension(critical=False, value=b"")
        if len(_templates) >= _MOST:
            _templates.clear()
        known = _templates[parts.common] = Template({**extensions, **dict.fromkeys(personal, empty)})
    return known
