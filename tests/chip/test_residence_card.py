"""The residence card reader against a second implementation of the published computation: both generations."""

from typing import Any

import pytest
from tests.chip.zairyu_chip import AT, NUMBER, ZairyuChip

from honnin.chip import Challenge, Trust
from honnin.chip.residence_card import CardNumber, ResidenceCard
from honnin.errors import CardError, HonninError, InputError, ReaderError

CHALLENGE = Challenge(bytes(16), "counter", "bank")
KEY = CardNumber(NUMBER)
KINDS = ["1", "2", "05", "06"]


def proved(chip: ZairyuChip, **options: Any) -> dict[str, str]:
    with ResidenceCard(chip, **options) as card:
        card.residence.unlock(KEY)
        return {p.kind: p.result for p in card.residence.prove(CHALLENGE, trust=Trust((chip.ca,), AT))}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_and_proved(kind: str) -> None:
    chip = ZairyuChip(kind)
    told: list[tuple[str, int, int]] = []
    with ResidenceCard(chip, progress=lambda *step: told.append(step)) as card:
        (found,) = card.detect()
        assert (found.present, found.generation) == (True, len(kind))
        assert card.tries() == ()
        assert card.residence.unlock(KEY).by == "card_number"
        reading = card.residence.read()
        issuer, signature, revocation = card.residence.prove(CHALLENGE, trust=Trust((chip.ca,), AT))
    values = reading.values
    assert values.unreadable == ()
    assert (values.kind, values.version) == (kind, "0001")
    assert values.portrait is not None
    assert values.portrait.startswith(b"\xff\x4f\xff\x51")
    assert (issuer.result, signature.result, revocation.result) == ("passed", "passed", "not_checked")
    if len(kind) == 1:
        assert values.front_image is not None
        assert values.address == "東京都千代田区"
        assert signature.covers == ("front", "portrait")
        assert "address" in signature.leaves_out
    else:
        assert values.name_image is not None
        assert (values.nationality, values.sex) == ("USA", "female")
        assert values.card_number == NUMBER
        assert signature.covers == ("details", "pictures")
        assert {"number", "address_image"} <= set(signature.leaves_out)
    assert all(done <= total for _, done, total in told)
    assert {name for name, _, _ in told} >= {"signature"}


@pytest.mark.parametrize("most", [65536, 1100, 300, 200, 100, 40])
@pytest.mark.parametrize("kind", ["1", "05"])
def test_chips_that_carry_less(kind: str, most: int) -> None:
    assert proved(ZairyuChip(kind, most=most))["data_signature"] == "passed"


def test_a_signature_is_read_in_either_coding() -> None:
    """In ASN.1 one of P-384 mostly has more than the field's 96 bytes; one with two short halves fits."""
    from honnin.chip.residence_card.proving import _encodings

    short = bytes.fromhex("302E0217") + b"\x11" * 23 + b"\x02\x13" + b"\x12" * 19
    assert short in _encodings(short.ljust(96, b"\0"))
    assert len(_encodings(b"\x11" * 96)) == 1
    assert _encodings(b"") == []


def test_a_wrong_number_costs_nothing_and_says_so() -> None:
    chip = ZairyuChip("05")
    with ResidenceCard(chip) as card:
        for _ in range(5):
            with pytest.raises(CardError) as refused:
                card.residence.unlock(CardNumber("AB12345678CE"))
            assert refused.value.code == "residence.key_wrong"
        card.residence.unlock(KEY)
    assert NUMBER not in repr(KEY)


@pytest.mark.parametrize("number", ["", "AB1234567CD", "A812345678CD", "AB123456O8CD", "ＡＢ12345678CD"])
def test_what_cannot_be_a_number_is_not_sent(number: str) -> None:
    with pytest.raises(InputError):
        CardNumber(number)


@pytest.mark.parametrize(
    ("kind", "file", "at", "result"),
    [
        ("1", (1, 5), 500, "failed"),
        ("1", (1, 6), 2990, "failed"),
        ("1", (2, 1), 30, "passed"),
        ("1", (3, 2), 30, "failed"),
        ("05", (1, 3), 3, "failed"),
        ("05", (1, 3), 0, "failed"),  # a tag is under no signature, but must be where it belongs
        ("05", (1, 4), 100, "failed"),
        ("05", (1, 4), 3000, "failed"),
        ("05", (1, 6), 100, "passed"),
        ("05", (2, 1), 3, "passed"),
        ("05", (1, 1), 4, "passed"),
        ("05", (3, 2), 20, "failed"),
        ("05", (3, 2), 300, "failed"),
    ],
)
def test_a_changed_byte(kind: str, file: tuple[int, int], at: int, result: str) -> None:
    chip = ZairyuChip(kind)
    chip.flip(file, at)
    assert proved(chip)["data_signature"] == result


def test_signed_values_cannot_change_places() -> None:
    """Expiry and birth date, both eight bytes, with their tags exchanged: the signed bytes are the same."""
    chip = ZairyuChip("05")
    content = chip.files[1, 3]
    chip.files[1, 3] = b"\xc6" + content[1:10] + b"\xc5" + content[11:]
    assert proved(chip)["data_signature"] == "not_checked"
    with ResidenceCard(chip) as card:
        card.residence.unlock(KEY)
        assert card.residence.read("details").values.unreadable == ("details",)


def test_without_the_agencys_ca_nothing_is_verified() -> None:
    chip = ZairyuChip("05")
    with ResidenceCard(chip) as card:
        card.residence.unlock(KEY)
        for trust in (None, Trust((), AT), Trust((ZairyuChip("1").ca,), AT)):
            issuer, signature, _ = card.residence.prove(CHALLENGE, trust=trust)
            if trust and trust.anchors:  # another key under the same name: known by its identifier
                assert issuer.result == "not_checked"
            assert signature.result == "not_checked"


def test_a_locked_chip_gives_only_what_is_free() -> None:
    with ResidenceCard(ZairyuChip("05")) as card:
        assert card.residence.read().values.kind == "05"
        with pytest.raises(CardError) as refused:
            card.residence.read("details")
        assert refused.value.code == "residence.locked"


def test_reading_goes_on_after_lost_contact() -> None:
    chip = ZairyuChip("05")
    with ResidenceCard(chip) as card:
        card.residence.unlock(KEY)
        card.residence.read("signature", "pictures")
        chip.lose_after = 0
        with pytest.raises(ReaderError):
            card.residence.read("details")
        card.residence.unlock(KEY)
        before = len(chip.sent)
        values = card.residence.read("pictures", "details").values
        assert values.portrait is not None
        reads = [apdu for apdu in chip.sent[before:] if apdu[1] == 0xB0]
        assert len(reads) == 1


def test_cards_on_a_my_number_card_are_named_and_not_read() -> None:
    chip = ZairyuChip("05")
    chip.files[0, 0x0A] = b"\xc1\x0207"
    with ResidenceCard(chip) as card, pytest.raises(CardError) as refused:
        card.residence.unlock(KEY)
    assert refused.value.code == "residence.kind_unsupported"


@pytest.mark.parametrize("garble", ["00", "860200", "861101" + "00" * 16, "8600", "8682FFFF01"])
def test_broken_messaging_ends_the_session(garble: str) -> None:
    class Broken(ZairyuChip):
        def transmit(self, apdu: bytes) -> bytes:
            answer = super().transmit(apdu)
            return bytes.fromhex(garble) + b"\x90\0" if apdu[:2] == b"\x08\xb0" else answer

    with ResidenceCard(Broken("05")) as card:
        card.residence.unlock(KEY)
        with pytest.raises(HonninError):
            card.residence.read("details")
        with pytest.raises(CardError) as closed:
            card.residence.read("details")
        assert closed.value.code == "residence.locked"
