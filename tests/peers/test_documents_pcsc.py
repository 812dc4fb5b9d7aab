"""Every document in the virtual reader of a real pcscd, put there by the command: the same bytes as in process.

opensc-tool sends the short commands, pyscard the extended ones that residence cards want.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from honnin.sandbox.cards import open_emulated
from honnin.sandbox.opening import open_world

pytestmark = [pytest.mark.peer("/usr/sbin/pcscd", "opensc-tool")]

LICENCE = [
    "00A40000",
    "00B08A0000",
    "0020008104" + b"1234".hex(),
    "0020008204" + b"5678".hex(),
    "00A4040C10A0000002310100000000000000000000",
    "00B0810000",
    "00B0870000",
    "00A4040C10A0000002310200000000000000000000",
    "00B0810000",
]
FACE = [
    "00A4040C0AD3921000310001010402",
    "00A4020C020011",
    "0020008006" + b"020412".hex(),
    "00A4020C020001",
    "00B0000000",
    "00B0010000",
    "00B0020000",
]
RESIDENCE = ["00B08B0000", "00B08A0000", "00A4040C10D392F0004F0400000000000000000000", "00B0820010"]
TRANSMIT = """
import json, sys
from smartcard.System import readers
connection = readers()[0].createConnection()
connection.connect()
answers = []
for apdu in json.loads(sys.argv[1]):
    data, one, two = connection.transmit(list(bytes.fromhex(apdu)))
    answers.append(bytes([*data, one, two]).hex().upper())
print(json.dumps(answers))
"""


def in_process(target: str, data: Path, apdus: list[str]) -> list[str]:
    card = open_emulated(target, data)
    return [card.transmit(bytes.fromhex(apdu)).hex().upper() for apdu in apdus]


@pytest.mark.parametrize(
    ("target", "apdus"),
    [
        ("hanako/drivers_licence", LICENCE),
        ("hanako/my_number_card", FACE),
        ("anna/residence_card", RESIDENCE),
        ("maximilian/residence_card", RESIDENCE),
        ("anna/residence_card:specified-card", ["00A4040C10D392F0004F0100000000000000000000", "00B08A0000"]),
    ],
)
def test_the_same_bytes_through_opensc_tool(pcsc: Any, tmp_path: Path, target: str, apdus: list[str]) -> None:
    expected = in_process(target, tmp_path, apdus)
    sent = [word for apdu in apdus for word in ("--send-apdu", apdu)]
    with pcsc.holding_command(target, "--data", tmp_path):
        done = pcsc.run("opensc-tool", *sent)
    said = done.stdout.decode()
    statuses = re.findall(r"SW1=0x(..), SW2=0x(..)", said)
    assert ["".join(pair) for pair in statuses] == [answer[-4:] for answer in expected], said
    octets = "".join(re.findall(r"^((?:[0-9A-F]{2} )+)", said, re.MULTILINE)).replace(" ", "")
    assert octets == "".join(answer[:-4] for answer in expected)


def test_extended_lengths(pcsc: Any, tmp_path: Path) -> None:
    apdus = [*LICENCE[:5], "00B08100000000", *LICENCE[7:8], "00B08100000000"]
    expected = in_process("hanako/drivers_licence", tmp_path, apdus)
    assert len(expected[5]) == 2 * 882
    with pcsc.holding_command("hanako/drivers_licence", "--data", tmp_path):
        done = pcsc.run(sys.executable, "-c", TRANSMIT, json.dumps(apdus))
    assert json.loads(done.stdout) == expected


def test_a_card_that_nobody_has_is_told_at_once(pcsc: Any, tmp_path: Path) -> None:
    open_world(tmp_path)
    command = Path(sys.executable).with_name("honnin")
    done = pcsc.run(
        command, "sandbox", "card", "sora/drivers_licence", "--vpcd", f"127.0.0.1:{pcsc.port}", "--data", tmp_path
    )
    assert done.returncode in {1, 2}
    assert b"document" in done.stderr
