"""Challenges, and what a signature over one proves."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from honnin.chip import Challenge, MyNumberCard, Pin, Trust
from honnin.errors import CardError, InputError, PinError

SIGNATURE_PIN = "0020009B06414243313233"
AUTHENTICATION_PIN = "002000980431323334"
SHA256_PREFIX = "3031300D060960864801650304020105000420"


def open_pins() -> dict[str, Any]:
    return {"0020009B": "63C5", "00200098": "63C3", SIGNATURE_PIN: "9000", AUTHENTICATION_PIN: "9000"}


def signing(reference: str, digest: bytes) -> str:
    return f"802A00{reference}33{SHA256_PREFIX}{digest.hex().upper()}00"


def prove(
    table_card: Any, certificate: bytes, value: Callable[[bytes], bytes], trust: Trust | None = None
) -> tuple[Any, ...]:
    challenge = Challenge(bytes(16), "log in", "bank.example")
    hasher = hashes.Hash(hashes.SHA256())
    hasher.update(challenge.message())
    digest = hasher.finalize()
    made = value(bytes.fromhex(SHA256_PREFIX) + digest)
    reader = table_card(open_pins() | {signing("97", digest): made.hex() + "9000"})
    reader.add_file(0x0A, certificate)
    card = MyNumberCard(reader)
    card.jpki.unlock(Pin("user_authentication", "1234"))
    return card.jpki.prove(challenge, trust=trust)


def test_possession_is_proved(table_card: Any, certificate: bytes, sign_raw: Callable[[bytes], bytes]) -> None:
    possession, issuer, revocation = prove(table_card, certificate, sign_raw)
    assert (possession.kind, possession.result) == ("possession", "passed")
    assert possession.covers == ("user_authentication_key", "user_authentication")
    assert (issuer.result, revocation.result) == ("not_checked", "not_checked")
    assert possession.certificate == certificate
    assert certificate.hex()[:40] not in repr(possession)


def test_a_copied_certificate_proves_nothing(table_card: Any, certificate: bytes) -> None:
    possession, *_ = prove(table_card, certificate, lambda info: info.ljust(256, b"\1"))
    assert possession.result == "failed"


def test_a_certificate_that_is_none(table_card: Any, sign_raw: Callable[[bytes], bytes]) -> None:
    possession, *_ = prove(table_card, b"\x30\x82\x01\x00" + bytes(256), sign_raw)
    assert possession.result == "failed"


def test_issuer_is_judged_by_the_trust_given(
    table_card: Any, certificate: bytes, sign_raw: Callable[[bytes], bytes]
) -> None:
    trust = Trust(anchors=(), at=datetime(2026, 11, 21, tzinfo=UTC))
    _, issuer, _ = prove(table_card, certificate, sign_raw, trust)
    assert issuer.result == "failed"


def test_proving_needs_the_pin_and_the_certificate(table_card: Any) -> None:
    challenge = Challenge.fresh("log in", "bank.example")
    card = MyNumberCard(table_card(open_pins() | {"00B08A0000": "6A82", "00A4020C02000A": "6A82"}))
    with pytest.raises(PinError, match=r"card\.pin_required"):
        card.jpki.prove(challenge)
    card.jpki.unlock(Pin("user_authentication", "1234"))
    with pytest.raises(CardError, match=r"card\.not_issued"):
        card.jpki.prove(challenge)


def test_challenges_are_bound_and_fresh() -> None:
    one, two = Challenge.fresh("log in", "bank"), Challenge.fresh("log in", "bank")
    assert one.message() != two.message()
    assert Challenge(one.nonce, "log in", "shop").message() != one.message()
    assert Challenge(one.nonce, "sign up", "bank").message() != one.message()
    fixed = Challenge.fresh("log in", "bank", randomness=lambda n: b"\1" * n)
    assert fixed.message() == (
        b'{"audience":"bank","honnin_challenge":1,"nonce":"' + b"01" * 32 + b'","purpose":"log in"}'
    )


@pytest.mark.parametrize("arguments", [(bytes(15), "a", "b"), (bytes(16), "", "b"), (bytes(16), "a", "")])
def test_weak_challenges_are_refused(arguments: tuple[bytes, str, str]) -> None:
    with pytest.raises(InputError, match=r"chip\.challenge_weak"):
        Challenge(*arguments)
