"""The sandbox world: one SQLite file in the data folder, with the one clock that every process shares.

Institutions keep their tables in the same file; each registers its schema with `SCHEMAS`. Writers take the file's lock
for the length of one short transaction (`World.transaction`), so PIN counters, life events and serials never run apart
between processes.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from honnin.errors import InputError

__all__ = ["World", "open_world"]

FILE = "world.sqlite3"

SCHEMA = """
CREATE TABLE IF NOT EXISTS clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    born TEXT NOT NULL,            -- RFC 3339, UTC: when this world was made
    fixed TEXT,                    -- the clock stands still at this moment, or
    offset_seconds REAL NOT NULL   -- runs this far from the machine's clock
);
"""


class World:
    """One sandbox world, opened on a data folder."""

    name = "sandbox"

    def __init__(self, data: Path) -> None:
        self.data = data
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._local = threading.local()
        self.ensure(SCHEMA)
        with self.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO clock VALUES (1, ?, NULL, 0)",
                (datetime.now(UTC).isoformat(timespec="seconds"),),
            )

    # --- the file

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection to the world's file."""
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self.data / FILE, timeout=30, isolation_level=None)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA foreign_keys=ON")
            self._local.db = db
        return db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the world's write lock for one short transaction; roll back on any exception."""
        db = self.connection()
        if db.in_transaction:  # a step of a larger transaction of this thread
            yield db
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def ensure(self, schema: str) -> None:
        """Create the tables of `schema` that are not there yet (statements must be IF NOT EXISTS)."""
        self.connection().executescript(schema)

    # --- the clock

    @property
    def born(self) -> datetime:
        """When this world was made, UTC; the people's stories count from here."""
        return datetime.fromisoformat(self.connection().execute("SELECT born FROM clock").fetchone()["born"])

    def now(self) -> datetime:
        """Return the world's time, UTC."""
        row = self.connection().execute("SELECT fixed, offset_seconds FROM clock").fetchone()
        if row["fixed"] is not None:
            return datetime.fromisoformat(row["fixed"])
        return datetime.now(UTC) + timedelta(seconds=row["offset_seconds"])

    def set_clock(self, at: datetime, *, frozen: bool = False) -> None:
        """Set the world's time; `frozen` lets it stand still there. Raises InputError for a time without zone."""
        if at.tzinfo is None:
            raise InputError("clock.no_zone", "The time has no zone.", next="Write it as 2026-11-21T09:00:00+09:00.")
        offset = (at - datetime.now(UTC)).total_seconds()
        with self.transaction() as db:
            db.execute(
                "UPDATE clock SET fixed = ?, offset_seconds = ?",
                (at.astimezone(UTC).isoformat() if frozen else None, offset),
            )

    def advance(self, by: timedelta) -> datetime:
        """Move the world's clock by `by` and return the new time."""
        with self.transaction():
            fixed = self.connection().execute("SELECT fixed FROM clock").fetchone()["fixed"]
            self.set_clock(self.now() + by, frozen=fixed is not None)
        return self.now()

    # --- what the product may know (honnin.connect.worlds.World)

    def anchors(self) -> Mapping[str, tuple[bytes, ...]]:
        """Return the trust anchors of the sandbox's J-LIS by purpose, DER."""
        from honnin.sandbox.jlis import anchors

        return anchors(self)

    def people(self) -> list[dict[str, Any]]:
        """Return the invented persons with story, documents, PINs and expected outcome."""
        from honnin.sandbox.people import listing

        return listing(self)

    def origins(self) -> Mapping[str, Any]:
        """Return the institutions' ASGI applications by host label."""
        from honnin.sandbox.jlis.app import create_app

        return {"jlis": create_app(self)}

    def hosts(self) -> Mapping[str, str]:
        """Return which origin answers for a host that a certificate names."""
        from honnin.sandbox.jlis import HOSTS

        return dict.fromkeys(HOSTS, "jlis")


@cache
def open_world(data: Path) -> World:
    """Open (or make) the world of a data folder; entry point of the group `honnin.worlds`."""
    return World(data)
