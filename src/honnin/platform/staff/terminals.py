"""Terminals of a tenant's counters: the operator makes one and tells its code, which makes a browser that terminal.

The code works once, for a day; the key that the browser gets then is known to that browser alone. A new code takes the
terminal away from the browser that had it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from honnin.errors import AccessError, NotFoundError
from honnin.platform.clock import Clock, from_text, machine_clock, moment
from honnin.platform.ids import (
    keyed_hash,
    new_enrolment_code,
    new_id,
    new_object_key,
    read_enrolment_code,
    read_object_key,
)
from honnin.platform.keys import Keyring
from honnin.platform.models import Tenant
from honnin.platform.staff.members import named
from honnin.platform.staff.models import CounterTerminal
from honnin.platform.store import Store, schema
from honnin.platform.tenants import get_tenant

__all__ = ["CounterTerminals"]

CODE_LASTS = timedelta(days=1)
_TERMINALS = schema.counter_terminals.c


@dataclass(frozen=True, slots=True)
class CounterTerminals:
    """The terminals of one platform's tenants, by the machine's clock."""

    store: Store
    keys: Keyring
    clock: Clock = machine_clock

    def add(self, tenant_id: str, name: str, place: str) -> tuple[CounterTerminal, str]:
        """Make a terminal; return it with the code for its browser.

        Raises InputError `staff.terminal_name`, `tenant.unknown`.
        """
        name, place = named(name, "staff.terminal_name"), named(place, "staff.terminal_name")
        code, now = new_enrolment_code(tenant_id), self.clock()
        row = {
            "tenant_id": tenant_id,
            "terminal_id": new_id("ctr"),
            "created_at": moment(now),
            "name": name,
            "place": place,
            **self._waiting(code),
        }

        def work(db: Connection) -> CounterTerminal:
            get_tenant(db, tenant_id)
            db.execute(insert(schema.counter_terminals).values(row))
            return _get(db, tenant_id, row["terminal_id"])

        return self.store.write(work, tenant=tenant_id), code

    def all(self, tenant_id: str) -> list[CounterTerminal]:
        """Return a tenant's terminals, oldest first. Raises InputError `tenant.unknown`."""
        query = select(schema.counter_terminals).where(_TERMINALS.tenant_id == tenant_id)
        with self.store.read() as db:
            get_tenant(db, tenant_id)
            return [terminal_of(row) for row in db.execute(query.order_by(_TERMINALS.terminal_id))]

    def new_code(self, tenant_id: str, terminal_id: str) -> tuple[CounterTerminal, str]:
        """Take a terminal away from its browser and return a code for another.

        Raises NotFoundError `staff.terminal_unknown`.
        """
        code = new_enrolment_code(tenant_id)
        return self._change(tenant_id, terminal_id, **self._waiting(code)), code

    def retire(self, tenant_id: str, terminal_id: str) -> CounterTerminal:
        """Let nobody sign in at a terminal any more. Raises NotFoundError `staff.terminal_unknown`."""
        return self._change(tenant_id, terminal_id, status="retired", code_until=None)

    def enrol(self, code: str) -> str:
        """Return the key that makes a browser the code's terminal; the code is used up.

        Raises AccessError `staff.code`.
        """
        refused = AccessError("staff.code", "The code is not known, too old, or used.", next="Ask for a new one.")
        read = read_enrolment_code(code)
        if read is None:
            raise refused
        given, now = self._hash(read.text), moment(self.clock())

        def work(db: Connection) -> str | None:
            waiting = (
                _TERMINALS.tenant_id == read.tenant_id,
                _TERMINALS.key_hash == given,
                _TERMINALS.status == "waiting",
                _TERMINALS.code_until > now,
            )
            terminal_id = db.execute(select(_TERMINALS.terminal_id).where(*waiting).with_for_update()).scalar()
            if terminal_id is None:
                return None
            key = new_object_key(read.tenant_id, terminal_id)
            changed = update(schema.counter_terminals).where(*waiting)
            db.execute(changed.values(status="active", key_hash=self._hash(key), code_until=None))
            return key

        key = self.store.write(work, tenant=read.tenant_id)
        if key is None:
            raise refused
        return key

    def find(self, key: str) -> tuple[Tenant, CounterTerminal]:
        """Return the terminal that a browser's key makes it. Raises AccessError `staff.no_terminal`."""
        read = read_object_key(key, "ctr")
        if read is not None:
            query = select(schema.counter_terminals).where(
                _TERMINALS.tenant_id == read.tenant_id,
                _TERMINALS.terminal_id == read.object_id,
                _TERMINALS.status == "active",
                _TERMINALS.key_hash == self._hash(key),
            )
            with self.store.read() as db:
                if (row := db.execute(query).one_or_none()) is not None:
                    return get_tenant(db, read.tenant_id), terminal_of(row)
        raise AccessError(
            "staff.no_terminal", "This browser is no terminal of a counter.", next="Type the terminal's code."
        )

    def _waiting(self, code: str) -> dict[str, Any]:
        read = read_enrolment_code(code)
        hashed = self._hash(read.text if read else code)
        return {"status": "waiting", "key_hash": hashed, "code_until": moment(self.clock() + CODE_LASTS)}

    def _hash(self, secret: str) -> str:
        return keyed_hash(self.keys.derived("counter-terminal"), "counter-terminal", secret)

    def _change(self, tenant_id: str, terminal_id: str, **values: Any) -> CounterTerminal:
        key = (_TERMINALS.tenant_id == tenant_id, _TERMINALS.terminal_id == terminal_id)

        def work(db: Connection) -> CounterTerminal:
            db.execute(update(schema.counter_terminals).where(*key).values(**values))
            return _get(db, tenant_id, terminal_id)

        return self.store.write(work, tenant=tenant_id)


def terminal_of(row: Any) -> CounterTerminal:
    """Return the terminal that a row of `counter_terminals` is."""
    return CounterTerminal(
        id=row.terminal_id,
        name=row.name,
        place=row.place,
        created_at=from_text(row.created_at),
        status=row.status,
    )


def _get(db: Connection, tenant_id: str, terminal_id: str) -> CounterTerminal:
    row = db.execute(
        select(schema.counter_terminals).where(_TERMINALS.tenant_id == tenant_id, _TERMINALS.terminal_id == terminal_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(
            "staff.terminal_unknown", "The tenant has no such terminal.", next="See `honnin tenant terminal list`."
        )
    return terminal_of(row)
