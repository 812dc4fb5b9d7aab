"""Serial succession and counterpart serial (My Number Card sheet, section 6.4), in a format of the sandbox's own.

The official message formats are under NDA. Request and answer of `honnin-sandbox-link/1`:
    {"format", "issuer_key_id": hex, "serial": hex}
    {"format", "state": "linked"|"pending"|"unknown", "previous": {"issuer_key_id", "serial"}|null,
     "counterpart": {"issuer_key_id", "serial"}|null}
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from honnin.sandbox.jlis import register
from honnin.sandbox.jlis.authorities import authority, by_key_id
from honnin.sandbox.jlis.profile import Kind, profile
from honnin.sandbox.jlis.register import Entry
from honnin.sandbox.world import World

__all__ = ["FORMAT", "Key", "LinkAnswer", "LinkRequest", "find", "link"]

FORMAT = "honnin-sandbox-link/1"
COUNTERPART: dict[Kind, Kind] = {
    "signature": "user_authentication",
    "user_authentication": "signature",
    "mobile_signature": "mobile_user_authentication",
    "mobile_user_authentication": "mobile_signature",
}


class Key(msgspec.Struct, frozen=True):
    """Which certificate: subject key identifier of its CA and serial number, both hex."""

    issuer_key_id: str
    serial: str


class LinkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question."""

    format: Literal["honnin-sandbox-link/1"]
    issuer_key_id: str
    serial: str


class LinkAnswer(msgspec.Struct, frozen=True):
    """An answer."""

    state: Literal["linked", "pending", "unknown"]
    previous: Key | None = None
    counterpart: Key | None = None
    format: str = FORMAT


def find(world: World, issuer_key_id: str, serial: str) -> Entry | None:
    """Return the certificate that a question names, or None."""
    try:
        key_id, number = bytes.fromhex(issuer_key_id), int(serial, 16)
    except ValueError:
        return None
    issuer = by_key_id(world, key_id)
    found = None if issuer is None or number < 0 else register.entry(world, issuer.kind, number)
    if found is None or issuer is None or (found.line, found.generation) != (issuer.line, issuer.generation):
        return None
    return found


def link(world: World, found: Entry | None, moment: datetime) -> LinkAnswer:
    """Return what J-LIS knows at a moment: nothing of a certificate in its first 90 minutes."""
    if found is None or found.not_before > moment:
        return LinkAnswer("unknown")
    if moment < found.not_before + timedelta(minutes=profile().linking.pending_minutes):
        return LinkAnswer("pending")
    previous = None if found.previous is None else register.entry(world, found.kind, found.previous)
    counterpart = register.on_card(world, found.card, COUNTERPART[found.kind], moment)
    return LinkAnswer("linked", _key(world, previous), _key(world, counterpart))


def _key(world: World, found: Entry | None) -> Key | None:
    if found is None:
        return None
    issuer = authority(world, found.kind, found.line, found.generation)
    return Key(issuer.key_id.hex(), f"{found.serial:x}")
