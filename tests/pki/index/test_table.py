"""The order of serial numbers: as a stable sort of whole numbers gives it, the first of equal ones kept."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honnin.pki.index.table import CHUNK, Columns, Table

MASK = (1 << 64) - 1


def table_of(serials: list[int]) -> Table:
    wide = any(serial >> 64 for serial in serials)
    table = Table(len(serials))
    table.append(
        Columns(
            low=np.array([serial & MASK for serial in serials], np.uint64),
            date=np.arange(len(serials), dtype=np.uint32),
            reason=np.zeros(len(serials), np.uint8),
            middle=np.array([serial >> 64 & MASK for serial in serials], np.uint64) if wide else None,
            high=np.array([serial >> 128 for serial in serials], np.uint32) if wide else None,
        )
    )
    return table


def expected(serials: list[int]) -> list[int]:
    first: dict[int, int] = {}
    for row, serial in enumerate(serials):
        first.setdefault(serial, row)
    return [first[serial] for serial in sorted(first)]


def check(serials: list[int]) -> None:
    order, narrow = table_of(serials).order()
    rows = list(range(len(serials))) if order is None else order.tolist()
    assert rows == expected(serials)
    assert narrow == sum(serial >> 64 == 0 for serial in set(serials))


SERIALS = st.one_of(
    st.integers(0, 40),
    st.integers(0, 2**64 - 1),
    st.integers(2**64 - 20, 2**64 + 20),
    st.integers(0, 2**160 - 1),
    st.integers(0, 2**20).map(lambda low: 7 << 140 | low),  # equal in all that leads
    st.integers(0, 2**20).map(lambda high: high << 40 | 5),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(SERIALS, max_size=200))
def test_any_serials_are_ordered_as_whole_numbers_are(serials: list[int]) -> None:
    check(serials)


SPREADS: dict[str, Callable[[np.random.Generator, int], list[int]]] = {
    "rising": lambda draw, n: list(range(1 << 24, (1 << 24) + n)),
    "falling": lambda draw, n: list(range(n, 0, -1)),
    "random 32 bits": lambda draw, n: draw.integers(0, 1 << 32, n).tolist(),
    "random 63 bits": lambda draw, n: draw.integers(0, 1 << 63, n).tolist(),
    "many twice": lambda draw, n: draw.integers(0, n // 3, n).tolist(),
    "all but their ends alike": lambda draw, n: [0x7F << 56 | int(one) for one in draw.integers(0, 1 << 24, n)],
    "two far heaps": lambda draw, n: [int(one) + (one % 2 << 62) for one in draw.integers(0, 1 << 30, n).tolist()],
    "across a boundary of the leading bits": lambda draw, n: (draw.integers(0, n * 4, n) + (1 << 62) - n * 2).tolist(),
    "random 160 bits": lambda draw, n: [int.from_bytes(draw.bytes(20), "big") for _ in range(n)],
    "wide, alike but for the last bits": lambda draw, n: [
        9 << 150 | one for one in draw.integers(0, 1 << 40, n).tolist()
    ],
    "narrow and wide": lambda draw, n: [one << (70 if one % 2 else 0) for one in draw.integers(0, 1 << 60, n).tolist()],
}


@pytest.mark.parametrize("spread", SPREADS)
def test_more_than_a_chunk_of_every_spread(spread: str) -> None:
    check(SPREADS[spread](np.random.default_rng(5), CHUNK + 5_000))
