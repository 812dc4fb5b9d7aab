"""Merkle tree hashing and proofs, RFC 9162 §2.1 (SHA-256): pure functions, no storage.

Conventions: a *leaf* is the 32-byte leaf hash (`leaf_hash` makes it from the entry's bytes); `root`, `inclusion_proof`
and `consistency_proof` take the leaf hashes in order. Proofs are lists of 32-byte hashes, nearest the leaf first, as in
the standard. The two `verify_` functions answer False to whatever is malformed and never raise.

The tree itself is described by `left_size` and `split`, so that a store that holds complete subtrees (`log.py`) and
these functions over lists walk the same path.
"""

import hashlib
import hmac
from collections.abc import Sequence

__all__ = [
    "HASH_SIZE",
    "complete_subtrees",
    "consistency_proof",
    "consistency_ranges",
    "inclusion_proof",
    "inclusion_ranges",
    "leaf_hash",
    "node_hash",
    "root",
    "verify_consistency",
    "verify_inclusion",
]

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256().digest()
MOST_LEAVES = 1 << 63  # more than any log; a proof for more is malformed


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(00 ‖ entry), the hash of one log entry (§2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(01 ‖ left ‖ right), the hash of an inner node (§2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def left_size(size: int) -> int:
    """Return the largest power of two smaller than `size` (k of §2.1.1); `size` is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; of none, SHA-256 of nothing (§2.1.1)."""
    level = list(leaves)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:  # an odd last node moves up unchanged: the same tree as the standard's recursion
        pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Return the leaf ranges [start, end) whose roots prove leaf `index` in a tree of `size` (§2.1.3.1).

    Raises ValueError when the leaf is not in the tree.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf in the tree")
    ranges = []
    start, end = 0, size
    while end - start > 1:
        middle = start + left_size(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """Return the leaf ranges whose roots prove that the old tree is a prefix of the new one (§2.1.4.1).

    Raises ValueError unless 0 < old_size <= new_size; equal sizes need no proof.
    """
    if not 0 < old_size <= new_size:
        raise ValueError("the old tree is empty or larger than the new one")
    ranges = []
    start, end, whole = 0, new_size, True
    while old_size != end:
        middle = start + left_size(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def complete_subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """Split a range of the tree into complete subtrees, left to right, as (level, index) with index in its level.

    `start` must be a multiple of the largest power of two in the range, as it is for every range of a proof.
    """
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of leaf `index` among leaf hashes. Raises ValueError for an index outside."""
    return [root(leaves[start:end]) for start, end in inclusion_ranges(index, len(leaves))]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the first `old_size` leaves are a prefix of `leaves`. Raises ValueError as said above."""
    return [root(leaves[start:end]) for start, end in consistency_ranges(old_size, len(leaves))]


def verify_inclusion(leaf: bytes, index: int, tree_size: int, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """Tell whether the audit path leads from leaf hash `leaf` at `index` to the root (§2.1.3.2)."""
    if not (_size(index) and _size(tree_size) and _hashes(proof) and _hashes([leaf, expected_root])):
        return False
    if index >= tree_size:
        return False
    node, last, computed = index, tree_size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hmac.compare_digest(computed, expected_root)


def verify_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Tell whether the tree of `old_size` with `old_root` is a prefix of the new one (§2.1.4.2).

    An empty old tree proves nothing and is refused; equal sizes ask for equal roots and an empty proof.
    """
    if not (_size(old_size) and _size(new_size) and _hashes(proof) and _hashes([old_root, new_root])):
        return False
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and hmac.compare_digest(old_root, new_root)
    path = list(proof)
    if old_size & (old_size - 1) == 0:  # the old tree is a complete subtree: its root opens the path
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hmac.compare_digest(old, old_root) and hmac.compare_digest(new, new_root)


def _size(value: object) -> bool:
    return type(value) is int and 0 <= value < MOST_LEAVES


def _hashes(values: object) -> bool:
    return (
        isinstance(values, (list, tuple))
        and len(values) <= 128
        and all(isinstance(value, bytes) and len(value) == HASH_SIZE for value in values)
    )
