"""The worker that sends events: at least once, in no promised order, and never more at once than an endpoint takes.

    1. Events past an endpoint's cursor become deliveries, in the transaction that moves the cursor.
    2. A delivery that is due is claimed by moving its due time to the end of a lease; one worker of many succeeds.
    3. It is sent, and what came of it is written: delivered, due again, or dead after the last try.

A worker that is killed leaves claimed deliveries whose lease ends: another one sends them, perhaps for the second time
(receivers know them by `webhook-id`). Nothing is lost, because nothing is forgotten before an answer was written down.
"""

import asyncio
import json
import logging
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from honnin.connect.webhooks import post
from honnin.errors import GoneError, HonninError, ServiceError, name_of
from honnin.platform import outbox
from honnin.platform.clock import Clock, machine_clock, moment
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.failing import Failing
from honnin.platform.store import Store, schema
from honnin.platform.webhooks.endpoints import kind_of_secret, new_delivery
from honnin.platform.webhooks.schedule import schedule
from honnin.platform.webhooks.signing import headers

__all__ = ["Deliverer"]

LOGGER = logging.getLogger("honnin.webhooks")
PAUSE = 0.25  # seconds between looks at the outbox when there is nothing to do
AT_ONCE = 32
AT_ONCE_EACH = 8  # to one endpoint: a slow one keeps nobody waiting
SPREAD = 100  # endpoints looked at together
STEP = 500  # events of one endpoint that become deliveries together
TIDY_EVERY = timedelta(hours=1)
_ENDPOINTS, _DELIVERIES, _EVENTS = schema.webhook_endpoints, schema.webhook_deliveries, schema.events


class _Claim(NamedTuple):
    tenant_id: str
    endpoint_id: str
    number: int
    attempts: int  # this one included
    leased_until: str


class _Message(NamedTuple):
    """What is sent: never shown, as it holds secrets."""

    url: str
    local: bool
    event_id: str
    body: bytes
    keys: tuple[str, ...]

    def __repr__(self) -> str:
        return f"_Message({self.event_id})"


class Deliverer:
    """Sends one platform's webhooks. Any number of processes may do so at once.

    clock: the machine's; sender: posts one message and returns the answer's status (`honnin.connect.webhooks.post`).
    local: whether this machine may be reached for test tenants.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        clock: Clock = machine_clock,
        sender: Callable[..., Awaitable[int]] = post,
        *,
        local: bool = False,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._sender = sender
        self._local = local
        self._busy: Counter[tuple[str, str]] = Counter()
        self._tidied = clock()
        self._failing = Failing(LOGGER, "webhooks", passes=ServiceError, clock=lambda: clock().timestamp())

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set; what is under way then is finished."""
        asyncio.run(self._work(stop))

    async def _work(self, stop: threading.Event) -> None:
        under_way: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            try:
                more = await asyncio.to_thread(self._spread)
                claims = await asyncio.to_thread(self._claim, AT_ONCE - len(under_way))
                for claim in claims:
                    self._busy[claim[:2]] += 1
                    under_way.add(asyncio.create_task(self._deliver(claim)))
                if not (more or claims):
                    await asyncio.to_thread(self._tidy)
                    await _rest(under_way)
            except Exception as error:  # noqa: BLE001 - nobody's events would ever be sent again
                LOGGER.warning("webhooks: %s", name_of(error))
                await asyncio.sleep(1.0)
            under_way = {task for task in under_way if not task.done()}
        if under_way:
            await asyncio.wait(under_way)

    # --- 1.

    def _spread(self) -> bool:
        """Make deliveries of events; tell whether there were any.

        An endpoint that cannot be read stops no other, and is left alone for a while.
        """
        tenants = schema.tenants
        query = (
            select(_ENDPOINTS.c.tenant_id, _ENDPOINTS.c.endpoint_id)
            .join(tenants, tenants.c.tenant_id == _ENDPOINTS.c.tenant_id)
            .where(_ENDPOINTS.c.status == "enabled", _ENDPOINTS.c.cursor < tenants.c.last_event)
            .where(_ENDPOINTS.c.endpoint_id.not_in(self._failing.paused()))
            .limit(SPREAD)
        )
        with self._store.read() as db:
            waiting = [(row.tenant_id, row.endpoint_id) for row in db.execute(query)]
        made = False
        for tenant_id, endpoint_id in waiting:
            with self._failing.guard(endpoint_id, tenant=tenant_id):
                self._store.write(partial(self._spread_one, tenant_id, endpoint_id), tenant=tenant_id)
                made = True
        return made

    def _spread_one(self, tenant_id: str, endpoint_id: str, db: Connection) -> None:
        this = (_ENDPOINTS.c.tenant_id == tenant_id, _ENDPOINTS.c.endpoint_id == endpoint_id)
        endpoint = db.execute(select(_ENDPOINTS).where(*this).with_for_update()).one_or_none()
        if endpoint is None or endpoint.status != "enabled":
            return
        query = select(_EVENTS.c.number, _EVENTS.c.type).where(
            _EVENTS.c.tenant_id == tenant_id, _EVENTS.c.number > endpoint.cursor
        )
        found = db.execute(query.order_by(_EVENTS.c.number).limit(STEP)).all()
        if not found:
            return
        wanted, now = set(json.loads(endpoint.types)), moment(self._clock())
        rows = [new_delivery(endpoint, row.number, now) for row in found if not wanted or row.type in wanted]
        if rows:
            db.execute(insert(_DELIVERIES), rows)
        db.execute(update(_ENDPOINTS).where(*this).values(cursor=found[-1].number))

    # --- 2.

    def _claim(self, room: int) -> list[_Claim]:
        if room <= 0:
            return []
        at = self._clock()
        now, until = moment(at), moment(at + timedelta(seconds=schedule().lease))
        full = [endpoint_id for (_, endpoint_id), busy in self._busy.items() if busy >= AT_ONCE_EACH]
        query = (
            select(_DELIVERIES)
            .join(
                _ENDPOINTS,
                (_ENDPOINTS.c.tenant_id == _DELIVERIES.c.tenant_id)
                & (_ENDPOINTS.c.endpoint_id == _DELIVERIES.c.endpoint_id),
            )
            .where(_DELIVERIES.c.status == "pending", _DELIVERIES.c.due_at <= now, _ENDPOINTS.c.status == "enabled")
            .where(_DELIVERIES.c.endpoint_id.not_in(full))
            .order_by(_DELIVERIES.c.due_at, _DELIVERIES.c.number)
            .limit(room * AT_ONCE_EACH)
        )
        with self._store.read() as db:
            due = db.execute(query).all()
        busy = self._busy.copy()
        chosen: list[Any] = []
        for row in due:
            of = (row.tenant_id, row.endpoint_id)
            if busy[of] < AT_ONCE_EACH and len(chosen) < room:
                busy[of] += 1
                chosen.append(row)
        if not chosen:
            return []

        def work(db: Connection) -> list[_Claim]:
            return [
                _Claim(row.tenant_id, row.endpoint_id, row.number, row.attempts + 1, until)
                for row in chosen
                if _move(db, row, row.due_at, due_at=until, attempts=row.attempts + 1, answered=None, problem=None)
            ]

        return self._store.write(work)

    # --- 3.

    async def _deliver(self, claim: _Claim) -> None:
        answered, problem = None, None
        try:
            message = await asyncio.to_thread(self._message, claim)
            if message is None:
                return
            at = int(self._clock().timestamp())
            signed = headers(message.event_id, at, message.body, message.keys)
            answered = await self._sender(
                message.url, message.body, signed, local=message.local, timeout=schedule().timeout
            )
        except HonninError as error:
            problem = error.code
        except Exception as error:  # noqa: BLE001 - one message must not end the sending of all others
            LOGGER.error("webhooks: %s", type(error).__name__)  # noqa: TRY400 - a traceback may quote the message
            problem = "webhook.fault"
        finally:
            self._busy[claim[:2]] -= 1
        try:
            await asyncio.to_thread(self._conclude, claim, answered, problem)
        except Exception as error:  # noqa: BLE001 - the lease ends, and it is sent again
            LOGGER.warning("webhooks: %s of %s: %s", claim.endpoint_id, claim.tenant_id, name_of(error))

    def _message(self, claim: _Claim) -> _Message | None:
        """Return what a claim sends; None where its endpoint was deleted meanwhile."""
        tenants, this = schema.tenants, (claim.tenant_id, claim.endpoint_id)
        with self._store.read() as db:
            endpoint = db.execute(
                select(_ENDPOINTS, tenants.c.livemode)
                .join(tenants, tenants.c.tenant_id == _ENDPOINTS.c.tenant_id)
                .where(_ENDPOINTS.c.tenant_id == this[0], _ENDPOINTS.c.endpoint_id == this[1])
            ).one_or_none()
            if endpoint is None:
                return None
            row = db.execute(
                select(_EVENTS).where(_EVENTS.c.tenant_id == this[0], _EVENTS.c.number == claim.number)
            ).one()
            numbers = [endpoint.secret_number]
            if endpoint.previous_until is not None and endpoint.previous_until > moment(self._clock()):
                numbers.append(endpoint.secret_number - 1)
            try:
                keys = tuple(self._sealer.open(db, *this, kind_of_secret(number)).decode() for number in numbers)
            except GoneError:  # deleted, or rotated, between two looks
                return None
        event = outbox.event_of(row, livemode=endpoint.livemode)
        body = msgspec.json.encode({**msgspec.to_builtins(event), "timestamp": event.created_at})
        return _Message(endpoint.url, self._local and not endpoint.livemode, event.id, body, keys)

    def _conclude(self, claim: _Claim, answered: int | None, problem: str | None) -> None:
        """Write what came of a try, unless another worker has taken the delivery over."""
        waits = schedule().waits
        values: dict[str, Any] = {"answered": answered, "problem": problem}
        if answered is not None and 200 <= answered < 300:
            values["status"] = "delivered"
        else:
            values["problem"] = problem or "webhook.refused"
            if claim.attempts > len(waits) or answered == 410:
                values["status"] = "dead"
            else:
                wait = waits[claim.attempts - 1] * random.uniform(1.0, 1.0 + schedule().spread)  # noqa: S311
                values["due_at"] = moment(self._clock() + timedelta(seconds=wait))

        def work(db: Connection) -> None:
            if _move(db, claim, claim.leased_until, **values) and answered == 410:
                _disable(db, claim, moment(self._clock()))

        self._store.write(work)

    def _tidy(self) -> None:
        """Forget, now and then, what was delivered long ago."""
        at = self._clock()
        if at - self._tidied < TIDY_EVERY:
            return
        self._tidied, before = at, moment(at - timedelta(days=schedule().keep_days))
        old = (_DELIVERIES.c.status == "delivered") & (_DELIVERIES.c.due_at < before)
        self._store.write(lambda db: db.execute(delete(_DELIVERIES).where(old)))


async def _rest(under_way: set[asyncio.Task[None]]) -> None:
    """Wait until there may be something to do: a moment, or less when a try ends."""
    if under_way:
        await asyncio.wait(under_way, timeout=PAUSE, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(PAUSE)


def _move(db: Connection, row: Any, was_due: str, **values: Any) -> bool:
    """Change a pending delivery that is still due at a time; tell whether it was."""
    moved = db.execute(
        update(_DELIVERIES)
        .where(
            _DELIVERIES.c.tenant_id == row.tenant_id,
            _DELIVERIES.c.endpoint_id == row.endpoint_id,
            _DELIVERIES.c.number == row.number,
            _DELIVERIES.c.status == "pending",
            _DELIVERIES.c.due_at == was_due,
        )
        .values(**values)
    )
    return moved.rowcount == 1


def _disable(db: Connection, claim: _Claim, now: str) -> None:
    """Send nothing more to an endpoint whose server says that it is gone for good (410)."""
    db.execute(
        update(_ENDPOINTS)
        .where(_ENDPOINTS.c.tenant_id == claim.tenant_id, _ENDPOINTS.c.endpoint_id == claim.endpoint_id)
        .values(status="disabled")
    )
    outbox.append(db, claim.tenant_id, "webhook.disabled", {"endpoint": claim.endpoint_id}, now)
