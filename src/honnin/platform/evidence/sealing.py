"""Sealing personal data: AES-256-GCM under data keys, each wrapped by a key that is not in the database.

A data key belongs to one tenant, one subject (a person, or one short-lived object) and one retention rule. What it
sealed ends when it is destroyed: the wrapped key is cleared and overwritten (`secure_delete`), and the ciphertexts that
backups may still hold stay unreadable as long as no backup of the row itself is kept beside the master key
(docs/evidence.md says what an operator must see to).

Both layers name what they hold as associated data, so that a row moved to another tenant, object or kind does not open.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from honnin.errors import GoneError, StateError
from honnin.platform.ids import new_id
from honnin.platform.keys import Keyring
from honnin.platform.randomness import unique_octets
from honnin.platform.store import schema
from honnin.platform.store.prepared import Prepared

__all__ = ["ADD_KEY", "SEAL", "DataKey", "Sealer"]

NONCE = 12

_KEYS = schema.data_keys.c
_FIND_KEY = Prepared(
    select(_KEYS.data_key_id, _KEYS.wrapped).where(
        _KEYS.tenant_id == bindparam("tenant"),
        _KEYS.subject == bindparam("about"),
        _KEYS.retention == bindparam("rule"),
        _KEYS.wrapped.is_not(None),
    )
)
ADD_KEY = Prepared(
    insert(schema.data_keys).values(
        {
            name: bindparam(name)
            for name in ("tenant_id", "data_key_id", "subject", "retention", "created_at", "expires_at", "wrapped")
        }
    )
)
SEAL = Prepared(insert(schema.sealed))


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key in the open. row: what is to be written of one that was just made; empty for one that is stored."""

    id: str
    key: bytes = field(repr=False)
    row: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens one platform's personal data."""

    keys: Keyring

    def seal(
        self,
        db: Connection,
        tenant_id: str,
        sealed_id: str,
        kind: str,
        content: bytes,
        *,
        subject: str,
        retention: str,
        now: str,
        expires_at: str | None = None,
    ) -> None:
        """Store `content` encrypted as (`sealed_id`, `kind`) under the data key of a subject and retention rule.

        `expires_at` ends a new data key by itself (`expired`); an existing key keeps its own end.
        """
        key = self.find_key(db, tenant_id, subject, retention)
        if key is None:
            key = self.new_key(tenant_id, subject, retention, now=now, expires_at=expires_at)
            ADD_KEY.run(db, **key.row)
        SEAL.run(db, **self.sealed(tenant_id, sealed_id, kind, content, key))

    def find_key(self, db: Connection, tenant_id: str, subject: str, retention: str) -> DataKey | None:
        """Return the data key of a subject and retention rule, None without a living one."""
        for key_id, wrapped in _FIND_KEY.rows(db, tenant=tenant_id, about=subject, rule=retention):
            return self.unwrapped(tenant_id, key_id, wrapped)
        return None

    def unwrapped(self, tenant_id: str, key_id: str, wrapped: bytes) -> DataKey:
        """Return a stored data key. Raises StateError `store.sealed_damaged`."""
        cipher = _wrapping(self.keys.derived("wrap"))
        return DataKey(key_id, _open(cipher, wrapped, _name(tenant_id, key_id, "data-key")))

    def new_key(
        self, tenant_id: str, subject: str, retention: str, *, now: str, expires_at: str | None = None
    ) -> DataKey:
        """Make a data key; it is nothing until its row is written (ADD_KEY)."""
        key_id, key, nonce = new_id("key"), AESGCM.generate_key(256), unique_octets(NONCE)
        wrapped = _wrapping(self.keys.derived("wrap")).encrypt(nonce, key, _name(tenant_id, key_id, "data-key"))
        row = {
            "tenant_id": tenant_id,
            "data_key_id": key_id,
            "subject": subject,
            "retention": retention,
            "created_at": now,
            "expires_at": expires_at,
            "wrapped": nonce + wrapped,
        }
        return DataKey(key_id, key, row)

    @staticmethod
    def sealed(tenant_id: str, sealed_id: str, kind: str, content: bytes, key: DataKey) -> dict[str, Any]:
        """Return the row (SEAL) of `content` encrypted as (`sealed_id`, `kind`)."""
        nonce = unique_octets(NONCE)
        return {
            "tenant_id": tenant_id,
            "sealed_id": sealed_id,
            "kind": kind,
            "data_key_id": key.id,
            "content": nonce + AESGCM(key.key).encrypt(nonce, content, _name(tenant_id, sealed_id, kind)),
        }

    def open(self, db: Connection, tenant_id: str, sealed_id: str, kind: str) -> bytes:
        """Return what was sealed. Raises GoneError `evidence.gone` once its data key is destroyed or it was deleted."""
        sealed, keys = schema.sealed, schema.data_keys
        row = db.execute(
            select(sealed.c.content, keys.c.data_key_id, keys.c.wrapped)
            .join(keys, (keys.c.tenant_id == sealed.c.tenant_id) & (keys.c.data_key_id == sealed.c.data_key_id))
            .where(sealed.c.tenant_id == tenant_id, sealed.c.sealed_id == sealed_id, sealed.c.kind == kind)
        ).one_or_none()
        if row is None or row.wrapped is None:
            raise GoneError("evidence.gone", "The sealed data are not there any more: their time has passed.")
        key = self.unwrapped(tenant_id, row.data_key_id, row.wrapped).key
        return _open(AESGCM(key), row.content, _name(tenant_id, sealed_id, kind))

    def end(self, db: Connection, tenant_id: str, subject: str, now: str, *, retention: str | None = None) -> int:
        """Destroy a subject's data keys (of one retention rule, or all) with what they sealed; return how many."""
        keys = schema.data_keys
        chosen = (keys.c.tenant_id == tenant_id) & (keys.c.subject == subject) & keys.c.wrapped.is_not(None)
        if retention is not None:
            chosen &= keys.c.retention == retention
        ids = list(db.execute(select(keys.c.data_key_id).where(chosen)).scalars())
        self.destroy(db, [(tenant_id, key_id) for key_id in ids], now)
        return len(ids)

    def expired(self, db: Connection, now: str, *, livemode: bool, most: int = 500) -> list[tuple[str, str]]:
        """Return the data keys (tenant, key) of one mode whose own end has come."""
        keys, tenants = schema.data_keys, schema.tenants
        rows = db.execute(
            select(keys.c.tenant_id, keys.c.data_key_id)
            .join(tenants, tenants.c.tenant_id == keys.c.tenant_id)
            .where(keys.c.expires_at <= now, keys.c.wrapped.is_not(None), tenants.c.livemode.is_(livemode))
            .limit(most)
        )
        return [(row.tenant_id, row.data_key_id) for row in rows]

    def destroy(self, db: Connection, which: list[tuple[str, str]], now: str) -> None:
        """Destroy data keys (tenant, key) with what they sealed."""
        keys, sealed = schema.data_keys, schema.sealed
        for tenant_id, key_id in which:
            db.execute(
                update(keys)
                .where(keys.c.tenant_id == tenant_id, keys.c.data_key_id == key_id)
                .values(wrapped=None, destroyed_at=now)
            )
            db.execute(delete(sealed).where(sealed.c.tenant_id == tenant_id, sealed.c.data_key_id == key_id))


def _name(tenant_id: str, object_id: str, kind: str) -> bytes:
    return f"honnin/1\n{tenant_id}\n{object_id}\n{kind}".encode("ascii")


@lru_cache(maxsize=16)  # of the keys that wrap alone: a data key that is destroyed must not stay here
def _wrapping(key: bytes) -> AESGCM:
    return AESGCM(key)


def _open(cipher: AESGCM, content: bytes, aad: bytes) -> bytes:
    try:
        return cipher.decrypt(content[:NONCE], content[NONCE:], aad)
    except InvalidTag as error:
        raise StateError(
            "store.sealed_damaged",
            "Sealed data do not open: they were changed, or keys/master.key is another one.",
            next="Restore the store and the keys from the same backup.",
        ) from error
