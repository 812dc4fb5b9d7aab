"""Entries in memory as columns: filled block by block in file order, then sorted once by serial number.

Columns are reserved for as many entries as the list could hold and touched only as far as it does, so a list costs its
own columns and no copy of them; the upper 64-bit columns of serials and the invalidity dates cost nothing until an
entry needs them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ABSENT", "EPOCH_1950", "FAR", "NO_DATE", "Columns", "Table"]

U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]

EPOCH_1950 = -631_152_000  # seconds from 1970 to 1950, where the dates of the columns start
FAR = 0xFFFFFFFF  # date column: stands in the far dates
NO_DATE = 0xFFFFFFFF  # invalidity column: none
ABSENT = 255  # reason column: none given
_LOW64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Columns:
    """Some entries in file order.

    low, middle, high: 64 bits of the serial each; middle and high are None where all serials are below 2^64.
    date: revocation time, seconds since 1950-01-01 UTC, FAR where `far` (row → seconds) has it.
    reason: CRLReason or ABSENT. invalidity: seconds since 1950 or NO_DATE; None where no entry has one.
    issuers: (row, certificateIssuer GeneralNames DER) of entries that name one; it holds from that row on.
    """

    low: U64
    date: U32
    reason: U8
    middle: U64 | None = None
    high: U64 | None = None
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
            far=tuple((row - begin, at) for row, at in self.far if begin <= row < end),
        )


class Table:
    """Entries of one scope: `append` in file order, then `sort`, after which narrow serials stand before wide ones."""

    def __init__(self, capacity: int) -> None:
        self.capacity = max(capacity, 1)
        self.count = 0
        self._low = np.empty(self.capacity, np.uint64)
        self._date = np.empty(self.capacity, np.uint32)
        self._reason = np.empty(self.capacity, np.uint8)
        self._middle: U64 | None = None
        self._high: U64 | None = None
        self._invalidity: U32 | None = None
        self.far: dict[int, int] = {}

    def append(self, rows: Columns) -> None:
        """Add rows behind the others."""
        start, stop = self.count, self.count + len(rows.low)
        if stop > self.capacity:
            self._grow(stop)
        cut = slice(start, stop)
        self._low[cut], self._date[cut], self._reason[cut] = rows.low, rows.date, rows.reason
        if rows.middle is not None and rows.high is not None:
            if self._middle is None or self._high is None:
                self._middle = np.zeros(self.capacity, np.uint64)
                self._high = np.zeros(self.capacity, np.uint64)
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
            self._high = np.concatenate((self._high, np.zeros(more, np.uint64)))
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
    def high(self) -> U64 | None:
        """Bits 128–191 of the serials, None where all are zero."""
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

    def sort(self) -> int:
        """Sort by serial; of one that is listed twice the first entry stands. Return how many are below 2^64."""
        low, middle, high = self.low, self.middle, self.high
        if middle is None or high is None:
            if self.count > 1 and not bool((low[1:] > low[:-1]).all()):
                self._sort_narrow()
            return self.count
        order = np.lexsort((low, middle, high))
        parts = (low[order], middle[order], high[order])
        first = np.concatenate(([True], np.any([part[1:] != part[:-1] for part in parts], axis=0)))
        self._take(order if first.all() else order[first])
        assert self.middle is not None  # noqa: S101 - kept by _take
        assert self.high is not None  # noqa: S101
        return int(np.count_nonzero((self.middle == 0) & (self.high == 0)))

    def _sort_narrow(self) -> None:
        # The fast sort is not stable; which of two equal serials came first is asked only where there are any.
        order = np.argsort(self.low).astype(np.uint32)
        ordered = self.low[order]
        first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        del ordered
        if not first.all():
            stable = np.argsort(self.low, kind="stable")
            order = stable[first].astype(np.uint32)
        self._take(order)

    def _take(self, order: npt.NDArray[Any]) -> None:
        """Keep these rows in this order, one column after the other."""
        if self.far:
            place = {int(old): new for new, old in enumerate(order) if int(old) in self.far}
            self.far = {place[old]: at for old, at in self.far.items() if old in place}
        self._low = self._low[order]
        self._date = self._date[order]
        self._reason = self._reason[order]
        if self._middle is not None and self._high is not None:
            self._middle, self._high = self._middle[order], self._high[order]
        if self._invalidity is not None:
            self._invalidity = self._invalidity[order]
        self.count = self.capacity = len(order)

    # --- one by one

    def serial(self, row: int) -> int:
        """Serial number of a row."""
        value = int(self._low[row])
        if self._middle is not None and self._high is not None:
            value |= int(self._middle[row]) << 64 | int(self._high[row]) << 128
        return value

    def rows(self) -> Iterator[tuple[int, int]]:
        """Yield (serial, row) of every row."""
        for row in range(self.count):
            yield self.serial(row), row

    def keep(self, flags: npt.NDArray[np.bool_]) -> None:
        """Keep only the rows that are flagged."""
        self._take(np.flatnonzero(flags))
