"""What pypassport and gmrtd said to a passport through pcscd, replayed: their keys hold again, every file comes whole.

The recordings in `transcripts/passport/` say how they were made. The chip draws the same numbers as then, and the world
was born on the same day, so that the recorded protected commands fit. Keys of authorities are new: a file that holds
them may be some bytes longer or shorter, and a read past its end says so under protection. The
chip's own key is the recorded one where Chip Authentication went on under it.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from honnin.sandbox.cards.passport import EmulatedPassport
from honnin.sandbox.foreign_ministry.passports import issue
from honnin.sandbox.opening import Sandbox

RECORDINGS = sorted((Path(__file__).parent / "transcripts" / "passport").glob("*.txt"))
BORN = datetime(2026, 11, 21, tzinfo=UTC)
OPENING = {0x82, 0x86}  # EXTERNAL AUTHENTICATE, GENERAL AUTHENTICATE
PROTECTED = 0x0C
CHIP_KEY = "# chip key: "
STATUS, PAST_END = bytes.fromhex("9902"), bytes.fromhex("99026B00")


class Drawn:
    """The numbers that the chip drew when the recording was made."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(b"transcript %d" % self._count).digest(size)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_recording(tmp_path: Path, recording: Path) -> None:
    kind = recording.stem.partition("-")[2]
    passport = issue(Sandbox(tmp_path, born=BORN), "hanako", kind)
    lines = recording.read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.startswith(CHIP_KEY):
            passport = msgspec.structs.replace(passport, chip_key=bytes.fromhex(line.removeprefix(CHIP_KEY)))
    card = EmulatedPassport(lambda: passport, randomness=Drawn())
    rows = [row for row in lines if not row.startswith("#")]
    protected = 0
    for row in rows:
        command, _, expected = row.partition(" → ")
        status, length = expected.split()
        answer = card.transmit(bytes.fromhex(command))
        assert answer[-2:].hex().upper() == status, row
        if command.startswith(f"{PROTECTED:02X}"):
            protected += 1
            assert STATUS + bytes.fromhex(status) in answer or PAST_END in answer, row
        else:
            assert len(answer) - 2 == int(length), row
    assert protected > 60
    assert any(int(row[2:4], 16) in OPENING for row in rows)


def test_there_is_a_recording() -> None:
    assert RECORDINGS
