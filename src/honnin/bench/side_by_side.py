"""Two ways to do one thing, measured in turns: processor time of each, and the median of the rounds' ratios."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from honnin.bench.figures import Figure

__all__ = ["PKCS1", "SHA256", "Step", "figure"]

T = TypeVar("T")
PKCS1, SHA256 = padding.PKCS1v15(), hashes.SHA256()
Step = Callable[[T], Any]


def figure(
    name: str, ours: Step[T], peer_name: str, peer: Step[T], material: Callable[[], Sequence[T]], rounds: int
) -> Figure:
    """Measure both in every round, one after the other, over the same material; the first of each is not counted."""
    for step in (ours, peer):  # libraries load, and the CA is met
        step(material()[0])
    mine, theirs = [], []
    for _ in range(rounds):
        things = material()
        mine.append(_timed(ours, things))
        theirs.append(_timed(peer, things))
    ratio = median(one / other for one, other in zip(mine, theirs, strict=True))
    best = [round(min(taken) * 1e3, 3) for taken in (mine, theirs)]
    return Figure(
        name, "ms", best[0], peer_name, best[1], round(ratio, 2), rounds=tuple(round(one * 1e3, 3) for one in mine)
    )


def _timed(step: Step[T], things: Sequence[T]) -> float:
    began = time.process_time()
    for thing in things:
        step(thing)
    return (time.process_time() - began) / len(things)
