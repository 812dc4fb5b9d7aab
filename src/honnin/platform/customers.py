"""Which certificates are customers': what a new revocation list is held against (upkeep).

A tenant's customer certificate is its issuer's key id and its serial number, *sealed*: AES-256 over one block under a
key of the tenant's own that is derived from the master key. A block cipher on numbers that differ shows nothing but
that they differ; no two tenants' rows can be joined by the database alone, and a million rows open in one call.

    16 octets   00 ‖ serial in 15 octets         serials below 2^120; J-LIS's have four octets
    32 octets   01 ‖ upper 15 octets, 02 ‖ lower 15 octets, each its own block
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from honnin.platform.keys import Keyring
from honnin.platform.store import schema
from honnin.platform.store.prepared import Prepared

__all__ = [
    "customer_row",
    "forget_customers",
    "keep_customer",
    "keep_customers",
    "open_serials",
    "seal_serial",
    "serial_key",
]

BLOCK = 16
PART = 15
NARROW_BITS = 8 * PART
_KEEP = {
    name: Prepared(dialect.insert(schema.customer_certificates).on_conflict_do_nothing())
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
MOST_BITS = 160  # RFC 5280 §4.1.2.2: 20 octets


def serial_key(keys: Keyring, tenant_id: str) -> bytes:
    """Return the key that seals a tenant's serial numbers."""
    return keys.derived(f"customers:{tenant_id}")


@lru_cache(maxsize=4096)
def _sealing(key: bytes) -> CipherContext:
    """Return what seals whole blocks, one after the other: in this mode it keeps nothing between them."""
    return _cipher(key).encryptor()


@lru_cache(maxsize=4096)
def _cipher(key: bytes) -> Cipher[modes.ECB]:
    # One block a number, numbers never repeat under one issuer: a permutation is what is wanted, not a mode
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305


def seal_serial(key: bytes, serial: int) -> bytes:
    """Return a serial number (at most 20 octets) as it is stored."""
    if serial < 0 or serial.bit_length() > MOST_BITS:
        raise ValueError("no certificate has such a serial number")
    if serial.bit_length() <= NARROW_BITS:
        plain = b"\x00" + serial.to_bytes(PART, "big")
    else:
        lower = serial & (1 << NARROW_BITS) - 1
        plain = b"\x01" + (serial >> NARROW_BITS).to_bytes(PART, "big") + b"\x02" + lower.to_bytes(PART, "big")
    return _sealing(key).update(plain)


def open_serials(key: bytes, sealed: Sequence[bytes]) -> tuple[npt.NDArray[np.uint64], dict[int, int]]:
    """Return serial numbers as u64 (0 where one is larger), and the larger ones by their place."""
    joined = b"".join(sealed)
    plain = _cipher(key).decryptor().update(joined)
    if len(joined) == BLOCK * len(sealed):
        words = np.frombuffer(plain, ">u8").reshape(-1, 2)
        narrow = words[:, 1].astype(np.uint64)
        large = np.flatnonzero(words[:, 0]).tolist()
        narrow[large] = 0
        return narrow, {row: int.from_bytes(plain[row * BLOCK : (row + 1) * BLOCK], "big") for row in large}
    narrow, wide, at = np.zeros(len(sealed), np.uint64), {}, 0
    for row, one in enumerate(sealed):
        parts = [plain[at + start + 1 : at + start + BLOCK] for start in range(0, len(one), BLOCK)]
        serial = int.from_bytes(b"".join(parts), "big")
        if serial >> 64:
            wide[row] = serial
        else:
            narrow[row] = serial
        at += len(one)
    return narrow, wide


def keep_customer(
    db: Connection, keys: Keyring, tenant_id: str, person_id: str, issuer_key_id: bytes, serial: int
) -> None:
    """Note that a certificate is a customer's; nothing happens when that is known."""
    row = customer_row(keys, tenant_id, person_id, issuer_key_id, serial)
    keep_customers(sqlite=db.dialect.name == "sqlite").run(db, **row)


def keep_customers(*, sqlite: bool) -> Prepared:
    """Return the statement that keeps customers' rows and leaves those that are there."""
    return _KEEP["sqlite" if sqlite else "postgresql"]


def customer_row(keys: Keyring, tenant_id: str, person_id: str, issuer_key_id: bytes, serial: int) -> dict[str, Any]:
    """Return the row of a certificate that is a customer's."""
    sealed = seal_serial(serial_key(keys, tenant_id), serial)
    return {"tenant_id": tenant_id, "issuer_key_id": issuer_key_id, "serial": sealed, "person_id": person_id}


def forget_customers(db: Connection, tenant_id: str, people: Iterable[str]) -> None:
    """Delete persons' certificates, and what was told of their ends."""
    customers, ends = schema.customer_certificates, schema.certificate_ends
    mine = (customers.c.tenant_id == tenant_id) & customers.c.person_id.in_(list(people))
    for row in db.execute(select(customers.c.issuer_key_id, customers.c.serial).where(mine)).all():
        db.execute(
            delete(ends).where(
                ends.c.tenant_id == tenant_id,
                ends.c.issuer_key_id == row.issuer_key_id,
                ends.c.serial == row.serial,
            )
        )
    db.execute(delete(customers).where(mine))
