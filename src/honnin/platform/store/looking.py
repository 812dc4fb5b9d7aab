"""Single reads by key, on connections of their own that stand ready: each its own snapshot, without a transaction.

Taking a connection from the pool, beginning, ending and giving it back cost ten times what SQLite does for a row by
its key.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from honnin.platform.store.prepared import Among, Prepared

__all__ = ["Looks"]

KEPT = 4  # connections that stand ready; more are opened where more threads look at once, and closed again


class Looks:
    """Connections of an engine for single reads. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        # SQLite's driver begins nothing by itself as we set it up
        alone = {} if engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._engine = engine.execution_options(**alone)
        self._ready: deque[Connection] = deque()

    def rows(self, statement: Prepared, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return a statement's rows; a connection that was lost meanwhile is replaced once."""
        try:
            connection = self._ready.pop()
        except IndexError:
            return self._rows(self._engine.connect(), statement, values)
        try:
            return self._rows(connection, statement, values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return self._rows(self._engine.connect(), statement, values)

    def _rows(self, connection: Connection, statement: Prepared, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        try:
            found = statement.rows(connection, **values)
        except BaseException:
            connection.close()
            raise
        if len(self._ready) < KEPT:
            self._ready.append(connection)
        else:
            connection.close()
        return found

    def rows_among(self, query: Among, among: Sequence[Any], values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows for some values of the query's column."""
        return [row for prepared, given in query.parts(among) for row in self.rows(prepared, {**values, **given})]

    def close(self) -> None:
        """Close the connections that stand ready."""
        while self._ready:
            self._ready.pop().close()
