"""Statements of the way that every check takes, compiled once an engine and given straight to its driver.

Building a statement, finding it in the cache and wrapping its result cost many times what the database does for a row
by its key. Errors come out as those of the library that everything else goes through, so that `Store` sees no
difference. Only for columns whose values need no conversion: text, numbers, octets, and booleans that are written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Connection, Insert, LargeBinary, Select, Table, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

__all__ = ["Among", "Prepared", "rows_together", "sent_together"]

MOST_AMONG = 64
LARGE = 64 << 10  # octets in one value that are better not written as text
_ROW = re.compile(r"(?P<head>.+?) VALUES \((?P<values>(?:%\(\w+\)s(?:::\w+)?(?:, )?)+)\)(?P<tail>.*)", re.DOTALL)
_NAME = re.compile(r"%\((\w+)\)s")


class Prepared:
    """A statement with `bindparam` values, ready to run."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None, dict[str, Any]]] = {}
        self._from_json: tuple[str, tuple[str, ...]] | None = None

    def run(self, db: Connection, /, **values: Any) -> None:
        """Run the statement with these values."""
        self.sent(db, values).close()

    def rows(self, db: Connection, /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that the statement gives for these values."""
        return _fetched(self.sent(db, values))

    def scalar(self, db: Connection, /, **values: Any) -> Any:
        """Return the first column of the first row, None without one."""
        found = self.rows(db, **values)
        return found[0][0] if found else None

    def run_many(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run the statement for each of these rows of values, in one call of the driver.

        On PostgreSQL an INSERT is one statement that reads its rows from JSON: a statement for each row took twice as
        long on both sides, and the driver makes arrays in Python.
        """
        if rows and isinstance(self._statement, Insert) and db.dialect.name == "postgresql":
            text, octets = self._from_json or self._compile_many(db, self._statement)
            if not any(len(row[name] or b"") > LARGE for name in octets for row in rows):
                self._on_cursor(db, "execute", text, {"rows": msgspec.json.encode(rows).decode()}).close()
                return
        if rows:
            text, order, constants = self._compiled.get(db.dialect.name) or self._compile(db)
            given = [{**constants, **row} for row in rows] if constants else rows
            values = given if order is None else [tuple([row[name] for name in order]) for row in given]
            self._on_cursor(db, "executemany", text, values).close()

    def sent(self, db: Connection, values: dict[str, Any]) -> Any:
        """Return the driver's cursor on what the statement gives for these values."""
        text, order, constants = self._compiled.get(db.dialect.name) or self._compile(db)
        given = {**constants, **values} if constants else values
        return self._on_cursor(db, "execute", text, given if order is None else tuple([given[name] for name in order]))

    def _on_cursor(self, db: Connection, method: str, text: str, values: Any) -> Any:
        cursor = db.connection.cursor()
        try:
            getattr(cursor, method)(text, values)
        except Exception as error:
            cursor.close()
            raise _told(db, error) from error
        return cursor

    def _compile(self, db: Connection) -> tuple[str, tuple[str, ...] | None, dict[str, Any]]:
        compiled: Any = self._statement.compile(dialect=db.dialect)
        order = tuple(compiled.positiontup) if compiled.positional else None
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        made = self._compiled[db.dialect.name] = (compiled.string, order, constants)
        return made

    def _compile_many(self, db: Connection, statement: Insert) -> tuple[str, tuple[str, ...]]:
        """Return an INSERT of one row as one of many rows, and its columns of octets: in base64, as msgspec writes."""
        text, _, constants = self._compiled.get(db.dialect.name) or self._compile(db)
        table = statement.table
        found = _ROW.fullmatch(text)
        if found is None or constants or not isinstance(table, Table):
            raise TypeError("an INSERT of many rows takes each value from its row")
        columns = [table.c[name] for name in _NAME.findall(found["values"])]
        octets = tuple(one.name for one in columns if isinstance(one.type, LargeBinary))
        values = ", ".join(f"decode({one.name}, 'base64')" if one.name in octets else one.name for one in columns)
        types = [("TEXT" if one.name in octets else one.type.compile(dialect=db.dialect)) for one in columns]
        given = ", ".join(f"{one.name} {kind}" for one, kind in zip(columns, types, strict=True))
        rows = f"json_to_recordset(%(rows)s::json) AS given ({given})"
        made = self._from_json = (f"{found['head']} SELECT {values} FROM {rows}{found['tail']}", octets)  # noqa: S608
        return made


@contextmanager
def sent_together(db: Connection) -> Iterator[None]:
    """On PostgreSQL, send the statements of the block before the first is waited for; their rows are there after it.

    Whoever waits for an answer lets go of the interpreter, and gets it back only when others have had their turn.
    """
    if db.dialect.name != "postgresql":
        yield
        return
    driver: Any = db.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except DBAPIError:
        raise
    except Exception as error:
        raise _told(db, error) from error


def _told(db: Connection, error: Exception) -> BaseException:
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


class Among:
    """A query for the rows whose column is among some values: prepared for each power of two of them."""

    def __init__(self, query: Select[Any], column: ColumnElement[Any]) -> None:
        self._query = query
        self._column = column
        self._sizes: dict[int, Prepared] = {}

    def rows(self, db: Connection, among: Sequence[Any], /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows for these values of the column, however many they are."""
        return [row for prepared, given in self.parts(among) for row in prepared.rows(db, **values, **given)]

    def parts(self, among: Sequence[Any]) -> Iterator[tuple[Prepared, dict[str, Any]]]:
        """Give the statements that together ask for these values of the column, with the values of each."""
        for start in range(0, len(among), MOST_AMONG):
            some = among[start : start + MOST_AMONG]
            size = 1 << (len(some) - 1).bit_length()
            padded = [*some, *[some[-1]] * (size - len(some))]
            yield self._sizes.get(size) or self._prepare(size), {f"among_{n}": one for n, one in enumerate(padded)}

    def _prepare(self, size: int) -> Prepared:
        wanted: list[BindParameter[Any]] = [bindparam(f"among_{n}") for n in range(size)]
        made = self._sizes[size] = Prepared(self._query.where(self._column.in_(wanted)))
        return made


def rows_together(db: Connection, asked: Sequence[tuple[Among, Sequence[Any]]], /, **values: Any) -> list[list[Any]]:
    """Return the rows of several queries, each for some values of its column, asked all at once."""
    with sent_together(db):
        cursors = [
            [prepared.sent(db, {**values, **given}) for prepared, given in query.parts(among)] for query, among in asked
        ]
    return [[row for cursor in of_query for row in _fetched(cursor)] for of_query in cursors]


def _fetched(cursor: Any) -> list[tuple[Any, ...]]:
    try:
        found: list[tuple[Any, ...]] = cursor.fetchall()
    finally:
        cursor.close()
    return found
