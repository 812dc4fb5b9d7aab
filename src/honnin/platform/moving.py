"""Moving a tenant from one shard to another: nothing lost, nothing doubled, what was proved stays provable.

1. `shards.json` says that the tenant moves: from then on every process answers its calls with `store.moving` (503).
2. What was begun before has time to end (`drain`); records that wait are numbered in the log they name.
3. One transaction on the old shard holds all writers off while rows are read; they are written on the new one, and
   only when they are durable there, deleted here. The log stays; those of its hashes go along that the tenant's proofs
   rest on, with the heads that sign them, so that a receipt is the same as before.
4. This is repeated until the old shard has no row left (something late may have come), then `shards.json` says where
   the tenant is.

A move that is killed anywhere leaves the tenant in step 1, unanswered; the same command goes on from there: rows that
arrived already are the same, as nobody could change them. What it does not do: move people between tenants, or a log.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from honnin.errors import InputError, StateError
from honnin.platform.clock import machine_clock, moment
from honnin.platform.evidence.log import keep_tiles, log_of_shard
from honnin.platform.evidence.tiles import merged, read_tiles, tiles_of_proof
from honnin.platform.facade import SHARDS, Platform
from honnin.platform.shards import Shards, write_shards
from honnin.platform.store import schema

__all__ = ["DRAIN", "Moved", "move_tenant"]

DRAIN = 15.0  # seconds: no call lives longer
PASSES = 10
AT_ONCE = 500
# Every table of a tenant's own rows
TABLES: tuple[Table, ...] = tuple(table for table in schema.metadata.sorted_tables if "tenant_id" in table.c)


class Moved(msgspec.Struct, frozen=True):
    """What a move did. rows: by table, as counted on the new shard; proofs: records that keep their place in a log."""

    tenant: str
    source: str
    target: str
    rows: dict[str, int]
    proofs: int


def move_tenant(
    shards: Shards, tenant_id: str, target: str, *, drain: float = DRAIN, told: Callable[[str], None] = lambda _: None
) -> Moved:
    """Move a tenant to another shard, or go on with a move that was stopped.

    drain: seconds that calls begun before have to end. told: hears what is being done.
    Raises InputError `store.no_shard`, `tenant.unknown`, StateError `store.moving_elsewhere`, `store.not_drained`,
    ServiceError `store.down`.
    """
    placing = shards.placing
    if target not in {shard.name for shard in placing.shards}:
        raise InputError("store.no_shard", "There is no shard of that name.", next="See shards.json.")
    if placing.moving.get(tenant_id, target) != target:
        raise StateError(
            "store.moving_elsewhere", "The tenant is on its way to another shard.", next="End that move first."
        )
    source = placing.shard_of(tenant_id)
    here, there = shards.platform(source), shards.platform(target)
    if source == target:
        return Moved(tenant_id, source, target, _counts(there, tenant_id), 0)
    if tenant_id not in placing.moving:
        here.caller_of(tenant_id)
        write_shards(
            shards.settings.data, msgspec.structs.replace(placing, moving={**placing.moving, tenant_id: target})
        )
    told(f"waiting {drain:g} s for calls that have begun")
    threading.Event().wait(drain)
    for _ in range(PASSES):
        told("copying")
        _pass(here, there, tenant_id)
        if not any(_counts(here, tenant_id).values()):
            break
    else:
        raise StateError("store.not_drained", "Something still writes the tenant's rows.", next="Repeat the command.")
    there.caller_of(tenant_id)
    placing = shards.placing
    moving = {name: shard for name, shard in placing.moving.items() if name != tenant_id}
    placed = {**placing.placed, tenant_id: target}
    write_shards(shards.settings.data, msgspec.structs.replace(placing, placed=placed, moving=moving))
    return Moved(tenant_id, source, target, _counts(there, tenant_id), _proofs(there, tenant_id))


def _pass(here: Platform, there: Platform, tenant_id: str) -> None:
    while here.sequence(tenant_id):
        pass

    def work(source: Connection) -> None:
        if source.dialect.name == "postgresql":
            names = ", ".join(table.name for table in TABLES)
            source.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        column = schema.log_waiting.c
        if source.execute(select(func.count()).where(column.tenant_id == tenant_id)).scalar_one():
            return  # its record names this log: the next pass numbers it first
        there.store.write(lambda db: _copy(source, db, there, tenant_id))
        for table in TABLES:
            source.execute(delete(table).where(table.c.tenant_id == tenant_id))

    here.store.write(work)


def _copy(source: Connection, target: Connection, there: Platform, tenant_id: str) -> None:
    """Write the rows that the new shard does not have yet."""
    now = moment(machine_clock())
    for table in TABLES:
        for rows in _rows(source, table, tenant_id):
            if table is schema.tenants:
                for row in rows:
                    row["log_id"] = log_of_shard(target, SHARDS[row["livemode"]], there.keys.log.public.key_id, now)
            _add(target, table, rows)
    _copy_proofs(source, target, tenant_id)


def _rows(source: Connection, table: Table, tenant_id: str) -> Iterator[list[dict[str, Any]]]:
    statement = select(table).where(table.c.tenant_id == tenant_id)
    found = source.execute(statement, execution_options={"yield_per": AT_ONCE})
    for rows in found.mappings().partitions(AT_ONCE):
        yield [dict(row) for row in rows]


def _add(target: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        dialect = postgresql if target.dialect.name == "postgresql" else sqlite
        target.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _copy_proofs(source: Connection, target: Connection, tenant_id: str) -> None:
    """Take along what proves the tenant's records in the log that numbered them: tiles, heads, and the log's name."""
    evidence, leaves, heads, logs = schema.evidence, schema.evidence_leaves, schema.log_heads, schema.logs
    mine = (leaves.c.tenant_id == evidence.c.tenant_id) & (leaves.c.evidence_id == evidence.c.evidence_id)
    held = source.execute(
        select(evidence.c.log_id, leaves.c.leaf_index)
        .select_from(evidence.join(leaves, mine))
        .where(evidence.c.tenant_id == tenant_id)
    ).all()
    for log_id in {row.log_id for row in held}:
        log = dict(source.execute(select(logs).where(logs.c.log_id == log_id)).mappings().one())
        if target.execute(select(logs.c.log_id).where(logs.c.log_id == log_id)).scalar() is None:
            _add(target, logs, [{**log, "shard": f"moved {log_id}"[:40]}])
        tiles: dict[int, None] = {}
        for leaf in (row.leaf_index for row in held if row.log_id == log_id):
            head = source.execute(
                select(heads)
                .where(heads.c.log_id == log_id, heads.c.tree_size > leaf)
                .order_by(heads.c.tree_size)
                .limit(1)
            ).mappings()
            signed = dict(head.one())
            _add(target, heads, [signed])
            tiles |= dict.fromkeys(tiles_of_proof(leaf, signed["tree_size"]))
        there = read_tiles(target, log_id, tiles)
        found = read_tiles(source, log_id, tiles)
        keep_tiles(target, log_id, {tile: merged(hashes, there.get(tile, b"")) for tile, hashes in found.items()})


def _counts(platform: Platform, tenant_id: str) -> dict[str, int]:
    with platform.store.read() as db:
        return {
            table.name: db.execute(select(func.count()).where(table.c.tenant_id == tenant_id)).scalar_one()
            for table in TABLES
        }


def _proofs(platform: Platform, tenant_id: str) -> int:
    with platform.store.read() as db:
        column = schema.evidence_leaves.c
        return db.execute(select(func.count()).where(column.tenant_id == tenant_id)).scalar_one()
