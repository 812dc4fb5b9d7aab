"""A driver's licence made of bytes by the other-documents sheet §2, for the reader's tests; its own encoder."""

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.chip.scripted import MASTER, Folder, ScriptedCard

from honnin.chip.document import TrustedKey

DF1 = bytes.fromhex("A0000002310100000000000000000000")
DF2 = bytes.fromhex("A0000002310200000000000000000000")
INSTANCE = bytes.fromhex("A0000002310600000000000000000000")
KEY_ID = bytes(range(32))
PHOTO = bytes.fromhex("FF4FFF51") + bytes(range(200)) * 2


def tlv(tag: int, value: bytes) -> bytes:
    length = bytes((len(value),)) if len(value) < 128 else b"\x82" + len(value).to_bytes(2, "big")
    return tag.to_bytes(1 if tag < 256 else 2, "big") + length + value


def wide(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(2, "big") + tlv(0, value)[1:]


def kanji(text: str) -> bytes:
    """Two bytes a character; ①, ② stand for glyphs 1 and 2, × for a missing character."""
    special = {"①": b"\xff\xf1", "②": b"\xff\xf2", "×": b"\xff\xfa"}
    return b"".join(special.get(c) or bytes(b & 0x7F for b in c.encode("euc_jp")) for c in text.replace("－", "−"))


def record() -> bytes:
    text = {
        0x12: "見本　花①×",
        0x13: "ミホン　ハナコ",
        0x17: "東京都千代田区霞が関２－１－２　",
        0x1A: "優良",
        0x1C: "眼鏡等",
        0x20: "東京都公安委員会",
    }
    plain = {0x11: b"\x90", 0x14: b"", 0x16: b"4020401", 0x18: b"5060501", 0x19: b"12345", 0x1B: b"4360601"}
    plain |= {0x21: b"309012345620", 0x22: b"4220601", 0x26: b"4220601", 0x25: b"4000000", 0x33: b"5010602"}
    values = {tag: kanji(value) for tag, value in text.items()} | plain
    return b"".join(tlv(tag, values[tag]) for tag in sorted(values)).ljust(880, b"\xff")


def changes() -> bytes:
    found = tlv(0x50, b"\x01")
    for date, address in (
        (b"5060701", "東京都港区芝公園４－２－８"),
        (b"5070801", "大阪府大阪市北区中之島１－３－２０"),
    ):
        found += tlv(0x70, b"\x90") + tlv(0x71, date) + tlv(0x72, kanji(address)) + tlv(0x73, kanji("公安委員会"))
    return found.ljust(640, b"\xff")


class LicenceCard(ScriptedCard):
    """The scripted card with the licence's files. pin_set False: nobody chose PINs."""

    def __init__(self, *, pin_set: bool = True, most: int = 256, filler_signed: bool = True) -> None:
        self.key = police_key()
        domicile = tlv(0x41, kanji("東京都千代田区")).ljust(82, b"\xff")
        photo = wide(0x5F40, PHOTO).ljust(2005, b"\xff")
        signed = (
            record() + domicile + photo if filler_signed else trimmed(record()) + trimmed(domicile) + trimmed(photo)
        )
        signature = (
            tlv(0xB1, self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))
            + tlv(0xB2, b"0000000000000001")
            + tlv(0xB3, bytes(48))
            + tlv(0xB4, b"POLICE".ljust(80))
            + tlv(0xB5, b"LICENCE".ljust(130))
            + tlv(0xB6, KEY_ID)
        )
        glyphs = tlv(0x48, b"\x18") + tlv(0x49, (b"\x0f\xf0\xff" * 24).ljust(127, b"\0"))
        df1 = Folder(
            {1: record(), 2: domicile, 3: glyphs.ljust(264, b"\xff"), 4: changes(), 5: b"\xa0\1\0".ljust(663, b"\xff")}
            | {6: b"\xff" * 256, 7: signature},
            {number: ("pin_1", "pin_2") if number in {2, 6} else ("pin_1",) for number in range(1, 8)},
        )
        common = bytes.fromhex("450B303038202405012029060146020102")
        master = Folder(
            {0x2F01: common, 0x0A: b"\5\1" + bytes((pin_set,))},
            pins={1: "pin_1", 2: "pin_2"},
        )
        chosen = (b"1234", b"5678") if pin_set else (b"****", b"****")
        super().__init__(
            {MASTER: master, DF1: df1, DF2: Folder({1: photo}, {1: ("pin_1", "pin_2")})},
            {"pin_1": (chosen[0], 3), "pin_2": (chosen[1], 3)},
            outlive=True,
            most=most,
        )

    def trusted(self) -> TrustedKey:
        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return TrustedKey("drivers_licence", KEY_ID, spki)


def trimmed(content: bytes) -> bytes:
    return content.rstrip(b"\xff")


_KEYS: list[rsa.RSAPrivateKey] = []


def police_key() -> rsa.RSAPrivateKey:
    if not _KEYS:
        _KEYS.append(rsa.generate_private_key(65537, 2048))
    return _KEYS[0]


class LicenceOnCard(ScriptedCard):
    """A My Number Card with nothing but the licence application of the sheet's §3."""

    def __init__(self, *, photo_tag: int = 0x0107) -> None:
        self.key = police_key()
        found = tlv(0xC2, b"5070324") + tlv(0xC3, b"\1") + tlv(0xC4, kanji("優良")) + tlv(0xC5, b"5120601")
        found += tlv(0xC6, kanji("眼鏡等")) + tlv(0xDF, b"") + tlv(0xE7, b"309012345620")
        found += b"".join(tlv(tag, b"\1" if tag in {0xED, 0xF2} else b"\0") for tag in range(0xEC, 0xFB))
        found += b"".join(tlv(tag, b"") for tag in range(0xFB, 0x100)) + wide(photo_tag & 0xFF00, b"")
        found += wide(photo_tag, PHOTO)
        record = found.ljust(5845, b"\xff")
        signature = wide(0x0108, self.key.sign(record, padding.PKCS1v15(), hashes.SHA256())) + wide(0x0109, b"1" * 16)
        signature += wide(0x010A, bytes(48)) + wide(0x010B, b"P" * 80) + wide(0x010C, b"S" * 130) + wide(0x010D, KEY_ID)
        folder = Folder(
            {0x1A: b"\xc1\1\1", 0x1B: record, 0x1C: signature},
            {0x1B: ("licence",), 0x1C: ("licence",)},
            {6: "licence"},
        )
        super().__init__({INSTANCE: folder}, {"licence": (b"2468", 10)})
