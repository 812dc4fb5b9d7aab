"""Many stores behind one API: tenants placed on shards by configuration (docs/scale.md).

Every call of a platform touches one tenant's rows, and an API key names its tenant: so a request finds its shard before
anything is asked of a database, and shards agree on nothing. Each has its own evidence log, signed with the same key.
A shard that is down keeps its own tenants waiting and nobody else's.

`shards.json` in the data folder; a tenant lies in the slot of the first octet of its id's SHA-256:

    {"shards": [{"name": "east", "database_url": "postgresql://…", "slots": [0, 127]},
                {"name": "west", "database_url": "postgresql://…", "slots": [128, 255]}],
     "placed": {"ten_…": "west"}}

What it does not do: move a tenant's rows. The pages of sessions are served by a platform of one shard each.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from honnin.errors import InputError, KeyRefusedError
from honnin.platform.facade import Platform
from honnin.platform.ids import new_id, read_api_key
from honnin.platform.models import Caller, TenantCreated
from honnin.platform.settings import Settings

__all__ = ["FILE", "Shard", "Shards", "read_shards"]

FILE = "shards.json"
SLOTS = 256


class Shard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One store: its name, where it is, and the first and last of its slots."""

    name: str
    database_url: str
    slots: tuple[int, int]

    def __repr__(self) -> str:
        return f"Shard({self.name})"


class _Placing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shards: tuple[Shard, ...]
    placed: Mapping[str, str] = {}


def read_shards(data: Path) -> _Placing:
    """Read the placing of a data folder.

    Raises InputError `store.shards` unless each slot belongs to exactly one shard and every name is known once.
    """
    try:
        placing = msgspec.json.decode((data / FILE).read_bytes(), type=_Placing)
    except (OSError, msgspec.DecodeError) as error:
        raise _unusable("It is missing, or not of its form.") from error
    held = sorted(slot for shard in placing.shards for slot in range(shard.slots[0], shard.slots[1] + 1))
    if held != list(range(SLOTS)):
        raise _unusable("Each slot from 0 to 255 must belong to one shard.")
    names = [shard.name for shard in placing.shards]
    if len(set(names)) != len(names) or not set(placing.placed.values()) <= set(names):
        raise _unusable("Each shard has one name, and tenants are placed on named shards.")
    return placing


class Shards:
    """The platforms of all shards, each opened when it is first asked for. Serves as a platform does for the API."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._placing = read_shards(settings.data)
        self._by_name = {shard.name: shard for shard in self._placing.shards}
        self._open: dict[str, Platform] = {}
        self._locks = {name: threading.Lock() for name in self._by_name}

    def shard_of(self, tenant_id: str) -> str:
        """Return the name of a tenant's shard."""
        slot = hashlib.sha256(tenant_id.encode("ascii")).digest()[0]
        named = (shard.name for shard in self._placing.shards if shard.slots[0] <= slot <= shard.slots[1])
        return self._placing.placed.get(tenant_id) or next(named)

    def platform(self, name: str) -> Platform:
        """Return the platform of a shard. Raises ServiceError `store.down` while its database does not answer."""
        with self._locks[name]:
            if name not in self._open:
                url = self._by_name[name].database_url
                self._open[name] = Platform(replace(self._settings, database_url=url))
            return self._open[name]

    @contextmanager
    def sitting(self) -> Iterator[None]:
        """Make the checks of this thread one after the other (`Platform.sitting`), on every shard that is open."""
        with ExitStack() as stack:
            for platform in list(self._open.values()):
                stack.enter_context(platform.sitting())
            yield

    def home_of(self, caller: Caller | None) -> "Platform | Shards":
        """Return the platform that holds a caller's rows; what has no caller is answered for all shards."""
        return self if caller is None else self.platform(self.shard_of(caller.id))

    def authenticate(self, api_key: str) -> Caller:
        """Return who calls with this key. Raises KeyRefusedError `tenant.key`, ServiceError `store.down`."""
        key = read_api_key(api_key)
        if key is None:
            raise KeyRefusedError("tenant.key", "The API key is not known here.")
        return self.platform(self.shard_of(key.tenant_id)).authenticate(api_key)

    def create_tenant(self, name: str, **settings: Any) -> TenantCreated:
        """Make a tenant on the shard that its new id falls on (`Platform.create_tenant`)."""
        tenant_id = new_id("ten")
        return self.platform(self.shard_of(tenant_id)).create_tenant(name, tenant_id=tenant_id, **settings)

    def ping(self) -> None:
        """Ask every shard whether it answers. Raises ServiceError `store.down`."""
        for name in self._by_name:
            self.platform(name).ping()

    def sequence(self) -> int:
        """Number what waits in the logs of the shards that are open; return how many records that were."""
        return sum(platform.sequence() for platform in list(self._open.values()))

    def close(self) -> None:
        """Close every platform; sequencers must have been stopped before."""
        for platform in self._open.values():
            platform.close()


def _unusable(why: str) -> InputError:
    return InputError("store.shards", f"{FILE} cannot be used. {why}", next="See docs/scale.md.")
