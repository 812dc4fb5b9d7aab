"""Waiting for a condition, as long as a busy machine may need: no test passes or fails by how fast the machine is."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

__all__ = ["LONG", "until"]

T = TypeVar("T")
LONG = 300.0  # seconds after which nothing will come any more, whatever else the machine does
PAUSE = 0.02


def until(question: Callable[[], T], sentence: str, seconds: float = LONG) -> T:
    """Ask until the answer is true, and return it; fail with `sentence` when it never is."""
    end = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > end:
            pytest.fail(sentence)
        time.sleep(PAUSE)
    return answer
