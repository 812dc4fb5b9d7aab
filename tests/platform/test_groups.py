"""Group commit: writes that wait together share a flush; each fails alone, and together only with the transaction."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from tests.waiting import LONG, until

from honnin.errors import InputError, ServiceError, StateError
from honnin.platform.evidence.log import Log
from honnin.platform.keys import Keyring
from honnin.platform.store import Store, schema
from honnin.platform.store.grouping import Groups, Kind, LateError
from honnin.platform.store.prepared import Prepared

WRITERS = 24


@pytest.fixture
def store(data: Path, database_url: str | None) -> Any:
    opened = Store(data, database_url)
    yield opened
    opened.close()


def person(number: int) -> Callable[[Connection], int]:
    def work(db: Connection) -> int:
        row = {"tenant_id": "ten_a", "person_id": f"per_{number}", "created_at": "now"}
        db.execute(insert(schema.persons).values(row))
        return number

    return work


def together(store: Store, works: list[Callable[[Connection], Any]], tenant: str | None = "ten_a") -> list[Any]:
    """Write from many threads while the first one's transaction is held open; give back results and errors."""
    first_runs, go = threading.Event(), threading.Event()

    def first(db: Connection) -> None:
        first_runs.set()
        assert go.wait(LONG)

    def write(work: Callable[[Connection], Any]) -> Any:
        try:
            return store.write(work, tenant=tenant)
        except Exception as error:  # noqa: BLE001 - given back to the test
            return error

    with ThreadPoolExecutor(len(works) + 1) as pool:
        holding = pool.submit(store.write, first, tenant=tenant)
        assert first_runs.wait(LONG)
        pending = [pool.submit(write, work) for work in works]
        line = store._groups._waiting
        until(lambda: sum(map(len, line.values())) == len(works), "not every write came to wait")
        go.set()
        holding.result(LONG)
        return [one.result(LONG) for one in pending]


def write_soon(store: Store, kind: Kind, items: Iterable[Any]) -> "list[Future[Any]]":
    pending = [(item, Future[Any]()) for item in items]
    store.write_soon(kind, pending, tenant="ten_a")
    return [told for _, told in pending]


def commits(store: Store) -> list[int]:
    seen: list[int] = []
    event.listen(store.engine, "commit", lambda _: seen.append(1))
    return seen


def people(store: Store) -> set[str]:
    with store.read() as db:
        return set(db.execute(select(schema.persons.c.person_id)).scalars())


def test_writes_that_wait_share_one_transaction(store: Store) -> None:
    seen = commits(store)
    assert together(store, [person(number) for number in range(WRITERS)]) == list(range(WRITERS))
    assert len(seen) == 2  # the one that held, and everyone else
    assert people(store) == {f"per_{number}" for number in range(WRITERS)}


def test_a_write_that_fails_is_undone_alone(store: Store) -> None:
    def refuses(db: Connection) -> None:
        person(77)(db)
        raise InputError("tenant.name", "No.")

    told = together(store, [person(1), refuses, person(2), person(1), person(3)])
    assert [told[0], told[2], told[4]] == [1, 2, 3]
    assert isinstance(told[1], InputError)
    assert isinstance(told[3], ServiceError)  # a key that is there stays there however often it is tried
    assert people(store) == {"per_1", "per_2", "per_3"}


def test_a_write_that_lost_a_race_runs_again(store: Store) -> None:
    tries = []

    def racing(db: Connection) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise IntegrityError("INSERT", {}, Exception("meanwhile"))
        person(9)(db)
        return "won"

    assert together(store, [person(1), racing]) == [1, "won"]
    assert people(store) == {"per_1", "per_9"}


def test_nobody_is_acknowledged_when_the_transaction_fails(store: Store) -> None:
    broken = []

    def breaks(db: Connection) -> None:
        if not broken:  # the transaction is gone under everyone, as on a full disk
            broken.append(1)
            db.exec_driver_sql("ROLLBACK")
            raise OperationalError("COMMIT", {}, Exception("database is locked"))

    told = together(store, [person(1), breaks, person(2)])
    with store.read() as db:
        assert db.execute(text("SELECT count(*) FROM persons")).scalar() == sum(isinstance(one, int) for one in told)
    assert {f"per_{one}" for one in told if isinstance(one, int)} == people(store)


def test_other_tenants_do_not_wait_on_postgresql(store: Store) -> None:
    if store.is_sqlite:
        return
    inside, go = threading.Event(), threading.Event()

    def holds(db: Connection) -> None:
        inside.set()
        assert go.wait(LONG)

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(store.write, holds, tenant="ten_a")
        assert inside.wait(LONG)
        assert store.write(person(5), tenant="ten_b") == 5
        assert store.write(person(6)) == 6
        go.set()
        holding.result(LONG)


def test_an_interrupted_transaction_is_told_to_everyone_and_leaves_the_line_free() -> None:
    @contextmanager
    def begin() -> Any:
        raise KeyboardInterrupt
        yield

    groups = Groups(begin)
    told: list[BaseException | None] = []
    for _ in range(3):
        groups.submit(None, None, [(lambda _: None, lambda _, error: told.append(error))])
    groups.close()
    assert [type(error) for error in told] == [KeyboardInterrupt] * 3
    assert groups._waiting == {}


def test_writes_of_a_kind_share_their_statements_and_fail_apart(store: Store) -> None:
    calls: list[int] = []

    def people_of(db: Connection, numbers: Sequence[int]) -> list[int | InputError]:
        calls.append(len(numbers))
        for number in numbers:
            if number >= 0:
                person(number)(db)
        return [number if number >= 0 else InputError("tenant.name", "No.") for number in numbers]

    def waiting(numbers: list[int]) -> list[Any]:
        inside, go = threading.Event(), threading.Event()

        def first(_: Connection) -> None:
            inside.set()
            assert go.wait(LONG)

        with ThreadPoolExecutor(1) as pool:
            holding = pool.submit(store.write, first, tenant="ten_a")
            assert inside.wait(LONG)
            pending = write_soon(store, people_of, numbers)
            go.set()
            holding.result(LONG)
            return [one.exception(LONG) or one.result(LONG) for one in pending]

    told = waiting([1, 2, -1, 3])
    assert calls == [4]
    assert [told[0], told[1], told[3]] == [1, 2, 3]
    assert isinstance(told[2], InputError)
    told = waiting([4, 2, 5])  # one is there already: all are undone, then each is tried by itself
    assert [told[0], told[2]] == [4, 5]
    assert isinstance(told[1], ServiceError)
    assert people(store) == {f"per_{number}" for number in range(1, 6)}


def test_who_stops_waiting_stops_nothing(store: Store) -> None:
    """A caller that goes away cannot take its write back, and nobody of its group notices."""

    def people_of(db: Connection, numbers: Sequence[int]) -> Sequence[int]:
        for number in numbers:
            person(number)(db)
        return numbers

    inside, go = threading.Event(), threading.Event()

    def first(_: Connection) -> None:
        inside.set()
        assert go.wait(LONG)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(store.write, first, tenant="ten_a")
        assert inside.wait(LONG)
        pending = write_soon(store, people_of, range(3))
        assert not pending[0].cancel()
        go.set()
        holding.result(LONG)
    assert [one.result(LONG) for one in pending] == [0, 1, 2]
    assert people(store) == {"per_0", "per_1", "per_2"}


def test_a_look_inside_a_write_waits_for_nobody(store: Store) -> None:
    one = Prepared(text("SELECT 1"))

    def looks(db: Connection) -> int:
        person(1)(db)
        return len(store.look(one))

    told = write_soon(store, lambda db, _: [looks(db)], [0])
    assert told[0].result(LONG) == 1


def test_every_write_to_a_closed_store_is_told_so_at_once(data: Path) -> None:
    store = Store(data / "closed")
    store.close()
    told = [*write_soon(store, lambda _, numbers: numbers, [0]), *write_soon(store, lambda _, numbers: numbers, [1])]
    with ThreadPoolExecutor(2) as pool:
        told += [pool.submit(store.write, person(number)) for number in range(2)]
    for one in told:
        with pytest.raises(ServiceError, match="down"):
            one.result(0)


def test_an_outcome_that_cannot_be_told_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    told = threading.Event()

    def refuses(_: Any, __: BaseException | None) -> None:
        raise RuntimeError("nobody is there")

    groups = Groups(one_that_is_no_connection)
    groups.submit(None, None, [(lambda _: None, refuses)])
    until(lambda: not groups._waiting or caplog.text, "the first write was not made")
    groups.submit(None, None, [(lambda _: None, lambda _, __: told.set())])
    assert told.wait(LONG)
    groups.close()
    assert "RuntimeError" in caplog.text
    assert "nobody is there" not in caplog.text


def test_writes_that_are_given_up_are_each_told_whoever_stands_before_them(caplog: pytest.LogCaptureFixture) -> None:
    """One cannot be told, and one that is tried again stands behind one that came since."""
    inside, go = threading.Event(), threading.Event()
    told: dict[str, BaseException | None] = {}

    def holds(_: Connection) -> None:
        inside.set()
        assert go.wait(LONG)

    def refuses(_: Any, __: BaseException | None) -> None:
        raise RuntimeError("nobody is there")

    def asked(name: str, since: float) -> None:
        groups.submit("a", None, [(lambda _: None, lambda _, error: told.update({name: error}))], since)

    groups, now = Groups(one_that_is_no_connection), time.monotonic()
    try:
        groups.submit("a", None, [(holds, lambda _, __: None)])
        assert inside.wait(LONG)
        groups.submit("a", None, [(lambda _: None, refuses)], now - 2 * LONG)
        asked("late", now - 2 * LONG)
        asked("young", now)
        asked("again", now - 2 * LONG)
        groups.give_up(LONG)
        assert {name: type(error) for name, error in told.items()} == {"late": LateError, "again": LateError}
    finally:
        go.set()
        groups.close()
    assert told["young"] is None
    assert "RuntimeError" in caplog.text


def test_a_line_that_is_never_done_keeps_no_other_from_its_turn() -> None:
    """One thread, two lines, one of which has a next write as soon as the last one was made."""
    went: list[str] = []
    ended = threading.Event()

    def again(_: Any, __: BaseException | None) -> None:
        went.append("a")
        if len(went) < 1000:
            groups.submit("a", None, [(lambda _: None, again)])
            if len(went) == 1:
                groups.submit("b", None, [(lambda _: None, lambda _, __: went.append("b"))])
        else:
            ended.set()

    groups = Groups(one_that_is_no_connection, lines=1)
    groups.submit("a", None, [(lambda _: None, again)])
    assert ended.wait(LONG)
    groups.close()
    assert went.index("b") < 5
    assert groups._waiting == {}


@contextmanager
def one_that_is_no_connection() -> Any:
    yield None


def test_a_write_that_cannot_be_tried_again_is_told_so(store: Store) -> None:
    """The system gives no thread that would try again later."""

    def races(_: Connection) -> None:
        threading.stack_size(1 << 44)
        raise IntegrityError("INSERT", {}, Exception("meanwhile"))

    try:
        with pytest.raises(ServiceError, match="down"):
            store.write(races, tenant="ten_a")
    finally:
        threading.stack_size(0)
    assert store.write(person(1), tenant="ten_a") == 1


def test_no_thread_for_a_line_is_told_and_the_line_goes_on(data: Path) -> None:
    store = Store(data / "fresh")
    threading.stack_size(1 << 44)
    try:
        with pytest.raises(ServiceError, match="down"):
            store.write(person(1))
    finally:
        threading.stack_size(0)
    assert store.write(person(2)) == 2
    store.close()


def test_a_group_whose_connection_is_lost_is_made_again(store: Store) -> None:
    if store.is_sqlite:
        return
    lost = []

    def loses(db: Connection) -> str:
        if not lost:
            lost.append(1)
            db.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return "made"

    assert together(store, [person(1), loses, person(2)]) == [1, "made", 2]
    assert people(store) == {"per_1", "per_2"}


def test_a_full_disk_is_told_as_such_to_a_whole_group(store: Store) -> None:
    if not store.is_sqlite:
        return

    def fills(db: Connection) -> None:
        db.exec_driver_sql("PRAGMA max_page_count = 1")  # no more than there are
        db.exec_driver_sql(
            "INSERT INTO persons (tenant_id, person_id, created_at) VALUES ('t', hex(randomblob(9999)), '')"
        )

    told = together(store, [person(1), fills, person(2)])
    assert [getattr(error, "code", error) for error in told] == ["store.full"] * 3
    assert people(store) == set()


def test_the_log_of_an_older_store_goes_on(data: Path, database_url: str | None) -> None:
    """A store of the first schema, its log included, is brought up; old records and new ones are proved."""
    from honnin.platform.clock import machine_clock, moment
    from honnin.platform.evidence import rfc9162

    keys = Keyring(data / "keys")
    now = moment(machine_clock())
    _older_store(data, database_url, keys, now, numbered=600, waiting=20)
    store = Store(data, database_url)
    log = Log(store, keys.log, machine_clock)
    rows = [_record(number, now) for number in range(620, 650)]
    store.write(lambda db: db.execute(insert(schema.evidence), rows))
    waiting = [{**row, "leaf": rfc9162.leaf_hash(row["record"].encode())} for row in rows]
    store.write(lambda db: db.execute(insert(schema.log_waiting), waiting))
    assert log.waiting() == ["log_a"]
    assert log.sequence("log_a") == 50
    seen = set()
    with store.read() as db:
        for number in range(650):
            proven = log.proven(db, "ten_a", f"evd_{number:04d}")
            assert proven is not None
            seen.add(proven.leaf_index)
            leaf = rfc9162.leaf_hash(proven.record.encode())
            root = bytes.fromhex(proven.head.root)
            size = proven.head.tree_size
            assert size == (600 if number < 600 else 650)
            assert rfc9162.verify_inclusion(leaf, proven.leaf_index, size, list(proven.audit_path), root)
    assert seen == set(range(650))
    old, new = (bytes.fromhex(head.root) for head in _heads(store))
    assert rfc9162.verify_consistency(600, 650, log.consistency("log_a", 600, 650), old, new)
    store.close()


def test_what_an_older_log_left_out_is_filled_when_it_comes(data: Path, database_url: str | None) -> None:
    """A log that moved in part lacks nodes of a tile: those that are there prove, others come with the next move."""
    from honnin.platform.clock import machine_clock, moment
    from honnin.platform.evidence import rfc9162
    from honnin.platform.evidence.log import keep_tiles
    from honnin.platform.evidence.tiles import merged, read_tiles

    keys = Keyring(data / "keys")
    _older_store(data, database_url, keys, moment(machine_clock()), numbered=40, waiting=0, without=range(16, 24))
    store = Store(data, database_url)
    log = Log(store, keys.log, machine_clock)
    with store.read() as db:
        assert log.proven(db, "ten_a", "evd_0003") is not None
        with pytest.raises(StateError, match="log_damaged"):
            log.proven(db, "ten_a", "evd_0030")
        (held,) = read_tiles(db, "log_a", [1]).values()
    came = b"".join(rfc9162.leaf_hash(f"{number}".encode()) for number in range(16, 30))
    assert merged(came, held) == merged(held, came)
    store.write(lambda db: keep_tiles(db, "log_a", {1: merged(held, came)}))
    with store.read() as db:
        proven = log.proven(db, "ten_a", "evd_0030")
    assert proven is not None
    leaf, root = rfc9162.leaf_hash(b"30"), bytes.fromhex(proven.head.root)
    assert rfc9162.verify_inclusion(leaf, 30, 40, list(proven.audit_path), root)
    store.close()


def _heads(store: Store) -> list[Any]:
    with store.read() as db:
        return list(db.exec_driver_sql("SELECT root FROM log_heads ORDER BY tree_size").all())


def _record(number: int, now: str) -> dict[str, Any]:
    mine = {"tenant_id": "ten_a", "evidence_id": f"evd_{number:04d}", "log_id": "log_a"}
    return {**mine, "created_at": now, "record": f"{number}"}


def _older_store(
    data: Path,
    database_url: str | None,
    keys: Keyring,
    now: str,
    *,
    numbered: int,
    waiting: int,
    without: range = range(0),
) -> None:
    """Make a store of the first schema with a log under one head; without: places of leaf hashes that are not there."""
    from alembic import command
    from alembic.config import Config

    from honnin.platform.evidence import canonical, rfc9162

    config = Config()
    config.set_main_option("script_location", "honnin.platform.store:migrations")
    store = Store(data, database_url)
    with store.engine.begin() as db:  # back to nothing, then to what the first schema had
        for table in reversed(schema.metadata.sorted_tables):
            db.execute(text(f"DROP TABLE {table.name}"))
        db.execute(text("DROP TABLE alembic_version"))
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
        leaves = [rfc9162.leaf_hash(f"{number}".encode()) for number in range(numbered)]
        records = [_record(number, now) for number in range(numbered + waiting)]
        add = "INSERT INTO evidence VALUES (:tenant_id, :evidence_id, :log_id, :created_at, :record, :leaf)"
        given = [{**row, "leaf": number if number < numbered else None} for number, row in enumerate(records)]
        db.execute(text(add), given)
        level, nodes = 0, leaves
        while nodes:
            if level % 4 == 0:
                rows = [
                    {"level": level, "position": position, "hash": node}
                    for position, node in enumerate(nodes)
                    if level or position not in without
                ]
                db.execute(text("INSERT INTO log_nodes VALUES ('log_a', :level, :position, :hash)"), rows)
            nodes = [rfc9162.node_hash(nodes[n], nodes[n + 1]) for n in range(0, len(nodes) - 1, 2)]
            level += 1
        head = {"tree_size": numbered, "root": rfc9162.root(leaves).hex(), "time": now}
        signed = {**head, "signature": keys.log.sign(canonical.encode(head)), "key": keys.log.public.key_id}
        add = "INSERT INTO log_heads VALUES ('log_a', :tree_size, :root, :time, :signature, :key)"
        db.execute(text(add), signed)
        add = "INSERT INTO logs VALUES ('log_a', 's', :time, :key, :tree_size)"
        db.execute(text(add), signed)
    store.close()
