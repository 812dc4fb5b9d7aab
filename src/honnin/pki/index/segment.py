"""One immutable segment of the revocation index: the entries of one CRL scope, sorted by serial number.

Bytes, little-endian, each column at a multiple of 8 octets:

    narrow serials   u32 or u64 × narrow      serials below 2^32, or below 2^64
    wide serials     u32, u64, u64 × wide     bits 128–159, 64–127, 0–63 of the others, sorted as one number
    dates            u32 × rows               seconds since 1950-01-01 UTC; FFFFFFFF: see far dates
    reasons          u8 × rows                CRLReason, FF: none given
    invalidity       u64 × n                  row << 32 | seconds since 1950-01-01 UTC
    far dates        u64 × n                  row << 40 | seconds since 1950-01-01 UTC (after 2086)

Rows count the narrow serials first, then the wide ones. Where a segment lies in its file, its counts and its SHA-256
stand in the issuer's manifest (`manifest`). A segment is mapped when it is first asked, the same pages in every
process.
"""

import hashlib
import mmap
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from honnin.pki.index.table import CHUNK, EPOCH_1950, FAR, NO_DATE, Columns, Table

__all__ = ["Layout", "Segment", "write"]

_LOW64 = (1 << 64) - 1
NOTHING = np.zeros(0, np.uint64)


class Layout(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How many of each column a segment holds; from it follows where each lies."""

    narrow: int
    narrow_octets: int
    wide: int
    invalidity: int
    far: int

    def columns(self) -> tuple[list[tuple[int, int, Any, int]], int]:
        """Return (offset, count, memoryview format, item size) of the eight columns, and the whole length."""
        rows = self.narrow + self.wide
        shapes = [
            (self.narrow, "I" if self.narrow_octets == 4 else "Q", self.narrow_octets),
            (self.wide, "I", 4),
            (self.wide, "Q", 8),
            (self.wide, "Q", 8),
            (rows, "I", 4),
            (rows, "B", 1),
            (self.invalidity, "Q", 8),
            (self.far, "Q", 8),
        ]
        offset = 0
        columns: list[tuple[int, int, Any, int]] = []
        for count, form, size in shapes:
            columns.append((offset, count, form, size))
            offset += -(-count * size // 8) * 8
        return columns, offset


def write(table: Table, out: BinaryIO) -> tuple[Layout, int, str]:
    """Append a table's entries to `out` in the order of their serials.

    Returns the layout, how many octets were written, and their SHA-256 (hex).
    """
    order, narrow = table.order()
    rows = table.count if order is None else len(order)
    last = 0 if not narrow else int(table.low[narrow - 1 if order is None else order[narrow - 1]])
    dated, far = _dated(table, order, rows), _far(table, order)
    layout = Layout(narrow, 4 if last < 1 << 32 else 8, rows - narrow, sum(map(len, dated)), len(far))
    columns: list[Part] = [
        (table.low, order, 0, narrow, "<u4" if layout.narrow_octets == 4 else "<u8"),
        (table.high, order, narrow, rows, "<u4"),
        (table.middle, order, narrow, rows, "<u8"),
        (table.low, order, narrow, rows, "<u8"),
        (table.date, order, 0, rows, "<u4"),
        (table.reason, order, 0, rows, "u1"),
        *((part, None, 0, len(part), "<u8") for part in (*dated, far)),
    ]
    digest, length = hashlib.sha256(), 0
    for octets in _together(columns):
        out.write(octets)
        digest.update(octets)
        length += len(octets)
    return layout, length, digest.hexdigest()


# A column, the order of its rows (None: as they stand), from which to which of them, and its form in the file.
Part = tuple[npt.NDArray[Any] | None, npt.NDArray[np.uint32] | None, int, int, str]


def _together(columns: list[Part]) -> Iterator[bytes | memoryview]:
    """Yield the octets of columns, each filled up to a multiple of 8; short ones joined."""
    waiting: list[bytes | memoryview] = []
    for column, order, begin, end, form in columns:
        if column is None or begin == end:
            continue
        written = 0
        for start in range(begin, end, CHUNK):
            part = _cut(column, order, start, min(start + CHUNK, end))
            octets = part.astype(form, copy=False).view(np.uint8).data
            written += len(octets)
            if len(octets) < CHUNK:
                waiting.append(octets)
                continue
            yield b"".join(waiting)
            yield octets
            waiting = []
        waiting.append(bytes(-written % 8))
    yield b"".join(waiting)


def _cut(column: npt.NDArray[Any], order: npt.NDArray[np.uint32] | None, start: int, stop: int) -> npt.NDArray[Any]:
    """Return a column's values from one place in the order to another."""
    return column[start:stop] if order is None else np.take(column, order[start:stop], mode="clip")


def _dated(table: Table, order: npt.NDArray[np.uint32] | None, rows: int) -> list[npt.NDArray[np.uint64]]:
    """Return the invalidity column, a part at a time."""
    found: list[npt.NDArray[np.uint64]] = []
    column = table.invalidity
    if column is None:
        return found
    for start in range(0, rows, CHUNK):
        part = _cut(column, order, start, min(start + CHUNK, rows))
        at = np.flatnonzero(part != NO_DATE)
        found.append((at + start).astype(np.uint64) << np.uint64(32) | part[at].astype(np.uint64))
    return found


def _far(table: Table, order: npt.NDArray[np.uint32] | None) -> npt.NDArray[np.uint64]:
    """Return the column of far dates."""
    far = table.far
    if not far:
        return NOTHING
    if order is not None:
        far = {
            row: far[old]
            for row in np.flatnonzero(np.isin(order, np.array(list(far), np.uint32))).tolist()
            for old in (int(order[row]),)
        }
    return np.array([row << 40 | at & (1 << 40) - 1 for row, at in sorted(far.items())], dtype=np.uint64)


class Segment:
    """A mapped segment. Lookups touch about log2(rows) pages and make no copies."""

    __slots__ = (
        "_far",
        "_invalidity",
        "dated",
        "dates",
        "high",
        "layout",
        "low",
        "middle",
        "narrow",
        "octets",
        "reasons",
    )

    def __init__(self, mapping: mmap.mmap | bytes, offset: int, layout: Layout) -> None:
        columns, length = layout.columns()
        self.layout = layout
        self.octets = memoryview(mapping)[offset : offset + length]

        def column(index: int) -> Any:
            at, count, form, size = columns[index]
            return self.octets[at : at + count * size].cast(form)

        self.narrow, self.high, self.middle, self.low = column(0), column(1), column(2), column(3)
        self.dates, self.reasons = column(4), column(5)
        self._invalidity, self._far = column(6), column(7)
        self.dated = layout.invalidity > 0

    def find(self, serial: int) -> int:
        """Return the row of a serial number, or -1."""
        if serial >> 64:
            return self._find_wide(serial) if 0 <= serial < 1 << 160 else -1
        narrow = self.narrow
        row = bisect_left(narrow, serial)
        return row if row < len(narrow) and narrow[row] == serial else -1

    def _find_wide(self, serial: int) -> int:
        first, last = 0, len(self.high)
        for column, part in (
            (self.high, serial >> 128),
            (self.middle, serial >> 64 & _LOW64),
            (self.low, serial & _LOW64),
        ):
            first = bisect_left(column, part, first, last)
            last = bisect_left(column, part + 1, first, last) if part < _LOW64 else last
            if first == last:
                return -1
        return len(self.narrow) + first

    def date(self, row: int) -> int:
        """Revocation time of a row, seconds since 1970-01-01 UTC."""
        seconds: int = self.dates[row]
        if seconds == FAR:
            at = self._far[bisect_left(self._far, row << 40)] & (1 << 40) - 1
            seconds = at - (1 << 40) if at >> 39 else at
        return seconds + EPOCH_1950

    def invalidity(self, row: int) -> int | None:
        """Invalidity date of a row, seconds since 1970-01-01 UTC, or None."""
        at = bisect_left(self._invalidity, row << 32)
        if at < len(self._invalidity) and self._invalidity[at] >> 32 == row:
            return int(self._invalidity[at] & 0xFFFFFFFF) + EPOCH_1950
        return None

    def serial(self, row: int) -> int:
        """Serial number of a row."""
        narrow = len(self.narrow)
        if row < narrow:
            return int(self.narrow[row])
        row -= narrow
        return int(self.high[row]) << 128 | int(self.middle[row]) << 64 | int(self.low[row])

    def array(self, name: str) -> npt.NDArray[Any]:
        """A column (`narrow`, `dates`, `reasons` …) as a numpy array over the mapping."""
        column = getattr(self, name)
        return (
            np.frombuffer(column, dtype={"I": "<u4", "Q": "<u8", "B": "u1"}[column.format])
            if len(column)
            else (np.zeros(0, dtype={"I": "<u4", "Q": "<u8", "B": "u1"}[column.format]))
        )

    def table(self) -> Table:
        """Copy the segment back into memory (to apply a delta CRL)."""
        rows, narrow = len(self), len(self.narrow)
        wide = rows > narrow
        invalidity = None
        if len(self._invalidity):
            invalidity = np.full(rows, NO_DATE, np.uint32)
            for value in self._invalidity:
                invalidity[value >> 32] = value & 0xFFFFFFFF
        table = Table(rows)
        table.append(
            Columns(
                low=np.concatenate((self.array("narrow").astype(np.uint64), self.array("low"))),
                middle=np.concatenate((np.zeros(narrow, np.uint64), self.array("middle"))) if wide else None,
                high=np.concatenate((np.zeros(narrow, np.uint32), self.array("high"))) if wide else None,
                date=self.array("dates"),
                reason=self.array("reasons"),
                invalidity=invalidity,
                far=tuple((row, self.date(row) - EPOCH_1950) for row in (value >> 40 for value in self._far)),
            )
        )
        return table

    def __len__(self) -> int:
        return len(self.dates)
