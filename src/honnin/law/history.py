"""The ministries' table of 2019 (法律別本人確認方法①②) as history: what was accepted, what is now.

Source: reference sheet law-and-assurance §8 (state of 2019-11). For explaining a change, never for deciding.
"""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from honnin.law.rows import Words

__all__ = ["Cell", "Snapshot", "SnapshotRow", "table_of_2019"]


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One law's mark (`○` accepted, `×` not, `△` with a remark), today's methods, a reason where one is needed."""

    mark: Literal["○", "×", "△"]
    methods: tuple[str, ...] = ()
    reason: Words | None = None


class SnapshotRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the table; `legible` where its marks were read in the text and not reconstructed from the law."""

    id: str
    form: str
    way: str
    legible: bool
    cells: dict[Literal["my_number", "aml", "mobile_phone"], Cell]
    note: Words | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"dated": "date"}):
    """The whole table, superseded."""

    source: str
    dated: date
    as_of: date
    state: Literal["superseded"]
    note: str
    rows: tuple[SnapshotRow, ...]


@cache
def table_of_2019() -> Snapshot:
    """Return the table."""
    return msgspec.json.decode(files("honnin.law").joinpath("table-of-2019.json").read_bytes(), type=Snapshot)
