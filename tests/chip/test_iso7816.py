"""Command and response APDUs on the wire, against the forms of ISO/IEC 7816-4 §5.2 and the sheet's examples."""

import pytest

from honnin.chip.iso7816 import (
    Command,
    RefusalError,
    Response,
    change_reference_data,
    compute_digital_signature,
    get_response,
    read_binary,
    read_binary_by_short_id,
    select_application,
    select_file,
    tries_in,
    verify,
)
from honnin.errors import CardError, ReaderError


@pytest.mark.parametrize(
    ("command", "wire"),
    [
        (Command(0, 0xA4, 0, 0), "00A40000"),  # case 1
        (Command(0, 0xB0, 0, 0, le=4), "00B0000004"),  # case 2 short
        (Command(0, 0xB0, 0, 0, le=256), "00B0000000"),
        (Command(0, 0xB0, 0, 0, le=257), "00B00000000101"),  # case 2 extended
        (Command(0, 0xB0, 0, 0, le=65536), "00B00000000000"),
        (Command(0, 0xA4, 2, 0x0C, b"\0\x18"), "00A4020C020018"),  # case 3 short
        (Command(0, 0xD6, 0, 0, b"\1" * 256), "00D60000000100" + "01" * 256),  # case 3 extended
        (Command(0x80, 0x2A, 0, 0x80, b"\2\3", 256), "802A008002020300"),  # case 4 short
        (Command(0x80, 0xAE, 0, 0, b"\4" * 256, 256), "80AE0000000100" + "04" * 256 + "0100"),  # case 4 extended
        (Command(0x80, 0xAE, 0, 0, b"\4", 65536), "80AE0000000001" + "04" + "0000"),
    ],
)
def test_four_cases_short_and_extended(command: Command, wire: str) -> None:
    assert command.encode().hex().upper() == wire


@pytest.mark.parametrize(
    ("command", "wire"),
    [
        (select_application(bytes.fromhex("D392F000260100000001")), "00A4040C0AD392F000260100000001"),
        (select_application(bytes.fromhex("A0000001510000")), "00A4040C07A0000001510000"),
        (select_file(0x1B), "00A4020C02001B"),
        (read_binary(0x0100, 256), "00B0010000"),
        (read_binary(0x7FFF, 4), "00B07FFF04"),
        (read_binary_by_short_id(0x0A, 256), "00B08A0000"),
        (verify(0x80), "00200080"),
        (verify(0x98, b"1234"), "002000980431323334"),
        (change_reference_data(0x80, b"5678"), "002401800435363738"),
        (compute_digital_signature(0x9A, b"\x30\x00"), "802A009A02300000"),
        (get_response(5), "00C0000005"),
    ],
)
def test_commands_of_the_sheet(command: Command, wire: str) -> None:
    assert command.encode().hex().upper() == wire


def test_too_long_for_an_apdu() -> None:
    with pytest.raises(CardError, match=r"card\.command_too_long"):
        Command(0, 0xD6, 0, 0, bytes(65536)).encode()
    with pytest.raises(CardError, match=r"card\.command_too_long"):
        Command(0, 0xB0, 0, 0, le=65537).encode()


def test_response_is_split() -> None:
    response = Response.parse(bytes.fromhex("0102039000"))
    assert (response.data, response.sw, response.done) == (b"\1\2\3", 0x9000, True)
    assert not Response.parse(b"\x69\x82").done


@pytest.mark.parametrize("answer", [b"", b"\x90", bytes(65539)])
def test_an_answer_no_apdu_can_have(answer: bytes) -> None:
    with pytest.raises(ReaderError, match=r"reader\.answer_malformed"):
        Response.parse(answer)


@pytest.mark.parametrize(("sw", "left"), [(0x63C0, 0), (0x63C5, 5), (0x63CF, 15), (0x6300, None), (0x9000, None)])
def test_tries(sw: int, left: int | None) -> None:
    assert tries_in(sw) == left


def test_nothing_shows_the_data_field() -> None:
    command = verify(0x9B, b"SECRET123")
    assert "SECRET" not in repr(command)
    assert "534543" not in repr(command)
    assert "534543" not in str(RefusalError(command, 0x6F00)).replace(" ", "")
    assert "beef" not in repr(Response(b"\xbe\xef", 0x9000))


def test_which_commands_carry_secrets() -> None:
    assert verify(0x80).carries_pin
    assert change_reference_data(0x80, b"1234").carries_pin
    assert Command(0x80, 0x32, 0, 0x80).carries_pin
    signing = compute_digital_signature(0x9A, b"x")
    assert signing.carries_secret
    assert not signing.carries_pin
    assert not read_binary(0, 4).carries_secret
