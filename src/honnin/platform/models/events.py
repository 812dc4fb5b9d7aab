"""The outbox as it is read: events, and a page of them."""

from datetime import datetime
from typing import Any, Literal

from honnin.platform.models.quiet import Quiet

__all__ = [
    "Event",
    "Page",
]


class Event(Quiet, frozen=True, kw_only=True):
    """One line of the outbox: ids and states, never personal data. `data` holds the object's id and status."""

    id: str
    object: Literal["event"] = "event"
    livemode: bool
    created_at: datetime
    type: str
    data: dict[str, Any]


class Page(Quiet, frozen=True, kw_only=True):
    """A page of events, oldest first; `next` is the cursor to ask `after`, now or later, also of an empty page."""

    object: Literal["list"] = "list"
    data: tuple[Event, ...]
    has_more: bool
    next: str
