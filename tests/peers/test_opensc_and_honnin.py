"""OpenSC and honnin on one emulated card: what the one signs the other verifies, and both see the same counters."""

from pathlib import Path
from typing import Any

import pytest

from honnin.chip import MyNumberCard, open_reader
from honnin.pki import verify
from honnin.sandbox.cards import open_emulated
from honnin.sandbox.jlis import anchors
from honnin.sandbox.jlis.authorities import authorities
from honnin.sandbox.jlis.crl import full
from honnin.sandbox.opening import open_world
from honnin.sandbox.people import card_material

pytestmark = [
    pytest.mark.peer("/usr/sbin/pcscd", "opensc-tool", "pkcs11-tool"),
]

MESSAGE = b"application to open an account"
KEYS = {"user_authentication": ("0", "01", "2468"), "signature": ("1", "02", "HANAKO2468")}  # slot, object id, PIN


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.mark.parametrize("mechanism", ["SHA256-RSA-PKCS", "SHA384-RSA-PKCS", "SHA512-RSA-PKCS"])
@pytest.mark.parametrize("purpose", KEYS)
def test_what_opensc_signs_verifies_in_honnin(
    pcsc: Any, world: Path, tmp_path: Path, purpose: str, mechanism: str
) -> None:
    slot, identifier, pin = KEYS[purpose]
    (tmp_path / "message").write_bytes(MESSAGE)
    with pcsc.holding(open_emulated("hanako", world)):
        done = pcsc.run(
            *("pkcs11-tool", "--slot-index", slot, "--login", "--pin", pin, "--sign", "--id", identifier),
            *("-m", mechanism, "-i", tmp_path / "message", "-o", tmp_path / "signature"),
        )
    assert done.returncode == 0, done.stderr
    signature = (tmp_path / "signature").read_bytes()
    there = open_world(world)
    issued = card_material(there, "hanako")
    given = {
        "certificate": issued.signature_certificate
        if purpose == "signature"
        else issued.user_authentication_certificate,
        "anchors": anchors(there)[purpose],
        "crls": [full(there, ca, there.now()) for ca in authorities(there)],
        "at": there.now(),
        "policy": f"jpki_{purpose}",
    }
    report = verify(signature, content=MESSAGE, **given)
    assert (report.indication, report.sub_indication) == ("TOTAL-PASSED", None), report.reason
    assert (report.four_items is not None) == (purpose == "signature")
    assert verify(signature, content=MESSAGE + b".", **given).indication == "TOTAL-FAILED"
    assert verify(signature[:-1] + bytes([signature[-1] ^ 1]), content=MESSAGE, **given).indication == "TOTAL-FAILED"


def test_a_wrong_pin_given_to_opensc_is_seen_by_honnin(pcsc: Any, world: Path) -> None:
    with pcsc.holding(open_emulated("taro", world)):
        pcsc.run("pkcs11-tool", "--login", "--pin", "0000", "-O")
    with open_reader("emulated:taro", data=world) as reader, MyNumberCard(reader) as card:
        assert {tries.name: tries.left for tries in card.tries()} == {"user_authentication": 2, "signature": 5}
