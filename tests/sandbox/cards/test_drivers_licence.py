"""The licence read by a second implementation of what is published (other-documents sheet, section 2), here alone.

No foreign program that runs here reads a licence, so this reader shares nothing with the product's: it decodes text as
ISO-2022-JP, walks the tags by hand, opens the signature with a bare modular power and T.6 pictures with Pillow.
"""

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from PIL import Image

from honnin.errors import HonninError
from honnin.sandbox.cards import open_emulated
from honnin.sandbox.life import happen
from honnin.sandbox.opening import Sandbox, open_world
from honnin.sandbox.people import persons, settle

SIZES = {
    ("1", "0001"): 880, ("1", "0002"): 82, ("1", "0003"): 264, ("1", "0004"): 640, ("1", "0005"): 663,
    ("1", "0006"): 256, ("1", "0007"): 578, ("2", "0001"): 2005, ("3", "0001"): 512,
}  # fmt: skip
AIDS = {
    "1": "A0000002310100000000000000000000",
    "2": "A0000002310200000000000000000000",
    "3": "A0000002480300" + "00" * 9,
}
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
GOOD = ("passed", True)


class Terminal:
    """A PC with a reader, and its own idea of a licence."""

    def __init__(self, target: str, data: Path) -> None:
        self.card = open_emulated(target, data)

    def __call__(self, apdu: str, more: bytes = b"") -> str:
        return self.card.transmit(bytes.fromhex(apdu) + more).hex()

    def unlock(self, *pins: str) -> None:
        assert self("00A40000") == "9000"
        for number, pin in enumerate(pins, 1):
            assert self(f"0020008{number}04", pin.encode()) == "9000"

    def read(self, application: str, file: str) -> bytes:
        assert self("00A4040C10" + AIDS[application]) == "9000"
        assert self("00A4020C02" + file) == "9000"
        answer = self.card.transmit(bytes.fromhex("00B00000000000"))
        assert answer[-2:] == b"\x90\x00"
        return answer[:-2]


def fields(octets: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(octets) and octets[at] != 0xFF:
        tag, at = octets[at], at + 1
        if tag == 0x5F and octets[at] == 0x40:
            at += 1
        if octets[at] == 0x82:
            size, at = int.from_bytes(octets[at + 1 : at + 3]), at + 3
        else:
            assert octets[at] < 0x80
            size, at = octets[at], at + 1
        found.append((tag, octets[at : at + size]))
        at += size
    assert set(octets[at:]) <= {0xFF}
    return found


def text(octets: bytes) -> str:
    """Glyphs as 〔1〕, missing characters as 〓."""
    out = ""
    for at in range(0, len(octets), 2):
        code = octets[at : at + 2]
        number = int.from_bytes(code)
        if number >= 0xFFF1:
            out += "〓" if number == 0xFFFA else f"〔{number - 0xFFF0}〕"
        else:
            out += (b"\x1b$B" + code).decode("iso2022_jp")
    return out


def signed(target: str, data: Path, pins: tuple[str, str]) -> tuple[str, bool]:
    """Return the verdict on the signature, and whether the key identifier is one that the world tells."""
    terminal = Terminal(target, data)
    terminal.unlock(*pins)
    covered = b"".join(terminal.read(*place) for place in (("1", "0001"), ("1", "0002"), ("2", "0001")))
    values = dict(fields(terminal.read("1", "0007")))
    assert [len(values[tag]) for tag in range(0xB1, 0xB7)] == [256, 16, 48, 80, 130, 32]
    known = dict(open_world(data).document_trust()["drivers_licence"])
    if values[0xB6] not in known:
        return "unknown key", False
    key = load_der_public_key(known[values[0xB6]])
    assert isinstance(key, rsa.RSAPublicKey)
    numbers = key.public_numbers()
    block = pow(int.from_bytes(values[0xB1]), numbers.e, numbers.n).to_bytes(256)
    inside = DIGEST_INFO + sha256(covered).digest()
    expected = b"\x00\x01" + b"\xff" * (256 - 3 - len(inside)) + b"\x00" + inside
    return "passed" if block == expected else "failed", True


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("licences")


def test_sizes_and_content(shared: Path) -> None:
    terminal = Terminal("hanako/drivers_licence", shared)
    terminal.unlock("1234", "5678")
    for place, size in SIZES.items():
        assert len(terminal.read(*place)) == size
    values = dict(fields(terminal.read("1", "0001")))
    assert list(values) == [*range(0x11, 0x3B)]
    assert text(values[0x12]) == "見本　花子"
    assert text(values[0x13]) == "ミホン　ハナコ"
    assert values[0x16] == b"4020412"  # 12 April of Heisei 2
    assert text(values[0x17]) == "東京都千代田区見本町一丁目２番３号"
    assert text(values[0x1C]) == "眼鏡等"
    assert text(values[0x20]) == "東京都公安委員会"
    assert values[0x26] == b"4220506"
    assert values[0x25] == b"0000000"
    number = values[0x21].decode()
    total = sum(int(d) * w for d, w in zip(number, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=False))
    assert number[:4] == "3008"
    assert int(number[10]) == (11 - total % 11) % 10


def test_free_files(shared: Path) -> None:
    terminal = Terminal("taro/drivers_licence", shared)
    assert terminal("00B08A0000") == "050100" + "9000"  # no PIN was chosen
    assert terminal("00A4020C022F01") == "9000"
    common = bytes.fromhex(terminal("00B0000000"))[:-2]
    assert len(common) == 17
    (tag, value), (other, two) = fields(common)
    assert (tag, other, len(two)) == (0x45, 0x46, 2)
    assert value[:3] in {b"008", b"009", b"010"}
    assert value[3:].hex().isdigit()


def test_a_card_without_pins_wants_stars(shared: Path) -> None:
    assert signed("taro/drivers_licence", shared, ("****", "****")) == GOOD


def test_what_each_pin_opens(tmp_path: Path) -> None:
    terminal = Terminal("hanako/drivers_licence", tmp_path)
    assert terminal("00200081") == "63c3"
    assert terminal("002000820400000000") == "63c2"
    assert terminal("00A4040C10" + AIDS["1"]) == "9000"
    assert terminal("00B0810000") == "6982"
    assert terminal("00A40000") == "9000"
    assert terminal("0020008104", b"1234") == "9000"
    assert terminal("00A4040C10" + AIDS["1"]) == "9000"
    assert terminal("00B0810010").endswith("9000")  # the PIN outlives the choice of an application
    assert terminal("00B0820010") == "6982"
    assert terminal("00B0860010") == "6982"
    assert terminal("00A4040C10" + AIDS["2"]) == "9000"
    assert terminal("00B0810010") == "6982"
    terminal.card.reset()
    assert terminal("00200082") == "63c2"  # and the counter outlives the power
    assert terminal("00A4040C10" + AIDS["1"]) == "9000"
    assert terminal("00B0810010") == "6982"


def test_the_second_pin_alone_opens_nothing(tmp_path: Path) -> None:
    terminal = Terminal("hanako/drivers_licence", tmp_path)
    assert terminal("0020008204", b"5678") == "9000"
    assert terminal("00A4040C10" + AIDS["2"]) == "9000"
    assert terminal("00B0810010") == "6982"


def test_three_wrong_tries_block(tmp_path: Path) -> None:
    terminal = Terminal("hanako/drivers_licence", tmp_path)
    assert [terminal("0020008104", b"0000") for _ in range(4)] == ["63c2", "63c1", "63c0", "6984"]
    assert terminal("0020008104", b"1234") == "6984"
    assert terminal("00200081") == "63c0"
    assert terminal("00200082") == "63c3"


def test_verify_by_selected_file(tmp_path: Path) -> None:
    terminal = Terminal("hanako/drivers_licence", tmp_path)
    assert terminal("00A4020C020001") == "9000"
    assert terminal("0020008004", b"1234") == "9000"


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("00A4040C10" + "A0000002310400000000000000000000", "6a82"),
        ("00B0000010", "6986"),
        ("0084000008", "6d00"),
        ("802A008000", "6d00"),
        ("08B0000010", "6882"),
        ("00B09F0010", "6a86"),
        ("00A4020C020009", "6a82"),
    ],
)
def test_refusals(shared: Path, apdu: str, status: str) -> None:
    assert Terminal("hanako/drivers_licence", shared)(apdu) == status


def test_offsets(shared: Path) -> None:
    terminal = Terminal("hanako/drivers_licence", shared)
    terminal.unlock("1234")
    terminal("00A4040C10" + AIDS["1"])
    terminal("00A4020C020001")
    assert terminal("00B0036F10")[-4:] == "9000"
    assert terminal("00B0037010") == "6b00"


def test_a_glyph_of_its_own(shared: Path) -> None:
    terminal = Terminal("takako/drivers_licence", shared)
    terminal.unlock("7272", "0707")
    values = dict(fields(terminal.read("1", "0001")))
    assert text(values[0x12]) == "架空〔1〕　〔2〕子"
    pictures = dict(fields(terminal.read("1", "0003")))
    assert list(pictures) == [0x48, 0x49, 0x4A, 0x4B]
    assert pictures[0x48] == pictures[0x4A] == b"\x20"
    shown = [_opened(pictures[tag]) for tag in (0x49, 0x4B)]
    assert all(100 < sum(picture) < 600 for picture in shown)
    assert shown[0] != shown[1]


def _opened(mmr: bytes) -> list[int]:
    """Wrap T.6 data of 32 by 32 dots into a TIFF and let libtiff open it: 1 where ink is."""
    entries = [
        (256, 3, 32),
        (257, 3, 32),
        (258, 3, 1),
        (259, 3, 4),
        (262, 3, 0),
        (273, 4, 8),
        (278, 3, 32),
        (279, 4, len(mmr)),
    ]
    even = mmr + b"\x00" * (len(mmr) % 2)
    directory = len(entries).to_bytes(2, "little")
    for tag, kind, value in entries:
        directory += tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + (1).to_bytes(4, "little")
        directory += value.to_bytes(4, "little")
    whole = b"II*\x00" + (8 + len(even)).to_bytes(4, "little") + even + directory + bytes(4)
    return [int(dot == 0) for dot in Image.open(io.BytesIO(whole)).convert("L").tobytes()]


def test_portrait(shared: Path) -> None:
    terminal = Terminal("hanako/drivers_licence", shared)
    terminal.unlock("1234", "5678")
    ((_, picture),) = fields(terminal.read("2", "0001"))
    assert picture[:4].hex() == "ff4fff51"
    assert Image.open(io.BytesIO(picture)).mode == "L"


def test_a_move_is_appended_and_not_signed(tmp_path: Path) -> None:
    world = Sandbox(tmp_path)
    settle(world)
    terminal = Terminal("hanako/drivers_licence", tmp_path)
    terminal.unlock("1234", "5678")
    before = terminal.read("1", "0001")
    assert fields(terminal.read("1", "0004")) == [(0x50, b"\x00")]
    happen(world, "hanako", "move", changes={"address": "愛知県名古屋市中区見本﨑一丁目１番", "municipality": "23106"})
    terminal.card.reset()
    terminal.unlock("1234", "5678")
    assert terminal.read("1", "0001") == before
    added = dict(fields(terminal.read("1", "0004")))
    assert added[0x50] == b"\x01"
    assert text(added[0x72]) == "愛知県名古屋市中区見本〔3〕一丁目１番"
    assert text(added[0x73]) == text(added[0x53]) == "愛知県公安委員会"
    pictures = dict(fields(terminal.read("1", "0005")))
    assert pictures[0xA0] == b"\x01"
    assert sum(_opened(pictures[0xA2])) > 100
    assert signed("hanako/drivers_licence", tmp_path, ("1234", "5678")) == GOOD


def test_stories(shared: Path) -> None:
    moved = Terminal("minoru/drivers_licence", shared)
    moved.unlock("0630", "1985")
    assert "宮城県" not in text(dict(fields(moved.read("1", "0004"))).get(0x72, b""))
    assert text(dict(fields(moved.read("1", "0004")))[0x72]).startswith("東京都世田谷区")
    renamed = Terminal("meiko/drivers_licence", shared)
    renamed.unlock("1111")
    assert 0x62 in dict(fields(renamed.read("1", "0004")))
    assert Terminal("goro/drivers_licence", shared)("00200081") == "63c1"
    assert Terminal("riyo/drivers_licence", shared)("0020008204", b"0909") == "6984"


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ("altered_text", ("failed", True)),
        ("altered_portrait", ("failed", True)),
        ("swapped_files", ("failed", True)),
        ("forged_issuer", ("failed", True)),
        ("wrong_issuer", ("unknown key", False)),
        ("copied", GOOD),  # the chip has no key of its own: a copy cannot be told
        ("expired", GOOD),
        ("appended_address", GOOD),  # the append area is not signed
    ],
)
def test_forgeries(shared: Path, fault: str, verdict: Any) -> None:
    assert signed(f"hanako/drivers_licence:{fault}", shared, ("1234", "5678")) == verdict


def test_every_driver_has_a_genuine_licence(shared: Path) -> None:
    drivers = [one for one in persons() if one.licence and one.licence.plain and not one.licence.tries_used]
    assert len(drivers) > 4
    for one in drivers:
        pins = one.licence.pins if one.licence and one.licence.pins else ("****", "****")
        assert signed(f"{one.id}/drivers_licence", shared, pins) == GOOD


@pytest.mark.parametrize("target", ["sora/drivers_licence", "mirai/drivers_licence", "hanako/drivers_licence:burnt"])
def test_nobody_has_these(shared: Path, target: str) -> None:
    terminal = None
    with pytest.raises(HonninError):
        terminal = Terminal(target, shared)("00A40000")
    assert terminal is None
