"""Prepared statements give what built ones give, and their errors are the library's."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from honnin.errors import ServiceError
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Prepared

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
