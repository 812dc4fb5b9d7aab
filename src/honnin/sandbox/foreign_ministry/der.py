"""Writing DER (ITU-T X.690 §10): as much as certificates, signed files and keys of a passport need."""

from datetime import datetime

__all__ = [
    "bit_string",
    "explicit",
    "integer",
    "name",
    "null",
    "octet_string",
    "oid",
    "sequence",
    "set_of",
    "time",
    "tlv",
]


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return tag, length and content; the tag may have two bytes."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        length = bytes((size,))
    else:
        digits = size.to_bytes((size.bit_length() + 7) // 8)
        length = bytes((128 + len(digits),)) + digits
    return (tag.to_bytes(2) if tag > 0xFF else bytes((tag,))) + length + content


def integer(value: int) -> bytes:
    """Return an INTEGER that is not negative."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    out = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc > 0x7F:
            arc >>= 7  # noqa: PLW2901
            groups.append(arc & 0x7F | 0x80)
        out.extend(reversed(groups))
    return tlv(0x06, bytes(out))


def null() -> bytes:
    """Return NULL."""
    return b"\x05\x00"


def octet_string(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv(0x04, content)


def bit_string(content: bytes, unused: int = 0) -> bytes:
    """Return a BIT STRING."""
    return tlv(0x03, bytes((unused,)), content)


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE."""
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """Return a SET OF, its members in DER's order."""
    return tlv(0x31, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """Return a value under an explicit context tag."""
    return tlv(0xA0 | number, *parts)


def time(moment: datetime) -> bytes:
    """Return a UTCTime, or a GeneralizedTime from 2050 on."""
    if moment.year < 2050:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def name(country: str, *others: tuple[str, str]) -> bytes:
    """Return a Name: the country, then attributes by OID, as UTF-8."""
    parts = [set_of(sequence(oid("2.5.4.6"), tlv(0x13, country.encode())))]
    parts += [set_of(sequence(oid(kind), tlv(0x0C, value.encode()))) for kind, value in others]
    return sequence(*parts)
