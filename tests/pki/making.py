"""Certificates, CRLs and OCSP answers written octet by octet, so that a test can make each of them wrong.

Own DER writing (nothing of the product), keys and signatures by pyca. Keys are made once a process.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
TRUE = b"\x01\x01\xff"


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 128 + len(octets))) + octets + content


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def num(value: int) -> bytes:
    return tlv(0x02, value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = (arc.bit_length() + 6) // 7 or 1
        out += bytes(arc >> 7 * n & 127 | (128 if n else 0) for n in reversed(range(groups)))
    return tlv(0x06, bytes(out))


def when(moment: datetime) -> bytes:
    if 1950 <= moment.year < 2050:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return generalized(moment)


def generalized(moment: datetime) -> bytes:
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def name(*parts: str, tag: int = 0x0C) -> bytes:
    """Common names one below the other."""
    return seq(*(tlv(0x31, seq(oid("2.5.4.3"), tlv(tag, part.encode()))) for part in parts))


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return seq(oid(dotted), TRUE if critical else b"", tlv(0x04, value))


@cache
def key(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(label: str) -> bytes:
    return key(label).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(label: str) -> bytes:
    point = key(label).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return hashlib.sha1(point, usedforsecurity=False).digest()


@cache
def sign(label: str, tbs: bytes, digest: str = "SHA256") -> bytes:
    return tlv(0x03, b"\0", key(label).sign(tbs, ec.ECDSA(getattr(hashes, digest)())))


# extensions
def basic(*, ca: bool = True, length: int | None = None, critical: bool = True) -> bytes:
    return extension("2.5.29.19", seq(TRUE if ca else b"", b"" if length is None else num(length)), critical=critical)


def usage(*bits: int, critical: bool = True) -> bytes:
    value = sum(1 << bit for bit in bits)
    octets = bytearray(max(bits) // 8 + 1)
    for bit in range(16):
        if value >> bit & 1:
            octets[bit // 8] |= 0x80 >> bit % 8
    return extension("2.5.29.15", tlv(0x03, bytes((7 - max(bits) % 8,)), bytes(octets)), critical=critical)


CA_USAGE = usage(5, 6)


def subject_alternative(*names: bytes, critical: bool = False) -> bytes:
    return extension("2.5.29.17", seq(*names), critical=critical)


def dns(text: str) -> bytes:
    return tlv(0x82, text.encode())


def email(text: str) -> bytes:
    return tlv(0x81, text.encode())


def uri(text: str) -> bytes:
    return tlv(0x86, text.encode())


def ip(octets: bytes) -> bytes:
    return tlv(0x87, octets)


def directory(raw: bytes) -> bytes:
    return tlv(0xA4, raw)


def name_constraints(
    permitted: Sequence[bytes] = (), excluded: Sequence[bytes] = (), *, critical: bool = True
) -> bytes:
    parts = [tlv(tag, *(seq(base) for base in bases)) for tag, bases in ((0xA0, permitted), (0xA1, excluded)) if bases]
    return extension("2.5.29.30", seq(*parts), critical=critical)


def policies(*dotted: str, critical: bool = False) -> bytes:
    return extension("2.5.29.32", seq(*(seq(oid(one)) for one in dotted)), critical=critical)


def purposes(*dotted: str, critical: bool = False) -> bytes:
    return extension("2.5.29.37", seq(*map(oid, dotted)), critical=critical)


def points(*names: bytes, issuer: bytes | None = None, reasons: bytes = b"") -> bytes:
    parts = [tlv(0xA0, tlv(0xA0, *names))] if names else []
    return extension("2.5.29.31", seq(seq(*parts, reasons, b"" if issuer is None else tlv(0xA2, directory(issuer)))))


NO_CHECK = extension("1.3.6.1.5.5.7.48.1.5", b"\x05\x00")


@dataclass(frozen=True)
class Certificate:
    """What a certificate is to say; `der()` writes and signs it."""

    subject: bytes
    issuer: bytes
    key: str
    signer: str
    extensions: tuple[bytes, ...] = ()
    serial: bytes = num(4711)
    not_before: bytes = when(AT - 100 * DAY)
    not_after: bytes = when(AT + 100 * DAY)
    version: bytes = tlv(0xA0, num(2))
    algorithm: bytes = ECDSA_SHA256
    outer_algorithm: bytes | None = None
    spki: bytes | None = None
    trailer: bytes = b""
    digest: str = "SHA256"

    def but(self, **changes: object) -> "Certificate":
        return replace(self, **changes)  # type: ignore[arg-type]

    def der(self) -> bytes:
        listed = tlv(0xA3, seq(*self.extensions)) if self.extensions else b""
        tbs = seq(
            self.version,
            self.serial,
            self.algorithm,
            self.issuer,
            seq(self.not_before, self.not_after),
            self.subject,
            spki(self.key) if self.spki is None else self.spki,
            listed,
            self.trailer,
        )
        return seq(tbs, self.outer_algorithm or self.algorithm, sign(self.signer, tbs, self.digest))


ROOT_NAME, CA_NAME, PERSON_NAME = name("Root"), name("Root", "CA"), name("Person")


def root(*extensions: bytes, **changes: object) -> Certificate:
    return Certificate(ROOT_NAME, ROOT_NAME, "root", "root", (basic(), CA_USAGE, *extensions)).but(**changes)


def authority(*extensions: bytes, **changes: object) -> Certificate:
    return Certificate(CA_NAME, ROOT_NAME, "ca", "root", (basic(), CA_USAGE, *extensions)).but(**changes)


def person(*extensions: bytes, **changes: object) -> Certificate:
    return Certificate(PERSON_NAME, CA_NAME, "person", "ca", (usage(0, 1), *extensions)).but(**changes)


def crl(
    issuer: bytes,
    signer: str,
    entries: Sequence[bytes] = (),
    *,
    extensions: Sequence[bytes] = (),
    this_update: bytes = when(AT - DAY),
    next_update: bytes = when(AT + DAY),
    version: bytes = num(1),
    algorithm: bytes = ECDSA_SHA256,
) -> bytes:
    tbs = seq(
        version,
        algorithm,
        issuer,
        this_update,
        next_update,
        seq(*entries) if entries else b"",
        tlv(0xA0, seq(*extensions)) if extensions else b"",
    )
    return seq(tbs, algorithm, sign(signer, tbs))


def entry(serial: int, *extensions: bytes, at: datetime = AT - 2 * DAY) -> bytes:
    return seq(num(serial), when(at), seq(*extensions) if extensions else b"")


def reason(code: int, *, critical: bool = False) -> bytes:
    return extension("2.5.29.21", tlv(0x0A, bytes((code,))), critical=critical)


def scope(*parts: bytes, critical: bool = True) -> bytes:
    return extension("2.5.29.28", seq(*parts), critical=critical)


def number(value: int) -> bytes:
    return extension("2.5.29.20", num(value))


def base_number(value: int) -> bytes:
    return extension("2.5.29.27", num(value), critical=True)


GOOD, UNKNOWN = b"\x80\x00", b"\x82\x00"


def revoked(moment: datetime = AT - 2 * DAY, code: int = 1) -> bytes:
    return tlv(0xA1, generalized(moment), tlv(0xA0, tlv(0x0A, bytes((code,)))))


def cert_id(issuer: bytes, issuer_key: str, serial: int = 4711, hash_name: str = "sha1") -> bytes:
    point = key(issuer_key).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    dotted = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1"}[hash_name]
    return seq(
        seq(oid(dotted), b"\x05\x00"),
        tlv(0x04, hashlib.new(hash_name, issuer).digest()),
        tlv(0x04, hashlib.new(hash_name, point).digest()),
        num(serial),
    )


def single(
    which: bytes,
    state: bytes = GOOD,
    *,
    this_update: datetime = AT - timedelta(minutes=5),
    next_update: datetime | None = AT + DAY,
    extensions: Sequence[bytes] = (),
) -> bytes:
    return seq(
        which,
        state,
        generalized(this_update),
        b"" if next_update is None else tlv(0xA0, generalized(next_update)),
        tlv(0xA1, seq(*extensions)) if extensions else b"",
    )


def answer(
    responder: bytes,
    signer: str,
    singles: Sequence[bytes],
    *,
    certificates: Sequence[bytes] = (),
    extensions: Sequence[bytes] = (),
) -> bytes:
    """responder: the raw Name, or a key hash of 20 octets."""
    who = tlv(0xA2, tlv(0x04, responder)) if len(responder) == 20 else tlv(0xA1, responder)
    tbs = seq(who, generalized(AT), seq(*singles), tlv(0xA1, seq(*extensions)) if extensions else b"")
    sent = tlv(0xA0, seq(*certificates)) if certificates else b""
    body = seq(tbs, ECDSA_SHA256, sign(signer, tbs), sent)
    return seq(tlv(0x0A, b"\0"), tlv(0xA0, seq(oid("1.3.6.1.5.5.7.48.1.1"), tlv(0x04, body))))
