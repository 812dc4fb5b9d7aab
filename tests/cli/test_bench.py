"""`honnin bench` measures what passes; how fast is for a reader to see, not for a test."""

from honnin.bench.cards import apdu_counts
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
