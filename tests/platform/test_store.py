"""The store: durable settings on every connection, one schema with its migration, two processes that start at once."""

import contextlib
import os
import select
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, make_url, text
from tests.waiting import LONG, joined

from honnin.errors import InputError, ServiceError, StateError
from honnin.platform.store import Store, engine, schema
from honnin.platform.store.engine import PRAGMAS
from honnin.platform.store.migrate import ADVISORY_LOCK, HEAD


@pytest.fixture
def store(data: Path, database_url: str | None) -> Iterator[Store]:
    store = Store(data, database_url)
    yield store
    store.close()


def test_durable_settings_hold_on_every_connection(store: Store) -> None:
    connections = [store.engine.connect() for _ in range(8)]
    try:
        for connection in connections:
            if store.is_sqlite:
                for pragma, (_, expected) in PRAGMAS.items():
                    assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == expected
            else:
                assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
                assert connection.execute(text("SHOW fsync")).scalar_one() == "on"
                assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "30s"
                assert connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "1min"
    finally:
        for connection in connections:
            connection.close()


class Forward(socketserver.BaseRequestHandler):
    """Carries a connection on to a Unix socket, as if that were on another machine."""

    place: str

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as there:
            there.connect(self.place)
            while True:
                for one in select.select([self.request, there], [], [])[0]:
                    octets = one.recv(1 << 16)
                    if not octets:
                        return
                    (there if one is self.request else self.request).sendall(octets)


def test_a_database_that_vanishes_with_its_machine_is_noticed(data: Path, database_url: str | None) -> None:
    if database_url is None:
        return
    url = make_url(database_url)
    forward = type("ForwardHere", (Forward,), {"place": f"{url.query['host']}/.s.PGSQL.5432"})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), forward) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            held = options_of(data, f"postgresql://honnin@127.0.0.1:{server.server_address[1]}/{url.database}")
        finally:
            server.shutdown()
    alive, idle, interval, count, unanswered = held
    assert alive
    assert idle + interval * count <= 60  # seconds; the system's own are two hours
    assert 0 < unanswered <= 60_000


def options_of(data: Path, url: str) -> list[int]:
    """What the kernel holds of a store's connection."""
    names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
    with contextlib.closing(Store(data, url)) as store, store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        with socket.socket(fileno=os.dup(driver.fileno())) as held:
            tcp = [held.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
            return [held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), *tcp]


def test_named_pragmas_are_the_designs() -> None:
    assert PRAGMAS["synchronous"] == ("FULL", 2)
    assert PRAGMAS["secure_delete"] == ("ON", 1)
    assert PRAGMAS["journal_mode"] == ("WAL", "wal")


def test_migrations_make_the_schema(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_tenant_is_first_in_every_key_that_a_tenant_owns() -> None:
    for table in schema.metadata.tables.values():
        key = [column.name for column in table.primary_key.columns]
        assert key[0] == ("log_id" if table.name.startswith(("log_", "logs")) else "tenant_id")


def test_newer_store_is_refused(data: Path, database_url: str | None) -> None:
    store = Store(data, database_url)
    store.write(lambda db: db.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    store.close()
    with pytest.raises(StateError) as refused:
        Store(data, database_url)
    assert refused.value.code == "store.newer"


def test_processes_that_start_together_migrate_once(data: Path, database_url: str | None) -> None:
    code = (
        "import sys; from pathlib import Path; from honnin.platform.store import Store; "
        "Store(Path(sys.argv[1]), sys.argv[2] or None)"
    )
    starting = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code, str(data), database_url or ""]) for _ in range(4)
    ]
    assert [process.wait(LONG) for process in starting] == [0, 0, 0, 0]
    store = Store(data, database_url)
    with store.read() as db:
        assert db.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
    store.close()


def test_another_process_migration_is_waited_for_as_long_as_it_takes(
    data: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database_url is None:
        return
    monkeypatch.setattr(engine, "LOCKED_SECONDS", 0.1)
    with psycopg.connect(database_url) as migrating, ThreadPoolExecutor(1) as pool:
        migrating.execute("UPDATE alembic_version SET version_num = '0001'")
        migrating.commit()
        migrating.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        opening = pool.submit(Store, data, database_url)
        with pytest.raises(TimeoutError):
            opening.result(1)
        migrating.execute("UPDATE alembic_version SET version_num = %s", [HEAD])
        migrating.commit()
        opening.result(LONG).close()


def test_failed_work_leaves_nothing(store: Store) -> None:
    def work(db: object) -> None:
        db.execute(insert(schema.persons).values(tenant_id="t", person_id="p", created_at="now"))  # type: ignore[attr-defined]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.write(work)
    with store.read() as db:
        assert db.execute(text("SELECT count(*) FROM persons")).scalar_one() == 0


def test_concurrent_writers_all_succeed(store: Store) -> None:
    def add(thread: int) -> None:
        for number in range(20):
            store.write(
                lambda db, n=number: db.execute(
                    insert(schema.persons).values(tenant_id=f"t{thread}", person_id=f"p{n}", created_at="now")
                )
            )

    threads = [threading.Thread(target=add, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    joined(*threads)
    with store.read() as db:
        assert db.execute(text("SELECT count(*) FROM persons")).scalar_one() == 80


def test_store_and_folder_are_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    store = Store(folder)
    store.write(lambda db: db.execute(insert(schema.persons).values(tenant_id="t", person_id="p", created_at="now")))
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name
    store.close()


def test_deleted_content_is_overwritten(data: Path) -> None:
    store = Store(data)
    secret = os.urandom(64)
    values = {"tenant_id": "t", "sealed_id": "s", "kind": "k", "data_key_id": "d", "content": secret}
    store.write(lambda db: db.execute(insert(schema.sealed).values(**values)))
    store.write(lambda db: db.execute(schema.sealed.delete()))
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    for file in data.iterdir():
        assert secret not in file.read_bytes(), file.name


def test_server_that_is_not_there_is_a_coded_error(data: Path) -> None:
    with pytest.raises(ServiceError) as down:
        Store(data, "postgresql://nobody:secret@127.0.0.1:1/none")
    assert down.value.code == "store.down"
    assert "secret" not in repr(down.value) + str(down.value)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite:///x"])
def test_unusable_urls_are_coded_errors(data: Path, url: str) -> None:
    with pytest.raises(InputError) as refused:
        Store(data, url)
    assert refused.value.code == "store.url"


def test_file_that_is_no_database_is_a_coded_error(data: Path) -> None:
    (data / "honnin.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises((ServiceError, StateError)):
        Store(data)


def test_a_young_store_is_counted(store: Store) -> None:
    """PostgreSQL plans by counts, which it makes by itself only after a while; SQLite needs none."""
    add = "INSERT INTO person_certificates (tenant_id, link_tag, person_id) VALUES ('ten_1', 'tag', 'per_1')"
    store.write(lambda db: db.execute(text(add)))
    store.checkpoint()
    store.checkpoint()
    if not store.is_sqlite:
        with store.read() as db:
            counted = text("SELECT reltuples FROM pg_class WHERE relname = 'person_certificates'")
            assert db.execute(counted).scalar_one() == 1
