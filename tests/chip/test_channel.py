"""Follow-ups of 61xx and 6Cxx, what is never repeated, and how a card is left."""

from typing import Any

import pytest

from honnin.chip.channel import Channel
from honnin.chip.iso7816 import read_binary, verify
from honnin.chip.transcript import Transcript
from honnin.errors import CardError, ReaderError

JPKI = bytes.fromhex("D392F000260100000001")
OTHER = bytes.fromhex("D3921000310001010402")
SELECT_JPKI = "00A4040C0AD392F000260100000001"
SELECT_ISSUER_DOMAIN = "00A4040C07A0000001510000"


def test_6c_repeats_with_the_named_length(table_card: Any) -> None:
    card = table_card({"00B0000000": "6C03", "00B0000003": "0102039000"})
    response = Channel(card).transmit(read_binary(0, 256))
    assert response.data == b"\1\2\3"
    assert card.sent == ["00B0000000", "00B0000003"]


def test_6c_is_followed_once(table_card: Any) -> None:
    card = table_card({"00B0000000": "6C03", "00B0000003": "6C03"})
    assert Channel(card).transmit(read_binary(0, 256)).sw == 0x6C03
    assert len(card.sent) == 2


def test_61_is_collected(table_card: Any) -> None:
    card = table_card({"00B0000000": "01026102", "00C0000002": ["03046101", "059000"], "00C0000001": "059000"})
    response = Channel(card).transmit(read_binary(0, 256))
    assert (response.data, response.sw) == (b"\1\2\3\4\5", 0x9000)


def test_61_without_an_end_is_an_error(table_card: Any) -> None:
    card = table_card({"00B0000000": "6100", "00C0000000": "AA" * 256 + "6100"})
    with pytest.raises(CardError, match=r"card\.endless_answer"):
        Channel(card).transmit(read_binary(0, 256))
    assert len(card.sent) < 310


def test_61_without_data_is_an_error(table_card: Any) -> None:
    card = table_card({"00B0000000": "6101", "00C0000001": "6101"})
    with pytest.raises(CardError, match=r"card\.endless_answer"):
        Channel(card).transmit(read_binary(0, 256))
    assert len(card.sent) == 2


@pytest.mark.parametrize("answer", ["6C04", "6102", "6700"])
def test_a_pin_is_never_repeated(table_card: Any, answer: str) -> None:
    card = table_card({"002000980431323334": answer})
    assert Channel(card).transmit(verify(0x98, b"1234")).sw == int(answer, 16)
    assert len(card.sent) == 1


def test_an_application_is_selected_once(table_card: Any) -> None:
    card = table_card({"00A4040C0AD3921000310001010402": "9000"})
    channel = Channel(card)
    assert channel.select(JPKI)
    assert channel.select(JPKI)
    channel.note_verified(0x18)
    assert channel.is_verified(JPKI, 0x18)
    assert channel.select(OTHER)
    assert not channel.is_verified(JPKI, 0x18)
    assert channel.select(JPKI)
    assert not channel.is_verified(JPKI, 0x18)
    assert card.sent.count(SELECT_JPKI) == 2


@pytest.mark.parametrize(("answer", "there"), [("9000", True), ("6283", True), ("6A82", False)])
def test_presence(table_card: Any, answer: str, there: bool) -> None:
    assert Channel(table_card({SELECT_JPKI: answer})).select(JPKI) is there


def test_an_answer_that_is_neither_yes_nor_no(table_card: Any) -> None:
    with pytest.raises(CardError, match=r"card\.refused.*6F00"):
        Channel(table_card({SELECT_JPKI: "6F00"})).select(JPKI)


def test_leaving_selects_the_issuer_domain(table_card: Any) -> None:
    card = table_card({})
    channel = Channel(card)
    channel.select(JPKI)
    channel.note_verified(0x18)
    channel.leave()
    channel.leave()
    assert card.sent == [SELECT_JPKI, SELECT_ISSUER_DOMAIN]
    assert not channel.is_verified(JPKI, 0x18)
    assert card.resets == 0


def test_a_card_that_was_not_touched_is_not_left(table_card: Any) -> None:
    card = table_card({})
    Channel(card).leave()
    assert card.sent == []


def test_a_card_without_issuer_domain_is_reset(table_card: Any) -> None:
    card = table_card({SELECT_ISSUER_DOMAIN: "6A82"})
    channel = Channel(card)
    channel.select(JPKI)
    channel.leave()
    assert card.resets == 1


class Gone:
    """A reader whose card was taken away."""

    name = "gone"
    atr = b""

    def __init__(self) -> None:
        self.resets = 0

    def transmit(self, apdu: bytes) -> bytes:
        raise ReaderError("reader.contact_lost", "Contact with the card was lost.")

    def reset(self) -> None:
        self.resets += 1
        raise ReaderError("reader.contact_lost", "Contact with the card was lost.")

    def close(self) -> None:
        pass


def test_lost_contact_is_told_and_leaving_stays_quiet() -> None:
    reader = Gone()
    channel = Channel(reader)
    with pytest.raises(ReaderError, match=r"reader\.contact_lost"):
        channel.select(JPKI)
    channel.leave()
    assert reader.resets == 1
    assert [exchange.sw for exchange in channel.transcript.exchanges] == [None, None]


def test_transcript_withholds_secrets(table_card: Any) -> None:
    card = table_card({"002000980431323334": "63C2", "00B0000004": "DEADBEEF9000"})
    transcript = Transcript()
    channel = Channel(card, transcript)
    channel.transmit(verify(0x98, b"1234"))
    channel.transmit(read_binary(0, 4))
    shown = "\n".join(str(exchange) for exchange in transcript.exchanges) + repr(transcript)
    assert "31323334" not in shown
    assert "1234" not in shown
    assert "DEADBEEF" not in shown.upper()
    assert len(transcript) == 2
    assert transcript.count(0x20) == 1
    assert transcript.exchanges[0].sent is None
    assert transcript.exchanges[1].received == 4


def test_transcript_keeps_no_length_of_a_pin(table_card: Any) -> None:
    card = table_card({"0020009B06414243313233": "9000", "0020009B0741424331323334": "9000"})
    channel = Channel(card)
    channel.transmit(verify(0x9B, b"ABC123"))
    channel.transmit(verify(0x9B, b"ABC1234"))
    first, second = channel.transcript.exchanges
    assert first == second
