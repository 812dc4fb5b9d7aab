"""What goes into a chip: token information, ATRs, and nothing secret into a repr."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.searching import tells

from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.layout import load_layout
from honnin.sandbox.cards.personalise import Chip, my_number_card
from honnin.sandbox.material import JpkiMaterial


def test_token_information(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.file("0006")
    answer = card("00B0000000")
    info = bytes.fromhex(answer[:-4])
    assert len(info) == 160
    assert info[:32] == b"JPKIAPICCTOKEN2".ljust(32)
    assert info[32:64] == b"0" * 31 + b"1"
    assert info[64:80] == b"E16R01NJ".ljust(16)
    assert info[80:96].isdigit()
    assert info[96:100].hex() == "0000040d"
    assert [int.from_bytes(info[n : n + 4]) for n in range(100, 124, 4)] == [1, 0, 1, 0, 16, 6]
    assert info[124:140] == b"\xff" * 16
    assert info[140] == 3
    assert info[142] == 1
    assert info[144:] == b"9" * 16


@pytest.mark.parametrize("label", ["JPKIAPICCTOKEN2", "JPKIAPICCTOKEN", "JPKIAPGPSETOKEN", "JPKIAPIOSTOKEN"])
def test_label(terminal: Callable[..., Any], label: str) -> None:
    card = terminal(label=label, mobile="SE" in label or "IOS" in label)
    assert bytes.fromhex(card("00B0860020")[:-4]).decode().strip() == label


def test_serial_follows_the_card(material: JpkiMaterial) -> None:
    def serial(chip: Chip) -> bytes:
        return chip.contents["token_info"][80:96]

    assert serial(my_number_card(material)) == serial(my_number_card(material))
    assert serial(my_number_card(material)) != serial(my_number_card(replace(material, card_id="other")))


@pytest.mark.parametrize("interface", ["contact", "contactless"])
def test_atr_is_one_of_the_known_and_checks(insert: Callable[..., EmulatedCard], interface: str) -> None:
    atr = insert(interface=interface).atr
    assert atr == bytes.fromhex(load_layout("my_number_card").atrs[interface])
    check = 0
    for octet in atr[1:]:
        check ^= octet
    assert check == 0


def test_no_secret_in_a_repr(material: JpkiMaterial) -> None:
    chip = my_number_card(material)
    shown = repr(chip) + repr(material)
    assert "TEST1234" not in shown
    assert not tells(shown, "1234")
    assert repr(material.signature_key)[2:20] not in shown


def test_rewritten_card_shows_its_new_content_after_power_on(data: Path, material: JpkiMaterial) -> None:
    from honnin.sandbox.cards.card import EmulatedCard
    from honnin.sandbox.cards.counters import PinCounters
    from honnin.sandbox.world import World

    chips = [my_number_card(material), my_number_card(replace(material, signature_certificate=None))]
    card = EmulatedCard(lambda: chips[0], PinCounters(World(data)))
    chips.pop(0)
    jpki = bytes.fromhex("00A4040C0AD392F000260100000001")
    card.transmit(jpki)
    assert card.transmit(bytes.fromhex("00B0880003")).hex() == "8f8f009000"
    card.reset()
    card.transmit(jpki)
    assert card.transmit(bytes.fromhex("00B0880003")).hex() == "008f009000"


def test_document_without_a_table() -> None:
    with pytest.raises(KeyError):
        load_layout("library_card")


def test_every_table_is_whole() -> None:
    layout = load_layout("my_number_card")
    for application in layout.applications:
        granted = {getattr(file, "grants", "") for file in application.files}  # by a terminal that proved itself
        for file in application.files:
            rules = [getattr(file, name, ()) for name in ("read", "read_on_phones", "read_also", "use")]
            named = [pin for rule in rules if rule and not isinstance(rule, str) for pin in rule] + [
                getattr(file, "pin", None)
            ]
            assert {pin for pin in named if pin} <= {*layout.pins, *granted}, file
    assert layout.source
    assert layout.date
