"""The types of events that there are; the list is data (`event_types.json`), and the outbox takes no other."""

from functools import cache
from importlib.resources import files

import msgspec

__all__ = ["event_types"]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"dated": "date"}):
    source: str
    dated: str
    types: tuple[str, ...]


@cache
def event_types() -> tuple[str, ...]:
    """Return every type of event, in order."""
    content = files("honnin.platform").joinpath("event_types.json").read_bytes()
    return msgspec.json.decode(content, type=_File).types
