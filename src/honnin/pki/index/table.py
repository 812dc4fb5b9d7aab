"""Entries in memory as columns: filled block by block in file order, then put in the order of their serial numbers.

Columns are reserved for as many entries as the list could hold and touched only as far as it does, so a list costs its
own columns and no copy of them; the upper 64-bit columns of serials and the invalidity dates cost nothing until an
entry needs them.
"""

from bisect import bisect_left
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["ABSENT", "CHUNK", "EPOCH_1950", "FAR", "NO_DATE", "Columns", "Table"]

U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]

EPOCH_1950 = -631_152_000  # seconds from 1970 to 1950, where the dates of the columns start
FAR = 0xFFFFFFFF  # date column: stands in the far dates
NO_DATE = 0xFFFFFFFF  # invalidity column: none
ABSENT = 255  # reason column: none given
CHUNK = 1 << 14  # rows looked at together where a whole column would cost memory
NOTHING: dict[type[np.generic], npt.NDArray[Any]] = {
    kind: np.zeros(0, kind) for kind in (np.uint64, np.uint32, np.uint8)
}
PART_BITS = 8  # rows are sorted in up to 256 parts, by the leading bits in which they differ


class Columns(NamedTuple):
    """Some entries in file order.

    low, middle, high: bits 0–63, 64–127, 128–159 of the serial; the upper two None where all serials are below 2^64.
    date: revocation time, seconds since 1950-01-01 UTC, FAR where `far` (row → seconds) has it.
    reason: CRLReason or ABSENT. invalidity: seconds since 1950 or NO_DATE; None where no entry has one.
    issuers: (row, certificateIssuer GeneralNames DER) of entries that name one; it holds from that row on.
    """

    low: U64
    date: U32
    reason: U8
    middle: U64 | None = None
    high: U32 | None = None
    invalidity: U32 | None = None
    far: tuple[tuple[int, int], ...] = ()
    issuers: tuple[tuple[int, bytes], ...] = ()

    def between(self, begin: int, end: int) -> "Columns":
        """Return the rows from `begin` to `end`, without the issuers."""
        cut = slice(begin, end)
        return Columns(
            low=self.low[cut],
            date=self.date[cut],
            reason=self.reason[cut],
            middle=None if self.middle is None else self.middle[cut],
            high=None if self.high is None else self.high[cut],
            invalidity=None if self.invalidity is None else self.invalidity[cut],
            far=tuple([(row - begin, at) for row, at in self.far if begin <= row < end]),
        )


class Table:
    """Entries of one scope: `append` in file order, then ask their `order`: narrow serials before wide ones."""

    def __init__(self, capacity: int = 0) -> None:
        self.capacity = capacity
        self.count = 0
        self._low: U64 = _reserved(self.capacity, np.uint64)
        self._date: U32 = _reserved(self.capacity, np.uint32)
        self._reason: U8 = _reserved(self.capacity, np.uint8)
        self._middle: U64 | None = None
        self._high: U32 | None = None
        self._invalidity: U32 | None = None
        self.far: dict[int, int] = {}

    @classmethod
    def of(cls, rows: Columns) -> "Table":
        """Return a table of some rows, which shares their memory until rows are added."""
        table = cls()
        table.capacity = table.count = len(rows.low)
        table._low, table._date, table._reason = rows.low, rows.date, rows.reason
        table._middle, table._high, table._invalidity = rows.middle, rows.high, rows.invalidity
        table.far = dict(rows.far)
        return table

    def append(self, rows: Columns) -> None:
        """Add rows behind the others."""
        start, stop = self.count, self.count + len(rows.low)
        if stop > self.capacity:
            self._grow(stop)
        cut = slice(start, stop)
        self._low[cut], self._date[cut], self._reason[cut] = rows.low, rows.date, rows.reason
        if rows.middle is not None and rows.high is not None:
            if self._middle is None or self._high is None:
                self._middle = _reserved(self.capacity, np.uint64)
                self._high = _reserved(self.capacity, np.uint32)
            self._middle[cut], self._high[cut] = rows.middle, rows.high
        if rows.invalidity is not None:
            if self._invalidity is None:
                self._invalidity = np.full(self.capacity, NO_DATE, np.uint32)
            self._invalidity[cut] = rows.invalidity
        for row, at in rows.far:
            self.far[start + row] = at
        self.count = stop

    def _grow(self, needed: int) -> None:
        more = max(needed, self.capacity * 2) - self.capacity
        self._low = np.concatenate((self._low, np.empty(more, np.uint64)))
        self._date = np.concatenate((self._date, np.empty(more, np.uint32)))
        self._reason = np.concatenate((self._reason, np.empty(more, np.uint8)))
        if self._middle is not None and self._high is not None:
            self._middle = np.concatenate((self._middle, np.zeros(more, np.uint64)))
            self._high = np.concatenate((self._high, np.zeros(more, np.uint32)))
        if self._invalidity is not None:
            self._invalidity = np.concatenate((self._invalidity, np.full(more, NO_DATE, np.uint32)))
        self.capacity += more

    # --- columns, as far as they are filled

    @property
    def low(self) -> U64:
        """Low 64 bits of the serials."""
        return self._low[: self.count]

    @property
    def middle(self) -> U64 | None:
        """Bits 64–127 of the serials, None where all are zero."""
        return None if self._middle is None else self._middle[: self.count]

    @property
    def high(self) -> U32 | None:
        """Bits 128–159 of the serials, None where all are zero."""
        return None if self._high is None else self._high[: self.count]

    @property
    def date(self) -> U32:
        """Revocation dates, seconds since 1950 or FAR."""
        return self._date[: self.count]

    @property
    def reason(self) -> U8:
        """CRLReason or ABSENT."""
        return self._reason[: self.count]

    @property
    def invalidity(self) -> U32 | None:
        """Invalidity dates, seconds since 1950 or NO_DATE; None where there are none."""
        return None if self._invalidity is None else self._invalidity[: self.count]

    def __len__(self) -> int:
        return self.count

    def columns(self) -> Columns:
        """Return all rows as columns, without a copy."""
        far = tuple(self.far.items())
        return Columns(self.low, self.date, self.reason, self.middle, self.high, self.invalidity, far)

    # --- order

    def order(self) -> tuple[U32 | None, int]:
        """Return the rows sorted by serial (None: as they stand), and how many serials are below 2^64.

        Of a serial that is listed twice the first entry stands. Rows are sorted a part at a time, so that the order
        itself, 4 octets a row, is nearly all the memory that sorting takes.
        """
        if not self.count:
            return None, 0
        if self._middle is None or self._high is None:
            if _ascending(self.low):
                return None, self.count
            order = self._sorted(wide_beyond=False)
            return order, len(order)
        middle, high = self._middle, self._high
        order = self._sorted(wide_beyond=bool(self._high[: self.count].any()))
        return order, bisect_left(order, True, key=lambda row: bool(middle[row] or high[row]))

    def _lead(self, rows: "slice | U32", *, wide_beyond: bool) -> U64:
        """Return the leading 64 bits of some rows' serials; wide_beyond: where any serial is beyond 2^128."""
        if self._middle is None or self._high is None:
            return self._low[rows]
        if not wide_beyond:
            return self._middle[rows]
        lead: U64 = self._high[rows].astype(np.uint64)
        lead <<= np.uint64(32)
        lead |= self._middle[rows] >> np.uint64(32)
        return lead

    def _sorted(self, *, wide_beyond: bool) -> U32:
        """Sort by the leading 64 bits of the serials, and by all their bits where these are equal.

        Rows are dealt out to parts by the bits that lead, in their order in the file; then each part is sorted.
        """
        cuts = [slice(start, min(start + CHUNK, self.count)) for start in range(0, self.count, CHUNK)]
        ends = [(int(lead.min()), int(lead.max())) for lead in (self._lead(c, wide_beyond=wide_beyond) for c in cuts)]
        least, greatest = min(low for low, _ in ends), max(high for _, high in ends)
        shift = max((greatest - least).bit_length() - min(len(cuts).bit_length(), PART_BITS), 0)

        def part_of(cut: slice) -> U8:
            lead = self._lead(cut, wide_beyond=wide_beyond) - np.uint64(least)
            lead >>= np.uint64(shift)
            return lead.astype(np.uint8)

        counts = [np.bincount(part_of(cut), minlength=1 << PART_BITS) for cut in cuts]
        stops = np.cumsum(np.sum(counts, axis=0)).tolist()
        order: U32 = _reserved(self.count, np.uint32)
        at = [0, *stops[:-1]]
        for cut, dealing in zip(cuts, counts, strict=True):
            begin = 0
            dealt = np.argsort(part_of(cut), kind="stable")
            dealt += cut.start
            for part in np.flatnonzero(dealing).tolist():
                end = begin + int(dealing[part])
                order[at[part] : at[part] + end - begin] = dealt[begin:end]
                at[part] += end - begin
                begin = end
        filled = start = 0
        for stop in sorted(set(stops)):  # most parts of a short list are empty
            rows = order[start:stop]
            lead = self._lead(rows, wide_beyond=wide_beyond) - np.uint64(least)
            rows = rows[self._sorted_part(rows, lead, shift)]
            order[filled : filled + len(rows)] = rows
            filled += len(rows)
            start = stop
        return order[:filled]

    def _sorted_part(self, rows: U32, lead: U64, shift: int) -> npt.NDArray[Any]:
        """Return the order of a part whose leads differ in their last `shift` bits.

        numpy sorts 16 bits by radix, ten times as quick as longer numbers: two such sorts, each stable, put the leading
        32 bits in order, which for random serials is nearly all; what is left is mended by a stable merge.
        """
        digits = (lead >> np.uint64(max(shift - 32, 0))).astype(np.uint32)
        if shift < 32:
            digits &= np.uint32((1 << shift) - 1)
        order = np.argsort(digits.astype(np.uint16), kind="stable")
        order = order[np.argsort((digits >> np.uint32(16)).astype(np.uint16)[order], kind="stable")]
        ordered = lead[order]
        if bool((ordered[1:] < ordered[:-1]).any()):
            mended = np.argsort(ordered, kind="stable")
            order, ordered = order[mended], ordered[mended]
        same = ordered[1:] == ordered[:-1]
        if not bool(same.any()):
            return order
        if self._middle is not None and self._high is not None:
            columns = (self._low[rows], self._middle[rows], self._high[rows])
            order = np.lexsort(columns)
            same = np.logical_and.reduce([column[order][1:] == column[order][:-1] for column in columns])
        return order[np.concatenate(([True], ~same))]

    # --- one by one

    def serial(self, row: int) -> int:
        """Serial number of a row."""
        value = int(self._low[row])
        if self._middle is not None and self._high is not None:
            value |= int(self._middle[row]) << 64 | int(self._high[row]) << 128
        return value

    def keep(self, flags: npt.NDArray[np.bool_]) -> None:
        """Keep only the rows that are flagged."""
        rows = np.flatnonzero(flags)
        if self.far:
            place = {int(old): new for new, old in enumerate(rows) if int(old) in self.far}
            self.far = {place[old]: at for old, at in self.far.items() if old in place}
        self._low = self._low[rows]
        self._date = self._date[rows]
        self._reason = self._reason[rows]
        if self._middle is not None and self._high is not None:
            self._middle, self._high = self._middle[rows], self._high[rows]
        if self._invalidity is not None:
            self._invalidity = self._invalidity[rows]
        self.count = self.capacity = len(rows)


def _reserved(rows: int, kind: type[np.generic]) -> npt.NDArray[Any]:
    """Return a column of zeros that takes memory only as far as it is written, a small page at a time.

    Of numpy's own long arrays the kernel makes huge pages, which cost a megabyte a column more than is written.
    """
    if rows < CHUNK:
        return np.zeros(rows, kind) if rows else NOTHING[kind]
    octets = rows * np.dtype(kind).itemsize
    return np.frombuffer(mmap(-1, octets, flags=MAP_PRIVATE | MAP_ANONYMOUS), kind)


def _ascending(column: U64) -> bool:
    """Tell whether each value is greater than the one before it."""
    for start in range(0, len(column), CHUNK):
        cut = column[start : start + CHUNK + 1]
        if np.count_nonzero(cut[1:] <= cut[:-1]):
            return False
    return True
