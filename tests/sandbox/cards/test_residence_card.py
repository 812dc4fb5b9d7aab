"""Residence cards read by a second implementation of what is published (other-documents sheet, section 4), here alone.

Both generations and the card on a My Number Card; the worked example of the second generation's specification (Ver 1.1,
appendix 2, as eringoio/zairyu-card-reader cites it) passes. Certificates are opened with asn1crypto, signatures checked
over the original bytes of what is to be signed. 3DES keys have no parity here either.
"""

import io
import os
from hashlib import sha1
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec.structs import replace
from PIL import Image

from honnin.errors import HonninError
from honnin.sandbox.cards import open_emulated
from honnin.sandbox.cards.residence_card import EmulatedResidenceCard
from honnin.sandbox.immigration.residence_cards import FAULTS, card_number, issue
from honnin.sandbox.life import happen
from honnin.sandbox.opening import Sandbox, open_world
from honnin.sandbox.people import settle

SIZES = {
    "1": {("1", 5): 7004, ("1", 6): 3004, ("2", 1): 342, ("2", 2): 122, ("2", 3): 122, ("2", 4): 3, ("3", 2): 1464},
    "05": {
        ("1", 1): 14, ("1", 3): 73, ("1", 4): 5508, ("1", 6): 2505,
        ("2", 1): 22, ("2", 2): 3, ("2", 3): 207, ("3", 2): 704,
    },
    "06": {("1", 1): 14, ("1", 3): 46, ("1", 4): 5508, ("1", 6): 2505, ("2", 1): 207, ("3", 2): 704},
}  # fmt: skip


class Terminal:
    """Opens a card by its number and reads it under messaging. whole: the object that asks for all of a file."""

    whole = "000004 96020000"

    def __init__(self, target: str, data: Path) -> None:
        self.card = open_emulated(target, data)
        self.number = card_number(target.partition("/")[0]).encode()
        self.kind = self.tlv(bytes.fromhex(self("00B08A0000"))[:-2])[0xC1].decode()
        self.key = b""

    def __call__(self, apdu: str, more: bytes = b"") -> str:
        return self.card.transmit(bytes.fromhex(apdu) + more).hex()

    @staticmethod
    def tlv(octets: bytes) -> dict[int, bytes]:
        found, at = {}, 0
        while at < len(octets) and octets[at]:  # zeros may follow the last object
            tag, at = octets[at], at + 1
            if tag == 0xDF:
                tag, at = tag << 8 | octets[at], at + 1
            size, at = octets[at], at + 1
            if size > 0x80:
                size, at = int.from_bytes(octets[at : at + size - 0x80]), at + size - 0x80
            assert at + size <= len(octets)
            found[tag] = octets[at : at + size]
            at += size
        return found

    @property
    def first_generation(self) -> bool:
        return len(self.kind) == 1

    def cbc(self, key: bytes) -> "Cipher[modes.CBC]":
        if self.first_generation:
            return Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(8)))
        return Cipher(algorithms.AES(key), modes.CBC(bytes(16)))

    def run(self, context: CipherContext, text: bytes) -> bytes:
        return context.update(text) + context.finalize()

    def mac(self, key: bytes, text: bytes) -> bytes:
        if not self.first_generation:
            work = CMAC(algorithms.AES(key))
            work.update(text)
            return work.finalize()[:8]
        text += b"\x80" + bytes(7)
        one, two = key[:8] * 3, key[8:] * 3
        last = self.run(Cipher(TripleDES(one), modes.CBC(bytes(8))).encryptor(), text)[-8:]
        middle = self.run(Cipher(TripleDES(two), modes.CBC(bytes(8))).decryptor(), last)
        return self.run(Cipher(TripleDES(one), modes.CBC(bytes(8))).encryptor(), middle)

    def authenticate(self, number: bytes) -> bool:
        key = sha1(number, usedforsecurity=False).digest()[:16]
        theirs = bytes.fromhex(self("0084000008"))[:-2]
        mine, secret = os.urandom(8), os.urandom(16)
        hidden = self.run(self.cbc(key).encryptor(), mine + theirs + secret)
        answer = bytes.fromhex(self("0082000028", hidden + self.mac(key, hidden) + b"\x00"))
        if answer == b"\x63\x00":
            return False
        assert answer[-2:] == b"\x90\x00"
        assert self.mac(key, answer[:32]) == answer[32:40]
        text = self.run(self.cbc(key).decryptor(), answer[:32])
        assert text[:16] == theirs + mine
        both = bytes(a ^ b for a, b in zip(secret, text[16:], strict=True))
        self.key = sha1(both + b"\x00\x00\x00\x01", usedforsecurity=False).digest()[:16]
        return True

    def verify(self, number: bytes) -> str:
        hidden = self.run(self.cbc(self.key).encryptor(), number + b"\x80\x00\x00\x00")
        return self("0820008613861101", hidden)

    def open(self) -> "Terminal":
        assert self.authenticate(self.number)
        assert self.verify(self.number) == "9000"
        return self

    def enter(self, application: str) -> None:
        assert self(f"00A4040C10D392F0004F0{int(application) + 1}" + "0" * 20) == "9000"

    def read(self, application: str, file: int) -> bytes:
        self.enter(application)
        answer = bytes.fromhex(self(f"08B0{0x80 | file:02X}00 {self.whole} 0000"))
        assert answer[-2:] == b"\x90\x00", answer[-2:].hex()
        value = self.tlv(answer[:-2])[0x86]
        assert value[:1] == b"\x01"
        text = self.run(self.cbc(self.key).decryptor(), value[1:])
        content, _, zeros = text.rpartition(b"\x80")
        assert not any(zeros)
        return content


def proofs(terminal: Terminal, data: Path) -> tuple[str, str]:
    """Return what became of the signature over the content, and of the certificate's."""
    parts = terminal.tlv(terminal.read("3", 2))
    if terminal.first_generation:
        front, face = terminal.tlv(terminal.read("1", 5))[0xD0], terminal.tlv(terminal.read("1", 6))[0xD1]
        message, signature, certificate = front + face, parts[0xDA], parts[0xDB]
    else:
        pictures = terminal.tlv(terminal.read("1", 4))
        entries = b"".join(terminal.tlv(terminal.read("1", 3)).values())
        message = entries.ljust(53, b"\x00") + pictures[0xD1] + pictures[0xD0]
        signature, certificate = parts[0xDC], parts[0xDD]
    size = int.from_bytes(certificate[2:4]) + 4
    assert not any(certificate[size:])
    card = x509.Certificate.load(certificate[:size])
    content = right(card.public_key.dump(), message, signature, hashes.SHA256())
    known = dict(open_world(data).document_trust()["residence_card"])
    anchor = known.get(card.authority_key_identifier_value["key_identifier"].native)
    if anchor is None:
        return content, "unknown CA"
    key = x509.Certificate.load(anchor).public_key.dump()
    return content, right(key, card["tbs_certificate"].dump(), card.signature, hashes.SHA256())


def right(spki: bytes, message: bytes, signature: bytes, digest: hashes.HashAlgorithm) -> str:
    key = load_der_public_key(spki)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), digest)
        else:
            assert isinstance(key, ec.EllipticCurvePublicKey)
            if len(signature) == 96:
                signature = encode_dss_signature(int.from_bytes(signature[:48]), int.from_bytes(signature[48:]))
            key.verify(signature, message, ec.ECDSA(digest))
    except InvalidSignature:
        return "failed"
    return "passed"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("residence")


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("anna/residence_card", "1"),
        ("maximilian/residence_card", "05"),
        ("madeup/residence_card", "06"),
        ("madeup/residence_card:certificate-1", "2"),
    ],
)
def test_sizes_and_proofs(shared: Path, target: str, kind: str) -> None:
    terminal = Terminal(target, shared)
    assert terminal.kind == kind
    assert terminal.tlv(bytes.fromhex(terminal("00B08B0000"))[:-2]) == {0xC0: b"0001"}
    terminal.open()
    for (application, file), size in SIZES.get(kind, {}).items():
        assert len(terminal.read(application, file)) == size, (application, file)
    assert proofs(terminal, shared) == ("passed", "passed")


def test_a_certificate_of_the_first_generation_has_no_permissions(shared: Path) -> None:
    terminal = Terminal("madeup/residence_card:certificate-1", shared).open()
    terminal.enter("2")
    assert [terminal(f"00B08{n}0000") for n in (2, 3, 4)] == ["6a82"] * 3


def test_pictures_of_the_first_generation(shared: Path) -> None:
    terminal = Terminal("anna/residence_card", shared).open()
    front = Image.open(io.BytesIO(terminal.tlv(terminal.read("1", 5))[0xD0]))
    assert (front.format, front.mode, front.tag_v2[259]) == ("TIFF", "1", 4)  # type: ignore[attr-defined]
    face = terminal.tlv(terminal.read("1", 6))[0xD1]
    assert face[:4].hex() == "ff4fff51"
    assert Image.open(io.BytesIO(face)).mode == "RGB"
    assert not any(b"".join(terminal.tlv(terminal.read("2", 1)).values()))  # no move since it was issued


def test_text_of_the_second_generation(shared: Path) -> None:
    terminal = Terminal("maximilian/residence_card", shared).open()
    assert terminal.tlv(terminal.read("1", 1))[0xC2] == terminal.number
    entries = terminal.tlv(terminal.read("1", 3))
    assert list(entries) == [*range(0xC5, 0xCA), 0xCE, *range(0xCA, 0xCE)]
    assert (entries[0xC6], entries[0xC7], entries[0xC8]) == (b"19750331", b"1", b"XXB")
    name = Image.open(io.BytesIO(terminal.tlv(terminal.read("1", 4))[0xD0]))
    address = Image.open(io.BytesIO(terminal.tlv(terminal.read("1", 6))[0xDFD1]))
    assert name.size == address.size == (640, 48)
    assert 0 in name.convert("L").tobytes()


def test_a_move(tmp_path: Path) -> None:
    world = Sandbox(tmp_path)
    settle(world)
    before = Terminal("maximilian/residence_card", tmp_path).open().read("1", 6)
    for person in ("anna", "maximilian"):
        happen(world, person, "move", changes={"address": "東京都清瀬市見本二丁目２番", "municipality": "13221"})
    parts = (terminal := Terminal("anna/residence_card", tmp_path).open()).tlv(terminal.read("2", 1))
    assert parts[0xD4].rstrip(b"\x00").decode() == "東京都清瀬市見本二丁目２番"
    assert parts[0xD3] == b"132217"  # the check digit of Kiyose in the ministry's list
    assert parts[0xD2].isdigit()
    assert proofs(terminal, tmp_path) == ("passed", "passed")
    terminal = Terminal("maximilian/residence_card", tmp_path).open()
    assert terminal.read("1", 6) != before
    assert proofs(terminal, tmp_path) == ("passed", "passed")


def test_what_is_given_without_the_number(shared: Path) -> None:
    for target in ("anna/residence_card", "maximilian/residence_card"):
        terminal = Terminal(target, shared)
        terminal.enter("3")
        assert terminal("00B0820000") == "6982"
        assert terminal("08B08200000004960200000000") == "6982"
        assert not terminal.authenticate(b"AB12345678CD")
        assert terminal.authenticate(terminal.number)
        assert terminal("08B08200000004960200000000") == "6982"  # not verified yet
        assert terminal.verify(b"AB12345678CD") == "6300"
        assert terminal.verify(terminal.number) == "9000"
        assert terminal("00B0820010").endswith("9000")
        terminal.enter("1")
        assert terminal(f"00B08{5 if terminal.first_generation else 1}0010") == "6982"  # under messaging alone
        terminal.card.reset()
        terminal.enter("3")
        assert terminal("00B0820010") == "6982"


def test_a_second_generation_card_refuses_the_first_ones_cipher(shared: Path) -> None:
    terminal = Terminal("maximilian/residence_card", shared)
    terminal.kind = "1"
    assert not terminal.authenticate(terminal.number)


def test_the_specifications_worked_example(shared: Path) -> None:
    issued = issue(open_world(shared), "maximilian", "card-2")
    drawn = iter((bytes.fromhex("921CE277323DA057"), bytes.fromhex("2CC6AF9B8B607C662FDCAD27B401D08B")))
    chip = EmulatedResidenceCard(lambda: replace(issued, number="AA12345678BB"), randomness=lambda _: next(drawn))

    def send(apdu: str) -> str:
        return chip.transmit(bytes.fromhex(apdu)).hex().upper()

    assert send("0084000008") == "921CE277323DA0579000"
    command = "4AD3C7B6BB484A52771977DED618B41DF841FA0476A05FBE041DEAD6109E773BAC854617634F5397"
    assert send(f"0082000028{command}00") == (
        "289A96B1DA6AE3DA87770419BFD14F0BDAD15F36432B5A946C188C7221759A62FA942EC51E62FF5F9000"
    )
    assert send("0820008613861101EE0B31EF877F68D071C56D58C72E6748") == "9000"
    assert send("00A4040C10D392F0004F0200000000000000000000") == "9000"
    answer = send("08B08400000004960200000000")
    assert answer.startswith("8682159101")
    assert answer.endswith("9000")
    assert send("00A4040C10D392F0004F0400000000000000000000") == "9000"
    answer = bytes.fromhex(send("00B08200000000"))
    assert (answer[:2].hex(), answer[98:100].hex(), len(answer)) == ("dc60", "dd82", 706)


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("00A4040C10D392F0004F0100000000000000000000", "6a82"),
        ("00A4020C020001", "6a82"),
        ("00820000280000" + "00" * 39, "6985"),
        ("0084000010", "6700"),
        ("00C0000000", "6d00"),
        ("0CB0820000", "6882"),
        ("00B0000010", "6986"),
        ("00B0890000", "6a82"),
        ("80AE0000000100" + "00" * 256, "6d00"),
    ],
)
def test_refusals(shared: Path, apdu: str, status: str) -> None:
    terminal = Terminal("anna/residence_card", shared)
    terminal.card.reset()
    assert terminal(apdu) == status


def test_broken_objects(shared: Path) -> None:
    terminal = Terminal("anna/residence_card", shared).open()
    terminal.enter("1")
    assert terminal("08B0850000000396010000 00") == "6988"
    assert terminal("082000860586030100 00") == "6988"
    assert terminal("08B085000000049602FFFF0000")[-4:] == "9000"


EXPECTED = {
    "altered_text": ("failed", "passed"),
    "altered_portrait": ("failed", "passed"),
    "swapped_files": ("failed", "passed"),
    "wrong_issuer": ("passed", "unknown CA"),
    "forged_issuer": ("passed", "failed"),
    "copied": ("passed", "passed"),  # the chip has no key of its own: a copy cannot be told
    "expired": ("passed", "passed"),
    "appended_address": ("passed", "passed"),  # the address is not signed
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("person", ["anna", "maximilian"])
def test_forgeries(shared: Path, person: str, fault: str) -> None:
    terminal = Terminal(f"{person}/residence_card:{fault}", shared).open()
    assert proofs(terminal, shared) == EXPECTED[fault]


@pytest.mark.parametrize("target", ["hanako/residence_card", "anna/residence_card:card-3"])
def test_nobody_has_these(shared: Path, target: str) -> None:
    with pytest.raises(HonninError):
        open_emulated(target, shared)


# --- on a My Number Card (4.4)


class TerminalOfSpecified(Terminal):
    """Opens a 特定在留カード: a seed under the published key, AES-128 with the number of the command as IV (4.4)."""

    whole = "000005 9603000000"

    def __init__(self, target: str, data: Path) -> None:
        self.card, self.data, self.count = open_emulated(target, data), data, 0
        self.number = card_number(target.partition("/")[0]).encode()
        assert self("00A4040C10D392F0004F01" + "0" * 20) == "9000"
        self.kind = self.tlv(bytes.fromhex(self("00B08A0000"))[:-2])[0xC1].decode()

    def cbc(self, key: bytes) -> "Cipher[modes.CBC]":
        block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - CBC of one block, IV zero
        return Cipher(algorithms.AES(key), modes.CBC(block.update(self.count.to_bytes(16))))

    def open(self) -> "TerminalOfSpecified":
        ((_, public),) = open_world(self.data).document_trust()["residence_card_delivery"]
        delivery = load_der_public_key(public)
        assert isinstance(delivery, rsa.RSAPublicKey)
        seed, scheme = os.urandom(32), padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        assert self("80AE0000000100", delivery.encrypt(bytes.fromhex("A0228020") + seed, scheme)) == "9000"
        self.key, self.count = seed[:16], 1
        assert self.verify(self.number) == "9000"
        return self

    def read(self, application: str, file: int) -> bytes:
        self.count += 1
        return super().read(application, file)


def test_all_of_a_specified_card(shared: Path) -> None:
    terminal = TerminalOfSpecified("anna/residence_card:specified-card", shared).open()
    assert terminal.kind == "07"
    for (application, file), size in SIZES["05"].items():
        assert len(terminal.read(application, file)) == size, (application, file)
    assert proofs(terminal, shared) == ("passed", "passed")
    face = terminal.read("1", 6)
    terminal.count += 1  # a command that was never sent: the first block comes out under another IV
    other = terminal.read("1", 6)
    assert (other[:16] != face[:16], other[16:]) == (True, face[16:])


def test_a_specified_card(shared: Path) -> None:
    card = open_emulated("anna/residence_card:specified-card", shared)

    def send(apdu: str, more: bytes = b"") -> bytes:
        return card.transmit(bytes.fromhex(apdu) + more)

    assert send("00A4040C0AD3921000310001010408").hex() == "9000"  # still a My Number Card
    assert send("00A4040C10D392F0004F0100000000000000000000").hex() == "9000"
    assert send("00B08A0000").hex() == "c10230379000"
    ((_, public),) = open_world(shared).document_trust()["residence_card_delivery"]
    key = load_der_public_key(public)
    assert isinstance(key, rsa.RSAPublicKey)
    seed = os.urandom(32)
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    assert send("80AE0000000100", key.encrypt(bytes.fromhex("A0228020") + seed, scheme)).hex() == "9000"

    def cbc(number: int) -> "Cipher[modes.CBC]":
        block = Cipher(algorithms.AES(seed[:16]), modes.ECB()).encryptor()  # noqa: S305 - CBC of one block, IV zero
        return Cipher(algorithms.AES(seed[:16]), modes.CBC(block.update(number.to_bytes(16))))

    hidden = cbc(1).encryptor().update(card_number("anna").encode() + b"\x80\x00\x00\x00")
    assert send("0820008613861101", hidden).hex() == "9000"
    assert send("00A4040C10D392F0004F0200000000000000000000").hex() == "9000"
    answer = send("08B08100000005960300000E0000")
    assert answer[-2:].hex() == "9000"
    assert cbc(2).decryptor().update(answer[3:-2])[:14] == b"\xc2\x0c" + card_number("anna").encode()
    assert send("00A4040C0AD3921000310001010408").hex() == "9000"
    assert send("00A4040C10D392F0004F0200000000000000000000").hex() == "9000"
    assert send("08B08100000005960300000E0000").hex() == "6982"  # leaving ends the session
