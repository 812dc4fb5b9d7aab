"""Upkeep beside the bare driver: customers' certificates joined with a list, and the same rows merely streamed.

The rows are loaded in bulk, in the order of their keys; the first hundredth of the customers is in the list. The peer
reads every row that upkeep needs in the same order with Python's own sqlite3 and does nothing with it.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from honnin.bench.crl import Figure
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

MILLION = 1_000_000
FIRST = 1 << 24
LISTED = 100  # every so many-th customer is in the list
AIM = 1.5
STREAM = (
    "SELECT issuer_key_id, serial, tenant_id, person_id FROM customer_certificates "
    "ORDER BY tenant_id, issuer_key_id, serial"
)


def measure_upkeep(*, full: bool = False, rounds: int = 3) -> list[Figure]:
    """Measure the join of 1 million customers with 1 million entries; full: of 10 million with 10 million too."""
    figures: list[Figure] = []
    for count in (MILLION, 10 * MILLION) if full else (MILLION,):
        with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder:
            figures += _measured(Path(folder), count, rounds if count == MILLION else 1)
    return figures


def _measured(folder: Path, count: int, rounds: int) -> list[Figure]:
    signer, keys, store = Signer(), Keyring(folder / "keys"), Store(folder)
    path = folder / "list.crl"
    signer.write(path, Shape(count))
    RevocationIndex.build(folder / "index", [path], [signer.certificate], at=NOW)
    path.unlink()
    tenant = store.write(lambda db: tenants.add_tenant(db, keys, "bench", livemode=False, log_id="", now=moment(NOW)))
    _load(folder, keys, tenant.tenant, signer.key_id, count)
    upkeep = Upkeep(store, keys, RevocationIndex.open(folder / "index"), {signer.key_id: "signature"})
    reports: list[UpkeepReport] = []

    def join() -> None:
        reports.append(upkeep.run(livemode=False, at=NOW))

    first, peer, again = _timed(join), [], []
    for _ in range(rounds):
        peer.append(_timed(lambda: _stream(folder)))
        again.append(_timed(join))
    if [report.ended for report in reports] != [count // LISTED, *[0] * rounds]:
        raise AssertionError(f"what is measured must tell once: {reports}")
    store.close()
    name = f"upkeep, {count // MILLION} M customers in {count // MILLION} M entries"
    told = f"{count // LISTED:,} events in {first - min(again):.2f} s more"
    return [
        Figure(
            f"{name}, nothing new",
            "s",
            round(min(again), 2),
            "sqlite3 streaming the rows",
            round(min(peer), 2),
            round(min(again) / min(peer), 2),
            AIM,
            round(max(again) / min(again), 2),
        ),
        Figure(
            f"{name}, 1 % ended",
            "s",
            round(first, 2),
            "sqlite3 streaming the rows",
            round(min(peer), 2),
            round(first / min(peer), 2),
            note=told,
        ),
    ]


def _load(folder: Path, keys: Keyring, tenant: str, key_id: bytes, count: int) -> None:
    blocks = np.zeros((count, 2), ">u8")
    blocks[:, 1] = np.arange(count, dtype=np.uint64) + np.uint64(FIRST + count - count // LISTED)
    cipher = Cipher(algorithms.AES(serial_key(keys, tenant)), modes.ECB())  # noqa: S305 - as `customers` seals
    sealed = np.frombuffer(cipher.encryptor().update(blocks.tobytes()), ">u8").reshape(-1, 2)
    octets = sealed[np.lexsort((sealed[:, 1], sealed[:, 0]))].tobytes()
    connection = sqlite3.connect(folder / "honnin.sqlite3")
    rows = ((tenant, key_id, octets[16 * n : 16 * n + 16], f"per_{n:024d}") for n in range(count))
    connection.executemany("INSERT INTO customer_certificates VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()


def _stream(folder: Path) -> None:
    connection = sqlite3.connect(folder / "honnin.sqlite3")
    rows = connection.execute(STREAM)
    while rows.fetchmany(10_000):
        pass
    connection.close()


def _timed(step: Callable[[], None]) -> float:
    began = time.process_time()
    step()
    return time.process_time() - began


if __name__ == "__main__":
    print_figures(measure_upkeep(full="--full" in sys.argv))
