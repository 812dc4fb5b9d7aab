"""Idempotency keys: within 24 hours of the tenant's clock, the same key and body get the same sealed answer.

The answer may hold personal data or a secret, so it lies sealed under a data key of its own that ends with the 24
hours. A key is bound by the transaction that does what was asked: of two requests at once one wins, and the other reads
its answer. `Once` is that for every POST; checks are recorded in groups and bind their keys there (`recording`).
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from honnin.errors import InputError, StateError
from honnin.platform.clock import moment
from honnin.platform.evidence.sealing import ADD_KEY, SEAL, Sealer
from honnin.platform.ids import keyed_hash, new_id
from honnin.platform.keys import Keyring
from honnin.platform.models import Caller
from honnin.platform.services import Mode
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Prepared

__all__ = ["WINDOW", "Binding", "Once", "bind", "clear", "recall", "rows", "used"]

T = TypeVar("T")

WINDOW = timedelta(hours=24)
_TABLE = schema.idempotency.c
_USED = Prepared(
    select(_TABLE.sealed_id).where(
        _TABLE.tenant_id == bindparam("tenant"),
        _TABLE.key_hash == bindparam("given"),
        _TABLE.expires_at > bindparam("now"),
    )
)
_BIND = Prepared(insert(schema.idempotency))
KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")


class Binding(msgspec.Struct, frozen=True):
    """One key of one tenant with the request that it stands for; only keyed hashes."""

    tenant_id: str
    key_hash: str
    request_hash: str

    @classmethod
    def of(cls, keys: Keyring, tenant_id: str, operation: str, key: str, request: Any) -> "Binding":
        """Return the binding of key and request to an operation. Raises InputError `verification.idempotency_key`."""
        if not KEY.match(key):
            raise InputError(
                "verification.idempotency_key", "An idempotency key has 1 to 255 visible ASCII characters."
            )
        secret = keys.derived("idempotency")
        return cls(
            tenant_id,
            keyed_hash(secret, "key", tenant_id, operation, key),
            keyed_hash(secret, "request", operation, msgspec.json.encode(request)),
        )


def recall(db: Connection, sealer: Sealer, binding: Binding, *, at: datetime) -> bytes | None:
    """Return the answer given before under this key, or None.

    Raises StateError `verification.idempotency_conflict` when the key stands for another request.
    """
    table = schema.idempotency
    row = db.execute(
        select(table.c.request_hash, table.c.sealed_id).where(
            table.c.tenant_id == binding.tenant_id,
            table.c.key_hash == binding.key_hash,
            table.c.expires_at > moment(at),
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != binding.request_hash:
        raise _conflict()
    return sealer.open(db, binding.tenant_id, row.sealed_id, "answer")


def used(store: Store, binding: Binding, *, at: datetime) -> bool:
    """Tell whether something was answered under this key within its time."""
    return bool(store.look(_USED, tenant=binding.tenant_id, given=binding.key_hash, now=moment(at)))


def clear(db: Connection, binding: Binding, *, at: datetime) -> None:
    """Let a key whose time has passed start anew."""
    table = schema.idempotency
    db.execute(
        delete(table).where(
            table.c.tenant_id == binding.tenant_id,
            table.c.key_hash == binding.key_hash,
            table.c.expires_at <= moment(at),
        )
    )


def bind(db: Connection, sealer: Sealer, binding: Binding, object_id: str, answer: bytes, *, at: datetime) -> None:
    """Seal an answer under its key; a key whose time has passed starts anew."""
    clear(db, binding, at=at)
    for statement, row in rows(sealer, binding, object_id, answer, at=at):
        statement.run(db, **row)


def rows(
    sealer: Sealer, binding: Binding, object_id: str, answer: bytes, *, at: datetime
) -> list[tuple[Prepared, dict[str, Any]]]:
    """Return the rows of an answer sealed under its key; the key must be free."""
    tenant_id, expires_at = binding.tenant_id, moment(at + WINDOW)
    key = sealer.new_key(tenant_id, object_id, "answer", now=moment(at), expires_at=expires_at)
    bound = {
        "tenant_id": tenant_id,
        "key_hash": binding.key_hash,
        "request_hash": binding.request_hash,
        "sealed_id": object_id,
        "expires_at": expires_at,
    }
    return [
        (ADD_KEY, key.row),
        (SEAL, sealer.sealed(tenant_id, object_id, "answer", answer, key)),
        (_BIND, bound),
    ]


def _conflict() -> StateError:
    return StateError(
        "verification.idempotency_conflict",
        "This idempotency key was used for another request.",
        next="Use a new key for a new request.",
    )


class Once:
    """What callers ask for under a key, done once. modes: the two modes by livemode, whose clocks end the answers."""

    def __init__(self, store: Store, sealer: Sealer, modes: Callable[[bool], Mode]) -> None:
        self._store = store
        self._sealer = sealer
        self._modes = modes

    def binding(self, caller: Caller, operation: str, key: str | None, request: Any) -> Binding | None:
        """Return the binding of a key, None without one. Raises what `Binding.of` raises."""
        return None if key is None else Binding.of(self._sealer.keys, caller.id, operation, key, request)

    def before(self, caller: Caller, binding: Binding | None, answer: type[T]) -> T | None:
        """Return what was answered under the key, before any work is done again. Raises what `recall` raises."""
        if binding is None or not used(self._store, binding, at=self._at(caller)):
            return None
        with self._store.read() as db:
            return self._recalled(db, caller, binding, answer)

    def write(
        self,
        caller: Caller,
        binding: Binding | None,
        answer: type[T],
        work: Callable[[Connection], T],
        *,
        named: str | None = None,
    ) -> T:
        """Do `work` in one transaction, unless it was done under the same key; return its answer or that one.

        named: the id under which the answer is sealed, and with which it ends: a new one unless given.
        """

        def whole(db: Connection) -> T:
            if binding is not None and (before := self._recalled(db, caller, binding, answer)) is not None:
                return before
            made = work(db)
            self._seal(db, caller, binding, made, named)
            return made

        return self._store.write(whole, tenant=caller.id)

    def taken(self, caller: Caller, binding: Binding | None, answer: type[T], work: Callable[[], T]) -> T:
        """Do `work`, which takes something that can be taken once and binds its answer by itself (`bind`).

        Who comes second under the same key, also at the same moment, gets the first one's answer for the refusal.
        """
        if (before := self.before(caller, binding, answer)) is not None:
            return before
        try:
            return work()
        except StateError:
            if (before := self.before(caller, binding, answer)) is not None:
                return before
            raise

    def bind(
        self, db: Connection, caller: Caller, binding: Binding | None, answer: Any, *, named: str | None = None
    ) -> None:
        """Seal an answer under its key, if it has one, in the transaction that made it (`taken`).

        Raises StateError `verification.idempotency_conflict` when another one was sealed meanwhile.
        """
        if binding is not None and recall(db, self._sealer, binding, at=self._at(caller)) is not None:
            raise _conflict()
        self._seal(db, caller, binding, answer, named)

    def _seal(self, db: Connection, caller: Caller, binding: Binding | None, answer: Any, named: str | None) -> None:
        if binding is not None:
            encoded = msgspec.json.encode(answer)
            bind(db, self._sealer, binding, named or new_id("ans"), encoded, at=self._at(caller))

    def _recalled(self, db: Connection, caller: Caller, binding: Binding, answer: type[T]) -> T | None:
        before = recall(db, self._sealer, binding, at=self._at(caller))
        return None if before is None else msgspec.json.decode(before, type=answer)

    def _at(self, caller: Caller) -> datetime:
        return self._modes(caller.livemode).clock()
