"""Rounds of the chip fuzzer (`scripts/fuzz chips`) for every use of a document; that it finds what is wrong."""

from pathlib import Path

import pytest
from tests.fuzz import chips, sessions

from honnin.chip.channel import Channel

ROUNDS = range(10)
SEED = 20261127


@pytest.fixture(scope="module")
def world_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.mark.parametrize("name", sessions.EVERY)
def test_faults_end_coded_or_change_nothing(world_data: Path, name: str) -> None:
    tally = chips.fuzz(name, world_data, SEED, ROUNDS)
    assert tally.findings == []
    assert tally.tries_lost == 0
    assert tally.sessions == len(ROUNDS) == tally.closed + tally.out_of_reach
    assert tally.faults.total() > 0


def test_a_round_is_drawn_from_its_number_alone(world_data: Path) -> None:
    whole = chips.fuzz("age", world_data, SEED, range(4))
    alone = [chips.fuzz("age", world_data, SEED, range(number, number + 1)) for number in range(4)]
    assert sum((each.ended for each in alone), type(whole.ended)()) == whole.ended


def test_answers_that_are_always_green_are_found(world_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "authenticity", lambda _: "verified")
    assert any("not true" in finding for finding in chips.fuzz("licence", world_data, SEED, range(60)).findings)


def test_a_chip_that_is_not_left_is_found(world_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Channel, "leave", lambda _: None)
    assert any("left open" in finding for finding in chips.fuzz("jpki", world_data, SEED, ROUNDS).findings)
