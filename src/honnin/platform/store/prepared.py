"""Statements of the way that every check takes, compiled once an engine and given straight to its driver.

Building a statement, finding it in the cache and wrapping its result cost many times what the database does for a row
by its key. Errors come out as those of the library that everything else goes through, so that `Store` sees no
difference. Only for columns whose values need no conversion: text, numbers, octets, and booleans that are written.
"""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

__all__ = ["Prepared"]


class Prepared:
    """A statement with `bindparam` values, ready to run."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None, dict[str, Any]]] = {}

    def run(self, db: Connection, /, **values: Any) -> None:
        """Run the statement with these values."""
        self._cursor(db, values).close()

    def rows(self, db: Connection, /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that the statement gives for these values."""
        cursor = self._cursor(db, values)
        try:
            found: list[tuple[Any, ...]] = cursor.fetchall()
        finally:
            cursor.close()
        return found

    def scalar(self, db: Connection, /, **values: Any) -> Any:
        """Return the first column of the first row, None without one."""
        found = self.rows(db, **values)
        return found[0][0] if found else None

    def _cursor(self, db: Connection, values: dict[str, Any]) -> Any:
        text, order, constants = self._compiled.get(db.dialect.name) or self._compile(db)
        given = {**constants, **values} if constants else values
        cursor = db.connection.cursor()
        try:
            cursor.execute(text, given if order is None else tuple([given[name] for name in order]))
        except Exception as error:
            cursor.close()
            raise self._told(db, error) from error
        return cursor

    def _told(self, db: Connection, error: Exception) -> BaseException:
        """Return a driver's error as the library's, the connection given up where it is lost."""
        driver: Any = db.dialect.loaded_dbapi
        if not isinstance(error, driver.Error):
            return error
        lost = db.dialect.is_disconnect(error, db.connection, None)
        if lost:
            db.invalidate(error)
        told: BaseException = DBAPIError.instance(
            None, None, error, driver.Error, hide_parameters=True, connection_invalidated=lost, dialect=db.dialect
        )
        return told

    def _compile(self, db: Connection) -> tuple[str, tuple[str, ...] | None, dict[str, Any]]:
        compiled: Any = self._statement.compile(dialect=db.dialect)
        order = tuple(compiled.positiontup) if compiled.positional else None
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        made = self._compiled[db.dialect.name] = (compiled.string, order, constants)
        return made
