"""Terminals for tap use: in face-to-face, supervised or managed places; never online, never outdoors (sheet §5.1)."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, insert, select, update

from honnin.errors import AccessError, InputError, NotFoundError, StateError
from honnin.platform.clock import moment
from honnin.platform.hidden import hides
from honnin.platform.ids import new_id
from honnin.platform.models import Tenant
from honnin.platform.store import Store, schema
from honnin.platform.tap.models import TapTerminal, TerminalRequest

__all__ = ["MOST_PER_MINUTE", "Terminals", "usable"]

MOST_PER_MINUTE = 240  # taps that one terminal may begin: four a second is more than hands can do
MOST_TERMINALS = 10_000


@dataclass(frozen=True, slots=True)
class Terminals:
    """The terminals of one platform's tenants."""

    store: Store

    def add(self, db: Connection, *, tenant: Tenant, request: TerminalRequest, at: datetime) -> TapTerminal:
        """Register a terminal.

        Raises AccessError `tap.not_supervised`, `tap.outdoors`, `tap.online`: the law allows none of them; InputError
        `tap.terminal_name`.
        """
        name, place = request.name.strip(), request.place.strip()
        if not name or not place or hides(name) or hides(place):
            raise InputError(
                "tap.terminal_name", "A terminal needs a name and a place that can be read.", next="Give both."
            )
        made = TapTerminal(
            id=new_id("trm"),
            livemode=tenant.livemode,
            created_at=at,
            name=name,
            place=place,
            supervised=request.supervised,
            outdoors=request.outdoors,
            online=request.online,
        )
        usable(made)
        body = msgspec.json.encode(made).decode()
        db.execute(
            insert(schema.tap_terminals).values(
                tenant_id=tenant.id, terminal_id=made.id, created_at=moment(at), body=body
            )
        )
        return made

    def all(self, tenant: Tenant) -> list[TapTerminal]:
        """Return a tenant's terminals, oldest first."""
        table = schema.tap_terminals
        query = select(table.c.body).where(table.c.tenant_id == tenant.id)
        with self.store.read() as db:
            rows = db.execute(query.order_by(table.c.created_at, table.c.terminal_id).limit(MOST_TERMINALS)).scalars()
            return [msgspec.json.decode(body, type=TapTerminal) for body in rows]

    def get(self, tenant: Tenant, terminal_id: str) -> TapTerminal:
        """Return a terminal. Raises NotFoundError `tap.terminal_unknown`."""
        table = schema.tap_terminals
        with self.store.read() as db:
            body = db.execute(
                select(table.c.body).where(table.c.tenant_id == tenant.id, table.c.terminal_id == terminal_id)
            ).scalar()
        if body is None:
            raise NotFoundError("tap.terminal_unknown", "There is no such terminal.", next="Register it first.")
        return msgspec.json.decode(body, type=TapTerminal)

    def retire(self, tenant: Tenant, terminal_id: str) -> TapTerminal:
        """Take no taps from a terminal any more. Raises NotFoundError `tap.terminal_unknown`."""
        made = msgspec.structs.replace(self.get(tenant, terminal_id), status="retired")
        table, body = schema.tap_terminals, msgspec.json.encode(made).decode()
        change = update(table).where(table.c.tenant_id == tenant.id, table.c.terminal_id == terminal_id)
        self.store.write(lambda db: db.execute(change.values(body=body)), tenant=tenant.id)
        return made


def usable(terminal: TapTerminal) -> None:
    """Refuse a terminal at which nobody may tap; asked at registration and again at every tap.

    Raises AccessError `tap.not_supervised`, `tap.outdoors`, `tap.online`, StateError `tap.terminal_retired`.
    """
    other = "Let the person enter the PIN instead."
    if not terminal.supervised:
        raise AccessError(
            "tap.not_supervised", "Tap use needs a face-to-face, supervised or managed place.", next=other
        )
    if terminal.outdoors:
        raise AccessError("tap.outdoors", "Tap use is not allowed outdoors.", next=other)
    if terminal.online:
        raise AccessError("tap.online", "Tap use is not allowed over the network.", next=other)
    if terminal.status == "retired":
        raise StateError("tap.terminal_retired", "The terminal was retired.", next="Register a terminal.")
