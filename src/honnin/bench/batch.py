"""`verify_many` over one and two processes: items a second by the clock, and processor time an item.

One process is the Python API itself, called here; two is what a caller of `verify_many` gets, sending and receiving
included. The clock counts from the moment at which every process has answered. On a machine that has other work the two
cores are not free and the clock says little: then the processor time an item takes in all processes together tells how
far two free cores would come.
"""

import multiprocessing
import resource
import time
from collections.abc import Sequence
from itertools import islice
from statistics import median

import msgspec

from honnin.bench.material import DOCUMENT, NOW, Office
from honnin.pki import Submission, verify_many
from honnin.pki.batch import AHEAD, CHUNK

__all__ = ["Scaling", "measure_batch"]

WARM = AHEAD * 2 * CHUNK


class Scaling(msgspec.Struct, frozen=True):
    """Median rounds. one, two: items a second by number of processes; times: the ratio in one round.

    cost: processor time an item takes with two processes, all of them together, as a multiple of what it takes with
    one. Two free cores reach 2 / cost.
    """

    one: int
    two: int
    times: float
    cost: float


def measure_batch(*, rounds: int = 3, items: int = 4000) -> Scaling:
    """Return how verification grows from one process to two."""
    office = Office()
    batch = [
        Submission(signed=holder.signature, content=DOCUMENT, certificate=holder.certificate, existed_at=NOW)
        for holder in office.holders(items)
    ]
    one, two = [], []
    for _ in range(rounds):
        one.append(_round(office, batch, 1))
        two.append(_round(office, batch, 2))
    return Scaling(
        int(median(rate for rate, _ in one)),
        int(median(rate for rate, _ in two)),
        round(median(b / a for (a, _), (b, _) in zip(one, two, strict=True)), 2),
        round(median(b / a for (_, a), (_, b) in zip(one, two, strict=True)), 2),
    )


def _round(office: Office, batch: Sequence[Submission], processes: int) -> tuple[float, float]:
    """Return items a second, and processor seconds an item beyond those of a short batch (the processes' start)."""
    _, start = _run(office, batch[: WARM + 1], processes)
    rate, whole = _run(office, batch, processes)
    return rate, (whole - start) / (len(batch) - WARM - 1)


def _run(office: Office, batch: Sequence[Submission], processes: int) -> tuple[float, float]:
    before = _processor_seconds()
    outcomes = verify_many(
        batch, anchors=[office.anchor], crls=[office.crl], policy="jpki_signature", at=NOW, processes=processes
    )
    warm = len(list(islice(outcomes, WARM)))
    began = time.perf_counter()
    count = sum(outcome.indication == "TOTAL-PASSED" for outcome in outcomes)
    rate = count / (time.perf_counter() - began)
    if count != len(batch) - warm:
        raise AssertionError("what is measured must pass")
    for child in multiprocessing.active_children():
        child.join()
    return rate, _processor_seconds() - before


def _processor_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)
