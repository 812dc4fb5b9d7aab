"""One append-only log per shard: numbering records in groups, signing heads, reading proofs (RFC 9162 §2.1, §4.10).

A check's transaction writes its record without a number. `Log.sequence` numbers what waits, in one transaction with
the new nodes and the signed head, so that a receipt exists exactly from then on. Any process may call it: the row of
the log is locked for the length of the transaction (SQLite: the whole file), and the primary keys of leaves, nodes and
heads forbid two answers even to a process that ignores the lock.

Complete subtrees are stored as nodes, so that a proof costs the logarithm of the log, however long it is. Of their
levels every fourth is stored, from the leaves up: what lies between is hashed again from at most eight nodes that lie
side by side, and a record costs little more than one node's row.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update

from honnin.platform.clock import moment
from honnin.platform.evidence import canonical, rfc9162
from honnin.platform.ids import new_id
from honnin.platform.keys import LogKey
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Prepared

__all__ = ["Head", "Log", "Proven", "log_of_shard", "nodes_of_proof"]

MOST_IN_A_GROUP = 2000
STORED_EVERY = 4  # levels of the tree; what is between is hashed again
RANGES = 100  # of stored nodes, read in one statement

_LOGS, _EVIDENCE = schema.logs.c, schema.evidence.c
_WAITING_LOGS = Prepared(select(_EVIDENCE.log_id).where(_EVIDENCE.leaf_index.is_(None)).distinct())
_LOCK = Prepared(select(_LOGS.tree_size).where(_LOGS.log_id == bindparam("log")).with_for_update(skip_locked=True))
_WAITING = Prepared(
    select(_EVIDENCE.tenant_id, _EVIDENCE.evidence_id, _EVIDENCE.record)
    .where(_EVIDENCE.log_id == bindparam("log"), _EVIDENCE.leaf_index.is_(None))
    .order_by(_EVIDENCE.created_at, _EVIDENCE.evidence_id)
    .limit(bindparam("most"))
)
_ADD_HEAD = Prepared(insert(schema.log_heads))
_GROW = Prepared(update(schema.logs).where(_LOGS.log_id == bindparam("log")).values(tree_size=bindparam("size")))


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


class Log:
    """One platform's logs."""

    def __init__(self, store: Store, key: LogKey, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._key = key
        self._clock = clock

    def waiting(self) -> list[str]:
        """Return the logs that have records without a number."""
        return [log_id for (log_id,) in self._store.look(_WAITING_LOGS)]

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
        edge = self._append(db, log_id, size, waiting)
        grown = size + len(waiting)
        head = self._signed(grown, _folded([edge[node] for node in rfc9162.complete_subtrees(0, grown)]))
        _ADD_HEAD.run(db, log_id=log_id, **msgspec.structs.asdict(head))
        _GROW.run(db, log=log_id, size=grown)
        return len(waiting)

    def _append(self, db: Connection, log_id: str, size: int, waiting: Sequence[Any]) -> dict[tuple[int, int], bytes]:
        """Number what waits and store its nodes; return the complete subtrees that make up the grown tree."""
        edge = {
            (level, position): digest
            for (level, position), digest in self._nodes(db, log_id, rfc9162.complete_subtrees(0, size)).items()
        }
        nodes = []
        for number, (_, _, record) in enumerate(waiting, size):
            level, position, digest = 0, number, rfc9162.leaf_hash(record.encode("utf-8"))
            nodes.append((log_id, level, position, digest))
            while position & 1:  # a right child completes the subtree above it
                digest = rfc9162.node_hash(edge.pop((level, position - 1)), digest)
                level, position = level + 1, position >> 1
                if level % STORED_EVERY == 0:
                    nodes.append((log_id, level, position, digest))
            edge[level, position] = digest
        _run_many(
            db,
            "UPDATE evidence SET leaf_index = ? WHERE tenant_id = ? AND evidence_id = ?",
            [(number, tenant_id, evidence_id) for number, (tenant_id, evidence_id, _) in enumerate(waiting, size)],
        )
        _run_many(
            db,
            "INSERT INTO log_leaves (log_id, leaf_index, tenant_id, evidence_id) VALUES (?, ?, ?, ?)",
            [
                (log_id, number, tenant_id, evidence_id)
                for number, (tenant_id, evidence_id, _) in enumerate(waiting, size)
            ],
        )
        _run_many(db, "INSERT INTO log_nodes (log_id, level, position, hash) VALUES (?, ?, ?, ?)", nodes)
        return edge

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
            return self._range_root(db, log_id, rfc9162.consistency_ranges(old_size, new_size))

    def proven(self, db: Connection, tenant_id: str, evidence_id: str) -> Proven | None:
        """Return a record with its proof under the first head that covers it, or None while it has no number."""
        evidence, heads = schema.evidence, schema.log_heads
        row = db.execute(
            select(evidence.c.log_id, evidence.c.record, evidence.c.leaf_index).where(
                evidence.c.tenant_id == tenant_id, evidence.c.evidence_id == evidence_id
            )
        ).one_or_none()
        if row is None or row.leaf_index is None:
            return None
        head = db.execute(
            select(heads)
            .where(heads.c.log_id == row.log_id, heads.c.tree_size > row.leaf_index)
            .order_by(heads.c.tree_size)
            .limit(1)
        ).one()
        path = self._range_root(db, row.log_id, rfc9162.inclusion_ranges(row.leaf_index, head.tree_size))
        return Proven(row.log_id, row.record, row.leaf_index, tuple(path), _head(head))

    def _range_root(self, db: Connection, log_id: str, ranges: list[tuple[int, int]]) -> list[bytes]:
        parts = [rfc9162.complete_subtrees(start, end) for start, end in ranges]
        nodes = self._nodes(db, log_id, [node for part in parts for node in part])
        return [_folded([nodes[node] for node in part]) for part in parts]

    @staticmethod
    def _nodes(db: Connection, log_id: str, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Return the hashes of complete subtrees, reading a range of stored nodes for each."""
        stored: dict[tuple[int, int], bytes] = {}
        ranges = list(dict.fromkeys(_stored_below(level, position) for level, position in wanted))
        for start in range(0, len(ranges), RANGES):
            # whole numbers of ours alone; a join, as SQLite scans the log for a list of pairs
            spans = ", ".join(f"({level}, {first}, {last})" for level, first, last in ranges[start : start + RANGES])
            rows = db.exec_driver_sql(
                f"WITH wanted (level, first, last) AS (VALUES {spans}) "  # noqa: S608
                "SELECT node.level, node.position, node.hash FROM wanted JOIN log_nodes AS node "
                + _marked(
                    db,
                    "ON node.log_id = ? AND node.level = wanted.level "
                    "AND node.position BETWEEN wanted.first AND wanted.last",
                ),
                (log_id,),
            )
            stored.update({(level, position): bytes(digest) for level, position, digest in rows})
        return {node: _hashed(stored, *node) for node in wanted}


def nodes_of_proof(leaf_index: int, tree_size: int) -> list[tuple[int, int, int]]:
    """Return the stored nodes that the proof of a leaf rests on: level, first and last position of each range."""
    ranges = rfc9162.inclusion_ranges(leaf_index, tree_size)
    return [_stored_below(*node) for start, end in ranges for node in rfc9162.complete_subtrees(start, end)]


def _run_many(db: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Run a statement of ours for many rows at the driver: half of a leaf's time was what lies above it."""
    db.exec_driver_sql(_marked(db, statement), rows)


def _marked(db: Connection, statement: str) -> str:
    """Return a statement with the driver's mark for parameters in place of `?`."""
    return statement if db.dialect.paramstyle == "qmark" else statement.replace("?", "%s")


def _folded(subtrees: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees that follow each other, the smaller to the right."""
    digest = subtrees[-1]
    for left in subtrees[-2::-1]:
        digest = rfc9162.node_hash(left, digest)
    return digest


def _stored_below(level: int, position: int) -> tuple[int, int, int]:
    """Return the stored nodes under a complete subtree: their level, first and last position."""
    up = level % STORED_EVERY
    return level - up, position << up, ((position + 1) << up) - 1


def _hashed(stored: dict[tuple[int, int], bytes], level: int, position: int) -> bytes:
    base, first, last = _stored_below(level, position)
    return rfc9162.root([stored[base, number] for number in range(first, last + 1)])


def _head(row: Any) -> Head:
    return Head(row.tree_size, row.root, row.time, row.signature, row.key_id)
