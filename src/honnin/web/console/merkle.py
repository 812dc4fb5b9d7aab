"""The picture of an inclusion proof: from the record's leaf up to the signed root (RFC 9162 §2.1.3.2).

Only for the eye. Whether the proof holds is decided by `honnin.platform.evidence`, not by this drawing.
"""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

__all__ = ["Level", "climb"]


class Level(msgspec.Struct, frozen=True):
    """One step up: the neighbour's hash, the side it stands on, and the hash that both make. Lower-case hex."""

    sibling: str
    side: str
    joined: str


def climb(record: bytes, leaf_index: int, tree_size: int, audit_path: Sequence[str]) -> tuple[str, list[Level]]:
    """Return the leaf's hash and the levels above it, lowest first.

    audit_path: sibling hashes in lower-case hex, lowest first.
    """
    joined = sha256(b"\x00" + record).digest()
    leaf = joined.hex()
    levels = []
    index, last = leaf_index, tree_size - 1
    for sibling in audit_path:
        other = bytes.fromhex(sibling)
        if index & 1 or index == last:
            joined = sha256(b"\x01" + other + joined).digest()
            levels.append(Level(sibling=sibling, side="left", joined=joined.hex()))
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            joined = sha256(b"\x01" + joined + other).digest()
            levels.append(Level(sibling=sibling, side="right", joined=joined.hex()))
        index, last = index >> 1, last >> 1
    return leaf, levels
