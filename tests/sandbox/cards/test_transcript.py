"""What is kept of a conversation, and what is not."""

from collections.abc import Callable

import pytest

from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.transcript import Exchange, lines


def test_transcript_holds_both_directions(insert: Callable[..., EmulatedCard]) -> None:
    kept: list[Exchange] = []
    card = insert(record=kept.append)
    card.transmit(bytes.fromhex("00A4040C0AD392F000260100000001"))
    card.transmit(bytes.fromhex("00B0880003"))
    assert [(e.command.hex(), e.response.hex()) for e in kept] == [
        ("00a4040c0ad392f000260100000001", "9000"),
        ("00b0880003", "8f8f009000"),
    ]


@pytest.mark.parametrize("header", ["00200098", "00240198", "80320080", "80200098", "0C200098", "00209999", "0120FF00"])
@pytest.mark.parametrize("form", ["{:02X}", "00{:04X}"])
def test_pins_are_blanked_in_every_form(insert: Callable[..., EmulatedCard], header: str, form: str) -> None:
    kept: list[Exchange] = []
    card = insert(record=kept.append)
    card.transmit(bytes.fromhex(header + form.format(8)) + b"TEST1234")
    card.transmit(bytes.fromhex(header + form.format(30)) + b"TEST1234")  # a length that is wrong hides as well
    for exchange in kept:
        assert b"TEST" not in exchange.command
        assert "54 45 53 54" not in lines(exchange)[0]
        assert lines(exchange)[0].endswith(" **" * 8)


def test_lines() -> None:
    assert lines(Exchange(bytes.fromhex("0020008004") + bytes(4), bytes.fromhex("63C2"), hidden=4)) == (
        "> 00 20 00 80 04 ** ** ** **",
        "< 63 C2",
    )


def test_query_shows_whole(insert: Callable[..., EmulatedCard]) -> None:
    kept: list[Exchange] = []
    insert(record=kept.append).transmit(bytes.fromhex("0020009800"))
    assert lines(kept[0])[0] == "> 00 20 00 98 00"
