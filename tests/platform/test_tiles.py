"""The tiles of a log hold what RFC 9162's functions over lists say, however the log grew."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honnin.errors import StateError
from honnin.platform.evidence import rfc9162
from honnin.platform.evidence.tiles import Edge, merged, number, subtree, tiles_of_proof, tiles_under

LEAVES = [hashlib.sha256(b"%d" % place).digest() for place in range(5000)]


def grown(sizes: list[int]) -> tuple[dict[int, bytes], list[bytes]]:
    """Return the tiles of a log that grew through these sizes, and its roots."""
    tiles: dict[int, bytes] = {}
    roots, before = [], 0
    for size in sizes:
        edge = Edge(before, {tile: tiles[tile] for tile in Edge.tiles(before)})
        for leaf in LEAVES[before:size]:
            edge.add(leaf)
        tiles |= edge.changed()
        roots.append(edge.root())
        before = size
    return tiles, roots


@given(st.sets(st.integers(1, 600), min_size=1, max_size=6))
def test_roots_are_the_standards_whatever_the_groups(sizes: set[int]) -> None:
    tiles, roots = grown(sorted(sizes))
    assert roots == [rfc9162.root(LEAVES[:size]) for size in sorted(sizes)]
    assert grown([max(sizes)]) == (tiles, roots[-1:])


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 255, 256, 257, 271, 272, 4095, 4096, 4097, 5000])
def test_every_subtree_of_a_proof_is_there(size: int) -> None:
    tiles, _ = grown([size // 3 + 1, size] if size > 1 else [1])
    for leaf in {0, 1 % size, size // 2, size - 1}:
        few = {tile: tiles[tile] for tile in tiles_of_proof(leaf, size)}
        assert len(few) <= 8
        path = []
        for start, end in rfc9162.inclusion_ranges(leaf, size):
            parts = rfc9162.complete_subtrees(start, end)
            assert set(tiles_under(parts)) <= few.keys()
            digest = subtree(few, *parts[-1])
            for left in parts[-2::-1]:
                digest = rfc9162.node_hash(subtree(few, *left), digest)
            path.append(digest)
        assert path == rfc9162.inclusion_proof(LEAVES[:size], leaf)


def test_a_group_writes_few_rows() -> None:
    tiles, _ = grown([1000])
    edge = Edge(1000, {tile: tiles[tile] for tile in Edge.tiles(1000)})
    for leaf in LEAVES[1000:1100]:
        edge.add(leaf)
    assert len(edge.changed()) <= 100 // 16 + 1 + 3
    assert all(len(hashes) <= 512 for hashes in edge.changed().values())


def test_torn_tiles_are_refused() -> None:
    tiles, _ = grown([300])
    last = number(0, 300 >> 4)
    with pytest.raises(StateError, match="log_damaged"):
        Edge(300, {**tiles, last: tiles[last][:-32]})
    with pytest.raises(StateError, match="log_damaged"):
        Edge(300, {})
    gap = {**tiles, 0: bytes(32) + tiles[0][32:]}
    with pytest.raises(StateError, match="log_damaged"):
        subtree(gap, 2, 0)
    assert subtree(gap, 2, 1) == rfc9162.root(LEAVES[4:8])


def test_two_halves_make_a_tile() -> None:
    whole = b"".join(LEAVES[:16])
    left, right = whole[:320], bytes(256) + whole[256:]
    assert merged(left, right) == merged(right, left) == whole
    assert merged(b"", left) == left
