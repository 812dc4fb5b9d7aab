"""The simulated day keeps its laws: nothing is lost, nothing is answered twice, no worker does two things at once."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honnin.bench.day import Plan, Times, rates, simulate

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
