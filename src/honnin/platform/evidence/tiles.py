"""The stored hashes of a log, sixteen to a row: what a proof rests on is few rows, and a growing log rewrites few.

Of the tree's levels every fourth is stored, from the leaves up (a *storey*). A tile holds up to sixteen nodes of a
storey that lie side by side under one node of the next; what lies between is hashed again. The last tile of a storey
grows in place: nodes are only ever added behind those that are there, so an older head is proved by the same tile.

    number      storey << 56 | the tile's place in its storey
    hashes      32 octets for each complete node, leftmost first; zeros stand for one that a moved log left behind
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, select

from honnin.errors import StateError
from honnin.platform.evidence import rfc9162
from honnin.platform.store import schema
from honnin.platform.store.prepared import Among

__all__ = ["RISE", "WIDTH", "Edge", "merged", "number", "read_tiles", "subtree", "tiles_of_proof", "tiles_under"]

RISE = 4  # levels of the tree from one storey to the next
WIDTH = 1 << RISE
PLACES = 56  # bits of a tile's place
GAP = bytes(rfc9162.HASH_SIZE)

_TILES = schema.log_tiles.c
_READ = Among(select(_TILES.tile, _TILES.hashes).where(_TILES.log_id == bindparam("log")), _TILES.tile)


def number(storey: int, place: int) -> int:
    """Return the number of a tile."""
    return storey << PLACES | place


def read_tiles(db: Connection, log_id: str, numbers: Iterable[int]) -> dict[int, bytes]:
    """Return those tiles of a log that there are, by number."""
    wanted = list(dict.fromkeys(numbers))
    return {tile: bytes(hashes) for tile, hashes in _READ.rows(db, wanted, log=log_id)}


def tiles_under(subtrees: Iterable[tuple[int, int]]) -> list[int]:
    """Return the tiles that complete subtrees (level, position) are hashed from."""
    return list(dict.fromkeys(_spot(level, position)[0] for level, position in subtrees))


def tiles_of_proof(leaf_index: int, tree_size: int) -> list[int]:
    """Return the tiles that the inclusion proof of a leaf rests on."""
    ranges = rfc9162.inclusion_ranges(leaf_index, tree_size)
    return tiles_under([node for start, end in ranges for node in rfc9162.complete_subtrees(start, end)])


def subtree(tiles: Mapping[int, bytes], level: int, position: int) -> bytes:
    """Return the root of a complete subtree. Raises StateError `evidence.log_damaged` where its tile lacks nodes."""
    tile, first, count = _spot(level, position)
    nodes = _nodes(tiles.get(tile, b""))[first : first + count]
    if len(nodes) != count or GAP in nodes:
        raise _damaged()
    return rfc9162.root(nodes)


def merged(one: bytes, other: bytes) -> bytes:
    """Return a tile with the nodes of two of the same number, each of which may lack some."""
    longer, shorter = sorted((_nodes(one), _nodes(other)), key=len, reverse=True)
    shorter += [GAP] * (len(longer) - len(shorter))
    return b"".join(left if left != GAP else right for left, right in zip(longer, shorter, strict=True))


class Edge:
    """The right edge of a growing tree: the last tile of each storey, and the tiles that changed."""

    def __init__(self, size: int, tiles: Mapping[int, bytes]) -> None:
        """size: of the tree. tiles: those of `Edge.tiles(size)`.

        Raises StateError `evidence.log_damaged` where one lacks nodes or has others.
        """
        self._size = size
        self._rows = [
            _nodes(tiles.get(number(storey, place), b"")) if held else [] for storey, place, held in _last(size)
        ]
        if [len(row) for row in self._rows] != [held for _, _, held in _last(size)]:
            raise _damaged()
        self._full: dict[int, bytes] = {}
        self._touched = 0  # storeys, from the leaves up

    @staticmethod
    def tiles(size: int) -> list[int]:
        """Return the numbers of the tiles that are not full in a tree of this size."""
        return [number(storey, place) for storey, place, held in _last(size) if held]

    def add(self, leaf: bytes) -> None:
        """Add a leaf's hash to the tree."""
        storey, digest = 0, leaf
        while True:
            if storey == len(self._rows):
                self._rows.append([])
            row = self._rows[storey]
            row.append(digest)
            self._touched = max(self._touched, storey + 1)
            if len(row) < WIDTH:
                break
            self._full[number(storey, self._size >> RISE * (storey + 1))] = b"".join(row)
            self._rows[storey] = []
            storey, digest = storey + 1, rfc9162.root(row)
        self._size += 1

    def changed(self) -> dict[int, bytes]:
        """Return the tiles that leaves were added to, by number."""
        touched = [(storey, place) for storey, place, held in _last(self._size) if held and storey < self._touched]
        return self._full | {number(storey, place): b"".join(self._rows[storey]) for storey, place in touched}

    def root(self) -> bytes:
        """Return the root of the tree, which must not be empty."""
        above: list[bytes] = []  # the root of what lies under the last, incomplete node of the storey
        for row in self._rows:
            if nodes := row + above:
                above = [rfc9162.root(nodes)]
        return above[0]


def _last(size: int) -> list[tuple[int, int, int]]:
    """Return storey, place and number of nodes of each storey's last tile, which is empty where all are full."""
    storeys = max(1, -(-size.bit_length() // RISE))
    return [(storey, size >> RISE * (storey + 1), size >> RISE * storey & WIDTH - 1) for storey in range(storeys)]


def _damaged() -> StateError:
    return StateError(
        "evidence.log_damaged",
        "Stored hashes of the log are missing or torn; its records and receipts given before are unharmed.",
        next="Put a copy of the store back that was made before.",
    )


def _nodes(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + rfc9162.HASH_SIZE] for at in range(0, len(hashes), rfc9162.HASH_SIZE)]


def _spot(level: int, position: int) -> tuple[int, int, int]:
    """Return the tile of the stored nodes under a complete subtree, the first of them in it, and how many they are."""
    storey, up = divmod(level, RISE)
    first = position << up
    return number(storey, first >> RISE), first & WIDTH - 1, 1 << up
