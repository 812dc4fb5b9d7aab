"""`honnin bench` measures what passes; how fast is for a reader to see, not for a test."""

from pathlib import Path

import pytest

from honnin.bench.batch import WARM, measure_batch
from honnin.bench.cards import apdu_counts, document_reads, recorded_reads
from honnin.bench.http import measure_http
from honnin.bench.machine import machine
from honnin.bench.measuring import FLOOR, measure


def test_every_step_is_measured_beside_its_peers() -> None:
    rows = {row.name: row for row in measure(rounds=1, each=2)}
    assert rows[FLOOR].of_floor == 1.0
    assert {"certificate parse", "path validation", "full verification, CRL"} <= set(rows)
    assert all(row.microseconds > 0 and row.per_second > 0 for row in rows.values())


def test_apdus_are_counted_on_the_emulated_card() -> None:
    counts = apdu_counts()
    assert counts is not None
    assert all(0 < number < 20 for number in counts.values())


def test_full_reads_of_documents_are_counted() -> None:
    reads = document_reads()
    assert reads is not None
    assert len(reads) == 15
    assert all(0 < told.apdus < 110 and told.bytes > 1000 and told.milliseconds > 0 for told in reads.values())


def test_peers_are_counted_as_recorded() -> None:
    recordings = Path(__file__).parents[1] / "peers" / "transcripts"
    counted = [each for reads in recorded_reads().values() for each in reads]
    for each in counted:
        lines = (recordings / f"{each.transcript}.txt").read_text(encoding="utf-8").splitlines()
        rows = [line for line in lines if not line.startswith("#")]
        assert (len(rows), sum(int(row.split()[-1]) for row in rows)) == (each.apdus, each.bytes), each
    tasks = {**(apdu_counts() or {}), **(document_reads() or {})}
    assert recorded_reads().keys() <= tasks.keys()
    passports = {f"passport/{path.stem}" for path in (recordings / "passport").glob("*.txt")}
    left_out = {"passport/jmrtd-pace-only", "passport/jmrtd_can-pace-im"}  # the same work as another one's
    assert {each.transcript for each in counted if each.transcript.startswith("passport/")} == passports - left_out


def test_batches_are_measured_over_two_processes() -> None:
    scaling = measure_batch(rounds=1, items=WARM + 20)
    assert min(scaling.one, scaling.two) > 0


def test_the_machine_is_told() -> None:
    assert {"processor", "cores", "python", "cryptography"} <= machine().keys()


@pytest.mark.peer("wrk")
def test_checks_over_http_are_measured_with_a_load_generator_of_its_own() -> None:
    loads = measure_http(seconds=1, holders=20)
    assert loads is not None
    assert [load.name for load in loads] == ["GET /healthz", "POST /v1/verifications"]
    assert all(load.per_second > 0 and load.processor > 0 and load.median <= load.p99 for load in loads)
