"""One emulated card, three ways to it: in process, by pyscard through a real pcscd, and by OpenSC.

The first two must give the same bytes; what OpenSC signs must verify in honnin; and honnin must need fewer commands
than OpenSC for the same work.
"""

import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.pki import verify
from honnin.sandbox.cards import open_emulated
from honnin.sandbox.cards.transcript import Exchange
from honnin.sandbox.jlis import anchors
from honnin.sandbox.jlis.authorities import authorities
from honnin.sandbox.jlis.crl import full
from honnin.sandbox.people import card_material
from honnin.sandbox.world import open_world

pytestmark = [
    pytest.mark.peer("/usr/sbin/pcscd", "opensc-tool", "pkcs11-tool", "/usr/include/PCSC/winscard.h"),
    pytest.mark.xdist_group("opensc"),
]

PINS = {"user_authentication": "2468", "signature": "HANAKO2468"}
SLOTS = {"user_authentication": ("0", "01"), "signature": ("1", "02")}
MESSAGE = b"application to open an account"

READ = """
import json, sys
from hashlib import sha256
from honnin.chip import MyNumberCard, Pin, open_reader

given = json.load(sys.stdin)
with open_reader(given["url"]) as reader, MyNumberCard(reader) as card:
    before = [(tries.name, tries.left) for tries in card.tries()]
    for name, pin in given["pins"].items():
        card.jpki.unlock(Pin(name, pin))
    found = card.jpki.read()
    signatures = {
        name: card.jpki.sign(name, sha256(given["message"].encode()).digest()).value.hex() for name in given["pins"]
    }
    answer = {
        "atr": reader.atr.hex(),
        "tries": before,
        "files": {file.name: file.content.hex() for file in found.files},
        "signatures": signatures,
    }
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


def read_in(pcsc: Any, url: str, world: Path) -> dict[str, Any]:
    """Read everything and sign with both keys in a process that sees the private pcscd."""
    given = json.dumps({"url": url, "pins": PINS, "message": MESSAGE.decode()}).encode()
    done = pcsc.run("env", f"HONNIN_DATA={world}", sys.executable, "-c", READ, given=given)
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_same_bytes_through_a_real_reader(pcsc: Any, world: Path) -> None:
    with pcsc.holding(open_emulated("hanako", world)):
        real = read_in(pcsc, "pcsc:Virtual PCD 00 00", world)
    assert real == read_in(pcsc, "emulated:hanako", world)
    assert sorted(real["tries"]) == [["signature", 5], ["user_authentication", 3]]
    issued = card_material(open_world(world), "hanako")
    assert real["files"]["signature"] == issued.signature_certificate.hex()
    assert real["files"]["user_authentication"] == issued.user_authentication_certificate.hex()


def sign_with_opensc(pcsc: Any, tmp_path: Path, purpose: str) -> bytes:
    slot, identifier = SLOTS[purpose]
    (tmp_path / "message").write_bytes(MESSAGE)
    done = pcsc.run(
        *("pkcs11-tool", "--slot-index", slot, "--login", "--pin", PINS[purpose], "--sign", "--id", identifier),
        *("-m", "SHA256-RSA-PKCS", "-i", tmp_path / "message", "-o", tmp_path / "signature"),
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "signature").read_bytes()


@pytest.mark.parametrize("purpose", PINS)
def test_what_opensc_signs_verifies_in_honnin(pcsc: Any, world: Path, tmp_path: Path, purpose: str) -> None:
    with pcsc.holding(open_emulated("hanako", world)):
        signature = sign_with_opensc(pcsc, tmp_path, purpose)
    there = open_world(world)
    issued = card_material(there, "hanako")
    certificate = issued.signature_certificate if purpose == "signature" else issued.user_authentication_certificate
    lists = [full(there, ca, there.now()) for ca in authorities(there)]
    given = {"certificate": certificate, "anchors": anchors(there)[purpose], "crls": lists, "at": there.now()}
    given["policy"] = f"jpki_{purpose}"
    report = verify(signature, content=MESSAGE, **given)
    assert (report.indication, report.sub_indication) == ("TOTAL-PASSED", None), report.reason
    assert verify(signature, content=MESSAGE + b".", **given).indication == "TOTAL-FAILED"
    other = bytearray(signature)
    other[-1] ^= 1
    assert verify(bytes(other), content=MESSAGE, **given).indication == "TOTAL-FAILED"


@pytest.mark.parametrize("purpose", PINS)
def test_fewer_commands_than_opensc(pcsc: Any, world: Path, tmp_path: Path, purpose: str) -> None:
    """Read the certificate and sign, in one process each, counted at the card."""
    theirs: list[Exchange] = []
    slot, identifier = SLOTS[purpose]
    (tmp_path / "message").write_bytes(MESSAGE)
    with pcsc.holding(open_emulated("hanako", world, record=theirs.append)):
        theirs.clear()
        done = pcsc.run(
            *("pkcs11-tool", "--slot-index", slot, "--login", "--pin", PINS[purpose], "--sign", "--id", identifier),
            *("-m", "SHA256-RSA-PKCS", "-i", tmp_path / "message", "--read-object", "--type", "cert"),
            *("-o", tmp_path / "certificate"),
        )
        assert done.returncode == 0, done.stderr
    ours = read_and_sign(world, purpose)
    assert re.match(rb"\x30\x82", (tmp_path / "certificate").read_bytes())
    after_probes = len(theirs) - 29
    assert len(ours) < after_probes / 2, (len(ours), after_probes)


def read_and_sign(world: Path, purpose: str) -> list[Exchange]:
    """The same work by honnin, in process."""
    kept: list[Exchange] = []
    card = MyNumberCard(open_emulated("hanako", world, record=kept.append))
    with card:
        card.jpki.unlock(Pin(purpose, PINS[purpose]))
        assert card.jpki.certificate(purpose)
        assert card.jpki.sign(purpose, sha256(MESSAGE).digest()).value
    return kept


def test_wrong_pin_costs_the_same_try_on_every_way(pcsc: Any, world: Path) -> None:
    with pcsc.holding(open_emulated("taro", world)):
        pcsc.run("pkcs11-tool", "--login", "--pin", "0000", "-O")
    with open_reader("emulated:taro", data=world) as reader, MyNumberCard(reader) as card:
        assert {tries.name: tries.left for tries in card.tries()} == {"user_authentication": 2, "signature": 5}
