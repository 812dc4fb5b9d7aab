"""`emulated:PERSON[/DOCUMENT]` over the world's own people."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from honnin.errors import HonninError, InputError
from honnin.sandbox.cards.reader import open_emulated

JPKI = bytes.fromhex("00A4040C0AD392F000260100000001")


def test_entry_point() -> None:
    (entry,) = entry_points(group="honnin.readers", name="emulated")
    assert entry.load() is open_emulated


@pytest.mark.parametrize("target", ["hanako", "hanako/my_number_card"])
def test_a_person_of_the_world(data: Path, target: str) -> None:
    card = open_emulated(target, data)
    assert card.atr[0] == 0x3B
    assert card.transmit(JPKI).hex() == "9000"
    assert card.transmit(bytes.fromhex("00B0880003")).hex() == "8f8f009000"
    assert card.transmit(bytes.fromhex("0020009B0A") + b"HANAKO2468").hex() == "9000"
    assert card.transmit(bytes.fromhex("00B0810002")).hex() == "30829000"
    card.close()
    card.transmit(JPKI)
    assert card.transmit(bytes.fromhex("00B0810002")).hex() == "6982"


def test_two_readers_share_one_card(data: Path) -> None:
    first, second = open_emulated("hanako", data), open_emulated("hanako", data)
    for card in (first, second):
        card.transmit(JPKI)
    assert first.transmit(bytes.fromhex("0020009804") + b"0000").hex() == "63c2"
    assert second.transmit(bytes.fromhex("00200098")).hex() == "63c2"


@pytest.mark.parametrize("target", ["nobody", "", "hanako/library_card", "/my_number_card"])
def test_nobody_and_nothing(data: Path, target: str) -> None:
    with pytest.raises(HonninError):
        open_emulated(target, data)


def test_unknown_document_is_told_before_the_person_is_looked_up(data: Path) -> None:
    with pytest.raises(InputError) as refused:
        open_emulated("hanako/library_card", data)
    assert refused.value.code == "emulated.document_unknown"
