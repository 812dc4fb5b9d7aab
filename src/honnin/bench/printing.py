"""Figures as JSON, one a line: what each module of the bench prints when it is run alone."""

import json
import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from honnin.bench.figures import Figure

__all__ = ["print_figures"]


def print_figures(figures: Iterable[Figure]) -> None:
    """Write figures to standard output, each with whether its aim is reached."""
    for figure in figures:
        row: dict[str, Any] = msgspec.to_builtins(figure)
        sys.stdout.write(json.dumps(row | {"reached": figure.reached}, ensure_ascii=False) + "\n")
