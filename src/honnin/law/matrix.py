"""Routes by law on a day: the matrix in which a compliance officer looks (what stands, what has ended, what comes).

Source: reference sheet law-and-assurance §0.1; the routes are data of `matrix.json`.
"""

from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from honnin.law.offering import coverage
from honnin.law.rows import Rule
from honnin.law.standing import day_of
from honnin.law.table import TableError, rule_table

__all__ = ["Cell", "Entry", "Route", "matrix", "matrix_laws"]


class _File(msgspec.Struct, frozen=True, rename={"dated": "date"}, forbid_unknown_fields=True):
    source: str
    dated: date
    note: str
    laws: tuple[str, ...]
    routes: dict[str, tuple[str, ...]]


class Entry(msgspec.Struct, frozen=True):
    """One method in a cell: `open` on the day, `ended` before it, or `coming`; `row` is the one that says so."""

    state: Literal["open", "ended", "coming"]
    row: Rule


class Cell(msgspec.Struct, frozen=True):
    """One law's answer to a route; `silent` before the law is covered. No entry: the law has no such route."""

    law: str
    silent: bool
    entries: tuple[Entry, ...]


class Route(msgspec.Struct, frozen=True):
    """One way of checking a person, law by law."""

    id: str
    cells: tuple[Cell, ...]


@cache
def _file() -> _File:
    read = msgspec.json.decode(files("honnin.law").joinpath("matrix.json").read_bytes(), type=_File)
    for route, named in read.routes.items():
        if len(named) != len(set(named)) or not set(named) <= set(rule_table().methods):
            raise TableError(f"matrix: {route} names a method twice, or one that is unknown")
    return read


def matrix_laws() -> tuple[str, ...]:
    """Return the laws that the matrix compares."""
    return _file().laws


def matrix(on: date | datetime) -> list[Route]:
    """Return every route with each law's methods on a Japanese calendar day."""
    day = day_of(on)
    return [
        Route(name, tuple(_cell(law, methods, day) for law in matrix_laws()))
        for name, methods in _file().routes.items()
    ]


def _cell(law: str, methods: tuple[str, ...], day: date) -> Cell:
    own = [_entry(method, day) for method in methods if method.startswith(f"{law}.")]
    return Cell(law, coverage(law, day) == "not_covered", tuple(own))


def _entry(method: str, day: date) -> Entry:
    rows = rule_table().methods[method]
    row = rule_table().row(method, day)
    if row is not None:
        return Entry("open", row)
    return Entry("coming", rows[0]) if day < rows[0].since else Entry("ended", rows[-1])
