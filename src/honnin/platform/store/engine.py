"""Opening the store: SQLite in the data folder, or PostgreSQL by URL; durable on both.

Acknowledged means on disk: SQLite runs with WAL, `synchronous=FULL` and `secure_delete=ON`, set and read back on every
connection; PostgreSQL with `synchronous_commit=on` and `fsync` as the server has it. A write takes SQLite's lock when
it begins, so that no two writers find out at their end that one of them was too late. On PostgreSQL its statements wait
for locks, each for LOCKED_SECONDS; a transaction that is asked nothing for IDLE_SECONDS is ended by the server.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from honnin.errors import InputError, ServiceError
from honnin.platform.store.grouping import Groups, Kind, LateError, is_in_the_way
from honnin.platform.store.looking import Looks
from honnin.platform.store.migrate import migrate
from honnin.platform.store.prepared import Among, Prepared
from honnin.platform.store.turns import Turns
from honnin.platform.store.write_lock import WriteLock

__all__ = ["PRAGMAS", "Store"]

T = TypeVar("T")

# pragma: (what is set, what must be read back)
PRAGMAS: dict[str, tuple[str, Any]] = {
    "busy_timeout": ("30000", 30000),
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),
    "secure_delete": ("ON", 1),
    "foreign_keys": ("ON", 1),
    "wal_autocheckpoint": ("16000", 16000),  # pages; `checkpoint` is there before, so that no commit has to
    "temp_store": ("MEMORY", 2),  # what savepoints would undo: a file for each group otherwise
    "cache_size": ("-16384", -16384),  # KiB; what a group changes must not be written before it commits
}
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_GONE = {  # a server's machine that vanishes is noticed in a minute, not in two hours (libpq; seconds, milliseconds)
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
_NEVER_COUNTED = (
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema::regnamespace AND reltuples <= 0 "
    "AND relname IN ('person_certificates', 'data_keys', 'pending_links', 'customer_certificates', 'log_tiles')"
)
CONNECTIONS = 16
TRIES = 8
LOCKED_SECONDS = 30.0  # that a writer waits for a lock before it begins anew
LONGEST_SECONDS = LOCKED_SECONDS * TRIES  # after which a write that others are in the way of is given up
IDLE_SECONDS = 60.0  # that PostgreSQL lets a transaction stand still: its process was stopped, and others wait for it
UNANSWERED = (DBAPIError, PoolTimeoutError, LateError)


class _Asked(NamedTuple):
    """A write that somebody waits for. since: when it was asked for, whichever attempt this is (monotonic seconds)."""

    told: "Future[Any]"
    kind: Kind | None
    what: Any
    tenant: str | None
    since: float
    attempt: int = 0


class Store:
    """One database, opened. Safe to share between threads; a forked process must open its own."""

    def __init__(self, data: Path, database_url: str | None = None) -> None:
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.engine = _postgresql(database_url) if database_url else _sqlite(data / "honnin.sqlite3")
            self._write_lock = None if database_url else WriteLock(data / "honnin.sqlite3.lock")
        except OSError as error:
            raise _unwritable() from error
        self.turns = Turns()
        self._groups = Groups(self._begin_write, turn=self.turns.first if self.is_sqlite else None)
        self._looks = Looks(self.engine)
        self._view: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        try:
            migrate(self.engine)
        except BaseException as error:
            self._dispose()
            if isinstance(error, DBAPIError):
                raise _unusable(error) from error
            raise

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded engine."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the store. Raises ServiceError `store.down`."""
        try:
            with self.engine.connect().execution_options(**self._view) as connection, connection.begin():
                yield connection
        except (DBAPIError, PoolTimeoutError) as error:
            raise _unusable(error) from error

    def look(self, statement: Prepared, /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of one statement by itself, outside any transaction. Raises ServiceError `store.down`."""
        try:
            with self.turns if self.is_sqlite else self.turns.resting():
                return self._looks.rows(statement, values)
        except (DBAPIError, PoolTimeoutError) as error:
            raise _unusable(error) from error

    def look_among(self, query: Among, among: Sequence[Any], /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows for some values of a query's column, as `look` does; nothing is asked for none."""
        if not among:
            return []
        try:
            with self.turns if self.is_sqlite else self.turns.resting():
                return self._looks.rows_among(query, among, values)
        except (DBAPIError, PoolTimeoutError) as error:
            raise _unusable(error) from error

    def write(self, work: Callable[[Connection], T], *, tenant: str | None = None) -> T:
        """Run `work` in one transaction and return its result once it is durable.

        Writes that wait at the same time share a transaction (`grouping`): on SQLite all of this process, as the file
        has one writer and lets those who wait sleep in no order; on PostgreSQL those of one `tenant`, which would wait
        for its row anyway, while those of others run beside them.
        `work` may run again: when a concurrent writer got in between (a key that exists meanwhile, a serialisation
        failure), everything is rolled back and read anew. Raises ServiceError `store.down` when that does not help.
        """
        told: Future[T] = Future()
        self._submit([_Asked(told, None, work, tenant, time.monotonic())])
        with self.turns.resting():
            while True:
                try:
                    return told.result(LONGEST_SECONDS)
                except TimeoutError:
                    if told.done():
                        return told.result()
                    self.give_up_late()

    def give_up_late(self) -> None:
        """Take back writes that wait for a try and were asked LONGEST_SECONDS ago; they are told `store.down`."""
        self._groups.give_up(LONGEST_SECONDS)

    def write_soon(self, kind: Kind, items: "Sequence[tuple[Any, Future[Any]]]", *, tenant: str) -> None:
        """Have `kind` write items of a tenant together with others of its kind that wait; as `write` else.

        Each item's outcome is told where it says; who waits for it may go away, what was asked is written all the same.
        No thread waits with it: somebody is to call `give_up_late` now and then.
        """
        for _, told in items:
            if not told.running():
                told.set_running_or_notify_cancel()
        since = time.monotonic()
        self._submit([_Asked(told, kind, what, tenant, since) for what, told in items])

    def _submit(self, asked: "Sequence[_Asked]") -> None:
        """Put writes of one kind and tenant, asked for at one time, in their line."""
        kind, tenant, since = asked[0].kind, asked[0].tenant, asked[0].since
        writes = [(one.what, partial(self._done, one)) for one in asked]
        try:
            self._groups.submit(None if self.is_sqlite else tenant or object(), kind, writes, since)
        except RuntimeError as error:  # closed meanwhile
            for one in asked:
                one.told.set_exception(_unusable(error))

    def _done(self, asked: "_Asked", result: Any, error: BaseException | None) -> None:
        """Tell a write's outcome, or have it tried again."""
        more = asked.attempt < TRIES - 1 and time.monotonic() - asked.since < LONGEST_SECONDS
        if error is None:
            asked.told.set_result(result)
        elif more and isinstance(error, DBAPIError) and _may_pass(error):
            next_try = asked._replace(attempt=asked.attempt + 1)
            again = threading.Timer(0.005 * 2**asked.attempt, self._submit, ([next_try],))
            again.daemon = True
            try:
                again.start()
            except RuntimeError:  # the system gives no thread
                asked.told.set_exception(_unusable(error))
        else:
            asked.told.set_exception(_unusable(error) if isinstance(error, UNANSWERED) else error)

    @contextmanager
    def _begin_write(self) -> Iterator[Connection]:
        writing = self.engine.connect().execution_options(honnin_write=True)
        with writing as connection, self._write_lock or nullcontext(), connection.begin():
            yield connection

    def checkpoint(self) -> None:
        """Bring what SQLite's log holds into its file, beside those who read and write.

        What they write meanwhile follows while nobody else does: the log begins anew only when all of it is in the
        file, else it grows until a commit has to bring in the whole of it.
        On PostgreSQL, have tables counted that never were: a young one whose tenants have grown would be read whole
        for each group of checks, until the server counts it by itself. Raises ServiceError `store.down`.
        """
        try:
            with self.engine.connect() as connection:
                if self._write_lock is not None:
                    cursor = connection.connection.cursor()
                    cursor.execute(_CHECKPOINT)
                    with self._write_lock:
                        cursor.execute(_CHECKPOINT)
                    return
                names = [name for (name,) in connection.exec_driver_sql(_NEVER_COUNTED)]
                if names:
                    connection.exec_driver_sql(f"ANALYZE {', '.join(names)}")
                    connection.commit()
        except (sqlite3.Error, DBAPIError, PoolTimeoutError) as error:
            raise _unusable(error) from error

    def close(self) -> None:
        """Commit what waits, and close every connection."""
        self._groups.close()
        self._looks.close()
        self._dispose()

    def _dispose(self) -> None:
        self.engine.dispose()
        if self._write_lock is not None:
            self._write_lock.close()


def _sqlite(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": 30, "check_same_thread": False},
        pool_size=CONNECTIONS,
        pool_use_lifo=True,  # the connection that wrote last knows the pages: another one has to read them again
        hide_parameters=True,  # rows hold hashes of keys and sealed data: none of it belongs in a log or an exception
    )

    @event.listens_for(engine, "connect")
    def durable(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, in `begin` below
        for pragma, (value, expected) in PRAGMAS.items():
            _set_pragma(connection, pragma, value)
            (got,) = connection.execute(f"PRAGMA {pragma}").fetchone()
            if got != expected:
                raise ServiceError(
                    "store.not_durable",
                    f"SQLite refuses {pragma}={value}.",
                    next="Put the data folder on a local file system.",
                )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("honnin_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    path.touch(mode=0o600)
    return engine


def _set_pragma(connection: sqlite3.Connection, pragma: str, value: str) -> None:
    """Set a pragma. Turning a new file to WAL answers "locked" at once while another process does it: try again."""
    give_up = time.monotonic() + LOCKED_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}={value}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _PASSING or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _postgresql(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise InputError("store.url", "The database URL is not a postgresql one.", next="Unset it to use SQLite.")
        session = {
            "synchronous_commit": "on",
            "timezone": "UTC",
            "lock_timeout": f"{LOCKED_SECONDS:.3f}s",
            "idle_in_transaction_session_timeout": f"{IDLE_SECONDS:.3f}s",
        }
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=CONNECTIONS,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={
                "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
                "connect_timeout": 10,
                **_GONE,
            },
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise InputError(
            "store.url",
            "The database URL cannot be used.",
            next="Write postgresql://user@host/name, and install honnin[postgresql].",
        ) from error


def _may_pass(error: DBAPIError) -> bool:
    """Tell whether the same work may succeed when it is run again."""
    if isinstance(error, IntegrityError) or error.connection_invalidated or is_in_the_way(error):
        return True
    return isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig)


def _unusable(error: Exception) -> ServiceError:
    """Return what is said when the database fails: trying again helps no damaged file and no folder that is locked."""
    primary = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return ServiceError(
            "store.damaged",
            "honnin.sqlite3 is damaged, or is no store of honnin.",
            next="Put a copy back, or name another folder with --data.",
        )
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return _unwritable()
    if primary in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return ServiceError("store.full", "The disk is full, or it fails.", next="Make room, then try again.")
    return ServiceError("store.down", "The database does not answer.", next="Try again soon.", retryable=True)


def _unwritable() -> ServiceError:
    return ServiceError(
        "store.unwritable",
        "The data folder cannot be opened or written.",
        next="Check the path and its permissions, or name another folder with --data.",
    )
