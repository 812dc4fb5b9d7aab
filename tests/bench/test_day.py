"""The simulated day keeps its laws: nothing is lost, nothing is answered twice, no worker does two things at once."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honnin.bench import nation
from honnin.bench.day import Plan, Times, rates, simulate
from honnin.bench.figures import Figure
from honnin.bench.report import Report, Run, Taken
from honnin.errors import InputError

TIMES = Times(check=0.0004, lookup=3e-6, build=1.5, swap=0.005, commit=0.005)
SMALL = Plan(checks=40_000, peak=5.0)


def test_the_rates_make_the_day_and_its_peak() -> None:
    for plan in (Plan(), SMALL):
        found = rates(plan)
        assert found.sum() == pytest.approx(plan.checks)
        assert found[int(plan.peak_at)] == pytest.approx(plan.peak)
        assert found.min() > 0
    with pytest.raises(ValueError, match="peak"):
        rates(Plan(checks=10_000_000, peak=50))


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 2**32),
    st.floats(0.0001, 0.4),
    st.integers(2, 5),
    st.integers(1, 3),
    st.floats(0, 80_000),
    st.floats(0, 80_000),
)
def test_what_goes_in_comes_out(seed: int, check: float, nodes: int, workers: int, down: float, lost: float) -> None:
    plan = Plan(
        checks=20_000,
        peak=2.0,
        nodes=nodes,
        workers=workers,
        seed=seed,
        outage=(down, down + 3000),
        lost=(lost, lost + 900),
    )
    times = Times(check=check, lookup=1e-5, build=20.0, swap=0.1, commit=0.01)
    day = simulate(plan, times)
    assert day.by_ocsp + day.by_crl == day.checks
    assert day.asked == day.checks + day.cut_off
    assert sum(hour.checks for hour in day.hours) == day.checks
    assert day.gave_up_ocsp <= day.by_crl
    assert day.waiting == pytest.approx(day.latency_sum, rel=1e-6)
    assert day.busiest <= 1.0 + times.build / 3600
    least = day.checks * times.check + nodes * times.build
    assert least <= day.worked <= least + day.asked * (times.check + times.lookup) + nodes * times.swap
    assert day.latency_sum >= day.checks * times.check


def test_the_same_seed_gives_the_same_day() -> None:
    assert simulate(SMALL, TIMES) == simulate(SMALL, TIMES)
    assert simulate(SMALL, TIMES) != simulate(msgspec.structs.replace(SMALL, seed=2), TIMES)


def test_an_outage_costs_the_first_their_patience_and_the_others_little() -> None:
    quiet = simulate(msgspec.structs.replace(SMALL, outage=(0.0, 0.0), lost=(0.0, 0.0)), TIMES)
    assert (quiet.by_crl, quiet.gave_up_ocsp, quiet.cut_off) == (0, 0, 0)
    day = simulate(SMALL, TIMES)
    outage = SMALL.outage[1] - SMALL.outage[0]
    assert day.by_crl > 0
    assert day.gave_up_ocsp <= SMALL.breaker + SMALL.peak * SMALL.patience + outage / SMALL.probe + 1
    fallen = [hour for hour in day.hours if hour.by_crl]
    assert {hour.hour for hour in fallen} == {9, 10}


def test_a_lost_node_is_felt_until_it_is_noticed() -> None:
    busy = msgspec.structs.replace(SMALL, checks=400_000, peak=50.0)
    day = simulate(busy, TIMES)
    assert 0 < day.cut_off < busy.peak * (busy.notice + 1)
    hour = next(hour for hour in day.hours if hour.hour == int(busy.lost[0] // 3600))
    assert hour.longest >= busy.again


def test_a_queue_of_one_worker_waits_as_theory_says() -> None:
    """M/D/1: with load ρ the mean wait is ρ·s / 2(1-ρ)."""
    plan = Plan(checks=86_400, peak=1.9, nodes=2, workers=1, outage=(0.0, 0.0), lost=(0.0, 0.0), ocsp=0.0, seed=5)
    times = Times(check=0.5, lookup=0.0, build=0.0, swap=0.0, commit=0.0)
    day = simulate(plan, times)
    load = rates(plan) / plan.nodes * times.check
    expected = float((rates(plan) * (times.check + load * times.check / 2 / (1 - load))).sum() / plan.checks)
    assert day.latency_sum / day.checks == pytest.approx(expected, rel=0.04)
    assert np.isfinite(day.waiting)


ROWS = {
    nation.CHECK: 3000.0,
    nation.BY_OCSP: 250.0,
    nation.BY_CRL: 170.0,
    nation.LOOKUP: 3.5,
    nation.ENTRY: 0.1,
    nation.SWAP: 20.0,
    nation.WRITES: 800.0,
}


def docs_with(folder: Path, rows: dict[tuple[str, str], float]) -> Path:
    run = Run("2026-11-27T12:00:00Z", {}, (0.0, 0.0), 2)
    parts: dict[str, tuple[Taken, ...]] = {}
    for (part, name), ours in rows.items():
        parts[part] = (*parts.get(part, ()), Taken(Figure(name, "", ours), None, run))
    (folder / "pictures").mkdir(exist_ok=True)
    (folder / "performance.json").write_bytes(msgspec.json.encode(Report(parts)))
    (folder / "scale.md").write_text(f"before\n{nation.BEGIN}\nold\n{nation.END}\nafter\n", encoding="utf-8")
    return folder


def test_the_day_is_driven_by_the_measured_times(tmp_path: Path) -> None:
    docs = docs_with(tmp_path, ROWS)
    nation.write(docs, SMALL)
    first = (docs / "scale.md").read_text(encoding="utf-8")
    assert first.startswith("before\n")
    assert first.endswith("after\n")
    assert "old" not in first
    assert "| a check, of one worker | 3.08 ms |" in first
    assert "| the day's lists, 20 M entries | 2.0 s |" in first
    assert "| evidence durable, at the longest | 40 ms |" in first
    assert "workers, 3.08 ms a check" in first
    docs_with(tmp_path, {**ROWS, nation.CHECK: 9000.0})
    nation.write(docs, SMALL)
    slower = (docs / "scale.md").read_text(encoding="utf-8")
    assert "workers, 9.08 ms a check" in slower
    day = [next(line for line in text.splitlines() if line.startswith("| day ")) for text in (first, slower)]
    busy = [float(line.rsplit("|", 2)[1].strip().rstrip("%")) for line in day]
    assert busy[1] > 2 * busy[0]


@pytest.mark.parametrize("key", ROWS)
def test_a_time_that_is_not_measured_is_not_made_up(tmp_path: Path, key: tuple[str, str]) -> None:
    docs = docs_with(tmp_path, {name: ours for name, ours in ROWS.items() if name != key})
    with pytest.raises(InputError, match=r"bench\.no_figure"):
        nation.write(docs, SMALL)


def test_the_rows_that_drive_the_day_are_rows_of_the_bench() -> None:
    """A row that is renamed in the bench is renamed here."""
    report = msgspec.json.decode((Path(__file__).parents[2] / "docs/performance.json").read_bytes(), type=Report)
    assert nation.measured(report).check > 0
