"""Prepared statements give what built ones give, and their errors are the library's."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from honnin.errors import ServiceError
from honnin.platform.evidence.sealing import ADD_KEY
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Among, Prepared, rows_together, sent_together

ADD = Prepared(insert(schema.persons).values({n: bindparam(n) for n in ("tenant_id", "person_id", "created_at")}))
PEOPLE = schema.persons.c
FIND = Prepared(select(PEOPLE.person_id, PEOPLE.created_at).where(PEOPLE.tenant_id == bindparam("tenant")).limit(2))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()


def test_rows_and_scalars(store: Store) -> None:
    def work(db: object) -> None:
        for number in range(3):
            ADD.run(db, tenant_id="ten_1", person_id=f"per_{number}", created_at="now")  # type: ignore[arg-type]

    store.write(work)
    with store.read() as db:
        assert FIND.rows(db, tenant="ten_1") == [("per_0", "now"), ("per_1", "now")]
        assert FIND.scalar(db, tenant="ten_1") == "per_0"
        assert FIND.scalar(db, tenant="ten_2") is None
        assert FIND.rows(db, tenant="' OR 1=1 --") == []


def test_a_missing_value_is_a_mistake_of_the_caller(store: Store) -> None:
    with store.read() as db, pytest.raises(KeyError):
        FIND.rows(db)


def test_errors_are_those_of_the_library_and_show_no_values(store: Store) -> None:
    row = {"tenant_id": "ten_1", "person_id": "per_secret", "created_at": "now"}
    with store._begin_write() as db:
        ADD.run(db, **row)
        with pytest.raises(IntegrityError) as caught:
            ADD.run(db, **row)
    assert "per_secret" not in str(caught.value)
    assert isinstance(caught.value.orig, sqlite3.IntegrityError)
    with store.read() as db:
        db.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(OperationalError):
            ADD.run(db, **row)


def test_a_write_that_cannot_succeed_ends_as_a_store_error(store: Store) -> None:
    row = {"tenant_id": "ten_1", "person_id": "per_1", "created_at": "now"}
    store.write(lambda db: ADD.run(db, **row))
    with pytest.raises(ServiceError, match="down"):
        store.write(lambda db: ADD.run(db, **row))


@pytest.mark.parametrize("size", [32, 70_000])
def test_many_rows_arrive_as_they_are(data: Path, database_url: str | None, size: int) -> None:
    """Also octets of every value, quotes, escapes and what is beyond ASCII, and values that are not there."""
    opened = Store(data, database_url)
    texts = ["plain", "'; DROP TABLE data_keys; --", 'quote " and \\ backslash', "本人 𠮟\n\t", "%(rows)s {}"]
    rows = [
        {
            "tenant_id": "ten_1",
            "data_key_id": f"key_{number}",
            "subject": f"per_{number}",
            "retention": text,
            "created_at": "now",
            "expires_at": None if number % 2 else "then",
            "wrapped": bytes(range(256)) * (size // 256) + bytes([number, 0, 255]),
        }
        for number, text in enumerate(texts)
    ]
    opened.write(lambda db: ADD_KEY.run_many(db, rows))
    found = select(schema.data_keys).order_by(schema.data_keys.c.data_key_id)
    with opened.read() as db:
        kept = [dict(row) for row in db.execute(found).mappings()]
    assert [{name: row[name] for name in rows[0]} for row in kept] == rows
    with pytest.raises(ServiceError):
        opened.write(lambda db: ADD_KEY.run_many(db, rows[:1]))
    opened.close()


def test_one_bad_row_among_statements_sent_together_is_an_error_of_the_library(
    data: Path, database_url: str | None
) -> None:
    """And the transaction goes on from its savepoint, as on a connection that waits for each statement."""
    opened = Store(data, database_url)
    person = {"tenant_id": "ten_1", "person_id": "per_1", "created_at": "now"}

    def add(db: Connection, *rows: dict[str, str]) -> None:
        with sent_together(db):
            for row in rows:
                ADD.run_many(db, [row])

    def work(db: Connection) -> list[list[tuple[object, ...]]]:
        ADD.run(db, **person)
        db.exec_driver_sql("SAVEPOINT here")
        with pytest.raises(IntegrityError):
            add(db, {**person, "person_id": "per_2"}, person, {**person, "person_id": "per_3"})
        db.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        with sent_together(db):
            ADD.run_many(db, [{**person, "person_id": f"per_{number}"} for number in range(4, 104)])
        known = Among(select(PEOPLE.person_id).where(PEOPLE.tenant_id == bindparam("tenant")), PEOPLE.person_id)
        asked = [(known, ["per_1", "per_2", "per_3"]), (known, []), (known, [f"per_{n}" for n in range(104)])]
        return rows_together(db, asked, tenant="ten_1")

    few, none, many = opened.write(work)
    assert few == [("per_1",)]
    assert none == []
    assert sorted(many) == sorted([("per_1",), *((f"per_{number}",) for number in range(4, 104))])
    opened.close()
