"""CRLs of any length for measuring, streamed to disk by a DER writer of their own and signed by a key in memory.

All entries of a list have the same length, so that every length is known before the first entry is written, and rows
are made a matrix at a time. Shape: RFC 5280 §5.1 with a reason for every entry, as J-LIS's lists are expected
(my-number-card.md §6.1). The serial numbers are invented.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.x509.oid import NameOID

from honnin.pki.der import encode, encode_integer, encode_oid

__all__ = ["NOW", "Shape", "Signer", "municipality"]

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ROWS = 1 << 16
SHA256_RSA = encode(0x30, encode_oid("1.2.840.113549.1.1.11"), b"\x05\x00")
REASON = bytes.fromhex("300c300a0603551d1504030a01")
REASONS = np.array([0, 1, 3, 4, 5, 6], dtype=np.uint8)

U8 = npt.NDArray[np.uint8]


class Shape(msgspec.Struct, frozen=True):
    """What a list's entries are like. octets: of a serial number; ordered: rising by one, else drawn by `seed`."""

    entries: int
    octets: int = 4
    ordered: bool = True
    seed: int = 1

    @property
    def width(self) -> int:
        """Octets of one entry."""
        return 2 + 2 + self.octets + 15 + len(REASON) + 1


class Signer:
    """A CA that signs lists with an RSA-2048 key."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        attributes = [(NameOID.COUNTRY_NAME, "JP"), (NameOID.ORGANIZATION_NAME, "JPKI-TEST")]
        name = x509.Name([x509.NameAttribute(kind, text) for kind, text in attributes])
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        self.key_id = identifier.digest
        self._name = name.public_bytes()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .serial_number(1)
            .public_key(self._key.public_key())
            .not_valid_before(NOW - timedelta(days=400))
            .not_valid_after(NOW + timedelta(days=4000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(identifier, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.DER)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, path: Path, shape: Shape, *, number: int = 1, point: bytes | None = None, first: int = 0) -> None:
        """Write a list to a file. point: directory name (DER) of its distribution point; first: its first serial."""
        extensions = [
            _extension("2.5.29.35", encode(0x30, encode(0x80, self.key_id))),
            _extension("2.5.29.20", encode_integer(number)),
        ]
        if point is not None:
            full_name = encode(0x30, encode(0xA0, encode(0xA0, encode(0xA4, point))))
            extensions.append(_extension("2.5.29.28", full_name, critical=True))
        before = encode_integer(1) + SHA256_RSA + self._name + _time(NOW - timedelta(hours=3))
        before += _time(NOW + timedelta(days=30))
        after = encode(0xA0, encode(0x30, *extensions))
        listed = _header(0x30, shape.entries * shape.width) if shape.entries else b""
        tbs = _header(0x30, len(before) + len(listed) + shape.entries * shape.width + len(after)) + before + listed
        signed = len(tbs) + shape.entries * shape.width + len(after)
        tail = len(SHA256_RSA) + len(encode(0x03, bytes(1 + self._key.key_size // 8)))
        digest = hashlib.sha256(tbs)
        with path.open("wb") as out:
            out.write(_header(0x30, signed + tail))
            out.write(tbs)
            for rows in _entries(shape, first):
                octets = rows.tobytes()
                digest.update(octets)
                out.write(octets)
            digest.update(after)
            out.write(after)
            self._seal(out, digest.digest())

    def _seal(self, out: BinaryIO, digest: bytes) -> None:
        signature = self._key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
        out.write(SHA256_RSA + encode(0x03, b"\x00", signature))


def municipality(number: int) -> bytes:
    """Return an invented distribution point's name (DER)."""
    parts = [
        (NameOID.COUNTRY_NAME, "JP"),
        (NameOID.ORGANIZATION_NAME, "JPKI-TEST"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "CRL Distribution Points"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, f"Prefecture-{number % 47}"),
        (NameOID.COMMON_NAME, f"City-{number} CRLDP"),
    ]
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts]).public_bytes()


def _entries(shape: Shape, first: int) -> Iterator[U8]:
    """Yield the entries, some rows at a time."""
    draw = np.random.default_rng(shape.seed)
    width, octets = shape.width, shape.octets
    template = np.frombuffer(
        bytes((0x30, width - 2, 0x02, octets)) + bytes(octets) + b"\x17\x0d260101000000Z" + REASON + b"\x00", np.uint8
    )
    for start in range(0, shape.entries, ROWS):
        count = min(ROWS, shape.entries - start)
        rows = np.tile(template, (count, 1))
        if shape.ordered:
            serial = np.arange(start, start + count, dtype=">u8") + np.uint64(first + (1 << 8 * octets - 8))
            rows[:, 4 : 4 + octets] = serial.astype(">u8").view(np.uint8).reshape(count, 8)[:, 8 - octets :]
        else:
            rows[:, 4 : 4 + octets] = draw.integers(0, 256, (count, octets), np.uint8)
            rows[:, 4] = rows[:, 4] % 0x7F + 1
        when = draw.integers(0, 28 * 86_400, count)
        fields = (when // 86_400 + 1, when // 3600 % 24, when // 60 % 60, when % 60)
        for at, field in zip(range(10 + octets, 18 + octets, 2), fields, strict=True):
            rows[:, at] = 0x30 + field // 10
            rows[:, at + 1] = 0x30 + field % 10
        rows[:, -1] = REASONS[draw.integers(0, len(REASONS), count)]
        yield rows


def _header(tag: int, length: int) -> bytes:
    """Return tag and length of a value whose content follows."""
    if length < 0x80:
        return bytes((tag, length))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets


def _extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return encode(0x30, encode_oid(oid), b"\x01\x01\xff" if critical else b"", encode(0x04, value))


def _time(at: datetime) -> bytes:
    return encode(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
