"""RFC 9162 trees: against the standard's own recursion, and against everything that is not a proof."""

import hashlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from honnin.platform.evidence import rfc9162

LEAVES = st.lists(st.binary(max_size=4), min_size=1, max_size=40).map(lambda items: [*map(rfc9162.leaf_hash, items)])
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=40), st.lists(st.binary())
)


def standard_root(leaves: list[bytes]) -> bytes:
    """MTH of §2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + standard_root(leaves[:k]) + standard_root(leaves[k:])).digest()


def standard_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of §2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*standard_path(index, leaves[:k]), standard_root(leaves[k:])]
    return [*standard_path(index - k, leaves[k:]), standard_root(leaves[:k])]


def standard_subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of §2.1.4.1, word for word."""
    if m == len(leaves):
        return [] if whole else [standard_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*standard_subproof(m, leaves[:k], whole=whole), standard_root(leaves[k:])]
    return [*standard_subproof(m - k, leaves[k:], whole=False), standard_root(leaves[:k])]


def test_known_hashes() -> None:
    """Of nothing, of an empty leaf, and of two: values anybody can compute with sha256sum."""
    assert rfc9162.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert rfc9162.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    left, right = rfc9162.leaf_hash(b"L"), rfc9162.leaf_hash(b"R")
    assert rfc9162.root([left, right]) == hashlib.sha256(b"\x01" + left + right).digest()


@given(LEAVES)
def test_tree_and_proofs_are_the_standards(leaves: list[bytes]) -> None:
    root = rfc9162.root(leaves)
    assert root == standard_root(leaves)
    for index, leaf in enumerate(leaves):
        proof = rfc9162.inclusion_proof(leaves, index)
        assert proof == standard_path(index, leaves)
        assert rfc9162.verify_inclusion(leaf, index, len(leaves), proof, root)
    for old in range(1, len(leaves) + 1):
        proof = rfc9162.consistency_proof(leaves, old)
        assert proof == standard_subproof(old, leaves, whole=True)
        assert rfc9162.verify_consistency(old, len(leaves), proof, rfc9162.root(leaves[:old]), root)


@given(LEAVES, st.data())
def test_no_other_leaf_place_or_path_verifies(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root = rfc9162.inclusion_proof(leaves, index), rfc9162.root(leaves)
    size = len(leaves)
    other = data.draw(st.integers(0, size + 2))
    if other != index:
        assert not rfc9162.verify_inclusion(leaves[index], other, size, proof, root) or leaves[index] == leaves[other]
    assert not rfc9162.verify_inclusion(rfc9162.leaf_hash(b"stranger"), index, size, proof, root)
    assert not rfc9162.verify_inclusion(leaves[index], index, size, [*proof, b"\0" * 32], root)
    if proof:
        assert not rfc9162.verify_inclusion(leaves[index], index, size, proof[:-1], root)
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
        assert not rfc9162.verify_inclusion(leaves[index], index, size, bent, root)


@given(LEAVES, st.data())
def test_no_other_history_verifies(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    new_root = rfc9162.root(leaves)
    proof = rfc9162.consistency_proof(leaves, old)
    forged = rfc9162.root([*leaves[: old - 1], rfc9162.leaf_hash(b"rewritten")])
    assume(forged != rfc9162.root(leaves[:old]))
    assert not rfc9162.verify_consistency(old, len(leaves), proof, forged, new_root)
    assert not rfc9162.verify_consistency(old, len(leaves), [*proof, b"\0" * 32], rfc9162.root(leaves[:old]), new_root)
    assert not rfc9162.verify_consistency(0, len(leaves), [], rfc9162.root([]), new_root)
    assert not rfc9162.verify_consistency(len(leaves) + 1, len(leaves), proof, new_root, new_root)


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_malformed_arguments_are_false(a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
    assert rfc9162.verify_inclusion(a, b, c, d, e) is False
    assert rfc9162.verify_consistency(a, b, c, d, e) is False


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_impossible_places_are_refused(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="leaf"):
        rfc9162.inclusion_proof([b"\0" * 32] * size, index)


@given(st.integers(1, 1 << 40), st.data())
def test_ranges_are_logarithmic_and_cover_the_tree(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    ranges = sorted([*rfc9162.inclusion_ranges(index, size), (index, index + 1)])
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert len(ranges) <= 42
    for start, end in ranges:
        parts = rfc9162.complete_subtrees(start, end)
        assert sum(1 << level for level, _ in parts) == end - start
        assert parts[0][1] << parts[0][0] == start
