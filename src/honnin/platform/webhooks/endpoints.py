"""A tenant's webhook endpoints: made, changed, ended; their secrets; what was sent, and sending it again.

An endpoint gets the events that happen after it was made. Its secrets lie sealed; a rotation leaves the secret before
signing beside the new one until the overlap ends, and ends every older one at once.
"""

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from honnin.connect.webhooks import check_target
from honnin.errors import InputError, NotFoundError, StateError
from honnin.platform import outbox
from honnin.platform.clock import Clock, from_text, machine_clock, moment
from honnin.platform.event_types import event_types
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.idempotency import Once
from honnin.platform.ids import new_id
from honnin.platform.models import Caller
from honnin.platform.store import Store, schema
from honnin.platform.webhooks.models import (
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    EndpointChange,
    EndpointRequest,
    ListOfEndpoints,
    Replay,
    ReplayRequest,
    WebhookEndpoint,
    WebhookSecret,
)
from honnin.platform.webhooks.schedule import schedule
from honnin.platform.webhooks.signing import new_secret

__all__ = ["Webhooks", "kind_of_secret"]

MOST = 20  # endpoints of one tenant
MOST_AGAIN = 10_000  # events of one replay
RETENTION = "webhook"


class Webhooks:
    """The webhook endpoints of one platform. local: whether test tenants may name this machine.

    clock: the machine's; a sandbox's clock moves no network.
    """

    def __init__(
        self, store: Store, sealer: Sealer, once: Once, clock: Clock = machine_clock, *, local: bool = False
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._once = once
        self._clock = clock
        self._local = local

    def create(self, caller: Caller, request: EndpointRequest, *, idempotency_key: str | None = None) -> WebhookSecret:
        """Make an endpoint; its secret is shown here alone.

        Raises InputError `webhook.url`, `webhook.type`, StateError `webhook.many`, `verification.idempotency_conflict`.
        """
        check_target(request.url, local=self._local and not caller.livemode)
        _check_types(request.types)
        endpoint_id, secret, now = new_id("whk"), new_secret(), moment(self._clock())
        table, tenants = schema.webhook_endpoints, schema.tenants

        def work(db: Connection) -> WebhookSecret:
            present = db.execute(select(func.count()).where(table.c.tenant_id == caller.id)).scalar_one()
            if present >= MOST:
                raise StateError("webhook.many", f"A tenant has at most {MOST} endpoints.", next="Delete one first.")
            last = select(tenants.c.last_event).where(tenants.c.tenant_id == caller.id).scalar_subquery()
            db.execute(
                insert(table).values(
                    tenant_id=caller.id,
                    endpoint_id=endpoint_id,
                    created_at=now,
                    url=request.url,
                    types=json.dumps(request.types),
                    status="enabled",
                    cursor=last,
                    secret_number=1,
                )
            )
            self._seal(db, caller.id, endpoint_id, 1, secret, now)
            return self._with_secret(db, caller, endpoint_id, secret)

        binding = self._once.binding(caller, "webhook_endpoints", idempotency_key, request)
        return self._once.write(caller, binding, WebhookSecret, work)

    def read(self, caller: Caller, endpoint_id: str) -> WebhookEndpoint:
        """Return an endpoint. Raises NotFoundError `webhook.unknown`."""
        with self._store.read() as db:
            return self._seen(caller, _row(db, caller.id, endpoint_id))

    def list(self, caller: Caller) -> ListOfEndpoints:
        """Return all endpoints of a tenant, oldest first."""
        table = schema.webhook_endpoints
        query = select(table).where(table.c.tenant_id == caller.id).order_by(table.c.created_at, table.c.endpoint_id)
        with self._store.read() as db:
            return ListOfEndpoints(data=tuple(self._seen(caller, row) for row in db.execute(query)))

    def change(self, caller: Caller, endpoint_id: str, change: EndpointChange) -> WebhookEndpoint:
        """Change an endpoint; what is None stays.

        Raises InputError `webhook.url`, `webhook.type`, NotFoundError `webhook.unknown`.
        """
        table, values = schema.webhook_endpoints, dict[str, Any]()
        if change.url is not None:
            check_target(change.url, local=self._local and not caller.livemode)
            values["url"] = change.url
        if change.types is not None:
            _check_types(change.types)
            values["types"] = json.dumps(change.types)
        if change.status is not None:
            values["status"] = change.status

        def work(db: Connection) -> WebhookEndpoint:
            _row(db, caller.id, endpoint_id)
            if values:
                db.execute(update(table).where(*_is(table, caller.id, endpoint_id)).values(**values))
            return self._seen(caller, _row(db, caller.id, endpoint_id))

        return self._store.write(work)

    def delete(self, caller: Caller, endpoint_id: str) -> None:
        """End an endpoint, its secrets and what still waited for it. Raises NotFoundError `webhook.unknown`."""
        now = moment(self._clock())

        def work(db: Connection) -> None:
            _row(db, caller.id, endpoint_id)
            for table in (schema.webhook_deliveries, schema.webhook_endpoints):
                db.execute(delete(table).where(*_is(table, caller.id, endpoint_id)))
            self._sealer.end(db, caller.id, endpoint_id, now, retention=RETENTION)

        self._store.write(work)

    def rotate(
        self, caller: Caller, endpoint_id: str, *, overlap: int | None = None, idempotency_key: str | None = None
    ) -> WebhookSecret:
        """Give an endpoint a new secret, shown here alone; the one before signs beside it for `overlap` seconds.

        overlap: 0 ends the one before at once, for a secret that others know. Raises NotFoundError `webhook.unknown`,
        StateError `verification.idempotency_conflict`.
        """
        secret, at = new_secret(), self._clock()
        until = at + timedelta(seconds=schedule().overlap if overlap is None else overlap)
        table, sealed, now = schema.webhook_endpoints, schema.sealed, moment(at)

        def work(db: Connection) -> WebhookSecret:
            number = _row(db, caller.id, endpoint_id).secret_number + 1
            kept = [] if overlap == 0 else [kind_of_secret(number - 1)]
            db.execute(
                delete(sealed).where(
                    sealed.c.tenant_id == caller.id, sealed.c.sealed_id == endpoint_id, sealed.c.kind.not_in(kept)
                )
            )
            self._seal(db, caller.id, endpoint_id, number, secret, now)
            previous_until = moment(until) if kept else None
            db.execute(
                update(table)
                .where(*_is(table, caller.id, endpoint_id))
                .values(secret_number=number, previous_until=previous_until)
            )
            return self._with_secret(db, caller, endpoint_id, secret)

        binding = self._once.binding(caller, "webhook_endpoints.rotate", idempotency_key, (endpoint_id, overlap))
        return self._once.write(caller, binding, WebhookSecret, work)

    def deliveries(
        self,
        caller: Caller,
        endpoint_id: str,
        *,
        status: DeliveryStatus | None = None,
        after: str | None = None,
        limit: int = 20,
    ) -> DeliveryPage:
        """Return what was sent to an endpoint, newest event first.

        Raises NotFoundError `webhook.unknown`, InputError `events.cursor`.
        """
        table, events = schema.webhook_deliveries, schema.events
        query = (
            select(table, events.c.event_id)
            .join(events, (events.c.tenant_id == table.c.tenant_id) & (events.c.number == table.c.number))
            .where(*_is(table, caller.id, endpoint_id))
        )
        with self._store.read() as db:
            _row(db, caller.id, endpoint_id)
            if status is not None:
                query = query.where(table.c.status == status)
            if after is not None:
                query = query.where(table.c.number < outbox.number_of(db, caller.id, after))
            rows = db.execute(query.order_by(table.c.number.desc()).limit(limit + 1)).all()
        shown = tuple(_delivery(row) for row in rows[:limit])
        return DeliveryPage(data=shown, has_more=len(rows) > limit, next=shown[-1].event if shown else None)

    def replay(
        self, caller: Caller, endpoint_id: str, request: ReplayRequest, *, idempotency_key: str | None = None
    ) -> Replay:
        """Send events again from the outbox, as if for the first time; their ids stay, so a receiver knows them.

        Raises InputError `webhook.replay` unless exactly one choice is given, `events.cursor` for an unknown event,
        NotFoundError `webhook.unknown`, StateError `verification.idempotency_conflict`.
        """
        if sum((request.after is not None, bool(request.events), request.dead)) != 1:
            raise InputError("webhook.replay", "Give exactly one of `after`, `events` and `dead`.")
        now = moment(self._clock())

        def work(db: Connection) -> Replay:
            endpoint = _row(db, caller.id, endpoint_id)
            numbers = _chosen(db, endpoint, request)
            table = schema.webhook_deliveries
            for start in range(0, len(numbers), 500):
                part = numbers[start : start + 500]
                db.execute(delete(table).where(*_is(table, caller.id, endpoint_id), table.c.number.in_(part)))
                db.execute(insert(table), [new_delivery(endpoint, number, now) for number in part])
            return Replay(endpoint=endpoint_id, queued=len(numbers))

        binding = self._once.binding(caller, "webhook_endpoints.replay", idempotency_key, (endpoint_id, request))
        return self._once.write(caller, binding, Replay, work)

    def _seal(self, db: Connection, tenant_id: str, endpoint_id: str, number: int, secret: str, now: str) -> None:
        self._sealer.seal(
            db,
            tenant_id,
            endpoint_id,
            kind_of_secret(number),
            secret.encode("ascii"),
            subject=endpoint_id,
            retention=RETENTION,
            now=now,
        )

    def _with_secret(self, db: Connection, caller: Caller, endpoint_id: str, secret: str) -> WebhookSecret:
        seen = self._seen(caller, _row(db, caller.id, endpoint_id))
        return WebhookSecret(
            id=seen.id,
            livemode=seen.livemode,
            created_at=seen.created_at,
            url=seen.url,
            types=seen.types,
            status=seen.status,
            previous_secret_until=seen.previous_secret_until,
            secret=secret,
        )

    def _seen(self, caller: Caller, row: Any) -> WebhookEndpoint:
        until = from_text(row.previous_until) if row.previous_until else None
        return WebhookEndpoint(
            id=row.endpoint_id,
            livemode=caller.livemode,
            created_at=from_text(row.created_at),
            url=row.url,
            types=tuple(json.loads(row.types)),
            status=row.status,
            previous_secret_until=until if until is not None and until > self._clock() else None,
        )


def kind_of_secret(number: int) -> str:
    """Return the name under which an endpoint's secret lies sealed."""
    return f"secret.{number}"


def new_delivery(endpoint: Any, number: int, now: str) -> dict[str, Any]:
    """Return the row of an event that is to be sent to an endpoint now."""
    return {
        "tenant_id": endpoint.tenant_id,
        "endpoint_id": endpoint.endpoint_id,
        "number": number,
        "status": "pending",
        "attempts": 0,
        "due_at": now,
        "answered": None,
        "problem": None,
    }


def _check_types(types: tuple[str, ...]) -> None:
    """Refuse a type that no event has: an endpoint would wait for it for ever."""
    if not set(types) <= set(event_types()):
        raise InputError(
            "webhook.type",
            "There is no event of a type that was asked for.",
            next=f"Choose among {', '.join(event_types())}; none at all means all.",
        )


def _chosen(db: Connection, endpoint: Any, request: ReplayRequest) -> list[int]:
    """Return the numbers of the events to send again; those that are still to come for the first time are not."""
    table, events, tenant_id = schema.webhook_deliveries, schema.events, endpoint.tenant_id
    if request.events:
        return sorted({outbox.number_of(db, tenant_id, event) for event in request.events})
    if request.dead:
        query = select(table.c.number).where(*_is(table, tenant_id, endpoint.endpoint_id), table.c.status == "dead")
        return list(db.execute(query.order_by(table.c.number).limit(MOST_AGAIN)).scalars())
    after = outbox.number_of(db, tenant_id, request.after or outbox.FIRST)
    wanted = json.loads(endpoint.types)
    query = select(events.c.number).where(
        events.c.tenant_id == tenant_id, events.c.number > after, events.c.number <= endpoint.cursor
    )
    if wanted:
        query = query.where(events.c.type.in_(wanted))
    return list(db.execute(query.order_by(events.c.number).limit(MOST_AGAIN)).scalars())


def _delivery(row: Any) -> Delivery:
    return Delivery(
        event=row.event_id,
        status=row.status,
        attempts=row.attempts,
        due_at=from_text(row.due_at) if row.status == "pending" else None,
        answered=row.answered,
        problem=row.problem,
    )


def _is(table: Any, tenant_id: str, endpoint_id: str) -> tuple[Any, ...]:
    return table.c.tenant_id == tenant_id, table.c.endpoint_id == endpoint_id


def _row(db: Connection, tenant_id: str, endpoint_id: str) -> Any:
    table = schema.webhook_endpoints
    row = db.execute(select(table).where(*_is(table, tenant_id, endpoint_id))).one_or_none()
    if row is None:
        raise NotFoundError("webhook.unknown", "There is no such endpoint.", next="See /v1/webhook-endpoints.")
    return row
