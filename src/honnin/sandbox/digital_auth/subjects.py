"""Pairwise subjects (§1.8): different for every relying party, the same for a person across cards and certificates."""

from hashlib import sha256
from uuid import UUID

from honnin.sandbox.digital_auth.keys import salt
from honnin.sandbox.digital_auth.parties import Party
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.world import World

__all__ = ["subject"]


def subject(world: World, party: Party, person: str) -> str:
    """Return the `sub` of a person (the register's record, never a serial number) for one relying party."""
    sector = party.sector or party.client_id
    digest = sha256(b"\0".join(part.encode() for part in (sector, person, salt(world)))).digest()
    if profile(world).assumptions.subject.form == "hex":
        return digest.hex()
    return str(UUID(bytes=digest[:16], version=3))
