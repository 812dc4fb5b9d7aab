"""What many checks share, kept once for a tenant under its SHA-256: revocation lists, certificates of CA and responder.

Nothing of it is about a person, so it lies open. Checks name it in what is sealed of them, where nobody can count who
still does: so nothing here ends before its tenant's rows do, and no check's proof is ever left without it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from honnin.errors import StateError
from honnin.platform.store import schema
from honnin.platform.store.prepared import Prepared

__all__ = ["KeptOnce", "kept_name", "read_kept"]

MOST_KNOWN = 100_000


@lru_cache(maxsize=256)
def kept_name(content: bytes) -> str:
    """Return the name under which a list or a certificate is kept: SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()


def read_kept(db: Connection, tenant_id: str, names: Sequence[str]) -> list[bytes]:
    """Return what a tenant keeps under these names, in their order.

    Raises StateError `store.kept_damaged` where something is not there, or is not what its name says.
    """
    if not names:
        return []
    table = schema.kept_once.c
    rows = db.execute(select(table.digest, table.content).where(table.tenant_id == tenant_id, table.digest.in_(names)))
    found = {row.digest: row.content for row in rows}
    if any(kept_name(found.get(name, b"")) != name for name in names):
        raise StateError(
            "store.kept_damaged",
            "A certificate or list that records share is not there any more, or was changed.",
            next="Restore the table kept_once from a backup.",
        )
    return [found[name] for name in names]


class KeptOnce:
    """Makes the rows of one store for what may not be kept yet."""

    def __init__(self, *, is_sqlite: bool) -> None:
        dialect = sqlite if is_sqlite else postgresql
        self._keep = Prepared(dialect.insert(schema.kept_once).on_conflict_do_nothing())
        self._known: set[tuple[str, str]] = set()  # those that are durable

    def rows(self, tenant_id: str, contents: Iterable[bytes], now: str) -> list[tuple[Prepared, dict[str, Any]]]:
        """Return the rows of contents that are not known to be kept."""
        return [
            (self._keep, {"tenant_id": tenant_id, "digest": name, "created_at": now, "content": content})
            for name, content in sorted((kept_name(content), content) for content in contents)
            if (tenant_id, name) not in self._known
        ]

    def remember(self, tenant_id: str, contents: Iterable[bytes]) -> None:
        """Remember contents as kept, once the transaction that wrote them is durable."""
        if len(self._known) > MOST_KNOWN:
            self._known = set()
        self._known.update([(tenant_id, kept_name(content)) for content in contents])
