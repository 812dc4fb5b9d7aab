"""OpenSC (its `jpki` driver), over pcscd and the virtual reader, drives the emulated card as it drives real ones.

What it must find is in the My Number Card sheet, section 11.2. OpenSC knows RSA cards alone, and wants the counters of
both PINs answered before it knows the card at all.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

from honnin.sandbox.cards import EmulatedCard, open_emulated
from honnin.sandbox.cards.transcript import Exchange
from honnin.sandbox.material import JpkiMaterial
from honnin.sandbox.opening import open_world
from honnin.sandbox.people import card_material

pytestmark = [
    pytest.mark.peer("/usr/sbin/pcscd", "opensc-tool", "pkcs15-tool", "pkcs11-tool", "openssl"),
]

# how a person's two keys look to PKCS#11: slot, object id, PIN
USER_AUTHENTICATION = (0, "01", "2468")
SIGNATURE = (1, "02", "HANAKO2468")
SELECT_JPKI = bytes.fromhex("00A4040C0AD392F000260100000001")
PROBES = 29  # what OpenSC's other drivers ask before the JPKI driver does: 27 SELECTs and 2 requests for data objects
DIGEST_INFO = bytes.fromhex("3031300D060960864801650304020105000420")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One world for the module: its keys are made once, and each test uses persons whose counters it may move."""
    return tmp_path_factory.mktemp("world")


@pytest.fixture
def card(world: Path) -> Callable[..., tuple[EmulatedCard, list[Exchange]]]:
    """A person's card with its transcript."""

    def take(person: str = "hanako", **options: Any) -> tuple[EmulatedCard, list[Exchange]]:
        kept: list[Exchange] = []
        return open_emulated(person, world, record=kept.append, **options), kept

    return take


def content(world: Path, person: str = "hanako") -> JpkiMaterial:
    return card_material(open_world(world), person)


def tries(card: EmulatedCard) -> tuple[int, int]:
    """User authentication, signature: asked in process, on the same counters."""
    card.transmit(bytes.fromhex("00A4040C0AD392F000260100000001"))
    return tuple(card.transmit(bytes.fromhex(f"002000{p2}"))[1] & 0x0F for p2 in ("98", "9B"))


def sign(pcsc: Any, tmp_path: Path, key: tuple[int, str, str], message: bytes, mechanism: str) -> bytes:
    """Sign with pkcs11-tool in a process of its own; return the signature."""
    slot, identifier, pin = key
    (tmp_path / "message").write_bytes(message)
    done = pcsc.run(
        *("pkcs11-tool", "--slot-index", str(slot), "--login", "--pin", pin, "--sign", "--id", identifier),
        *("-m", mechanism, "-i", tmp_path / "message", "-o", tmp_path / "signature"),
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "signature").read_bytes()


@pytest.mark.parametrize("interface", ["contact", "contactless"])
def test_recognised(pcsc: Any, card: Any, interface: str) -> None:
    chip, kept = card(interface=interface)
    with pcsc.holding(chip):
        named = pcsc.run("opensc-tool", "--name")
        atr = pcsc.run("opensc-tool", "--atr")
    assert named.stdout.decode().strip() == "jpki"
    assert bytes.fromhex(atr.stdout.decode().strip().replace(":", "")) == chip.atr
    assert kept


def test_unknown_applications_are_refused(pcsc: Any, card: Any) -> None:
    chip, kept = card()
    with pcsc.holding(chip):
        pcsc.run("opensc-tool", "--name")
    probes, recognised = kept[:PROBES], kept[PROBES]
    assert {e.response.hex() for e in probes if e.command[1] == 0xA4} == {"6a82"}
    assert [(e.command[1], e.response.hex()) for e in probes if e.command[1] != 0xA4] == [
        (0xCA, "6a88"),
        (0xCB, "6d00"),
    ]
    assert (recognised.command, recognised.response.hex()) == (SELECT_JPKI, "9000")


def test_objects(pcsc: Any, card: Any) -> None:
    chip, _ = card()
    with pcsc.holding(chip):
        dump = pcsc.run("pkcs15-tool", "--dump").stdout.decode()
    assert re.findall(r"^PIN \[(.*)\]", dump, re.MULTILINE) == ["User Authentication PIN", "Digital Signature PIN"]
    assert re.findall(r"Tries left +: (\d)", dump) == ["3", "5"]
    assert len(re.findall(r"^Private RSA Key", dump, re.MULTILINE)) == 2
    assert re.findall(r"ModLength +: (\d+)", dump) == ["2048", "2048"]
    assert len(re.findall(r"^X.509 Certificate", dump, re.MULTILINE)) == 4


def test_certificates_are_the_ones_issued(pcsc: Any, card: Any, world: Path) -> None:
    chip, _ = card()
    issued = content(world)
    with pcsc.holding(chip):
        free = {i: pcsc.run("pkcs15-tool", "--read-certificate", i).stdout for i in ("1", "3", "4")}
        closed = pcsc.run("pkcs15-tool", "--read-certificate", "2")
        opened = pcsc.run(
            *("pkcs15-tool", "--read-certificate", "2", "--auth-id", "2", "--verify-pin", "--pin", SIGNATURE[2])
        )
    assert load_pem_x509_certificate(free["1"]) == load_der_x509_certificate(issued.user_authentication_certificate)
    assert load_pem_x509_certificate(free["3"]) == load_der_x509_certificate(issued.user_authentication_ca_certificate)
    assert load_pem_x509_certificate(free["4"]) == load_der_x509_certificate(issued.signature_ca_certificate)
    assert b"BEGIN" not in closed.stdout
    assert load_pem_x509_certificate(opened.stdout) == load_der_x509_certificate(issued.signature_certificate)


@pytest.mark.parametrize("key", [USER_AUTHENTICATION, SIGNATURE], ids=["user_authentication", "signature"])
@pytest.mark.parametrize("mechanism", ["SHA256-RSA-PKCS", "RSA-PKCS"])
def test_signatures_verify_with_openssl(
    pcsc: Any, card: Any, world: Path, tmp_path: Path, key: tuple[int, str, str], mechanism: str
) -> None:
    chip, _ = card()
    message = b"application to open an account"
    (tmp_path / "said").write_bytes(message)
    given = message
    if mechanism == "RSA-PKCS":
        digest = pcsc.run("openssl", "dgst", "-sha256", "-binary", tmp_path / "said").stdout
        given = DIGEST_INFO + digest
    with pcsc.holding(chip):
        signature = sign(pcsc, tmp_path, key, given, mechanism)
    issued = content(world)
    certificate = issued.signature_certificate if key is SIGNATURE else issued.user_authentication_certificate
    (tmp_path / "certificate").write_bytes(certificate)
    public = pcsc.run("openssl", "x509", "-inform", "DER", "-in", tmp_path / "certificate", "-pubkey", "-noout").stdout
    (tmp_path / "public").write_bytes(public)
    verified = pcsc.run(
        *("openssl", "dgst", "-sha256", "-verify", tmp_path / "public"),
        *("-signature", tmp_path / "signature", tmp_path / "said"),
    )
    assert verified.stdout == b"Verified OK\n"
    assert len(signature) == 256


def test_own_tests_of_pkcs11_tool(pcsc: Any, card: Any) -> None:
    chip, _ = card()
    with pcsc.holding(chip):
        done = pcsc.run("pkcs11-tool", "--login", "--pin", USER_AUTHENTICATION[2], "--test")
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, output
    assert "No errors" in output


@pytest.mark.parametrize(
    ("key", "after"), [(USER_AUTHENTICATION, (2, 5)), (SIGNATURE, (3, 4))], ids=["user_authentication", "signature"]
)
def test_wrong_pin(pcsc: Any, card: Any, key: tuple[int, str, str], after: tuple[int, int]) -> None:
    person = {0: "taro", 1: "minoru"}[key[0]]
    chip, _ = card(person)
    assert tries(chip) == (3, 5)
    with pcsc.holding(chip):
        done = pcsc.run("pkcs11-tool", "--slot-index", str(key[0]), "--login", "--pin", "0" * len(key[2]), "-O")
    assert b"CKR_PIN_INCORRECT" in done.stderr
    assert tries(card(person)[0]) == after


def test_blocked_pin(pcsc: Any, card: Any) -> None:
    """The counter says 63C0 and the card is still known; a try, even the right one, is answered 6984."""
    chip, kept = card("sanji")
    with pcsc.holding(chip):
        dump = pcsc.run("pkcs15-tool", "--dump").stdout.decode()
        kept.clear()
        done = pcsc.run("pkcs11-tool", "--login", "--pin", "3334", "-O")
    assert re.findall(r"Tries left +: (\d)", dump) == ["0", "5"]
    assert done.returncode != 0
    assert re.search(rb"C_Login failed: rv = CKR_(GENERAL_ERROR|PIN_LOCKED)", done.stderr)
    tried = [e.response.hex() for e in kept if e.command[1] == 0x20 and e.hidden]
    assert set(tried) <= {"6984"}


def test_countdown_to_blocked(pcsc: Any, card: Any) -> None:
    chip, _ = card("kaede")
    with pcsc.holding(chip):
        for left in (2, 1, 0):
            pcsc.run("pkcs11-tool", "--login", "--pin", "0000", "-O")
            assert tries(card("kaede")[0]) == (left, 5)
        pcsc.run("pkcs11-tool", "--login", "--pin", "3311", "-O")
    assert tries(card("kaede")[0]) == (0, 5)


def test_two_cards_in_two_slots(pcsc: Any, card: Any, world: Path) -> None:
    """Both tokens call themselves JPKI 00000000: only the reader tells them apart."""
    with pcsc.holding(card()[0], slot=0), pcsc.holding(card("naoki")[0], slot=1):
        read = [
            load_pem_x509_certificate(pcsc.run("pkcs15-tool", "--reader", str(n), "--read-certificate", "1").stdout)
            for n in (0, 1)
        ]
    assert read == [
        load_der_x509_certificate(content(world, person).user_authentication_certificate)
        for person in ("hanako", "naoki")
    ]


def test_child_without_a_signature_certificate(pcsc: Any, card: Any, world: Path, tmp_path: Path) -> None:
    chip, _ = card("yui")
    with pcsc.holding(chip):
        dump = pcsc.run("pkcs15-tool", "--dump").stdout.decode()
        signature = sign(pcsc, tmp_path, (0, "01", "4546"), b"message", "SHA256-RSA-PKCS")
    assert re.findall(r"Tries left +: (\d)", dump) == ["3", "0"]
    key = load_der_x509_certificate(content(world, "yui").user_authentication_certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, b"message", padding.PKCS1v15(), SHA256())


def test_phone(pcsc: Any, card: Any, world: Path, tmp_path: Path) -> None:
    """A phone gives its user authentication certificate for the PIN alone; OpenSC takes it for a card all the same."""
    chip, kept = card("keita")
    with pcsc.holding(chip):
        kept.clear()
        signature = sign(pcsc, tmp_path, (0, "01", "6667"), b"message", "SHA256-RSA-PKCS")
    read = next(n for n, e in enumerate(kept) if e.command == bytes.fromhex("00A4020C02000A")) + 1
    assert kept[read].response.hex() == "6982"
    key = load_der_x509_certificate(content(world, "keita").user_authentication_certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, b"message", padding.PKCS1v15(), SHA256())


def test_next_card_is_known_but_its_keys_are_not(pcsc: Any, card: Any, tmp_path: Path) -> None:
    """OpenSC declares both keys RSA-2048: on a P-384 card it reads the certificates and cannot sign."""
    chip, _ = card("mirai")
    (tmp_path / "message").write_bytes(b"message")
    with pcsc.holding(chip):
        dump = pcsc.run("pkcs15-tool", "--dump").stdout.decode()
        done = pcsc.run(
            *("pkcs11-tool", "--login", "--pin", "3113", "--sign", "--id", "01", "-m", "SHA256-RSA-PKCS"),
            *("-i", tmp_path / "message", "-o", tmp_path / "signature"),
        )
    assert len(re.findall(r"^X.509 Certificate", dump, re.MULTILINE)) == 4
    assert b"C_SignFinal failed" in done.stderr


def test_card_from_the_command_line(pcsc: Any, world: Path, tmp_path: Path) -> None:
    """`honnin sandbox card`, in a process of its own, is found, and leaves a log without the PIN."""
    log = tmp_path / "log"
    with pcsc.holding_command("hanako", "--data", world, "--log", log):
        sign(pcsc, tmp_path, USER_AUTHENTICATION, b"message", "SHA256-RSA-PKCS")
    written = log.read_text()
    assert "> 00 20 00 80 04 ** ** ** **\n< 90 00" in written
    assert "32 34 36 38" not in written


def test_reset_takes_the_pin_away(pcsc: Any, card: Any) -> None:
    chip, _ = card()
    verify, read = "00:20:00:9B:0A:48:41:4E:41:4B:4F:32:34:36:38", "00:B0:81:00:02"
    select = "00:A4:04:0C:0A:D3:92:F0:00:26:01:00:00:00:01"
    with pcsc.holding(chip):
        opened = pcsc.run("opensc-tool", "-s", select, "-s", verify, "-s", read).stdout
        assert opened.count(b"SW1=0x90, SW2=0x00") == 3
        pcsc.run("opensc-tool", "--reset=cold")
        assert b"SW1=0x69, SW2=0x82" in pcsc.run("opensc-tool", "-s", select, "-s", read).stdout


@pytest.mark.parametrize(
    ("key", "fewest"), [(USER_AUTHENTICATION, 40), (SIGNATURE, 50)], ids=["user_authentication", "signature"]
)
def test_commands_for_reading_a_certificate_and_signing(
    pcsc: Any, card: Any, tmp_path: Path, key: tuple[int, str, str], fewest: int
) -> None:
    """What OpenSC needs in one process after it knows the card: the figure that our own reader must beat."""
    chip, kept = card()
    slot, identifier, pin = key
    (tmp_path / "message").write_bytes(b"message")
    with pcsc.holding(chip):
        kept.clear()
        done = pcsc.run(
            *("pkcs11-tool", "--slot-index", str(slot), "--login", "--pin", pin),
            *("--sign", "--id", identifier, "-m", "SHA256-RSA-PKCS", "-i", tmp_path / "message"),
            *("--read-object", "--type", "cert", "-o", tmp_path / "certificate"),
        )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "certificate").read_bytes()[:2] == b"\x30\x82"
    assert next(n for n, e in enumerate(kept) if e.command == SELECT_JPKI) == PROBES
    assert [e.response[-2:].hex() for e in kept if e.command[1] == 0x2A] == ["9000"]
    assert len(kept) - PROBES >= fewest
