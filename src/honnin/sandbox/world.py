"""The sandbox world: one SQLite file in the data folder, with the one clock that every process shares.

Its tables stand in `world.sql`; emulated cards add theirs (`World.ensure`). Writers take the file's lock for the length
of one short transaction (`World.transaction`), so PIN counters, life events and serials never run apart between
processes.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from honnin.errors import HonninError, InputError, ServiceError, StateError

__all__ = ["World"]

FILE = "world.sqlite3"

YEARS = range(2000, 2200)
# SQLite's primary result codes (sqlite.org/rescode.html)
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
OPENING_TRIES = 50  # two processes that make the same new file wait for each other, 0.1 s at a time


class World:
    """One sandbox world, opened on a data folder.

    Raises InputError `world.unwritable`, StateError `world.damaged`, ServiceError `world.full`, here and at every use.

    born: when a new world begins; by default now. The people's stories count from there; an old world keeps its own.
    """

    name = "sandbox"

    def __init__(self, data: Path, *, born: datetime | None = None) -> None:
        self.data = data
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unwritable() from error
        self._local = threading.local()
        self.ensure(files(__package__).joinpath("world.sql").read_text(encoding="utf-8"))
        with self.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO clock VALUES (1, ?, NULL, 0)",
                ((born or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds"),),
            )

    # --- the file

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection to the world's file."""
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        if held is None or held[0] != os.getpid():  # SQLite forbids a connection to cross a fork
            held = (os.getpid(), _open(self.data / FILE))
            self._local.held = held
        return held[1]

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
            if self.connection().in_transaction:  # a full disk rolls back by itself
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
        """Set the world's time; `frozen` lets it stand still there.

        Raises InputError `clock.no_zone` for a time without zone, `clock.out_of_range` for a year that no card knows.
        """
        if at.tzinfo is None:
            raise InputError("clock.no_zone", "The time has no zone.", next="Write it as 2026-11-21T09:00:00+09:00.")
        if at.year not in YEARS:
            raise InputError(
                "clock.out_of_range", "The world's clock does not go there.", next="Stay between 2000 and 2199."
            )
        offset = (at - datetime.now(UTC)).total_seconds()
        with self.transaction() as db:
            db.execute(
                "UPDATE clock SET fixed = ?, offset_seconds = ?",
                (at.astimezone(UTC).isoformat() if frozen else None, offset),
            )

    def advance(self, by: timedelta) -> datetime:
        """Move the world's clock by `by` and return the new time. Raises InputError `clock.out_of_range`."""
        with self.transaction():
            fixed = self.connection().execute("SELECT fixed FROM clock").fetchone()["fixed"]
            now = self.now()
            if not timedelta(days=-400 * 366) < by < timedelta(days=400 * 366):
                by = timedelta(days=400 * 366)
            self.set_clock(now + by, frozen=fixed is not None)
        return self.now()

    def reset_clock(self) -> None:
        """Let the world's clock run with the machine's."""
        with self.transaction() as db:
            db.execute("UPDATE clock SET fixed = NULL, offset_seconds = 0")


class _Connection(sqlite3.Connection):
    """A connection that says in a code why the file cannot be used."""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        try:
            return super().execute(*arguments)
        except sqlite3.Error as error:
            raise _told(error) from error

    def executescript(self, script: str, /) -> sqlite3.Cursor:
        try:
            return super().executescript(script)
        except sqlite3.Error as error:
            raise _told(error) from error


def _told(error: sqlite3.Error) -> Exception:
    """Return the coded error for a file that cannot be used; any other error as it is."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in DAMAGED:
        return StateError(
            "world.damaged",
            f"{FILE} is damaged, or is no sandbox world.",
            next="Put a copy back, or name another folder with --data.",
        )
    if primary in UNWRITABLE:
        return _unwritable()
    if primary in FULL:
        return ServiceError("world.full", "The disk is full, or it fails.", next="Make room, then try again.")
    return error


def _unwritable() -> HonninError:
    return InputError(
        "world.unwritable",
        "The data folder cannot be opened or written.",
        next="Check the path and its permissions, or name another folder with --data.",
    )


def _open(path: Path) -> sqlite3.Connection:
    """Open the file, its owner's alone, in WAL mode; SQLite does not wait by itself while another makes that change."""
    try:
        path.touch(mode=0o600)
        db = sqlite3.connect(path, timeout=30, isolation_level=None, factory=_Connection)
    except (OSError, sqlite3.Error) as error:
        raise _unwritable() from error
    db.row_factory = sqlite3.Row
    for tried in range(OPENING_TRIES):
        try:
            db.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            if tried == OPENING_TRIES - 1:
                raise
            time.sleep(0.1)
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    return db
