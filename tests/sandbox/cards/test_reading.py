"""READ BINARY, READ RECORD, GET DATA, GET CHALLENGE on every kind of file."""

from collections.abc import Callable
from typing import Any

import pytest

from honnin.sandbox.material import JpkiMaterial


def whole(card: Any, identifier: str, step: int = 256) -> bytes:
    """Read as clients do: header first, then blocks."""
    assert card.file(identifier) == "9000"
    header = bytes.fromhex(card("00B0000004")[:-4])
    assert header[:2] == b"\x30\x82"
    total = int.from_bytes(header[2:]) + 4
    content = b""
    while len(content) < total:
        wanted = min(step, total - len(content))
        answer = bytes.fromhex(card("00B0", len(content).to_bytes(2), bytes([wanted & 0xFF])))
        assert answer[-2:] == b"\x90\x00"
        content += answer[:-2]
    return content


@pytest.mark.parametrize("step", [256, 255, 231, 100, 17])
def test_free_certificates(terminal: Callable[..., Any], material: JpkiMaterial, step: int) -> None:
    card = terminal()
    assert whole(card, "000A", step) == material.user_authentication_certificate
    assert whole(card, "000B", step) == material.user_authentication_ca_certificate
    assert whole(card, "0002", step) == material.signature_ca_certificate


def test_signature_certificate_lies_behind_its_pin(terminal: Callable[..., Any], material: JpkiMaterial) -> None:
    card = terminal()
    card.file("0001")
    assert card("00B0000004") == "6982"
    assert card.pin("0018", "1234") == "9000"
    card.file("0001")
    assert card("00B0000004") == "6982"  # the other PIN does not open it
    assert card.pin("001B", "TEST1234") == "9000"
    assert whole(card, "0001") == material.signature_certificate


def test_phone_keeps_its_authentication_certificate_behind_the_pin(
    terminal: Callable[..., Any], material: JpkiMaterial
) -> None:
    card = terminal(mobile=True, label="JPKIAPIOSTOKEN")
    card.file("000A")
    assert card("00B0000004") == "6982"
    assert card.pin("0018", "1234") == "9000"
    assert whole(card, "000A") == material.user_authentication_certificate


def test_seven_byte_header(terminal: Callable[..., Any], material: JpkiMaterial) -> None:
    card = terminal()
    card.file("000A")
    assert card("00B0000007") == material.user_authentication_certificate[:7].hex().upper() + "9000"


def test_offsets(terminal: Callable[..., Any], material: JpkiMaterial) -> None:
    certificate = material.user_authentication_certificate
    card = terminal()
    card.file("000A")
    last = len(certificate) - 1
    assert card("00B0", last.to_bytes(2), "00") == f"{certificate[-1]:02X}9000"
    assert card("00B0", last.to_bytes(2), "10") == f"{certificate[-1]:02X}9000"
    assert card("00B0", len(certificate).to_bytes(2), "00") == "6B00"
    assert card("00B07FFF00") == "6B00"


def test_short_identifier_reads_and_selects(terminal: Callable[..., Any], material: JpkiMaterial) -> None:
    certificate = material.user_authentication_certificate
    card = terminal()
    assert card("00B08A0004") == certificate[:4].hex().upper() + "9000"
    assert card("00B08AFF10") == certificate[255:271].hex().upper() + "9000"
    assert card("00B0010002") == certificate[256:258].hex().upper() + "9000"
    assert card("00B0880003") == "8F8F009000"
    assert card("00B0880300") == "6B00"
    assert card("00B0910000") == "6A82"
    assert card("00B0800000") == "6A86"
    assert card("00B09F0000") == "6A86"
    assert card("00B0AA0000") == "6A86"


@pytest.mark.parametrize("identifier", ["0016", "0017", "0018", "001A", "001B"])
def test_keys_and_pins_cannot_be_read(terminal: Callable[..., Any], identifier: str) -> None:
    card = terminal()
    assert card.file(identifier) == "9000"
    assert card("00B0000000") == "6981"
    assert card(f"00B0{0x80 | int(identifier, 16):02X}0000") == "6981"


def test_no_current_file(terminal: Callable[..., Any]) -> None:
    assert terminal()("00B0000000") == "6986"
    assert terminal(selected=False)("00B0000000") == "6986"


def test_read_without_le(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.file("0008")
    assert card("00B00000") == "6700"
    assert card("00B0000001AA") == "6700"


def test_extended_le_gives_one_block(terminal: Callable[..., Any], material: JpkiMaterial) -> None:
    card = terminal()
    card.file("000A")
    assert card("00B00000000000") == material.user_authentication_certificate[:256].hex().upper() + "9000"
    assert card("00B00000000004") == material.user_authentication_certificate[:4].hex().upper() + "9000"


def test_unwritten_file_reads_as_filler(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.file("0009")
    assert card("00B0000000") == "FF" * 16 + "9000"


def test_records(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False)
    assert card("00A4040C0AD3921000310001010100") == "9000"
    assert card("00B2010C00") == "6A83"  # nothing issued into it yet
    assert card("00B2000C00") == "6A86"
    assert card("00B2010E00") == "6A86"
    assert card("00B0000000") == "6981"  # a file of records, named by its short identifier before
    card.jpki()
    assert card("00B2014400") == "6981"


def test_record_by_current_file(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False)
    card("00A4040C0AD3921000310001010100")
    assert card("00B2010400") == "6986"
    card.file("0002")
    assert card("00B2010400") == "6A83"
    assert card("00B20104") == "6700"


def test_get_data_of_the_issuer_domain(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False)
    assert card("00CA5F5100") == "E000FF8131FE45149000"
    assert card("00CA5F5108") == "E000FF8131FE45149000"
    assert card("00CA5F5104") == "6C08"
    assert card("00CA5F51") == "6700"
    assert bytes.fromhex(card("00CA004500")[:-4]) == b"TEST-rsa"
    assert card("00CA9F7F00") == "6A88"
    card.jpki()
    assert card("00CA5F5100") == "6A88"


@pytest.mark.parametrize("le", [1, 8, 100, 256])
def test_challenge_has_exactly_the_length(terminal: Callable[..., Any], le: int) -> None:
    for card in (terminal(), terminal(selected=False)):
        answers = {card("00840000", bytes([le & 0xFF])) for _ in range(3)}
        assert {len(a) for a in answers} == {2 * le + 4}
        assert all(a.endswith("9000") for a in answers)
        assert le == 1 or len(answers) == 3


def test_challenge_refusals(terminal: Callable[..., Any]) -> None:
    card = terminal()
    assert card("00840000000100") == "6985"
    assert card("00840000") == "6700"
    assert card("0084010008") == "6A86"


def test_get_response_has_nothing(terminal: Callable[..., Any]) -> None:
    assert terminal()("00C0000000") == "6985"


def test_phone_state_on_a_card(terminal: Callable[..., Any]) -> None:
    assert terminal()("80FC0000") == "6700"
