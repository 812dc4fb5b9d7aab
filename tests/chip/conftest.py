"""A card that answers from a table: command → answer or answers in turn, as the reference sheet's examples give them.

It has no logic, so it cannot share a mistake with the code under test.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

SELECT_JPKI = "00A4040C0AD392F000260100000001"
SELECT_ISSUER_DOMAIN = "00A4040C07A0000001510000"


class TableCard:
    """A reader whose card answers by table; a command outside the table fails the test."""

    name = "table"
    atr = bytes.fromhex("3B888001000005E0B381A1007F")

    def __init__(self, table: dict[str, str | list[str]]) -> None:
        self.table = {SELECT_JPKI: "9000", SELECT_ISSUER_DOMAIN: "9000", **table}
        self.sent: list[str] = []
        self.resets = 0
        self.closed = False

    def transmit(self, apdu: bytes) -> bytes:
        key = apdu.hex().upper()
        self.sent.append(key)
        answer = self.table.get(key)
        if answer is None:
            pytest.fail(f"the table has no answer to {key}")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return bytes.fromhex(answer)

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def add_file(self, file_id: int, content: bytes, *, by_short_id: bool = True) -> None:
        """Answer the reads of a file in pieces of 256: short id first, then by offset; exact Le at the end."""
        first = f"00B0{0x80 | file_id:02X}0000" if by_short_id else "00B0000000"
        self.table[first] = content[:256].hex() + "9000"
        for offset in range(256, len(content), 256):
            piece = content[offset : offset + 256]
            self.table[f"00B0{offset:04X}{len(piece) % 256:02X}"] = piece.hex() + "9000"


def make_certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, extra: int = 0) -> bytes:
    """A self-signed certificate of about 750 bytes plus `extra`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "997794E9AGCIEG13221003A")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1500))
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\4" * extra), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    """One RSA key for the whole session."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def certificate(key: rsa.RSAPrivateKey) -> bytes:
    """A certificate as long as the sheet's example of one, 1583 bytes."""
    short = len(make_certificate(key, 400))
    return make_certificate(key, 400 + 1583 - short)


@pytest.fixture(scope="session")
def curve_certificate() -> bytes:
    """A certificate with a P-384 key."""
    return make_certificate(ec.generate_private_key(ec.SECP384R1()), 100)


@pytest.fixture
def table_card() -> type[TableCard]:
    """The class, so that each test fills its own table."""
    return TableCard


@pytest.fixture(scope="session")
def sign_raw(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    """PKCS#1 v1.5 of a DigestInfo given as a whole, by integer arithmetic: what the chip computes."""

    def sign(digest_info: bytes) -> bytes:
        numbers = key.private_numbers()
        modulus = numbers.public_numbers.n
        size = (modulus.bit_length() + 7) // 8
        block = b"\0\1" + b"\xff" * (size - 3 - len(digest_info)) + b"\0" + digest_info
        return pow(int.from_bytes(block, "big"), numbers.d, modulus).to_bytes(size, "big")

    return sign


@pytest.fixture(scope="session")
def check_signature(key: rsa.RSAPrivateKey) -> Callable[..., None]:
    """Raises InvalidSignature unless the value is a PKCS#1 v1.5 signature over the message."""

    def check(value: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> None:
        key.public_key().verify(value, message, padding.PKCS1v15(), algorithm)

    return check
