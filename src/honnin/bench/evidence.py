"""Evidence at speed: records and leaves made durable in groups, beside what the device and the bare driver do.

Durable means flushed: these are times of the clock on the wall, and everything lies in one folder of one device.
`single writes` come from many threads, each waiting for its own; that is where group commit shows.
"""

import logging
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, update

from honnin.bench.cluster import POSTGRESQL, running_cluster
from honnin.bench.figures import Figure
from honnin.bench.printing import print_figures
from honnin.platform.clock import machine_clock, moment
from honnin.platform.evidence import rfc9162
from honnin.platform.evidence.log import Log, log_of_shard
from honnin.platform.evidence.tiles import WIDTH, number
from honnin.platform.keys import Keyring
from honnin.platform.store import Store, schema
from honnin.platform.store.engine import PRAGMAS
from honnin.platform.store.prepared import Prepared

__all__ = ["measure_evidence"]

LOGGER = logging.getLogger("honnin.bench")
MILLION = 1_000_000
GROUP = 100
GROUPS = (100, 1000)
RECORD = "x" * 1200  # as long as a check's record
THREADS = 32
AIM_LEAVES = 20_000
AIM_PROOF = 1.0  # milliseconds
ADD, WAIT = Prepared(insert(schema.evidence)), Prepared(insert(schema.log_waiting))  # as a check writes them


def measure_evidence(*, full: bool = False, seconds: float = 2.0) -> list[Figure]:
    """Measure appending and proving; full: proofs in a log of 10 million records too."""
    figures = []
    with _log() as opened:
        flushes = _flushes(opened[0], seconds)
        figures.append(Figure("device: 4 KiB written and flushed", "flushes/s", round(flushes)))
        figures += _appending(opened, "SQLite", "sqlite3", partial(_sqlite_driver, opened[0]), flushes, seconds)
    if (POSTGRESQL / "initdb").exists():
        LOGGER.info("appending to a PostgreSQL cluster of its own")
        with running_cluster() as cluster:
            url = cluster.url(cluster.create())
            with _log(url) as opened:
                driver = partial(_postgresql_driver, url)
                stored = cluster.processor_seconds
                figures += _appending(opened, "PostgreSQL", "psycopg", driver, flushes, seconds, stored)
    for count in (MILLION, 10 * MILLION) if full else (MILLION,):
        LOGGER.info("proving in a log of %s M records", count // MILLION)
        with _log() as (folder, store, log, log_id):
            median, slowest = _proofs(folder, store, log, log_id, count)
        note = f"99th percentile {slowest:.2f} ms"
        name = f"inclusion proof in {count // MILLION} M records, median"
        figures.append(Figure(name, "ms", round(median, 3), aim=AIM_PROOF, note=note))
    return figures


def _appending(
    opened: tuple[Path, Store, Log, str],
    engine: str,
    driver_name: str,
    driver: Callable[[float], float],
    flushes: float,
    seconds: float,
    stored: Callable[[], float] = float,
) -> list[Figure]:
    """Measure one engine. driver: the bare one's rate; stored: processor seconds of a server beside this process."""
    _, store, log, log_id = opened
    bare = round(driver(seconds))
    records = round(_rate(seconds, GROUP, lambda start: store.write(partial(_records, log_id=log_id, start=start))))
    figures = [
        Figure(
            f"{engine}: records in groups of {GROUP}, each flushed",
            "records/s",
            records,
            f"{driver_name}, batches of {GROUP} rows",
            bare,
            round(records / bare, 2),
        )
    ]
    for size in GROUPS:
        leaves, each = _numbering(store, log, log_id, size, stored)
        name = f"{engine}: leaves numbered under a signed head, groups of {size:,}"
        told = f"{each * 1e6:.1f} µs of the processor a leaf"
        figures.append(Figure(name, "leaves/s", round(leaves), aim=AIM_LEAVES, note=told, at_least=True))
    single = round(_single(store, log_id, seconds))
    name = f"{engine}: single writes of {THREADS} threads, each flushed before it is answered"
    peer = "the device's flushes"
    figures.append(
        Figure(name, "writes/s", single, peer, round(flushes), round(single / flushes, 2), 1.0, at_least=True)
    )
    return figures


@contextmanager
def _log(database_url: str | None = None) -> Iterator[tuple[Path, Store, Log, str]]:
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as name:
        folder = Path(name)
        store, keys = Store(folder, database_url), Keyring(folder / "keys")
        log = Log(store, keys.log, machine_clock)
        log_id = store.write(lambda db: log_of_shard(db, "bench", keys.log.public.key_id, moment(machine_clock())))
        yield folder, store, log, log_id
        store.close()


def _rate(seconds: float, each: int, step: Callable[[int], Any]) -> float:
    """Return how many things a second are done by a step that does so many; it gets the number of the first."""
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        step(done)
        done += each
    return done / (time.perf_counter() - began)


def _flushes(folder: Path, seconds: float) -> float:
    handle = os.open(folder / "flushed", os.O_RDWR | os.O_CREAT, 0o600)

    def flush(number: int) -> None:
        os.pwrite(handle, bytes(4096), number % 256 * 4096)
        os.fsync(handle)

    try:
        return _rate(seconds, 1, flush)
    finally:
        os.close(handle)


def _sqlite_driver(folder: Path, seconds: float) -> float:
    connection = sqlite3.connect(folder / "driver.sqlite3", isolation_level=None)
    for pragma, (value, _) in PRAGMAS.items():
        connection.execute(f"PRAGMA {pragma}={value}")
    connection.execute("CREATE TABLE records (number INTEGER PRIMARY KEY, record TEXT)")

    def batch(start: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO records VALUES (?, ?)", [(start + n, RECORD) for n in range(GROUP)])
        connection.execute("COMMIT")

    try:
        return _rate(seconds, GROUP, batch)
    finally:
        connection.close()


def _postgresql_driver(url: str, seconds: float) -> float:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE driver (number INTEGER PRIMARY KEY, record TEXT)")

        def batch(start: int) -> None:
            with connection.transaction():
                rows = [(start + n, RECORD) for n in range(GROUP)]
                cursor.executemany("INSERT INTO driver VALUES (%s, %s)", rows)

        return _rate(seconds, GROUP, batch)


def _records(db: Connection, *, log_id: str, start: int, count: int = GROUP, mark: str = "a") -> None:
    now = moment(machine_clock())
    rows = [
        {
            "tenant_id": "ten_bench",
            "evidence_id": f"evd_{mark}{start + number:022d}",
            "log_id": log_id,
            "created_at": now,
            "record": f"{mark}{start + number}{RECORD}",
        }
        for number in range(count)
    ]
    ADD.run_many(db, rows)
    named = ("tenant_id", "evidence_id", "log_id")
    leaves = [rfc9162.leaf_hash(row["record"].encode()) for row in rows]
    WAIT.run_many(
        db, [{name: row[name] for name in named} | {"leaf": leaf} for row, leaf in zip(rows, leaves, strict=True)]
    )


def _numbering(
    store: Store, log: Log, log_id: str, size: int, stored: Callable[[], float], leaves: int = 10_000
) -> tuple[float, float]:
    """Return leaves a second, and processor seconds a leaf, the records being there already: numbered, hashed, proved
    by a head, flushed.
    """
    while log.sequence(log_id):
        pass
    spent = used = 0.0
    for start in range(0, leaves, size):
        store.write(partial(_records, log_id=log_id, start=start, count=size, mark=f"b{size}"))
        began, before = time.perf_counter(), time.process_time() + stored()
        if log.sequence(log_id) != size:
            raise AssertionError("a group is numbered whole")
        spent += time.perf_counter() - began
        used += time.process_time() + stored() - before
    return leaves / spent, used / leaves


def _single(store: Store, log_id: str, seconds: float) -> float:
    began = time.perf_counter()

    def write(thread: int) -> int:
        done = 0
        while time.perf_counter() < began + seconds:
            store.write(partial(_records, log_id=log_id, start=done, count=1, mark=f"c{thread:03d}"))
            done += 1
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        done = sum(pool.map(write, range(THREADS)))
    return done / (time.perf_counter() - began)


def _proofs(folder: Path, store: Store, log: Log, log_id: str, count: int) -> tuple[float, float]:
    """Return median and 99th percentile (ms) of proofs in a log that was loaded in bulk and grown by the sequencer."""
    _load(folder, log_id, count)
    store.write(lambda db: db.execute(update(schema.logs).values(tree_size=count)))
    store.write(partial(_records, log_id=log_id, start=0, count=500))
    log.sequence(log_id)
    times = []
    with store.read() as db:
        for number in range(500):
            began = time.perf_counter()
            proven = log.proven(db, "ten_bench", f"evd_a{number:022d}")
            times.append((time.perf_counter() - began) * 1000)
            if proven is None or not rfc9162.verify_inclusion(
                rfc9162.leaf_hash(proven.record.encode()),
                proven.leaf_index,
                proven.head.tree_size,
                proven.audit_path,
                bytes.fromhex(proven.head.root),
            ):
                raise AssertionError("what is measured must prove")
    return float(np.median(times)), float(np.percentile(times, 99))


def _load(folder: Path, log_id: str, count: int) -> None:
    """Write the tiles of a log of invented leaves, as the sequencer stores them."""
    connection = sqlite3.connect(folder / "honnin.sqlite3")
    octets, storey, size = np.random.default_rng(1).bytes(32 * count), 0, 32 * WIDTH
    while octets:
        tiles = [octets[start : start + size] for start in range(0, len(octets), size)]
        rows = ((log_id, number(storey, place), tile) for place, tile in enumerate(tiles))
        connection.executemany("INSERT INTO log_tiles VALUES (?, ?, ?)", rows)
        octets = b"".join(_root(tile) for tile in tiles if len(tile) == size)
        storey += 1
    connection.commit()
    connection.close()


def _root(tile: bytes) -> bytes:
    return rfc9162.root([tile[at : at + 32] for at in range(0, len(tile), 32)])


if __name__ == "__main__":
    print_figures(measure_evidence(full="--full" in sys.argv))
