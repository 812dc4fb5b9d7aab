"""One append-only log per shard: numbering records in groups, signing heads, reading proofs (RFC 9162 §2.1, §4.10).

A check's transaction writes its record and a row that waits for a number. `Log.sequence` numbers what waits, in one
transaction with the new hashes and the signed head, so that a receipt exists exactly from then on. Any process may call
it: the row of the log is locked for the length of the transaction (SQLite: the whole file), and the log grows from the
size that was read alone, which forbids two answers even to a process that ignores the lock.

The tree's hashes are stored sixteen to a row (`tiles`), so that a proof reads a few rows by their keys however long the
log is, and a group of records writes few.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from honnin.platform.clock import moment
from honnin.platform.evidence import canonical, rfc9162
from honnin.platform.evidence.tiles import Edge, read_tiles, subtree, tiles_under
from honnin.platform.ids import new_id
from honnin.platform.keys import LogKey
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Prepared

__all__ = ["Head", "Log", "Proven", "keep_tiles", "log_of_shard"]

MOST_IN_A_GROUP = 2000

_LOGS, _EVIDENCE, _LEAVES, _WAIT = schema.logs.c, schema.evidence.c, schema.evidence_leaves.c, schema.log_waiting.c
_WAITING_LOGS = Prepared(select(_LOGS.log_id).where(exists().where(_WAIT.log_id == _LOGS.log_id)))
_WAITING_LOGS_OF = Prepared(select(_WAIT.log_id).where(_WAIT.tenant_id == bindparam("tenant")).distinct())
_LOCK = Prepared(select(_LOGS.tree_size).where(_LOGS.log_id == bindparam("log")).with_for_update(skip_locked=True))
_WAITING = Prepared(
    select(_WAIT.tenant_id, _WAIT.evidence_id, _WAIT.leaf)
    .where(_WAIT.log_id == bindparam("log"))
    .order_by(_WAIT.evidence_id)
    .limit(bindparam("most"))
)
_NUMBER = Prepared(insert(schema.evidence_leaves))
_DONE = {  # in one call of the driver
    "sqlite": "DELETE FROM log_waiting WHERE log_id = ? AND evidence_id = ?",
    "postgresql": "DELETE FROM log_waiting WHERE log_id = %s AND evidence_id = ANY(%s)",
}
_KEEP_TILE = {
    name: Prepared(made.on_conflict_do_update(index_elements=["log_id", "tile"], set_={"hashes": made.excluded.hashes}))
    for name, made in (("sqlite", sqlite.insert(schema.log_tiles)), ("postgresql", postgresql.insert(schema.log_tiles)))
}
_ADD_HEAD = Prepared(insert(schema.log_heads))
_GROW = Prepared(
    update(schema.logs)
    .where(_LOGS.log_id == bindparam("log"), _LOGS.tree_size == bindparam("before"))
    .values(tree_size=bindparam("size"))
    .returning(_LOGS.tree_size)
)
_HEADS = schema.log_heads.c
_NUMBERED = Prepared(
    select(_EVIDENCE.log_id, _EVIDENCE.record, _LEAVES.leaf_index)
    .join(
        schema.evidence_leaves,
        (_LEAVES.tenant_id == _EVIDENCE.tenant_id) & (_LEAVES.evidence_id == _EVIDENCE.evidence_id),
    )
    .where(_EVIDENCE.tenant_id == bindparam("tenant"), _EVIDENCE.evidence_id == bindparam("evidence"))
)
_HEAD_OVER = Prepared(
    select(_HEADS.tree_size, _HEADS.root, _HEADS.time, _HEADS.signature, _HEADS.key_id)
    .where(_HEADS.log_id == bindparam("log"), _HEADS.tree_size > bindparam("leaf"))
    .order_by(_HEADS.tree_size)
    .limit(1)
)


class Head(msgspec.Struct, frozen=True):
    """A signed head: tree size, root (hex), time (RFC 3339), and the signature over the canonical first three."""

    tree_size: int
    root: str
    time: str
    signature: str
    key_id: str

    def signed_part(self) -> dict[str, Any]:
        """Return what the signature covers."""
        return {"tree_size": self.tree_size, "root": self.root, "time": self.time}


class Proven(msgspec.Struct, frozen=True):
    """A record with its place in the log and the way from there to a head."""

    log_id: str
    record: str
    leaf_index: int
    audit_path: tuple[bytes, ...]
    head: Head


def log_of_shard(db: Connection, shard: str, key_id: str, now: str) -> str:
    """Return the id of a shard's log, making the log when it is new."""
    logs = schema.logs
    log_id: str | None = db.execute(select(logs.c.log_id).where(logs.c.shard == shard)).scalar()
    if log_id is None:
        log_id = new_id("log")
        db.execute(insert(logs).values(log_id=log_id, shard=shard, created_at=now, key_id=key_id, tree_size=0))
    return log_id


def keep_tiles(db: Connection, log_id: str, tiles: Mapping[int, bytes]) -> None:
    """Write tiles of a log in place of those that are there."""
    rows = [{"log_id": log_id, "tile": tile, "hashes": hashes} for tile, hashes in tiles.items()]
    _KEEP_TILE[db.dialect.name].run_many(db, rows)


class Log:
    """One platform's logs."""

    def __init__(self, store: Store, key: LogKey, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._key = key
        self._clock = clock

    def waiting(self, tenant_id: str | None = None) -> list[str]:
        """Return the logs that have records without a number: of anybody, or of one tenant."""
        if tenant_id is None:
            return [log_id for (log_id,) in self._store.look(_WAITING_LOGS)]
        return [log_id for (log_id,) in self._store.look(_WAITING_LOGS_OF, tenant=tenant_id)]

    def sequence(self, log_id: str) -> int:
        """Number what waits in one log and sign a head over it; return how many records that were (0: none, or
        another process is at it).
        """
        return self._store.write(lambda db: self._sequence(db, log_id))

    def _sequence(self, db: Connection, log_id: str) -> int:
        size = _LOCK.scalar(db, log=log_id)
        if size is None:
            return 0
        waiting = _WAITING.rows(db, log=log_id, most=MOST_IN_A_GROUP)
        if not waiting:
            return 0
        grown = size + len(waiting)
        if _GROW.scalar(db, log=log_id, before=size, size=grown) != grown:
            raise AssertionError("the log grew meanwhile, though its row is locked")
        root = self._append(db, log_id, size, waiting)
        _ADD_HEAD.run(db, log_id=log_id, **msgspec.structs.asdict(self._signed(grown, root)))
        return len(waiting)

    @staticmethod
    def _append(db: Connection, log_id: str, size: int, waiting: Sequence[Any]) -> bytes:
        """Number what waits and store its hashes; return the root of the grown tree."""
        edge = Edge(size, read_tiles(db, log_id, Edge.tiles(size)))
        for _, _, leaf in waiting:
            edge.add(bytes(leaf))
        ids = [evidence_id for _, evidence_id, _ in waiting]
        _NUMBER.run_many(
            db,
            [
                {"tenant_id": tenant_id, "evidence_id": evidence_id, "leaf_index": place}
                for place, (tenant_id, evidence_id, _) in enumerate(waiting, size)
            ],
        )
        if db.dialect.name == "sqlite":
            db.exec_driver_sql(_DONE["sqlite"], [(log_id, one) for one in ids])
        else:
            db.exec_driver_sql(_DONE["postgresql"], (log_id, ids))
        keep_tiles(db, log_id, edge.changed())
        return edge.root()

    def _signed(self, tree_size: int, root: bytes) -> Head:
        unsigned = Head(tree_size, root.hex(), moment(self._clock()), "", self._key.public.key_id)
        signature = self._key.sign(canonical.encode(unsigned.signed_part()))
        return msgspec.structs.replace(unsigned, signature=signature)

    def latest_head(self, log_id: str) -> Head | None:
        """Return the newest signed head of a log, or None before its first."""
        heads = schema.log_heads
        with self._store.read() as db:
            row = db.execute(
                select(heads).where(heads.c.log_id == log_id).order_by(heads.c.tree_size.desc()).limit(1)
            ).one_or_none()
        return _head(row) if row else None

    def consistency(self, log_id: str, old_size: int, new_size: int) -> list[bytes]:
        """Return the proof that one tree size of a log extends another. Raises ValueError for impossible sizes."""
        with self._store.read() as db:
            return _roots(db, log_id, rfc9162.consistency_ranges(old_size, new_size))

    def proven(self, db: Connection, tenant_id: str, evidence_id: str) -> Proven | None:
        """Return a record with its proof under the first head that covers it, or None while it has no number."""
        numbered = _NUMBERED.rows(db, tenant=tenant_id, evidence=evidence_id)
        if not numbered:
            return None
        ((log_id, record, leaf_index),) = numbered
        (head,) = [Head(*row) for row in _HEAD_OVER.rows(db, log=log_id, leaf=leaf_index)]
        path = _roots(db, log_id, rfc9162.inclusion_ranges(leaf_index, head.tree_size))
        return Proven(log_id, record, leaf_index, tuple(path), head)


def _roots(db: Connection, log_id: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """Return the roots over ranges of a log's leaves, which are those of a proof."""
    parts = [rfc9162.complete_subtrees(start, end) for start, end in ranges]
    tiles = read_tiles(db, log_id, tiles_under([node for part in parts for node in part]))
    return [_folded([subtree(tiles, *node) for node in part]) for part in parts]


def _folded(subtrees: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees that follow each other, the smaller to the right."""
    digest = subtrees[-1]
    for left in subtrees[-2::-1]:
        digest = rfc9162.node_hash(left, digest)
    return digest


def _head(row: Any) -> Head:
    return Head(row.tree_size, row.root, row.time, row.signature, row.key_id)
