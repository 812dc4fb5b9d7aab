"""The rows of OCSP, upkeep and evidence measure what they say, at sizes that take no time."""

import json
from pathlib import Path

import pytest

from honnin.bench import evidence, upkeep
from honnin.bench.engines import Sqlite
from honnin.bench.ocsp import measure_ocsp
from honnin.bench.printing import print_figures


def test_ocsp(capsys: pytest.CaptureFixture[str]) -> None:
    (figure,) = measure_ocsp(rounds=1, each=3)
    assert figure.peer
    print_figures([figure])
    assert json.loads(capsys.readouterr().out)["name"] == figure.name


def test_upkeep_tells_once(tmp_path: Path) -> None:
    again, first = upkeep._measured(Sqlite(tmp_path), 2000, 2)
    assert again.aim == 1.5
    assert first.note.startswith("20 events")


def test_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MILLION", 1001)
    monkeypatch.setattr(evidence, "_numbering", lambda *_: (1.0, 1.0))
    figures = {figure.name: figure for figure in evidence.measure_evidence(seconds=0.1)}
    assert figures["inclusion proof in 1 M records, median"].ours > 0
    assert figures[f"SQLite: single writes of {evidence.THREADS} threads, each flushed before it is answered"].ours > 0


def test_numbering() -> None:
    with evidence._log() as (_, store, log, log_id):
        leaves, each = evidence._numbering(store, log, log_id, 100, float, leaves=200)
    assert leaves > 0
    assert each > 0
