"""Customers' certificates on SQLite and on PostgreSQL by the bare driver: loaded in bulk, and merely streamed.

Time is of the processor: of this process, and with PostgreSQL of its server too.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from honnin.bench.cluster import Cluster

__all__ = ["Engine", "Postgresql", "Row", "Sqlite"]

Row = tuple[str, bytes, bytes, str]
AT_ONCE = 10_000
STREAM = (
    "SELECT issuer_key_id, serial, tenant_id, person_id FROM customer_certificates "
    "ORDER BY tenant_id, issuer_key_id, serial"
)


class Engine(Protocol):
    """One engine. folder: of the platform; driver: what streams."""

    folder: Path
    database_url: str | None
    name: str
    driver: str

    def load(self, rows: Iterator[Row]) -> None:
        """Write rows in bulk."""

    def stream(self) -> None:
        """Read all rows in the order of their keys."""

    def timed(self, step: Callable[[], None]) -> float:
        """Return the processor seconds of a step."""


class Sqlite:
    """SQLite in the folder."""

    name, driver = "SQLite", "sqlite3"
    database_url: str | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, rows: Iterator[Row]) -> None:
        """Write rows in bulk."""
        connection = sqlite3.connect(self.folder / "honnin.sqlite3")
        connection.executemany("INSERT INTO customer_certificates VALUES (?, ?, ?, ?)", rows)
        connection.commit()
        connection.close()

    def stream(self) -> None:
        """Read all rows in the order of their keys."""
        connection = sqlite3.connect(self.folder / "honnin.sqlite3")
        rows = connection.execute(STREAM)
        while rows.fetchmany(AT_ONCE):
            pass
        connection.close()

    def timed(self, step: Callable[[], None]) -> float:
        """Return the processor seconds of a step."""
        began = time.process_time()
        step()
        return time.process_time() - began


class Postgresql:
    """A database of a cluster."""

    name, driver = "PostgreSQL", "psycopg"

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder, self._cluster = folder, cluster
        self._address = cluster.url(cluster.create())
        self.database_url: str | None = self._address

    def load(self, rows: Iterator[Row]) -> None:
        """Write rows in bulk."""
        import psycopg

        statement = "COPY customer_certificates (tenant_id, issuer_key_id, serial, person_id) FROM STDIN"
        with psycopg.connect(self._address, autocommit=True) as connection, connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute("VACUUM ANALYZE customer_certificates")

    def stream(self) -> None:
        """Read all rows in the order of their keys, by a cursor of the server."""
        import psycopg

        with psycopg.connect(self._address) as connection, connection.cursor("bench", binary=True) as cursor:
            cursor.execute(STREAM)
            while cursor.fetchmany(AT_ONCE):
                pass

    def timed(self, step: Callable[[], None]) -> float:
        """Return the processor seconds of a step, the server's included."""
        began = time.process_time() + self._cluster.processor_seconds()
        step()
        return time.process_time() + self._cluster.processor_seconds() - began
