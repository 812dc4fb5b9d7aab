"""Events: the outbox, written in the transaction of what it tells of; ids and states, never personal data."""

from typing import Annotated

from msgspec import Meta, Struct

from honnin.api.operations import Answer, Call, Operation
from honnin.platform.models import Page

__all__ = ["OPERATIONS"]


class EventQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Query of the outbox: events `after` a cursor that an earlier page gave as `next`, at most `limit` of them."""

    after: Annotated[str, Meta(max_length=100, pattern=r"^[0-9A-Za-z_.-]+\Z")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 100


def fetch_all(call: Call) -> Answer:
    """Return the events, oldest first. Ask with `next` as `after`, at any time: nothing is missed or comes twice.

    An empty page gives back the cursor that was given; before the first event ever, one that works later.
    """
    return Answer(call.platform.events(call.caller, after=call.query.after, limit=call.query.limit))


OPERATIONS = (
    Operation(
        id="listEvents",
        tag="events",
        method="GET",
        path="/v1/events",
        summary="Read the outbox",
        run=fetch_all,
        query=EventQuery,
        answer=Page,
        problems=("events.cursor",),
    ),
)
