"""Webhooks: what is sent is signed as `standardwebhooks` verifies it, tried again, given up, replayed, never lost."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import update
from standardwebhooks import Webhook, WebhookVerificationError
from tests.receiver import Got, Receiver, receiving
from tests.searching import tells
from tests.waiting import LONG, joined, until

from honnin.errors import HonninError
from honnin.platform import Platform, outbox
from honnin.platform.clock import machine_clock, moment
from honnin.platform.failing import PAUSE
from honnin.platform.models import Caller, SessionRequest
from honnin.platform.store import schema
from honnin.platform.webhooks import Deliverer, delivery
from honnin.platform.webhooks.models import EndpointChange, EndpointRequest, ReplayRequest
from honnin.platform.webhooks.schedule import schedule

sqlite_alone = pytest.mark.parametrize("database_url", [None])


class Clock:
    """The machine's clock, moved on at will, and stopped where a stall of the machine would count as waiting."""

    def __init__(self) -> None:
        self.by = timedelta()
        self.stands: datetime | None = None

    def __call__(self) -> datetime:
        return (self.stands or machine_clock()) + self.by

    def stop(self) -> None:
        self.stands = machine_clock()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextmanager
def sending(platform: Platform, clock: Clock, workers: int = 1) -> Iterator[None]:
    stop = threading.Event()
    made = [Deliverer(platform.store, platform._sealer, clock, local=True) for _ in range(workers)]
    threads = [threading.Thread(target=one.run, args=(stop,), daemon=True) for one in made]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        joined(*threads)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def happen(platform: Platform, caller: Caller, count: int = 1) -> list[str]:
    """Write events; return their ids."""
    now = moment(machine_clock())
    events = [("session.created", {"session": f"ses_{number}"}) for number in range(count)]
    return platform.store.write(lambda db: outbox.append_many(db, caller.id, events, now))


def settled(platform: Platform, caller: Caller, endpoint: str, **wanted: int) -> None:
    """Wait until the endpoint's deliveries have these statuses."""

    def reached() -> bool:
        page = platform.webhooks.deliveries(caller, endpoint, limit=100)
        return {status: sum(one.status == status for one in page.data) for status in wanted} == wanted

    until(reached, f"the deliveries did not come to be {wanted}")


def verified(secret: str, got: Got) -> Any:
    return Webhook(secret).verify(got.body, got.headers)


def test_an_endpoint_that_cannot_be_read_stops_no_other_and_gets_its_events_once_it_can(
    platform: Platform,
    caller: Caller,
    receiver: Receiver,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(delivery, "SPREAD", 1)  # the damaged one alone fills the look
    made = platform.webhooks.create(caller, EndpointRequest(url=f"{receiver.url}/damaged"))
    platform.webhooks.create(caller, EndpointRequest(url=f"{receiver.url}/whole"))
    table = schema.webhook_endpoints
    types = update(table).where(table.c.endpoint_id == made.id)
    platform.store.write(lambda db: db.execute(types.values(types="no json")))
    happen(platform, caller)
    with sending(platform, clock):
        (got,) = receiver.wait_for(1)
        assert got.path == "/whole"
        said = f"webhooks: {made.id} of {caller.id}: JSONDecodeError"
        until(lambda: said in caplog.text, "nothing failed")
        platform.store.write(lambda db: db.execute(types.values(types="[]")))
        clock.by += timedelta(seconds=PAUSE)
        assert receiver.wait_for(2)[1].path == "/damaged"
    assert [record.getMessage() for record in caplog.records] == [said]


def test_an_outcome_that_cannot_be_written_is_logged_without_a_traceback(
    platform: Platform,
    caller: Caller,
    receiver: Receiver,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = platform.webhooks.create(caller, EndpointRequest(url=f"{receiver.url}/hook"))
    happen(platform, caller)

    def damaged(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(Deliverer, "_conclude", damaged)
    with sending(platform, clock):
        receiver.wait_for(1)
        until(lambda: caplog.records, "nothing is logged")
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == [f"webhooks: {made.id} of {caller.id}: KeyError"]


def test_events_come_signed_and_without_anything_of_the_person(
    platform: Platform, caller: Caller, receiver: Receiver, clock: Clock, card: Callable[[str], Any]
) -> None:
    made = platform.webhooks.create(caller, EndpointRequest(url=f"{receiver.url}/hook?of=honnin"))
    platform.verify(caller, card("hanako").request(law="aml"))
    platform.sessions.create(
        caller, SessionRequest(purpose="p", text="t", return_url="http://bank.localhost:8600/return")
    )
    with sending(platform, clock):
        first, second = sorted(receiver.wait_for(2), key=lambda got: str(got.event["type"]))
        settled(platform, caller, made.id, delivered=2, pending=0)
    told = platform.events(caller).data
    for got, event in ((first, told[1]), (second, told[0])):
        assert verified(made.secret, got)["type"] == event.type
        assert (got.event["id"], got.event["data"]) == (event.id, event.data)
        assert datetime.fromisoformat(got.event["timestamp"]) == event.created_at
        assert (got.headers["webhook-id"], got.path) == (event.id, "/hook?of=honnin")
        assert got.headers["content-type"] == "application/json"
        for item in ("見本", "花子", "1990", "four_items", "東京"):
            assert not tells(got.body.decode(), item)
        for changed in (got._replace(body=got.body + b" "), got._replace(headers={**got.headers, "webhook-id": "x"})):
            with pytest.raises(WebhookVerificationError):
                verified(made.secret, changed)


@sqlite_alone
def test_endpoint_gets_what_happens_after_it_was_made_and_the_types_it_wants(
    platform: Platform, caller: Caller, receiver: Receiver, clock: Clock
) -> None:
    happen(platform, caller)
    made = platform.webhooks.create(caller, EndpointRequest(url=receiver.url, types=("session.expired",)))
    happen(platform, caller, 3)
    now = moment(machine_clock())
    platform.store.write(lambda db: outbox.append(db, caller.id, "session.expired", {"session": "ses_x"}, now))
    with sending(platform, clock):
        (got,) = receiver.wait_for(1)
        settled(platform, caller, made.id, delivered=1, pending=0)
    assert got.event["type"] == "session.expired"
    assert len(receiver.got) == 1


@sqlite_alone
def test_rotation_signs_with_both_secrets_until_the_overlap_ends(
    platform: Platform, caller: Caller, receiver: Receiver, clock: Clock
) -> None:
    made = platform.webhooks.create(caller, EndpointRequest(url=receiver.url))
    fresh = platform.webhooks.rotate(caller, made.id, overlap=3600)
    assert fresh.previous_secret_until is not None
    with sending(platform, clock):
        happen(platform, caller)
        (got,) = receiver.wait_for(1)
        assert verified(made.secret, got) == verified(fresh.secret, got)
        clock.by += timedelta(hours=2)
        happen(platform, caller)
        last = receiver.wait_for(2)[1]
    assert len(last.headers["webhook-signature"].split()) == 1
    shifted = last._replace(headers={**last.headers, "webhook-timestamp": str(int(datetime.now(UTC).timestamp()))})
    for key in (made.secret, fresh.secret):  # the peer refuses times that are not now; the signature holds the time
        with pytest.raises(WebhookVerificationError):
            verified(key, shifted)
    at_once = platform.webhooks.rotate(caller, made.id, overlap=0)
    assert at_once.previous_secret_until is None
    clock.by = timedelta()
    with sending(platform, clock):
        happen(platform, caller)
        now = receiver.wait_for(3)[2]
    assert verified(at_once.secret, now)
    with pytest.raises(WebhookVerificationError):
        verified(fresh.secret, now)
    with platform.store.read() as db:
        kinds = db.exec_driver_sql("SELECT kind FROM sealed WHERE sealed_id = ?", (made.id,)).scalars().all()
    assert kinds == ["secret.3"]


@sqlite_alone
def test_refused_events_come_again_later_and_later_and_are_given_up_in_the_end(
    platform: Platform, caller: Caller, clock: Clock
) -> None:
    waits = schedule().waits
    with receiving(lambda _: 500) as receiver:
        made = platform.webhooks.create(caller, EndpointRequest(url=receiver.url))
        (event,) = happen(platform, caller)
        clock.stop()
        with sending(platform, clock):
            for number, wait in enumerate(waits, 1):
                receiver.wait_for(number)
                _tried(platform, caller, made.id, number)
                one = platform.webhooks.deliveries(caller, made.id).data[0]
                assert one.due_at is not None
                left = (one.due_at - clock()).total_seconds()
                assert wait <= left <= wait * (1 + schedule().spread)
                clock.by += timedelta(seconds=left + 0.1)
            receiver.wait_for(len(waits) + 1)
            settled(platform, caller, made.id, dead=1)
            one = platform.webhooks.deliveries(caller, made.id, status="dead").data[0]
            assert (one.event, one.attempts, one.answered) == (event, len(waits) + 1, 500)
            assert {got.headers["webhook-id"] for got in receiver.got} == {event}
            receiver.answer = lambda _: 200
            assert platform.webhooks.replay(caller, made.id, ReplayRequest(dead=True)).queued == 1
            settled(platform, caller, made.id, delivered=1, dead=0)
    assert receiver.got[-1].event["id"] == event


def _tried(platform: Platform, caller: Caller, endpoint: str, attempts: int) -> None:

    def concluded() -> bool:
        one = platform.webhooks.deliveries(caller, endpoint).data[0]
        return one.attempts == attempts and one.problem is not None and one.answered is not None

    until(concluded, f"the delivery was not tried {attempts} times")


@sqlite_alone
def test_replay_sends_all_after_an_event_and_no_other_tenants(
    platform: Platform, caller: Caller, receiver: Receiver, clock: Clock
) -> None:
    made = platform.webhooks.create(caller, EndpointRequest(url=receiver.url))
    ids = happen(platform, caller, 5)
    stranger = platform.authenticate(platform.create_tenant("他の銀行").api_key)
    happen(platform, stranger, 2)
    with sending(platform, clock):
        receiver.wait_for(5)
        settled(platform, caller, made.id, delivered=5)
        assert platform.webhooks.replay(caller, made.id, ReplayRequest(after=ids[2])).queued == 2
        again = [got.event["id"] for got in receiver.wait_for(7)[5:]]
        assert sorted(again) == sorted(ids[3:])
        assert platform.webhooks.replay(caller, made.id, ReplayRequest(events=(ids[0], ids[0]))).queued == 1
        assert receiver.wait_for(8)[7].event["id"] == ids[0]
        settled(platform, caller, made.id, delivered=5)
    for asked in (ReplayRequest(), ReplayRequest(dead=True, after="evt_0")):
        assert refusal(lambda asked=asked: platform.webhooks.replay(caller, made.id, asked)) == "webhook.replay"
    foreign = platform.events(stranger).data[0].id
    assert refusal(lambda: platform.webhooks.replay(caller, made.id, ReplayRequest(after=foreign))) == "events.cursor"
    assert refusal(lambda: platform.webhooks.replay(stranger, made.id, ReplayRequest(dead=True))) == "webhook.unknown"


def refusal(work: Callable[[], Any]) -> str:
    with pytest.raises(HonninError) as refused:
        work()
    return refused.value.code


@sqlite_alone
def test_redirect_is_not_followed_and_gone_ends_the_endpoint(platform: Platform, caller: Caller, clock: Clock) -> None:
    with receiving(lambda number: 302 if number == 0 else 410) as receiver:
        made = platform.webhooks.create(caller, EndpointRequest(url=receiver.url))
        happen(platform, caller)
        clock.stop()
        with sending(platform, clock):
            receiver.wait_for(1)
            _tried(platform, caller, made.id, 1)
            clock.by += timedelta(seconds=10)
            receiver.wait_for(2)
            settled(platform, caller, made.id, dead=1)
            happen(platform, caller)
            time.sleep(0.6)
        assert [got.path for got in receiver.got] == ["/", "/"]
        assert platform.webhooks.read(caller, made.id).status == "disabled"
        assert platform.events(caller).data[1].type == "webhook.disabled"
        receiver.answer = lambda _: 200
        platform.webhooks.change(caller, made.id, EndpointChange(status="enabled"))
        with sending(platform, clock):
            settled(platform, caller, made.id, delivered=2, dead=1)


@sqlite_alone
def test_slow_endpoint_keeps_nobody_waiting(
    platform: Platform, caller: Caller, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = msgspec.structs.replace(schedule(), timeout=LONG, lease=LONG * 2)  # no try ends while the slow one holds
    monkeypatch.setattr(delivery, "schedule", lambda: patient)
    hold = threading.Event()
    with receiving(lambda _: 200 if hold.wait(LONG) else 500) as slow:
        platform.webhooks.create(caller, EndpointRequest(url=slow.url))
        quick = platform.webhooks.create(caller, EndpointRequest(url=receiver.url))
        happen(platform, caller, 60)
        with sending(platform, clock):
            receiver.wait_for(60)
            settled(platform, caller, quick.id, delivered=60)
            assert len(slow.got) <= 8
            hold.set()
            slow.wait_for(60)


def test_of_many_workers_one_sends_each_event(
    platform: Platform, caller: Caller, receiver: Receiver, clock: Clock
) -> None:
    made = platform.webhooks.create(caller, EndpointRequest(url=receiver.url))
    with sending(platform, clock, workers=4):
        ids = happen(platform, caller, 40)
        receiver.wait_for(40)
        settled(platform, caller, made.id, delivered=40)
    assert sorted(got.event["id"] for got in receiver.got) == sorted(ids)


@sqlite_alone
def test_deleted_endpoint_gets_nothing_and_its_secret_is_gone(
    platform: Platform, caller: Caller, receiver: Receiver, clock: Clock
) -> None:
    made = platform.webhooks.create(caller, EndpointRequest(url=receiver.url))
    happen(platform, caller)
    platform.webhooks.delete(caller, made.id)
    with sending(platform, clock):
        time.sleep(0.6)
    assert receiver.got == []
    assert refusal(lambda: platform.webhooks.read(caller, made.id)) == "webhook.unknown"
    with platform.store.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM sealed WHERE sealed_id = ?", (made.id,)).scalar_one() == 0
    assert made.secret not in repr(made)


@sqlite_alone
def test_tenant_has_a_limit_of_endpoints(platform: Platform, caller: Caller) -> None:
    for number in range(20):
        platform.webhooks.create(caller, EndpointRequest(url=f"https://hooks.example/{number}"))
    assert (
        refusal(lambda: platform.webhooks.create(caller, EndpointRequest(url="https://a.example/"))) == "webhook.many"
    )
    assert len(platform.webhooks.list(caller).data) == 20
