"""Our PC/SC reader through a real pcscd and pyscard: the same bytes as in process, and fewer commands than OpenSC."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.virtual_reader import Slipping
from tests.waiting import LONG, joined, until

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.connect.worlds import open_world
from honnin.sandbox.cards import EmulatedCard, open_emulated
from honnin.sandbox.cards.transcript import Exchange

pytestmark = [pytest.mark.peer("/usr/sbin/pcscd", "opensc-tool", "pkcs11-tool")]

HONNIN = (str(Path(sys.executable).with_name("honnin")),)
FIRST, SECOND = "Virtual PCD 00 00", "Virtual PCD 00 01"

READ_EVERYTHING = """
import json, sys
from honnin.chip import MyNumberCard, Pin, open_reader
url, signature, authentication = sys.argv[1:]
with open_reader(url) as reader, MyNumberCard(reader) as card:
    card.jpki.unlock(Pin("signature", signature))
    card.jpki.unlock(Pin("user_authentication", authentication))
    files = {file.name: file.content.hex() for file in card.jpki.read().files}
    made = {key: card.jpki.sign(key, bytes(32)).value.hex() for key in ("signature", "user_authentication")}
print(json.dumps({"atr": reader.atr.hex(), "files": files, "made": made, "commands": len(card.transcript)}))
"""

READ_AND_SIGN = """
import sys
from honnin.chip import MyNumberCard, Pin, open_reader
url, purpose, pin = sys.argv[1:]
with open_reader(url) as reader, MyNumberCard(reader) as card:
    card.jpki.unlock(Pin(purpose, pin))
    assert card.jpki.certificate(purpose)[:2] == b"\\x30\\x82"
    assert len(card.jpki.sign(purpose, bytes(32)).value) == 256
    print(len(card.transcript))
"""

# A process that dies, in one way or another, with the PIN verified.
DIE = """
import os, signal, sys
from honnin.chip import MyNumberCard, Pin, open_reader
how, pin = sys.argv[1:]
reader = open_reader("pcsc:00 00")
card = MyNumberCard(reader)
card.jpki.unlock(Pin("user_authentication", pin))
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "exit":
    os._exit(3)
if how == "interrupted":
    with reader, card:
        raise KeyboardInterrupt
if how == "forgotten":
    raise RuntimeError("neither card nor reader is closed")
reader.close()
"""

# Asks the card itself: is the key usable without a PIN? Selecting the application anew would itself drop the PIN, so
# the key is asked first, in whatever application is current.
ASK = """
from honnin.chip import open_reader
with open_reader("pcsc:00 00") as reader:
    signed = "802A009733" + "3031300D060960864801650304020105000420" + "00" * 32 + "00"
    print(reader.transmit(bytes.fromhex(signed))[-2:].hex())
"""

HELD = """
import subprocess, sys
from honnin.chip import open_reader
with open_reader("pcsc:00 00"):
    done = subprocess.run(sys.argv[1:], capture_output=True)
sys.stdout.buffer.write(done.stdout)
"""

TAKEN_AWAY = """
import sys, time
from pathlib import Path
from honnin.chip import MyNumberCard, open_reader
from honnin.errors import HonninError
here, gone = Path(sys.argv[1]), Path(sys.argv[2])
with open_reader("pcsc:00 00") as reader, MyNumberCard(reader) as card:
    card.tries()
    here.touch()
    while not gone.exists():
        time.sleep(0.02)
    try:
        card.tries()
    except HonninError as error:
        print(error.code, error.retryable)
"""

# Opens the card again as often as it loses it; a card that is not seen for a while is not seen any more.
SLIPPED = """
import time
from contextlib import suppress
from honnin.chip import open_reader
from honnin.errors import ReaderError
lost, end = 0, time.monotonic() + 60
while lost < 8 and time.monotonic() < end:
    try:
        with open_reader("pcsc:00 00") as reader:
            try:
                while True:
                    reader.transmit(bytes.fromhex("00A4040000"))
            finally:
                with suppress(ReaderError):
                    lost % 2 and reader.reset()  # as a document's reader does that gives a card back
    except ReaderError as error:
        if error.code == "reader.contact_lost":
            lost += 1
            end = time.monotonic() + 60
        time.sleep(0.1)
print(lost)
"""

Take = Callable[..., tuple[EmulatedCard, list[Exchange]]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One world for the module; each test that moves counters uses a person of its own."""
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def pins(world: Path) -> dict[str, dict[str, str]]:
    return {person["id"]: person["pins"] for person in open_world(world).people()}


@pytest.fixture
def card(world: Path) -> Take:
    """A person's card, and what it was sent."""

    def take(person: str = "hanako") -> tuple[EmulatedCard, list[Exchange]]:
        kept: list[Exchange] = []
        return open_emulated(person, world, record=kept.append), kept

    return take


def script(pcsc: Any, text: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a piece of Python as a client of this pcscd."""
    done: subprocess.CompletedProcess[bytes] = pcsc.run(sys.executable, "-c", text, *arguments)
    return done


def command(pcsc: Any, *arguments: str, pin: str = "") -> Any:
    """Run `honnin card …` as a client of this pcscd; return its JSON."""
    done = pcsc.run(*HONNIN, "card", *arguments, "--json", given=pin.encode())
    return json.loads(done.stdout)


def test_readers_are_listed(pcsc: Any, card: Take) -> None:
    assert [(one["name"], one["card"]) for one in command(pcsc, "readers")["readers"]] == [
        (FIRST, False),
        (SECOND, False),
    ]
    chip, _ = card()
    with pcsc.holding(chip, slot=1):
        listed = command(pcsc, "readers")["readers"]
    assert listed[0] == {"url": f"pcsc:{FIRST}", "name": FIRST, "card": False, "atr": None}
    assert listed[1] == {"url": f"pcsc:{SECOND}", "name": SECOND, "card": True, "atr": chip.atr.hex().upper()}


@pytest.mark.parametrize("person", ["hanako", "maximilian"])
def test_the_same_bytes_as_in_process(
    pcsc: Any, card: Take, world: Path, pins: dict[str, dict[str, str]], person: str
) -> None:
    chip, _ = card(person)
    mine = pins[person]
    with pcsc.holding(chip):
        done = script(pcsc, READ_EVERYTHING, "pcsc:00 00", mine["signature"], mine["user_authentication"])
    assert done.returncode == 0, done.stderr
    outside = json.loads(done.stdout)
    with open_reader(f"emulated:{person}", data=world) as reader, MyNumberCard(reader) as inside:
        for name, pin in mine.items():
            inside.jpki.unlock(Pin(name, pin))
        files = {file.name: file.content.hex() for file in inside.jpki.read().files}
        made = {key: inside.jpki.sign(key, bytes(32)).value.hex() for key in mine}
        assert outside == {
            "atr": reader.atr.hex(),
            "files": files,
            "made": made,
            "commands": len(inside.transcript) + 1,  # the script counts after the issuer domain was selected
        }
    assert set(files) == {
        "token",
        "issued",
        "signature",
        "signature_ca",
        "user_authentication",
        "user_authentication_ca",
    }


@pytest.mark.parametrize(
    ("purpose", "slot", "identifier"), [("signature", "1", "02"), ("user_authentication", "0", "01")]
)
def test_fewer_commands_than_opensc(
    pcsc: Any,
    card: Take,
    tmp_path: Path,
    pins: dict[str, dict[str, str]],
    purpose: str,
    slot: str,
    identifier: str,
) -> None:
    """Read a certificate and sign, counted by the card itself for both, in one process each.

    OpenSC 0.23.0 sends 90 and 77 commands, 61 and 48 of them after it knew the card; honnin 12 and 11.
    """
    pin = pins["hanako"][purpose]
    (tmp_path / "message").write_bytes(b"message")
    chip, kept = card()
    with pcsc.holding(chip):
        kept.clear()
        ours = script(pcsc, READ_AND_SIGN, f"pcsc:{FIRST}", purpose, pin)
        honnin = len(kept)
        kept.clear()
        theirs = pcsc.run(
            *("pkcs11-tool", "--slot-index", slot, "--login", "--pin", pin),
            *("--sign", "--id", identifier, "-m", "SHA256-RSA-PKCS", "-i", tmp_path / "message"),
            *("--read-object", "--type", "cert", "-o", tmp_path / "certificate"),
        )
        opensc = len(kept)
        signed = [index for index, exchange in enumerate(kept) if exchange.command[1] == 0x2A]
        known = next(
            index
            for index, exchange in enumerate(kept)
            if exchange.command[:4].hex() == "00a4040c" and exchange.response == b"\x90\x00"
        )
    assert ours.returncode == 0, ours.stderr
    assert theirs.returncode == 0, theirs.stderr
    assert (tmp_path / "certificate").read_bytes()[:2] == b"\x30\x82"
    assert signed
    assert honnin == int(ours.stdout) + 1  # the issuer domain is selected after the script counted
    assert honnin <= 12
    assert honnin < (opensc - known) / 3


@pytest.mark.parametrize("wanted", ["", FIRST, "pcd 00 00"])
def test_finding_a_reader(pcsc: Any, card: Take, wanted: str) -> None:
    chip, _ = card()
    with pcsc.holding(chip):
        assert command(pcsc, "info", "--reader", f"pcsc:{wanted}")["token"]["label"] == "JPKIAPICCTOKEN2"


def test_not_finding_a_reader(pcsc: Any) -> None:
    missing = command(pcsc, "info", "--reader", "pcsc:Gemalto")["error"]
    assert missing["code"] == "reader.not_found"
    assert FIRST in missing["next"]
    assert SECOND in missing["next"]
    several = command(pcsc, "info", "--reader", "pcsc:virtual")["error"]
    assert several["code"] == "reader.ambiguous"
    assert command(pcsc, "info", "--reader", "pcsc:")["error"]["code"] == "reader.no_card"
    assert command(pcsc, "info", "--reader", f"pcsc:{FIRST}")["error"]["code"] == "reader.no_card"


def test_no_service() -> None:
    done = subprocess.run(
        [*HONNIN, "card", "readers", "--json"],
        capture_output=True,
        check=False,
        env={"PCSCLITE_CSOCK_NAME": "/nonexistent/pcscd.comm", "PATH": "/usr/bin"},
        timeout=LONG,
    )
    assert json.loads(done.stdout)["error"]["code"] == "reader.no_service"
    assert done.returncode == 2


def test_a_card_in_use_elsewhere(pcsc: Any, card: Take) -> None:
    chip, _ = card()
    with pcsc.holding(chip):
        done = script(pcsc, HELD, *HONNIN, "card", "info", "--reader", "pcsc:00 00", "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["code"], error["retryable"]) == ("reader.busy", True)


def test_a_card_taken_away(pcsc: Any, card: Take, tmp_path: Path) -> None:
    chip, _ = card()
    here, gone = tmp_path / "here", tmp_path / "gone"
    answers: list[subprocess.CompletedProcess[bytes]] = []
    client = threading.Thread(target=lambda: answers.append(script(pcsc, TAKEN_AWAY, str(here), str(gone))))
    with pcsc.holding(chip):
        client.start()
        until(here.exists, "the client did not reach the card")
    gone.touch()
    joined(client)
    assert answers[0].stdout.split() == [b"reader.contact_lost", b"True"], answers[0].stderr


@pytest.mark.parametrize("how", ["killed", "exit", "interrupted", "forgotten", "closed"])
def test_no_pin_stays_verified(pcsc: Any, card: Take, pins: dict[str, dict[str, str]], how: str) -> None:
    chip, kept = card()
    with pcsc.holding(chip):
        script(pcsc, DIE, how, pins["hanako"]["user_authentication"])
        assert [e.response.hex() for e in kept if e.hidden] == ["9000"]
        asked = script(pcsc, ASK)
    assert asked.stdout.startswith(b"6"), asked.stderr


def test_wrong_last_and_locked(pcsc: Any, card: Take, pins: dict[str, dict[str, str]]) -> None:
    chip, kept = card("kaede")
    at = ("user_authentication", "--reader", "pcsc:00 00")
    with pcsc.holding(chip):
        wrong = [command(pcsc, "pin", "verify", *at, pin="0918")["error"] for _ in range(3)]
        last = command(pcsc, "pin", "verify", *at, "--last-try", pin="0918")["error"]
        locked = command(pcsc, "pin", "verify", *at, "--last-try", pin=pins["kaede"]["user_authentication"])["error"]
        formless = command(pcsc, "pin", "verify", *at, pin="09180")["error"]
    assert [(error["code"], error["tries_left"]) for error in wrong] == [
        ("card.pin_wrong", 2),
        ("card.pin_wrong", 1),
        ("card.pin_last_try", 1),
    ]
    assert (last["code"], last["tries_left"]) == ("card.pin_locked", 0)
    assert (locked["code"], formless["code"]) == ("card.pin_locked", "card.pin_format")
    assert sum(1 for exchange in kept if exchange.hidden) == 3


def test_signing_a_file(pcsc: Any, card: Take, tmp_path: Path, pins: dict[str, dict[str, str]]) -> None:
    chip, _ = card()
    (tmp_path / "file").write_bytes(b"an application")
    (tmp_path / "pin").write_text(pins["hanako"]["signature"] + "\n")
    with pcsc.holding(chip):
        signed = pcsc.run(
            *(*HONNIN, "card", "sign", tmp_path / "file", "--reader", "pcsc:", "--pin-file", tmp_path / "pin"),
            *("--alg", "sha512", "--out", tmp_path / "signature", "--certificate-out", tmp_path / "certificate"),
        )
    assert signed.returncode == 0, signed.stderr
    public = pcsc.run("openssl", "x509", "-in", tmp_path / "certificate", "-pubkey", "-noout").stdout
    (tmp_path / "public").write_bytes(public)
    checked = pcsc.run(
        *("openssl", "dgst", "-sha512", "-verify", tmp_path / "public"),
        *("-signature", tmp_path / "signature", tmp_path / "file"),
    )
    assert checked.stdout == b"Verified OK\n"
    assert (tmp_path / "certificate").stat().st_mode & 0o077 == 0


def test_card_that_slipped_and_lies_there_again_is_seen_again(pcsc: Any, card: Take) -> None:
    chip, _ = card()
    with pcsc.holding(Slipping(chip, lambda commands: commands % 7 == 0)):
        assert script(pcsc, SLIPPED).stdout == b"8\n"
