"""A card office of the tests' own: one throw-away CA, and chips personalised from what it issues."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.cards.personalise import my_number_card
from honnin.sandbox.material import JpkiMaterial
from honnin.sandbox.world import World

SIGNATURE_PIN, USER_AUTHENTICATION_PIN = "TEST1234", "1234"


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "JPKI-TEST"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


def _certificate(subject: str, key: Any, issuer: str, issuer_key: Any, pad: int = 0) -> bytes:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(sum(subject.encode()))
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1800))
    )
    if pad:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName("x" * 60 + f".{n}.invalid") for n in range(pad)]), critical=False
        )
    return builder.sign(issuer_key, SHA256()).public_bytes(Encoding.DER)


def _pkcs8(key: Any) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@cache
def issue(algorithm: str) -> JpkiMaterial:
    """An adult's certificates and keys, made once in a test process."""

    def key() -> Any:
        return rsa.generate_private_key(65537, 2048) if algorithm == "rsa" else ec.generate_private_key(ec.SECP384R1())

    ca, signing, authenticating = key(), key(), key()
    return JpkiMaterial(
        card_id=f"TEST-{algorithm}",
        signature_ca_certificate=_certificate("signature CA", ca, "signature CA", ca),
        user_authentication_ca_certificate=_certificate("authentication CA", ca, "authentication CA", ca),
        signature_certificate=_certificate("signer", signing, "signature CA", ca, pad=11),
        user_authentication_certificate=_certificate("user", authenticating, "authentication CA", ca, pad=8),
        signature_key=_pkcs8(signing),
        user_authentication_key=_pkcs8(authenticating),
        signature_pin=SIGNATURE_PIN,
        user_authentication_pin=USER_AUTHENTICATION_PIN,
    )


@pytest.fixture
def material() -> JpkiMaterial:
    return issue("rsa")


@pytest.fixture
def next_material() -> JpkiMaterial:
    """As the next card will hold it: P-384."""
    return issue("ec")


@pytest.fixture
def insert(data: Path) -> Callable[..., EmulatedCard]:
    """Put a card into a reader: `insert()`, `insert(mobile=True, label=…)`, `insert(algorithm="ec")`."""

    def put(algorithm: str = "rsa", interface: Any = "contactless", record: Any = None, **changes: Any) -> EmulatedCard:
        chip = my_number_card(replace(issue(algorithm), **changes), interface)
        return EmulatedCard(lambda: chip, PinCounters(World(data)), record=record)

    return put


class Terminal:
    """Sends hex, expects hex: the tests read as a trace does."""

    def __init__(self, card: EmulatedCard) -> None:
        self.card = card

    def __call__(self, *parts: str | bytes) -> str:
        """Send an APDU; return the whole answer in hex."""
        apdu = b"".join(p if isinstance(p, bytes) else bytes.fromhex(p) for p in parts)
        return self.card.transmit(apdu).hex().upper()

    def jpki(self) -> None:
        assert self("00A4040C0A D392F000260100000001") == "9000"

    def file(self, identifier: str) -> str:
        return self("00A4020C02", identifier)

    def pin(self, identifier: str, value: str) -> str:
        assert self.file(identifier) == "9000"
        return self("00200080", bytes([len(value)]), value.encode())

    def tries(self, identifier: str) -> str:
        assert self.file(identifier) == "9000"
        return self("00200080")


@pytest.fixture
def terminal(insert: Callable[..., EmulatedCard]) -> Callable[..., Terminal]:
    def connect(*, selected: bool = True, **options: Any) -> Terminal:
        there = Terminal(insert(**options))
        if selected:
            there.jpki()
        return there

    return connect
