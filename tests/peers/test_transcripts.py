"""What OpenSC and pyjpki said to the card, replayed without them: each command gets the status word that they got.

The recordings in `transcripts/` say how they were made. Reads are asked by the sizes of the certificates of that day:
one past today's end may answer 6B00.
"""

from pathlib import Path

import pytest

from honnin.sandbox.cards import open_emulated

RECORDINGS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
PINS = {"11": b"2468", "18": b"2468", "1B": b"HANAKO2468"}  # by the low byte of the PIN file that is current


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("interface", ["contact", "contactless"])
def test_recording(world: Path, recording: Path, interface: str) -> None:
    card = open_emulated("hanako", world, interface=interface)
    current = ""
    rows = [row for row in recording.read_text(encoding="utf-8").splitlines() if not row.startswith("#")]
    assert len(rows) >= 25
    for row in rows:
        command, _, expected = row.partition(" → ")
        status, length = expected.split()
        octets, _, pin = command.partition(" ")
        apdu = bytes.fromhex(octets) + (PINS[current] if pin else b"")
        answer = card.transmit(apdu)
        current = octets[-2:] if octets.startswith("00A4020C") else current
        read = apdu[1] == 0xB0
        assert answer[-2:].hex().upper() == status or (read and answer == b"\x6b\x00"), row
        assert read or len(answer) - 2 == int(length), row
