"""The invented desk of a sandbox: one terminal and one member of the demo tenant's staff, made when first asked for.

What signs in there is shown on the page, so that a newcomer gets to the counter at once. Kept in `counter.json` of the
data folder (mode 0600); made anew where the store does not know it any more. Nothing of this exists for live tenants.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from honnin.errors import HonninError
from honnin.platform.staff.passwords import given_password

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["DemoDesk"]

FILE = "counter.json"
LOGIN, NAME, PLACE, TERMINAL = "mihon", "見本　係員", "見本支店", "見本窓口"
MEMBERS = ("tenant", "terminal_key", "login", "password")


class DemoDesk:
    """The desk. keys: JSON file with the demo tenant's `api_key`."""

    def __init__(self, platform: "Platform", keys: Path) -> None:
        self._platform = platform
        self._keys = keys
        self._lock = Lock()
        self._known: dict[str, str] = {}

    def terminal_key(self) -> str:
        """Return the key of the desk's terminal."""
        return self._desk()["terminal_key"]

    def shown(self) -> dict[str, str]:
        """Return the `login` and the `password` that the page shows."""
        return {name: self._desk()[name] for name in ("login", "password")}

    def _desk(self) -> dict[str, str]:
        with self._lock:
            if not self._known:
                key = str(json.loads(self._keys.read_text(encoding="utf-8"))["api_key"])
                tenant = self._platform.authenticate(key).id
                self._known = self._read(tenant) or self._make(tenant)
            return self._known

    def _read(self, tenant: str) -> dict[str, str] | None:
        with suppress(OSError, ValueError, KeyError, TypeError, HonninError):
            kept = json.loads((self._keys.parent / FILE).read_text(encoding="utf-8"))
            desk = {name: str(kept[name]) for name in MEMBERS}
            if desk["tenant"] == tenant and self._platform.terminals.find(desk["terminal_key"]):
                return desk
        return None

    def _make(self, tenant: str) -> dict[str, str]:
        terminals, staff, sign_ins = self._platform.terminals, self._platform.staff, self._platform.sign_ins
        key = terminals.enrol(terminals.add(tenant, TERMINAL, PLACE)[1])
        known = any(one.login == LOGIN for one in staff.all(tenant))
        _, given = staff.reset(tenant, LOGIN) if known else staff.add(tenant, LOGIN, NAME)
        session, _ = sign_ins.sign_in(key, LOGIN, given, address="")
        clerk, password = sign_ins.find(session, key), given_password()
        staff.choose_password(clerk, password)
        sign_ins.sign_out(clerk)
        desk = {"tenant": tenant, "terminal_key": key, "login": LOGIN, "password": password}
        path = self._keys.parent / FILE
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(desk, indent=2) + "\n")
        fresh.replace(path)
        return desk
