"""PIN counters are one truth for every process, and a wrong try is spent before its answer is known."""

import pickle
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.waiting import LONG

from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.cards.personalise import Chip, my_number_card
from honnin.sandbox.material import JpkiMaterial
from honnin.sandbox.world import World

READER = """
import os, pickle, signal, sys
from pathlib import Path
from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.world import World
data = Path(sys.argv[1])
chip = pickle.loads((data / "chip").read_bytes())
world = World(data)
card = EmulatedCard(lambda: chip, PinCounters(world))
card.transmit(bytes.fromhex("00A4040C0AD392F000260100000001"))
def wrong():
    return card.transmit(bytes.fromhex("0020009B04") + b"9999").hex()
"""
SEVERAL_TRIES = "sys.stdin.readline()\nfor _ in range(int(sys.argv[2])): print(wrong())\n"
DEATH_AFTER = "wrong()\nos.kill(os.getpid(), signal.SIGKILL)\n"
DEATH_WITHIN = "with world.transaction():\n    wrong()\n    os.kill(os.getpid(), signal.SIGKILL)\n"


@pytest.fixture
def chip(data: Path, material: JpkiMaterial) -> Chip:
    made = my_number_card(material)
    (data / "chip").write_bytes(pickle.dumps(made))
    return made


def reader(data: Path, script: str, *arguments: str) -> subprocess.Popen[str]:
    """One reader with the card in it, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", READER + script, str(data), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_cards_in_one_world_are_apart(data: Path, material: JpkiMaterial, chip: Chip) -> None:
    other = my_number_card(replace(material, card_id="other"))
    counters = PinCounters(World(data))
    counters.attempt(chip, "signature", b"wrong")
    assert counters.tries_left(chip, "signature") == 4
    assert counters.tries_left(other, "signature") == 5


def test_another_process_sees_the_same_counter(data: Path, chip: Chip) -> None:
    mine = PinCounters(World(data))
    mine.attempt(chip, "signature", b"wrong")
    answers, _ = reader(data, SEVERAL_TRIES, "2").communicate("go\n", timeout=LONG)
    assert answers.split() == ["63c3", "63c2"]
    assert mine.tries_left(chip, "signature") == 2


def test_no_try_is_lost_between_readers(data: Path, chip: Chip) -> None:
    """Three readers try wrong PINs at once: five tries, each counted once, and everything after them blocked."""
    readers = [reader(data, SEVERAL_TRIES, "20") for _ in range(3)]
    for there in readers:
        there.stdin.write("go\n")
        there.stdin.flush()
    seen = Counter(answer for there in readers for answer in there.communicate(timeout=LONG)[0].split())
    assert seen == Counter({f"63c{left}": 1 for left in range(5)} | {"6984": 55})


@pytest.mark.parametrize(("death", "left"), [(DEATH_AFTER, 4), (DEATH_WITHIN, 5)], ids=["after", "within"])
def test_killed_reader(data: Path, chip: Chip, death: str, left: int) -> None:
    there = reader(data, death)
    there.communicate(timeout=LONG)
    assert there.returncode == -signal.SIGKILL
    counters = PinCounters(World(data))
    assert counters.tries_left(chip, "signature") == left
    assert counters.attempt(chip, "signature", b"TEST1234").right


def test_pin_blocked_elsewhere_cannot_be_changed(data: Path, chip: Chip) -> None:
    counters = PinCounters(World(data))
    for _ in range(5):
        counters.attempt(chip, "signature", b"wrong")
    assert not counters.change(chip, "signature", b"ABC123")
    assert counters.tries_left(chip, "signature") == 0


def test_writes_are_durable(data: Path) -> None:
    """The answer to a wrong PIN leaves only after the counter is on the disk."""
    (level,) = World(data).connection().execute("PRAGMA synchronous").fetchone()
    assert level == 2  # FULL
