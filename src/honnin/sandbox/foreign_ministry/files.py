"""The files of a passport's chip (ICAO Doc 9303-10 §4): EF.COM, data groups, and the signed EF.SOD."""

from datetime import datetime
from hashlib import sha256, sha384

from honnin.sandbox.foreign_ministry import der
from honnin.sandbox.foreign_ministry.authorities import Signer, sign, signature_algorithm

__all__ = ["TAGS", "common", "data_group_1", "data_group_2", "data_group_11", "data_group_12", "security_object"]
__all__ += ["signed_file"]

TAGS = {1: 0x61, 2: 0x75, 11: 0x6B, 12: 0x6C, 14: 0x6E, 15: 0x6F}
SECURITY_OBJECT = "2.23.136.1.1.1"
DIGESTS = {"rsa": ("2.16.840.1.101.3.4.2.1", sha256), "ec": ("2.16.840.1.101.3.4.2.2", sha384)}


def common(groups: list[int]) -> bytes:
    """Return EF.COM for the data groups that it says are there."""
    tags = bytes(TAGS[number] for number in groups)
    return der.tlv(0x60, der.tlv(0x5F01, b"0107"), der.tlv(0x5F36, b"040000"), der.tlv(0x5C, tags))


def data_group_1(zone: str) -> bytes:
    """Return DG1: the machine-readable zone of 88 characters."""
    return der.tlv(0x61, der.tlv(0x5F1F, zone.encode("ascii")))


def data_group_2(image: bytes, width: int, height: int) -> bytes:
    """Return DG2: one face (ISO/IEC 19794-5) as JPEG."""
    picture = bytes((1, 0)) + width.to_bytes(2) + height.to_bytes(2) + bytes((1, 2)) + bytes(4)
    size = 20 + len(picture) + len(image)
    face = size.to_bytes(4) + bytes(16) + picture + image
    record = b"FAC\x00010\x00" + (14 + len(face)).to_bytes(4) + (1).to_bytes(2) + face
    header = der.tlv(
        0xA1,
        der.tlv(0x80, b"\x01\x01"),
        der.tlv(0x81, b"\x02"),
        der.tlv(0x87, b"\x01\x01"),
        der.tlv(0x88, b"\x00\x08"),
    )
    template = der.tlv(0x7F60, header, der.tlv(0x5F2E, record))
    return der.tlv(0x75, der.tlv(0x7F61, der.tlv(0x02, b"\x01"), template))


def data_group_11(full_name: str, birth_date: str) -> bytes:
    """Return DG11: the name as it is written at home, and the whole birth date (YYYYMMDD)."""
    fields = (der.tlv(0x5F0E, full_name.encode()), der.tlv(0x5F2B, birth_date.encode()))
    return der.tlv(0x6B, der.tlv(0x5C, bytes.fromhex("5F0E5F2B")), *fields)


def data_group_12(authority: str, issued: datetime) -> bytes:
    """Return DG12: issuing authority and day of issue."""
    fields = (der.tlv(0x5F19, authority.encode()), der.tlv(0x5F26, issued.strftime("%Y%m%d").encode()))
    return der.tlv(0x6C, der.tlv(0x5C, bytes.fromhex("5F195F26")), *fields)


def security_object(signer: Signer, groups: dict[int, bytes], at: datetime) -> bytes:
    """Return EF.SOD over whole data group files."""
    digest_oid, digest = DIGESTS["ec" if signer.line == "ec" else "rsa"]
    rows = [
        der.sequence(der.integer(number), der.octet_string(digest(content).digest()))
        for number, content in sorted(groups.items())
    ]
    listed = der.sequence(der.integer(0), der.sequence(der.oid(digest_oid), der.null()), der.sequence(*rows))
    return der.tlv(0x77, signed_file(signer, SECURITY_OBJECT, listed, at))


def signed_file(signer: Signer, kind: str, content: bytes, at: datetime) -> bytes:
    """Return a CMS SignedData (RFC 5652) over `content`, with the signer's certificate inside."""
    digest_oid, digest = DIGESTS["ec" if signer.line == "ec" else "rsa"]
    digest_algorithm = der.sequence(der.oid(digest_oid), der.null())
    attributes = der.set_of(
        der.sequence(der.oid("1.2.840.113549.1.9.3"), der.set_of(der.oid(kind))),
        der.sequence(der.oid("1.2.840.113549.1.9.4"), der.set_of(der.octet_string(digest(content).digest()))),
        der.sequence(der.oid("1.2.840.113549.1.9.5"), der.set_of(der.time(at))),
    )
    issuer, serial = _issuer_and_serial(signer.certificate)
    information = der.sequence(
        der.integer(1),
        der.sequence(issuer, serial),
        digest_algorithm,
        b"\xa0" + attributes[1:],
        signature_algorithm(signer.line),
        der.octet_string(sign(signer.key, attributes)),
    )
    signed = der.sequence(
        der.integer(3),
        der.set_of(digest_algorithm),
        der.sequence(der.oid(kind), der.explicit(0, der.octet_string(content))),
        der.explicit(0, signer.certificate),
        der.set_of(information),
    )
    return der.sequence(der.oid("1.2.840.113549.1.7.2"), der.explicit(0, signed))


def _issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    """Return issuer and serial number of a certificate written here: its fourth and second field."""
    _, start, _ = _value(certificate, 0)
    _, at, _ = _value(certificate, start)
    fields = []
    for _ in range(4):
        _, _, end = _value(certificate, at)
        fields.append(certificate[at:end])
        at = end
    return fields[3], fields[1]


def _value(octets: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, start and end of the value at an offset."""
    first = octets[at + 1]
    count = first & 0x7F if first & 0x80 else 0
    length = int.from_bytes(octets[at + 2 : at + 2 + count]) if count else first
    start = at + 2 + count
    return octets[at], start, start + length
