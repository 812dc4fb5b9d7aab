"""A day of a nation, simulated: ten million checks, one peak, the daily CRL, an OCSP outage, a node lost.

Discrete events: every check arrives, is sent to a node, waits for one of its workers, is computed, asks OCSP (or, where
the breaker is open, the revocation index), and is answered when its group of evidence is durable. Times of work are
measured (`Times`); times of the outside (OCSP's answer, what clients do when a node dies) are assumptions that stand in
`Plan`. Seeded: the same plan gives the same day. What is not modelled: the network between nodes, the database's own
failure, and clients that give up.
"""

from heapq import heapify, heappop, heappush, heapreplace
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["Hour", "Outcome", "Plan", "Times", "rates", "simulate"]

F64 = npt.NDArray[np.float64]
DAY = 86_400
# Share of the day's ordinary checks by hour of the day, midnight first: an assumption, of a service for people.
SHAPE = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 14, 13, 12, 12, 12, 12, 13, 14, 15, 13, 9, 5)


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Measured seconds. check: of one worker for one check, whole. lookup: one question to the index, in a check that
    falls back on it. build: of one worker, to take in the day's CRLs. swap: of the first check after them.
    commit: longest wait for a group of evidence to be durable.
    """

    check: float
    lookup: float
    build: float
    swap: float
    commit: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The day. Moments and lengths in seconds, moments from midnight.

    ocsp: median of an answer from J-LIS, and sigma of its logarithm. patience: after which a check gives OCSP up;
    breaker: failures in a row that open it; probe: how long it stays open before one check tries again.
    notice: until the balancer sees a lost node; again: after which a client asks anew.
    """

    checks: int = 10_000_000
    peak: float = 1_000.0
    peak_at: float = 12.25 * 3600
    nodes: int = 4
    workers: int = 2
    crl_at: float = 3 * 3600.0
    ocsp: float = 0.03
    sigma: float = 0.5
    outage: tuple[float, float] = (9.5 * 3600, 10.25 * 3600)
    patience: float = 2.0
    breaker: int = 20
    probe: float = 15.0
    lost: tuple[float, float] = (12 * 3600.0, 12.75 * 3600)
    notice: float = 5.0
    again: float = 1.0
    seed: int = 20261121


class Hour(msgspec.Struct, frozen=True):
    """The answers to the checks that arrived in an hour. Latencies in seconds; busy: share of all workers' time."""

    hour: int
    checks: int
    by_ocsp: int
    by_crl: int
    median: float
    p99: float
    longest: float
    busy: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The day's sums. asked: anew too. waiting, latency_sum: check-seconds in the system, counted in two ways."""

    checks: int
    asked: int
    by_ocsp: int
    by_crl: int
    gave_up_ocsp: int
    cut_off: int
    worked: float
    waiting: float
    latency_sum: float
    busiest: float
    hours: tuple[Hour, ...]
    minutes: tuple[
        tuple[float, float, float], ...
    ]  # (checks a second, p99 in seconds, share by CRL) every five minutes


def rates(plan: Plan) -> F64:
    """Return the expected checks in each second: an ordinary day, and on it a peak that reaches `peak`."""
    second = np.arange(DAY)
    shape = np.interp(second / 3600, np.arange(25) + 0.0, [*SHAPE, SHAPE[0]])
    bump = np.exp(-(((second - plan.peak_at) / 600) ** 2) / 2)
    at = int(plan.peak_at)
    # ordinary × shape + extra × bump, which together make `checks` in the day and `peak` at its moment
    extra, ordinary = np.linalg.solve([[bump.sum(), shape.sum()], [1.0, shape[at]]], [plan.checks, plan.peak])
    if min(extra, ordinary) < 0:
        raise ValueError("so many checks cannot have so low or so high a peak")
    return np.asarray(extra * bump + ordinary * shape, np.float64)


class _Breaker:
    """Whether OCSP is asked; judged when a check asks."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.failures = 0
        self.closed_at = 0.0  # open until then
        self.pending: list[float] = []  # when checks that are asking now will have given up

    def ask(self, at: float) -> bool:
        """Tell whether a check that comes during the outage asks OCSP (and will wait in vain)."""
        while self.pending and self.pending[0] <= at:
            heappop(self.pending)
            self.failures += 1
            if self.failures >= self.plan.breaker:
                self.closed_at = max(self.closed_at, at + self.plan.probe)
                self.failures = self.plan.breaker - 1  # the probe's failure opens it again
        if at < self.closed_at or (self.failures >= self.plan.breaker - 1 and self.pending):
            return False
        heappush(self.pending, at + self.plan.patience)
        return True


def simulate(plan: Plan, times: Times) -> Outcome:
    """Run the day."""
    return _Day(plan, times).run()


class _Day:
    def __init__(self, plan: Plan, times: Times) -> None:
        self.plan, self.times = plan, times
        self.draw = np.random.default_rng(plan.seed)
        self.free = [[0.0] * plan.workers for _ in range(plan.nodes)]  # when each worker is free, least first
        self.retries: list[tuple[float, float]] = []  # (asks anew, first asked)
        self.breaker = _Breaker(plan)
        self.built = False
        self.swapped = [True] * plan.nodes
        self.asked = self.by_ocsp = self.by_crl = self.gave_up = self.cut_off = 0
        self.worked = 0.0
        self.rows: list[tuple[float, float, bool]] = []  # first asked, latency, by CRL
        self.hourly_work = [0.0] * 25

    def run(self) -> Outcome:
        arrivals = self.draw.poisson(rates(self.plan))
        found: list[tuple[F64, F64, npt.NDArray[np.bool_]]] = []
        total = 0
        for hour in range(24):
            counts = arrivals[hour * 3600 : hour * 3600 + 3600]
            moments = np.sort(np.repeat(np.arange(3600.0), counts) + self.draw.random(int(counts.sum()))) + hour * 3600
            total += len(moments)
            self._hour(moments)
            found.append(self._gathered())
        while self.retries:
            self._again()
        found.append(self._gathered())
        first, latency, by_crl = (np.concatenate(column) for column in zip(*found, strict=True))
        return self._outcome(total, first, latency, by_crl)

    def _gathered(self) -> tuple[F64, F64, npt.NDArray[np.bool_]]:
        rows, self.rows = np.array(self.rows).reshape(-1, 3), []
        return rows[:, 0], rows[:, 1], rows[:, 2] > 0

    def _hour(self, moments: F64) -> None:
        count = len(moments)
        nodes = self.draw.integers(0, 1 << 30, count).tolist()
        waits = (self.plan.ocsp * np.exp(self.plan.sigma * self.draw.standard_normal(count))).tolist()
        groups = (self.draw.random(count) * self.times.commit).tolist()
        for at, node, wait, group in zip(moments.tolist(), nodes, waits, groups, strict=True):
            while self.retries and self.retries[0][0] <= at:
                self._again()
            self._check(at, at, node, wait, group)

    def _again(self) -> None:
        at, first = heappop(self.retries)
        self._check(at, first, int(self.draw.integers(0, 1 << 30)), self.plan.ocsp, self.times.commit / 2)

    def _check(self, at: float, first: float, pick: int, wait: float, group: float) -> None:
        """Send one check to a node: computed and answered there, or cut off when the node dies."""
        plan, times = self.plan, self.times
        self.asked += 1
        if not self.built and at >= plan.crl_at:
            self._build()
        lost, back = plan.lost
        node = pick % plan.nodes
        if node == 0 and lost <= at < back:
            if at < lost + plan.notice:
                self.cut_off += 1
                heappush(self.retries, (at + plan.again, first))
                return
            node = 1 + pick // plan.nodes % (plan.nodes - 1)
        work = times.check
        if not self.swapped[node]:
            self.swapped[node] = True
            work += times.swap
        down, up = plan.outage
        free = self.free[node]
        begin = max(at, free[0])
        in_vain = fallen_back = False
        if down <= begin < up:
            fallen_back = True
            work += times.lookup
            in_vain = self.breaker.ask(begin)
        end = begin + work
        if node == 0 and begin < lost <= end:
            self._die(first, begin)
            return
        heapreplace(free, end)
        self.worked += work
        self.hourly_work[min(int(begin // 3600), 24)] += work
        if fallen_back:
            self.by_crl += 1
            self.gave_up += in_vain
            done = end + group + (plan.patience if in_vain else 0.0)
        else:
            self.by_ocsp += 1
            done = end + group + wait
        self.rows.append((first, done - first, fallen_back))

    def _build(self) -> None:
        """One worker of each node takes in the day's CRLs; the first check after them opens what is new."""
        self.built = True
        for node, free in enumerate(self.free):
            free[0] = max(free[0], self.plan.crl_at) + self.times.build
            heapify(free)
            self.swapped[node] = False
            self.worked += self.times.build
            self.hourly_work[int(self.plan.crl_at // 3600)] += self.times.build

    def _die(self, first: float, begin: float) -> None:
        """What node 0 was computing when it died is asked anew; it comes back with idle workers."""
        lost, back = self.plan.lost
        self.cut_off += 1
        self.worked += lost - begin
        self.hourly_work[int(begin // 3600)] += lost - begin
        heapreplace(self.free[0], back)
        heappush(self.retries, (lost + self.plan.again, first))

    def _outcome(self, total: int, first: F64, latency: F64, by_crl: npt.NDArray[np.bool_]) -> Outcome:
        workers = self.plan.nodes * self.plan.workers
        hours, order = [], np.argsort(first, kind="stable")
        first, latency, by_crl = first[order], latency[order], by_crl[order]
        for hour in range(24):
            rows = slice(*np.searchsorted(first, [hour * 3600, hour * 3600 + 3600]))
            some, fallen = latency[rows], int(by_crl[rows].sum())
            median, p99, longest = np.quantile(some, [0.5, 0.99, 1]).tolist() if len(some) else (0.0, 0.0, 0.0)
            busy = self.hourly_work[hour] / 3600 / workers
            hours.append(Hour(hour, len(some), len(some) - fallen, fallen, median, p99, longest, busy))
        minutes = []
        for begin, end in pairwise(range(0, DAY + 1, 300)):
            rows = slice(*np.searchsorted(first, [begin, end]))
            some = latency[rows]
            share = float(by_crl[rows].mean()) if len(some) else 0.0
            minutes.append((len(some) / 300, float(np.quantile(some, 0.99)) if len(some) else 0.0, share))
        # Little's law from the other side: how many were in the system, summed over the moments that it changed.
        steps = np.concatenate((first, first + latency))
        change = np.concatenate((np.ones(len(first)), -np.ones(len(first))))
        when = np.argsort(steps, kind="stable")
        inside = np.cumsum(change[when])[:-1]
        return Outcome(
            checks=total,
            asked=self.asked,
            by_ocsp=self.by_ocsp,
            by_crl=self.by_crl,
            gave_up_ocsp=self.gave_up,
            cut_off=self.cut_off,
            worked=self.worked,
            waiting=float((inside * np.diff(steps[when])).sum()),
            latency_sum=float(latency.sum()),
            busiest=max(self.hourly_work[:24]) / 3600 / workers,
            hours=tuple(hours),
            minutes=tuple(minutes),
        )
