"""SELECT: which AIDs a card owns, which forms it takes, and what it forgets."""

from collections.abc import Callable
from typing import Any

import pytest

AIDS = {
    "issuer_domain": "A0000001510000",
    "jpki": "D392F000260100000001",
    "common": "D3921000310001010100",
    "resident_register": "D3921000310001010401",
    "card_face": "D3921000310001010402",
    "input_support": "D3921000310001010408",
}

# what other drivers of OpenSC ask a card before the JPKI driver does (sheet, section 11.2)
STRANGERS = [
    "00A4040007627601FF000000",
    "00A4040006A00000000101",
    "00A404000BE82B0601040181C31F020100",
    "00A4040C0FD23300000045737445494420763335",
    "00A4040009A0000003080000100000",
    "00A4040C07A000000116DB0000",
    "00A4040C07A000000079100000",
    *[f"00A4040C07A0000000790{n:X}0000"[:26] for n in range(1, 16)],
    "00A404000CF276A288BCFBA69D34F31001",
    "00A4040009A0000003974254465900",
    "00A4040006D2760001240100",
]


@pytest.mark.parametrize("aid", AIDS.values(), ids=AIDS)
@pytest.mark.parametrize("form", ["00A4040C{}", "00A40400{}", "00A4040C{}00", "00A40400{}00"])
def test_own_applications(terminal: Callable[..., Any], aid: str, form: str) -> None:
    assert terminal(selected=False)(form.format(f"{len(aid) // 2:02X}{aid}")) == "9000"


def test_unknown_aid_storm_leaves_the_card_as_it_was(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False)
    for probe in STRANGERS:
        assert card(probe) == "6A82", probe
    assert card("00CADF3005") == "6A88"
    assert card("00CB3FFF035C017E08") == "6D00"
    card.jpki()


@pytest.mark.parametrize("aid", ["D392F00026", "D392F0002601", "D392F00026010000"])
def test_beginning_of_an_aid_selects(terminal: Callable[..., Any], aid: str) -> None:
    card = terminal(selected=False)
    assert card(f"00A4040C{len(aid) // 2:02X}{aid}") == "9000"
    assert card.file("0006") == "9000"


@pytest.mark.parametrize("aid", ["D392F0", "D392F00026010000000100", "A000000151000000", "D392F00027"])
def test_other_aids_are_unknown(terminal: Callable[..., Any], aid: str) -> None:
    assert terminal(selected=False)(f"00A4040C{len(aid) // 2:02X}{aid}") == "6A82"


@pytest.mark.parametrize(("p1", "p2"), [("04", "04"), ("04", "02"), ("01", "0C"), ("08", "0C"), ("03", "00")])
def test_other_ways_to_select_are_refused(terminal: Callable[..., Any], p1: str, p2: str) -> None:
    assert terminal()(f"00A4{p1}{p2}0AD392F000260100000001") == "6A86"


def test_master_file(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False)
    assert card("00A40000") == "6A86"
    assert card("00A40000023F00") == "6A82"
    card.jpki()
    card.file("0006")
    assert card("00A40000") == "9000"
    assert card("00B0000001") == "4A9000"  # without effect: the file is still current
    assert card("00A40000023F00") == "6A82"
    assert card("00A4040C07A0000001510000") == "9000"
    assert card("00A40000") == "6A86"


def test_unknown_file_leaves_the_current_one(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.file("0008")
    assert card.file("0003") == "6A82"
    assert card.file("2F10") == "6A82"
    assert card("00B0000003") == "8F8F009000"
    assert card("00A4020C0100") == "6700"


def test_no_file_outside_an_application(terminal: Callable[..., Any]) -> None:
    assert terminal(selected=False).file("0001") == "6A82"


@pytest.mark.parametrize("leave", ["jpki", "issuer_domain", "card_face"])
def test_selecting_any_application_drops_pins(terminal: Callable[..., Any], leave: str) -> None:
    card = terminal()
    assert card.pin("001B", "TEST1234") == "9000"
    assert card.file("0001") == "9000"
    assert card("00B0000004").endswith("9000")
    assert card(f"00A4040C{len(AIDS[leave]) // 2:02X}{AIDS[leave]}") == "9000"
    card.jpki()
    card.file("0001")
    assert card("00B0000004") == "6982"


def test_failed_select_drops_nothing(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.pin("001B", "TEST1234")
    assert card("00A40400 05 A0B0C0D0E0") == "6A82"
    card.file("0001")
    assert card("00B0000004").endswith("9000")


def test_power_loss_drops_everything(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.pin("001B", "TEST1234")
    card.card.reset()
    assert card.file("0001") == "6A82"
    card.jpki()
    card.file("0001")
    assert card("00B0000004") == "6982"


def test_phone_has_the_jpki_application_alone(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False, mobile=True, label="JPKIAPGPSETOKEN")
    for name, aid in AIDS.items():
        there = name in {"jpki", "issuer_domain"}
        assert card(f"00A4040C{len(aid) // 2:02X}{aid}") == ("9000" if there else "6A82"), name


@pytest.mark.parametrize(
    ("cla", "answer"),
    [
        *[(channel, "6881") for channel in ("01", "03", "40", "7F", "81")],
        *[(secure_messaging, "6882") for secure_messaging in ("04", "0C", "88")],
        *[(other, "6E00") for other in ("10", "20", "80", "A0", "FF")],
    ],
)
def test_class_byte(terminal: Callable[..., Any], cla: str, answer: str) -> None:
    assert terminal()(f"{cla}A4040C0AD392F000260100000001") == answer


@pytest.mark.parametrize("ins", ["00", "44", "60", "CB", "D6", "E2", "FF"])
def test_unknown_instruction(terminal: Callable[..., Any], ins: str) -> None:
    assert terminal()(f"00{ins}0000") == "6D00"


@pytest.mark.parametrize(
    "apdu", ["", "00", "00A404", "00A4040C0AD392", "00A4040C0000", "00B00000020000FF00", "00B0000000000000"]
)
def test_lengths_of_no_shape(terminal: Callable[..., Any], apdu: str) -> None:
    assert terminal()(apdu) == "6700"
