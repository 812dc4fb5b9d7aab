"""Until when a hash or a kind of key may carry a signature, by the names that facts record.

The table is the one of certificates, `rfc5280/algorithms.json`; what it does not name is refused on every day.
"""

import json
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

__all__ = ["hash_good_until", "key_good_until"]

_NEVER = datetime.min.replace(tzinfo=UTC)
_ALWAYS = datetime.max.replace(tzinfo=UTC)


@cache
def _table() -> dict[str, Any]:
    path = files("honnin.pki.rfc5280").joinpath("algorithms.json")
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def _until(row: dict[str, Any] | None) -> datetime:
    if row is None:
        return _NEVER
    day = row["until"]
    return _ALWAYS if day is None else datetime.combine(date.fromisoformat(day), time.max, UTC)


@lru_cache(maxsize=64)
def hash_good_until(name: str | None) -> datetime:
    """Return the last moment at which a signature over this hash (`sha256` …) may be relied on."""
    return _until(_table()["hashes"].get(name))


@lru_cache(maxsize=256)
def key_good_until(name: str) -> datetime:
    """Return the last moment at which a key so named (`rsa-2048`, `ec-secp384r1`, `ed25519`) may be relied on."""
    kind, _, rest = name.partition("-")
    if kind == "ec":
        return _until(_table()["curves"].get(rest))
    rows = _table().get(kind)
    if isinstance(rows, list) and rest.isdigit():
        return max((_until(row) for row in rows if row["bits"] <= int(rest)), default=_NEVER)
    return _until(rows) if isinstance(rows, dict) and not rest else _NEVER
