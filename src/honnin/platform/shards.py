"""Many stores behind one API: tenants placed on shards by configuration (docs/scale.md).

Every call of a platform touches one tenant's rows, and an API key names its tenant: so a request finds its shard before
anything is asked of a database, and shards agree on nothing. Each has its own evidence log, signed with the same key.
A shard that is down keeps its own tenants waiting and nobody else's.

`shards.json` in the data folder; a tenant lies in the slot of the first octet of its id's SHA-256:

    {"shards": [{"name": "east", "database_url": "postgresql://…", "slots": [0, 127]},
                {"name": "west", "database_url": "postgresql://…", "slots": [128, 255]}],
     "placed": {"ten_…": "west"}}

The file is read again when it changes, by every process at its next request. A tenant named under `moving` is
answered by nobody until its rows have arrived where they go (`honnin.platform.moving`).
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec

from honnin.errors import HonninError, InputError, KeyRefusedError, NotFoundError, ServiceError
from honnin.platform.facade import Platform
from honnin.platform.ids import new_id, read_api_key, read_object_key
from honnin.platform.models import Caller, Tenant, TenantCreated
from honnin.platform.settings import Settings

__all__ = ["FILE", "Placing", "Shard", "Shards", "open_platform", "read_shards", "write_shards"]

LOGGER = logging.getLogger("honnin.platform")

FILE = "shards.json"
SLOTS = 256
AGAIN = 2.0  # seconds until a shard that does not answer is tried again
OF_A_PAGE = frozenset({"page", "complete", "ending", "abandon"})


class Shard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One store: its name, where it is, and the first and last of its slots."""

    name: str
    database_url: str
    slots: tuple[int, int]

    def __repr__(self) -> str:
        return f"Shard({self.name})"


class Placing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shards: tuple[Shard, ...]
    placed: Mapping[str, str] = {}
    moving: Mapping[str, str] = {}

    def shard_of(self, tenant_id: str) -> str:
        """Return the name of a tenant's shard, that it leaves while it moves."""
        slot = hashlib.sha256(tenant_id.encode("ascii")).digest()[0]
        named = (shard.name for shard in self.shards if shard.slots[0] <= slot <= shard.slots[1])
        return self.placed.get(tenant_id) or next(named)


def read_shards(data: Path) -> Placing:
    """Read the placing of a data folder.

    Raises InputError `store.shards` unless each slot belongs to exactly one shard and every name is known once.
    """
    try:
        placing = msgspec.json.decode((data / FILE).read_bytes(), type=Placing)
    except (OSError, msgspec.DecodeError) as error:
        raise _unusable("It is missing, or not of its form.") from error
    held = sorted(slot for shard in placing.shards for slot in range(shard.slots[0], shard.slots[1] + 1))
    if held != list(range(SLOTS)):
        raise _unusable("Each slot from 0 to 255 must belong to one shard.")
    names = [shard.name for shard in placing.shards]
    if len(set(names)) != len(names) or not {*placing.placed.values(), *placing.moving.values()} <= set(names):
        raise _unusable("Each shard has one name, and tenants are placed on named shards.")
    return placing


def write_shards(data: Path, placing: Placing) -> None:
    """Replace the placing of a data folder in one step, durably, with the mode that the file had."""
    path, fresh = data / FILE, data / f"{FILE}.new"
    mode = path.stat().st_mode & 0o777
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(placing)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class Shards:
    """The platforms of all shards, each opened when it is first asked for. Serves as a platform does for the API."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._read = self._mark(), read_shards(settings.data)
        self._open: dict[str, Platform] = {}
        self._locks = {shard.name: threading.Lock() for shard in self._read[1].shards}
        self.sessions = _Pages(self)

    def _mark(self) -> tuple[int, int]:
        try:
            found = (self.settings.data / FILE).stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns

    @property
    def placing(self) -> Placing:
        """The placing as the file has it now. A file that cannot be used is passed over: the last good one stays."""
        mark, known = self._read
        now = self._mark()
        if now != mark:
            try:
                fresh = read_shards(self.settings.data)
            except InputError as error:
                LOGGER.warning("shards: %s", error.code)
                fresh = known
            if fresh.shards != known.shards:  # other shards need a restart; tenants that moved do not
                fresh = msgspec.structs.replace(fresh, shards=known.shards)
            self._read = now, fresh
        return self._read[1]

    def shard_of(self, tenant_id: str) -> str:
        """Return the name of a tenant's shard. Raises ServiceError `store.moving` while it moves."""
        placing = self.placing
        if tenant_id in placing.moving:
            raise ServiceError(
                "store.moving", "The tenant is being moved to another shard.", next="Try again soon.", retryable=True
            )
        return placing.shard_of(tenant_id)

    def of_tenant(self, tenant_id: str) -> Platform:
        """Return the platform of a tenant's shard. Raises ServiceError `store.moving`, `store.down`."""
        return self.platform(self.shard_of(tenant_id))

    def platform(self, name: str) -> Platform:
        """Return the platform of a shard. Raises ServiceError `store.down` while its database does not answer."""
        with self._locks[name]:
            if name not in self._open:
                url = next(shard.database_url for shard in self._read[1].shards if shard.name == name)
                self._open[name] = Platform(replace(self.settings, database_url=url))
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
        return self if caller is None else self.of_tenant(caller.id)

    def authenticate(self, api_key: str) -> Caller:
        """Return who calls with this key. Raises KeyRefusedError `tenant.key`, ServiceError `store.down`."""
        key = read_api_key(api_key)
        if key is None:
            raise KeyRefusedError("tenant.key", "The API key is not known here.")
        return self.of_tenant(key.tenant_id).authenticate(api_key)

    def create_tenant(self, name: str, **settings: Any) -> TenantCreated:
        """Make a tenant on the shard that its new id falls on (`Platform.create_tenant`)."""
        tenant_id = new_id("ten")
        return self.platform(self.shard_of(tenant_id)).create_tenant(name, tenant_id=tenant_id, **settings)

    def new_key(self, tenant_id: str) -> str:
        """Give a tenant one more API key (`Platform.new_key`)."""
        return self.of_tenant(tenant_id).new_key(tenant_id)

    def change_tenant(self, tenant_id: str, **changes: Any) -> Tenant:
        """Change a tenant's settings (`Platform.change_tenant`)."""
        return self.of_tenant(tenant_id).change_tenant(tenant_id, **changes)

    def forget_person(self, tenant_id: str, person_id: str) -> int:
        """End a person's sealed data (`Platform.forget_person`)."""
        return self.of_tenant(tenant_id).forget_person(tenant_id, person_id)

    def tenants(self) -> list[Tenant]:
        """Return the tenants of all shards, oldest first."""
        found = [one for shard in self.placing.shards for one in self.platform(shard.name).tenants()]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    def ping(self) -> None:
        """Ask every shard whether it answers. Raises ServiceError `store.down`."""
        for shard in self.placing.shards:
            self.platform(shard.name).ping()

    def run_sequencer(self, stop: threading.Event) -> None:
        """Run the sequencer of every shard (`Platform.run_sequencer`) until `stop` is set."""
        self._on_each(Platform.run_sequencer, stop)

    def run_webhooks(self, stop: threading.Event) -> None:
        """Run the sender of webhooks of every shard (`Platform.run_webhooks`) until `stop` is set."""
        self._on_each(Platform.run_webhooks, stop)

    def _on_each(self, work: Callable[[Platform, threading.Event], None], stop: threading.Event) -> None:
        """Do a work on each shard in a thread of its own; one that is down is waited for."""

        def on_one(name: str) -> None:
            while not stop.is_set():
                try:
                    platform = self.platform(name)
                except HonninError as error:
                    LOGGER.warning("shard %s: %s", name, error.code)
                    stop.wait(AGAIN)
                else:
                    work(platform, stop)

        threads = [threading.Thread(target=on_one, args=(shard.name,), daemon=True) for shard in self.placing.shards]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def sequence(self) -> int:
        """Number what waits in the logs of the shards that are open; return how many records that were.

        As `Platform.sequence`: what the first shard that fails raised is raised after all of them.
        """
        numbered, failed = 0, list[Exception]()
        for platform in list(self._open.values()):
            try:
                numbered += platform.sequence()
            except Exception as error:  # noqa: BLE001 - raised below
                failed.append(error)
        if failed:
            raise failed[0]
        return numbered

    def close(self) -> None:
        """Close every platform; sequencers must have been stopped before."""
        for platform in self._open.values():
            platform.close()


class _Pages:
    """What the pages of sessions ask of `Sessions`: the key in a page's address names its tenant, hence its shard."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of the sessions of the shard that a page's key belongs to."""
        if name not in OF_A_PAGE:
            raise AttributeError(name)

        def asked(key: str, *given: Any, **named: Any) -> Any:
            read = read_object_key(key, "ses")
            if read is None:
                raise NotFoundError(
                    "session.unknown", "There is no such session.", next="Open the page's whole address."
                )
            return getattr(self._shards.of_tenant(read.tenant_id).sessions, name)(key, *given, **named)

        return asked


def open_platform(settings: Settings) -> Platform:
    """Return the platform of a data folder; where `shards.json` places tenants a `Shards`, which has what the API, the
    pages of sessions, the commands for tenants and the threads beside a server ask of a platform.
    """
    return cast("Platform", Shards(settings)) if (settings.data / FILE).exists() else Platform(settings)


def _unusable(why: str) -> InputError:
    return InputError("store.shards", f"{FILE} cannot be used. {why}", next="See docs/scale.md.")
