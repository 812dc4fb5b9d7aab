"""A log that cannot grow any more, beside one that can."""

from sqlalchemy import insert, update

from honnin.platform import Platform
from honnin.platform.store import schema
from honnin.platform.tenants import log_of

__all__ = ["damage", "let_wait", "live_log_damaged"]


def damage(platform: Platform, log_id: str) -> None:
    """Empty the tiles of a log."""
    tiles = schema.log_tiles
    emptied = update(tiles).where(tiles.c.log_id == log_id).values(hashes=b"")
    platform.store.write(lambda db: db.execute(emptied))


def let_wait(platform: Platform, tenant_id: str, evidence_id: str) -> str:
    """Put something in front of a tenant's log that waits for a number; return the log's id."""
    with platform.store.read() as db:
        log_id = log_of(db, tenant_id)
    row = {"tenant_id": tenant_id, "evidence_id": evidence_id, "log_id": log_id, "leaf": bytes(32)}
    platform.store.write(lambda db: db.execute(insert(schema.log_waiting).values(**row)))
    return log_id


def live_log_damaged(platform: Platform) -> str:
    """Number a record of the live tenants' log, damage its tile, and let another record wait; return the log's id."""
    live = platform.create_tenant("本番の銀行", livemode=True).tenant
    log_id = let_wait(platform, live, "evd_1")
    platform.log.sequence(log_id)
    damage(platform, log_id)
    return let_wait(platform, live, "evd_2")
