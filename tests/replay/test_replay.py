"""Recorded facts are judged as they were on their day (STYLE: EU DSS). `record.py` says how recordings are made."""

from pathlib import Path

import msgspec
import pytest

from honnin.pki import Facts, judge

FOLDER = Path(__file__).parent / "recorded"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def test_there_are_recordings() -> None:
    assert len(NAMES) >= 16


@pytest.mark.parametrize("name", NAMES)
def test_recorded_facts_replay_to_the_same_verdict(name: str) -> None:
    recorded = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes())
    facts = Facts.decode(msgspec.json.encode(recorded["facts"]))
    replayed = msgspec.json.encode(judge(facts, recorded["policy"]).to_json())
    assert msgspec.json.decode(replayed) == recorded["verdict"]
