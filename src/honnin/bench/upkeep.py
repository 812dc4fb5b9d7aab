"""Upkeep beside the bare driver: customers' certificates joined with a list, and the same rows merely streamed.

The rows are loaded in bulk, in the order of their keys; the first hundredth of the customers is in the list. The peer
reads every row that upkeep needs in the same order with the engine's bare driver and does nothing with it (`engines`).
"""

import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from honnin.bench.cluster import POSTGRESQL, running_cluster
from honnin.bench.engines import Engine, Postgresql, Row, Sqlite
from honnin.bench.figures import Figure
from honnin.bench.lists import NOW, Shape, Signer
from honnin.bench.printing import print_figures
from honnin.pki.index import RevocationIndex
from honnin.platform import tenants
from honnin.platform.clock import moment
from honnin.platform.customers import serial_key
from honnin.platform.keys import Keyring
from honnin.platform.store import Store
from honnin.platform.upkeep import Upkeep, UpkeepReport

__all__ = ["measure_upkeep"]

LOGGER = logging.getLogger("honnin.bench")
MILLION = 1_000_000
FIRST = 1 << 24
LISTED = 100  # every so many-th customer is in the list
AIM = 1.5


def measure_upkeep(*, full: bool = False, rounds: int = 3) -> list[Figure]:
    """Measure the join of 1 million customers with 1 million entries; full: of 10 million with 10 million too."""
    figures: list[Figure] = []
    for count in (MILLION, 10 * MILLION) if full else (MILLION,):
        turns = rounds if count == MILLION else 1
        LOGGER.info("joining %s M customers on SQLite", count // MILLION)
        with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder:
            figures += _measured(Sqlite(Path(folder)), count, turns)
        if (POSTGRESQL / "initdb").exists():
            LOGGER.info("joining %s M customers on PostgreSQL", count // MILLION)
            with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder, running_cluster() as cluster:
                figures += _measured(Postgresql(Path(folder), cluster), count, turns)
    return figures


def _measured(engine: Engine, count: int, rounds: int) -> list[Figure]:
    folder = engine.folder
    signer, keys, store = Signer(), Keyring(folder / "keys"), Store(folder, engine.database_url)
    path = folder / "list.crl"
    signer.write(path, Shape(count))
    RevocationIndex.build(folder / "index", [path], [signer.certificate], at=NOW)
    path.unlink()
    tenant = store.write(lambda db: tenants.add_tenant(db, keys, "bench", livemode=False, log_id="", now=moment(NOW)))
    engine.load(_rows(keys, tenant.tenant, signer.key_id, count))
    upkeep = Upkeep(store, keys, RevocationIndex.open(folder / "index"), {signer.key_id: "signature"})
    reports: list[UpkeepReport] = []

    def join() -> None:
        reports.append(upkeep.run(livemode=False, at=NOW))

    first, peer, again = engine.timed(join), [], []
    for _ in range(rounds):
        peer.append(engine.timed(engine.stream))
        again.append(engine.timed(join))
    if [report.ended for report in reports] != [count // LISTED, *[0] * rounds]:
        raise AssertionError(f"what is measured must tell once: {reports}")
    store.close()
    name = f"{engine.name}: {count // MILLION} M customers in {count // MILLION} M entries"
    told = f"{count // LISTED:,} events in {first - min(again):.2f} s more"
    bare, words = min(peer), f"{engine.driver} streaming the rows"
    ratio = round(min(again) / bare, 2)
    took = tuple(round(one, 2) for one in again)
    return [
        Figure(f"{name}, nothing new", "s", round(min(again), 2), words, round(bare, 2), ratio, AIM, took),
        Figure(f"{name}, 1 % ended", "s", round(first, 2), words, round(bare, 2), round(first / bare, 2), note=told),
    ]


def _rows(keys: Keyring, tenant: str, key_id: bytes, count: int) -> Iterator[Row]:
    """Yield customers' certificates in the order of their keys."""
    blocks = np.zeros((count, 2), ">u8")
    blocks[:, 1] = np.arange(count, dtype=np.uint64) + np.uint64(FIRST + count - count // LISTED)
    cipher = Cipher(algorithms.AES(serial_key(keys, tenant)), modes.ECB())  # noqa: S305 - as `customers` seals
    sealed = np.frombuffer(cipher.encryptor().update(blocks.tobytes()), ">u8").reshape(-1, 2)
    octets = sealed[np.lexsort((sealed[:, 1], sealed[:, 0]))].tobytes()
    return ((tenant, key_id, octets[16 * n : 16 * n + 16], f"per_{n:024d}") for n in range(count))


if __name__ == "__main__":
    print_figures(measure_upkeep(full="--full" in sys.argv))
