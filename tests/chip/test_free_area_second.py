"""Free-area applications by a second implementation of docs/free-area.md, a terminal and a chip, here alone.

honnin's reader and the emulated chip have one author. So a terminal written from the page reads the emulated chip, and
a chip written from the page is read by honnin. Nothing but what the page says is shared.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from honnin.chip import Challenge, MyNumberCard, Pin, Trust
from honnin.chip.document import TrustedKey
from honnin.chip.my_number_card import TerminalKey
from honnin.errors import CardError, PinError
from honnin.sandbox.cards import open_emulated

AIDS = {use: bytes.fromhex(f"F0686F6E6E696E010{n}") for n, use in enumerate(("membership", "entry", "pc_login"), 1)}
SHA = hashes.SHA256()


def split(octets: bytes) -> dict[bytes, bytes]:
    """Take objects with tags of two bytes apart."""
    found, at = {}, 0
    while at < len(octets):
        tag, size, at = octets[at : at + 2], octets[at + 2], at + 3
        if size & 0x80:
            more = size & 0x7F
            size, at = int.from_bytes(octets[at : at + more]), at + more
        found[tag] = octets[at : at + size]
        at += size
    return found


def put(tag: str, value: bytes) -> bytes:
    """Put one object together, its length in as few bytes as may be."""
    size = len(value)
    length = bytes((size,)) if size < 128 else b"\x81" + bytes((size,)) if size < 256 else b"\x82" + size.to_bytes(2)
    return bytes.fromhex(tag) + length + value


def card_key(content: bytes) -> rsa.RSAPublicKey:
    """Read DF53: 90 exponent, 91 modulus."""
    assert content[:2] == b"\x90\x03"
    assert content[5:9] == bytes.fromhex("91820100")
    return rsa.RSAPublicNumbers(int.from_bytes(content[2:5]), int.from_bytes(content[9:])).public_key()


class Terminal:
    """Reads an application by APDUs written down here."""

    def __init__(self, data: Path, use: str, keys: Path) -> None:
        self.use, self.chip, self.keys = use, open_emulated("hanako", data), keys
        assert self("00A4040C09", AIDS[use]) == (b"", 0x9000)

    def __call__(self, head: str, more: bytes = b"") -> tuple[bytes, int]:
        answer = self.chip.transmit(bytes.fromhex(head) + more)
        return answer[:-2], int.from_bytes(answer[-2:])

    def prove(self, key: ec.EllipticCurvePrivateKey | None = None) -> int:
        challenge, status = self("0084000020")
        assert (len(challenge), status) == (32, 0x9000)
        if key is None:
            loaded = load_pem_private_key((self.keys / f"{self.use}-terminal.pem").read_bytes(), None)
            assert isinstance(loaded, ec.EllipticCurvePrivateKey)
            key = loaded
        r, s = decode_dss_signature(key.sign(AIDS[self.use] + challenge, ec.ECDSA(hashes.SHA384())))
        return self("0082008460", r.to_bytes(48) + s.to_bytes(48))[1]

    def record(self) -> bytes:
        first, status = self("00B0810000")
        assert status == 0x9000
        whole = 5 + int.from_bytes(first[3:5])  # FF50 82 two bytes of length
        assert first[:3] == bytes.fromhex("FF5082")
        while len(first) < whole:
            more, status = self(f"00B0{len(first):04X}{min(256, whole - len(first)) % 256:02X}")
            assert status == 0x9000
            first += more
        return first[:whole]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def keys(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from click.testing import CliRunner

    from honnin.sandbox.command import sandbox

    out = tmp_path_factory.mktemp("trust") / "keys"
    done = CliRunner().invoke(sandbox, ["free-area", "--out", str(out), "--data", str(data)])
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.parametrize("use", AIDS)
def test_a_terminal_from_the_page_reads_the_emulated_card(data: Path, keys: Path, use: str) -> None:
    at = Terminal(data, use, keys)
    if use != "membership":
        assert at("00B0810000")[1] == 0x6982
        stranger = ec.generate_private_key(ec.SECP384R1())
        assert at.prove(stranger) == 0x6982
        assert at("0082008460", bytes(96))[1] == 0x6985  # that challenge has served
        assert at.prove() == 0x9000
    if use == "pc_login":
        assert at("00B0810000")[1] == 0x6982
        assert at("0020008204", b"0000")[1] == 0x63C2
        assert at("0020008204", b"2468")[1] == 0x9000
    whole = at.record()
    told = split(split(whole)[b"\xff\x50"])
    service, number, key, signature = (told[bytes.fromhex(tag)] for tag in ("DF51", "DF52", "DF53", "DF54"))
    assert 1 <= len(number) <= 32
    assert service.isascii()
    issuer = load_pem_public_key((keys / f"{use}-issuer.pem").read_bytes())
    assert isinstance(issuer, rsa.RSAPublicKey)
    signed = whole[whole.index(bytes.fromhex("DF51")) : whole.index(bytes.fromhex("DF54"))]
    issuer.verify(signature, signed, padding.PKCS1v15(), SHA)
    with pytest.raises(InvalidSignature):
        issuer.verify(signature, signed.replace(number, bytes(len(number))), padding.PKCS1v15(), SHA)
    digest = sha256(os.urandom(32)).digest()
    made, status = at("0088008320", digest + b"\x00")
    assert status == 0x9000
    card_key(key).verify(made, digest, padding.PKCS1v15(), SHA)


class Chip:
    """A chip by the page, for honnin to read: one application, its keys its own."""

    name, atr = "a chip from the page", bytes.fromhex("3B8080010101")

    def __init__(self, use: str, *, copied: bool = False) -> None:
        self.use = use
        self.terminal = ec.generate_private_key(ec.SECP384R1())
        self.issuer = rsa.generate_private_key(65537, 2048)
        shown = rsa.generate_private_key(65537, 2048)
        self.own = rsa.generate_private_key(65537, 2048) if copied else shown
        modulus = shown.public_key().public_numbers().n.to_bytes(256)
        inside = b"".join(
            put(tag, value)
            for tag, value in (
                ("DF51", b"second.example"),
                ("DF52", b"A-0042"),
                ("DF53", bytes.fromhex("9003010001") + bytes.fromhex("91820100") + modulus),
            )
        )
        self.file = put("FF50", inside + put("DF54", self.issuer.sign(inside, padding.PKCS1v15(), SHA)))
        self.challenge, self.entered, self.proven, self.known, self.tries = b"", False, False, False, 3

    def transmit(self, apdu: bytes) -> bytes:
        head, body = apdu[:4].hex().upper(), apdu[5:]
        if head.startswith("00A404"):
            self.entered = body[: apdu[4]] == AIDS[self.use]
            self.challenge, self.proven, self.known = b"", False, False
            return bytes.fromhex("9000" if self.entered else "6A82")
        answers: dict[str, Callable[[bytes], bytes]] = {
            "00840000": self._random,
            "00820084": self._external,
            "00200082": self._pin,
            "00880083": self._internal,
        }
        if not self.entered:
            return bytes.fromhex("6985")
        if head.startswith("00B0"):
            return self._read(apdu)
        return answers[head](body) if head in answers else bytes.fromhex("6D00")

    def _is_open(self) -> bool:
        return self.use == "membership" or (self.proven and (self.use == "entry" or self.known))

    def _random(self, _: bytes) -> bytes:
        self.challenge = os.urandom(32)
        return self.challenge + b"\x90\x00"

    def _external(self, given: bytes) -> bytes:
        challenge, self.challenge = self.challenge, b""
        if not challenge:
            return bytes.fromhex("6985")
        made = encode_dss_signature(int.from_bytes(given[:48]), int.from_bytes(given[48:96]))
        try:
            self.terminal.public_key().verify(made, AIDS[self.use] + challenge, ec.ECDSA(hashes.SHA384()))
        except InvalidSignature:
            return bytes.fromhex("6982")
        self.proven = True
        return b"\x90\x00"

    def _pin(self, given: bytes) -> bytes:
        if not given:
            return b"\x63" + bytes((0xC0 | self.tries,))
        self.known = given == b"2468"
        self.tries = 3 if self.known else self.tries - 1
        return b"\x90\x00" if self.known else b"\x63" + bytes((0xC0 | self.tries,))

    def _read(self, apdu: bytes) -> bytes:
        if not self._is_open():
            return bytes.fromhex("6982")
        at = apdu[3] if apdu[2] & 0x80 else int.from_bytes(apdu[2:4])
        return self.file[at : at + (apdu[4] or 256)] + b"\x90\x00"

    def _internal(self, given: bytes) -> bytes:
        if not self._is_open():
            return bytes.fromhex("6982")
        return self.own.sign(given[:32], padding.PKCS1v15(), SHA) + b"\x90\x00"

    def reset(self) -> None:
        self.entered = False

    def close(self) -> None:
        self.entered = False


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("use", AIDS)
def test_honnin_reads_a_chip_from_the_page(use: str, copied: bool) -> None:
    chip = Chip(use, copied=copied)
    spki = chip.issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    trust = Trust((), datetime.now(UTC), (TrustedKey("free_area", b"second.example", spki),))
    with MyNumberCard(chip) as card:
        application = card.free_area(use)  # type: ignore[arg-type]
        if use != "membership":
            with pytest.raises(CardError, match=r"card\.terminal_refused"):
                application.unlock(TerminalKey(ec.generate_private_key(ec.SECP384R1())))
            application.unlock(TerminalKey(chip.terminal))
        if use == "pc_login":
            with pytest.raises(PinError, match=r"card\.pin_wrong"):
                application.unlock(Pin("pc_login", "1357"))
            assert application.tries()[0].left == 2
            application.unlock(Pin("pc_login", "2468"))
        assert application.read().values.user_number == "A-0042"
        proofs = application.prove(Challenge(bytes(32), "test", "page"), trust=trust)
    assert [proof.result for proof in proofs] == ["passed", "failed" if copied else "passed"]
