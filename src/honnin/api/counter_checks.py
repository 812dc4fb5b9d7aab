"""Checks at the counter: what staff found, and the receipt that proves it; the record of a law is at `/v1/records`."""

from honnin.api.operations import Answer, Call, Operation
from honnin.api.paging import PageQuery
from honnin.platform.counter import CounterCheck
from honnin.platform.evidence.receipt import Receipt
from honnin.platform.models.quiet import Quiet

__all__ = ["OPERATIONS"]


class CounterCheckPage(Quiet, frozen=True, kw_only=True):
    """A page of checks at the counter, newest first; `next` is the id to ask `after`."""

    object: str = "list"
    data: tuple[CounterCheck, ...]
    has_more: bool
    next: str | None = None


def fetch_all(call: Call) -> Answer:
    """Return the checks at the counter, newest first. They are made on the counter's pages alone."""
    found, more = call.platform.counter.page(call.caller.id, after=call.query.after, limit=call.query.limit)
    return Answer(CounterCheckPage(data=found, has_more=more, next=found[-1].id if found else None))


def fetch(call: Call) -> Answer:
    """Return one check at the counter, without personal data; `record` is its verification record, where a law asks."""
    return Answer(call.platform.counter.check(call.caller.id, call.object_id))


def receipt(call: Call) -> Answer:
    """Return the receipt of a check at the counter; 404 `evidence.pending` (retryable) until the log's next head."""
    check = call.platform.counter.check(call.caller.id, call.object_id)
    return Answer(call.platform.receipt(call.caller, check.id))


OPERATIONS = (
    Operation(
        id="listCounterChecks",
        tag="counter",
        method="GET",
        path="/v1/counter-checks",
        summary="List checks at the counter",
        run=fetch_all,
        query=PageQuery,
        answer=CounterCheckPage,
        problems=("counter.check_unknown",),
    ),
    Operation(
        id="getCounterCheck",
        tag="counter",
        method="GET",
        path="/v1/counter-checks/{id}",
        summary="See a check at the counter",
        run=fetch,
        answer=CounterCheck,
        problems=("counter.check_unknown",),
    ),
    Operation(
        id="getCounterCheckReceipt",
        tag="counter",
        method="GET",
        path="/v1/counter-checks/{id}/receipt",
        summary="Get the receipt of a check at the counter",
        run=receipt,
        answer=Receipt,
        problems=("counter.check_unknown", "evidence.pending"),
    ),
)
