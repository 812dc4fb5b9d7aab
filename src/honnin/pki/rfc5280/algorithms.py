"""Which algorithms and key lengths a certificate may rest on, on which day: `algorithms.json`, a dated table.

Judged for the moment of the judgement, not for the moment of issue: whoever judges a past day vouches that the bytes
existed then. What the table does not name is refused on every day.
"""

import json
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from pkgutil import get_data
from typing import Any

from honnin.errors import FormatError
from honnin.pki.der import remembered
from honnin.pki.rfc5280.keys import PublicKey, family_of, scheme

__all__ = ["NEVER", "key_good_until", "signature_good_until"]

NEVER = datetime.min.replace(tzinfo=UTC)
ALWAYS = datetime.max.replace(tzinfo=UTC)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(get_data(__package__, "algorithms.json") or b"")
    return table


def _until(row: dict[str, str | None] | None) -> datetime:
    if row is None:
        return NEVER
    day = row["until"]
    return ALWAYS if day is None else datetime.combine(date.fromisoformat(day), time.max, UTC)


@remembered(256)
def signature_good_until(algorithm: bytes) -> datetime:
    """Return the last moment at which a signature under this AlgorithmIdentifier (DER) may be relied on."""
    try:
        how = scheme(algorithm)
    except FormatError:
        return NEVER
    table = _table()
    if how.hash is None:
        return _until(table.get(how.family))
    until = _until(table["hashes"].get(how.hash.name))
    mask = getattr(how.rsa_padding, "_mgf", None)
    if mask is not None:
        until = min(until, _until(table["hashes"].get(mask._algorithm.name)))  # noqa: SLF001  # pyca has no other way
    return until


def key_good_until(key: PublicKey) -> datetime:
    """Return the last moment at which a signature by a key of this kind and length may be relied on."""
    family = family_of(key)
    some: Any = key
    bits = some.key_size if family in {"rsa", "dsa"} else 0
    return _family_good_until(family, bits, some.curve.name if family == "ec" else "")


@lru_cache(maxsize=256)
def _family_good_until(family: str, bits: int, curve: str) -> datetime:
    table = _table()
    if family == "ec":
        return _until(table["curves"].get(curve))
    if family in {"rsa", "dsa"}:
        return max((_until(row) for row in table[family] if row["bits"] <= bits), default=NEVER)
    return _until(table.get(family))
