"""The write lock between processes: waited for in the kernel, gone with who held it, and no more than an order."""

import fcntl
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event, insert, text
from tests.waiting import next_line

from honnin.errors import ServiceError
from honnin.platform.store import Store, engine, schema
from honnin.platform.store.turns import Turns

HOLD = """
import fcntl, sys, time
held = open(sys.argv[1], "w")
fcntl.flock(held, fcntl.LOCK_EX)
print(flush=True)
time.sleep(600)
"""
WRITE = """
import sys
from pathlib import Path
from sqlalchemy import insert
from honnin.platform.store import Store, schema
store = Store(Path(sys.argv[1]))
for number in range(50):
    row = {"tenant_id": sys.argv[2], "person_id": f"per_{number}", "created_at": "now"}
    store.write(lambda db: db.execute(insert(schema.persons).values(row)))
store.close()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def lock(store: Store, tmp_path: Path) -> Path:
    return tmp_path / "data" / "honnin.sqlite3.lock"


def add(store: Store, person: str) -> None:
    row = {"tenant_id": "ten_a", "person_id": person, "created_at": "now"}
    store.write(lambda db: db.execute(insert(schema.persons).values(row)))


def people(store: Store) -> int:
    with store.read() as db:
        return int(db.execute(text("SELECT count(*) FROM persons")).scalar_one())


def test_a_write_waits_for_the_other_process_and_goes_on_when_that_is_killed(store: Store, lock: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    next_line(holder.stdout)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(add, store, "per_1")
        with pytest.raises(TimeoutError):
            writing.result(0.5)
        assert people(store) == 0  # reading waits for nobody
        holder.kill()
        holder.wait(20)
        writing.result(20)
    holder.stdout.close()
    assert people(store) == 1


def test_processes_whose_lock_file_was_removed_write_all_the_same(store: Store, lock: Path) -> None:
    """The store's own file is what keeps writers apart: here nobody waits for the same lock."""
    lock.unlink()
    writers = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", WRITE, str(lock.parent), f"ten_{name}"]) for name in "bc"
    ]
    for number in range(50):
        add(store, f"per_{number}")
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert people(store) == 150


def test_a_program_that_does_not_know_the_lock_is_waited_for(store: Store, lock: Path) -> None:
    stranger = sqlite3.connect(lock.parent / "honnin.sqlite3", isolation_level=None, check_same_thread=False)
    stranger.execute("BEGIN IMMEDIATE")
    ends = threading.Timer(0.3, stranger.execute, ("COMMIT",))
    ends.start()
    add(store, "per_1")
    assert not ends.is_alive()
    assert people(store) == 1
    stranger.close()


def test_a_write_behind_a_stopped_process_is_given_up(
    store: Store, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LONGEST_SECONDS", 0.2)
    with lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for person in ("per_1", "per_2"):
            with pytest.raises(ServiceError) as late:
                add(store, person)
            assert late.value.code == "store.down"
    monkeypatch.undo()
    add(store, "per_3")
    assert people(store) == 1  # what was given up is not written later


def test_who_writes_while_the_store_is_closed_goes_on_and_leaves_no_lock(store: Store, lock: Path) -> None:
    """A sequencer that took longer than its end is waited for."""
    with ThreadPoolExecutor(1) as pool:
        with lock.open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            checkpoint = pool.submit(store.checkpoint)
            assert store._write_lock is not None
            while not store._write_lock._here.locked():
                threading.Event().wait(0.005)
            store.close()
        checkpoint.result(20)
        pool.submit(store.checkpoint).result(20)
    store.close()


def test_a_store_that_cannot_be_opened_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only another process at the file is waited for."""
    Store(tmp_path).close()
    (tmp_path / "honnin.sqlite3-wal").mkdir()  # where SQLite opens a file
    asked: list[float] = []
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=time.monotonic, sleep=asked.append))
    with pytest.raises(ServiceError, match="unwritable"):
        Store(tmp_path)
    assert asked == []


def test_the_log_begins_anew_at_every_checkpoint_beside_a_writer(store: Store, lock: Path) -> None:
    add(store, "per_first")
    stop, wrote = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            add(store, f"per_{len(wrote)}")
            wrote.append(1)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            before = _begun(lock)
            for number in range(1, 11):
                store.checkpoint()
                enough = len(wrote) + 2  # one may have been under way
                while len(wrote) < enough and not writing.done():
                    stop.wait(0.005)
                assert (_begun(lock) - before) % 2**32 >= number
        finally:
            stop.set()
        writing.result(20)


def _begun(lock: Path) -> int:
    """Return SQLite's number of the log's beginning (file format, §4.1: salt-1, one more each time)."""
    with (lock.parent / "honnin.sqlite3-wal").open("rb") as log:
        number: int = struct.unpack(">I", log.read(20)[16:])[0]
    return number


def test_who_comes_while_another_process_writes_is_of_one_group(store: Store, lock: Path) -> None:
    commits: list[int] = []
    event.listen(store.engine, "commit", lambda _: commits.append(1))
    with ThreadPoolExecutor(5) as pool:
        with lock.open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            writing = [pool.submit(add, store, f"per_{number}") for number in range(5)]
            while len(store._groups._waiting.get(None, ())) < len(writing):
                threading.Event().wait(0.005)
        for one in writing:
            one.result(20)
    assert len(commits) == 1
    assert people(store) == 5


def test_who_must_not_wait_goes_between_two_steps_of_who_computes() -> None:
    turns = Turns()
    went: list[str] = []

    def first() -> None:
        with turns.first:
            went.append("first")

    with turns:
        hurried = threading.Thread(target=first)
        hurried.start()
        while not turns._first:
            threading.Event().wait(0.005)
        assert went == []
        with turns:  # the next step
            assert went == ["first"]
        with turns:  # nobody waits
            pass
    hurried.join(20)
