"""Reading files: fewest APDUs, cards and readers that carry less, blank and broken files."""

from typing import Any

import pytest

from honnin.chip.channel import Channel
from honnin.chip.files import is_blank, read_bytes, read_object
from honnin.chip.iso7816 import RefusalError
from honnin.errors import CardError, FormatError

LIMIT = 16384


class Chunky:
    """A card with one file that serves it in its own way: a piece size, and what happens when more is asked."""

    name = "chunky"
    atr = b""

    def __init__(self, content: bytes, most: int, *, too_much: str = "short", short_ids: bool = True) -> None:
        self.content = content
        self.most = most
        self.too_much = too_much
        self.short_ids = short_ids
        self.selected = False
        self.sent: list[str] = []

    def transmit(self, apdu: bytes) -> bytes:
        self.sent.append(apdu.hex().upper())
        if apdu[1] == 0xA4:
            self.selected = True
            return b"\x90\x00"
        p1, p2, le = apdu[2], apdu[3], apdu[4] or 256
        if p1 & 0x80:
            if not self.short_ids:
                return b"\x6a\x86"
            self.selected = True
            offset = p2
        elif not self.selected:
            return b"\x69\x86"
        else:
            offset = p1 << 8 | p2
        if offset > len(self.content):
            return b"\x6b\x00"
        if le > self.most:
            if self.too_much == "6700":
                return b"\x67\x00"
            if self.too_much == "6Cxx":
                return bytes((0x6C, self.most % 256))
            le = self.most
        piece = self.content[offset : offset + le]
        return piece + (b"\x62\x82" if len(piece) < le and self.too_much == "6282" else b"\x90\x00")

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


def an_object(length: int) -> bytes:
    return b"\x30\x82" + (length - 4).to_bytes(2, "big") + bytes(i % 251 for i in range(length - 4))


@pytest.mark.parametrize("length", [260, 511, 512, 513, 1583, 2200])
def test_one_read_for_each_256_bytes(length: int) -> None:
    content = an_object(length)
    card = Chunky(content + b"\xff" * 300, 256)
    assert read_object(Channel(card), 0x0A, limit=LIMIT) == content
    assert len(card.sent) == -(-length // 256)
    assert card.sent[0] == "00B08A0000"


def test_short_object_in_a_short_file() -> None:
    content = b"\x30\x05abcde"
    assert read_object(Channel(Chunky(content, 256)), 1, limit=LIMIT) == content


@pytest.mark.parametrize("most", [16, 17, 100, 128, 160, 231, 255])
@pytest.mark.parametrize("too_much", ["short", "6700", "6Cxx", "6282"])
def test_a_card_that_carries_less(most: int, too_much: str) -> None:
    content = an_object(1583)
    card = Chunky(content, most, too_much=too_much)
    assert read_object(Channel(card), 0x0A, limit=LIMIT) == content
    assert len(card.sent) < 2.2 * 1583 / most + 8


def test_a_card_without_short_ids_is_asked_once_for_them() -> None:
    card = Chunky(an_object(300), 256, short_ids=False)
    channel = Channel(card)
    assert read_object(channel, 0x0A, limit=LIMIT) == an_object(300)
    assert card.sent == ["00B08A0000", "00A4020C02000A", "00B0000000", "00B001002C"]
    assert not channel.short_ids
    read_object(channel, 0x0A, limit=LIMIT)
    assert card.sent[4:] == ["00A4020C02000A", "00B0000000", "00B001002C"]


def test_a_missing_file_is_settled_by_select(table_card: Any) -> None:
    card = table_card({"00B0810000": "6A82", "00A4020C020001": "6A82"})
    channel = Channel(card)
    with pytest.raises(RefusalError) as caught:
        read_object(channel, 1, limit=LIMIT)
    assert caught.value.sw == 0x6A82
    assert channel.short_ids


def test_a_file_id_without_a_short_form(table_card: Any) -> None:
    card = table_card({"00A4020C022F10": "9000", "00B0000003": "0102039000"})
    assert read_bytes(Channel(card), 0x2F10, 3) == b"\1\2\3"


@pytest.mark.parametrize("content", [b"", b"\xff" * 300, b"\0" * 300])
def test_blank_files_are_returned_as_blank(content: bytes) -> None:
    assert is_blank(read_object(Channel(Chunky(content, 256)), 1, limit=LIMIT))


def test_no_certificate_is_blank(certificate: bytes) -> None:
    assert not is_blank(certificate)


def test_an_object_longer_than_its_file() -> None:
    with pytest.raises(CardError, match=r"card\.file_short"):
        read_object(Channel(Chunky(an_object(1583)[:900], 256)), 1, limit=LIMIT)


def test_an_object_longer_than_believed() -> None:
    with pytest.raises(CardError, match=r"card\.file_too_large"):
        read_object(Channel(Chunky(b"\x30\x82\xff\xff" + bytes(300), 256)), 1, limit=LIMIT)


def test_a_header_that_never_comes() -> None:
    with pytest.raises(CardError, match=r"card\.file_short"):
        read_object(Channel(Chunky(b"\x30\x82", 256)), 1, limit=LIMIT)


def test_a_header_that_is_none() -> None:
    with pytest.raises(FormatError, match=r"chip\.object_malformed"):
        read_object(Channel(Chunky(b"\x30\x80" + bytes(300), 256)), 1, limit=LIMIT)


def test_a_card_that_gives_a_byte_at_a_time_is_given_up() -> None:
    card = Chunky(an_object(2000), 1)
    with pytest.raises(CardError, match=r"card\.file_short"):
        read_object(Channel(card), 1, limit=LIMIT)
    assert len(card.sent) < 250


def test_more_than_was_asked_for(table_card: Any) -> None:
    card = table_card({"00B0880003": "010203049000"})
    with pytest.raises(CardError, match=r"card\.answer_malformed"):
        read_bytes(Channel(card), 8, 3)


def test_fixed_file_in_pieces_and_shorter_than_said() -> None:
    assert read_bytes(Channel(Chunky(bytes(range(160)), 64)), 6, 160) == bytes(range(160))
    assert read_bytes(Channel(Chunky(bytes(range(32)), 256)), 6, 160) == bytes(range(32))


def test_refused_with_its_status_word(table_card: Any) -> None:
    card = table_card({"00B0810000": "6982"})
    with pytest.raises(RefusalError) as caught:
        read_object(Channel(card), 1, limit=LIMIT)
    assert caught.value.sw == 0x6982
    assert caught.value.header == bytes.fromhex("00B08100")
