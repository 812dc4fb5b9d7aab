"""The log's hashes sixteen to a row; what waits for a number, and the numbers, beside the records, not in them."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

AT_ONCE = 1 << 16
NODES = sa.text(
    "SELECT position, hash FROM log_nodes WHERE log_id = :log AND level = :level AND position >= :first "
    "AND position < :last ORDER BY position"
)
SPAN = sa.text("SELECT log_id, level, MIN(position), MAX(position) FROM log_nodes GROUP BY log_id, level")


def upgrade() -> None:
    """Make the tiles of the nodes; where nodes are missing, as in a log that moved in part, zeros stand for them."""
    tiles = op.create_table(
        "log_tiles",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("tile", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(length=512), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "tile", name=op.f("pk_log_tiles")),
        sqlite_with_rowid=False,
    )
    db = op.get_bind()
    for log_id, level, first, last in db.execute(SPAN).all():
        for start in range(first & ~15, last + 1, AT_ONCE):
            nodes = db.execute(NODES, {"log": log_id, "level": level, "first": start, "last": start + AT_ONCE}).all()
            rows = [
                {"log_id": log_id, "tile": level // 4 << 56 | place, "hashes": hashes}
                for place, hashes in _tiles(nodes)
            ]
            if rows:
                db.execute(sa.insert(tiles), rows)
    op.drop_table("log_nodes")
    op.drop_table("log_leaves")
    _take_numbers_out(db)


def _take_numbers_out(db: sa.Connection) -> None:
    op.create_table(
        "evidence_leaves",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("evidence_id", sa.String(length=40), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "evidence_id", name=op.f("pk_evidence_leaves")),
        sqlite_with_rowid=False,
    )
    waiting = op.create_table(
        "log_waiting",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("evidence_id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "evidence_id", name=op.f("pk_log_waiting")),
        sqlite_with_rowid=False,
    )
    db.execute(
        sa.text(
            "INSERT INTO evidence_leaves SELECT tenant_id, evidence_id, leaf_index FROM evidence "
            "WHERE leaf_index IS NOT NULL"
        )
    )
    unnumbered = sa.text("SELECT log_id, evidence_id, tenant_id, record FROM evidence WHERE leaf_index IS NULL")
    rows = [
        {**row, "leaf": hashlib.sha256(b"\0" + row["record"].encode()).digest()}
        for row in db.execute(unnumbered).mappings()
    ]
    if rows:
        db.execute(sa.insert(waiting), rows)
    op.drop_index("ix_evidence_unsequenced", "evidence")
    op.drop_column("evidence", "leaf_index")


def _tiles(nodes: Sequence[Any]) -> Iterator[tuple[int, bytes]]:
    for place, group in groupby(nodes, key=lambda node: node[0] >> 4):
        hashes = bytearray()
        for position, digest in group:
            hashes = hashes.ljust((position & 15) * 32, b"\0") + digest
        yield place, bytes(hashes)
