"""What the API says of webhooks: endpoints, deliveries, replays. A secret is shown once, and in no repr."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from honnin.platform.event_types import event_types
from honnin.platform.models import Quiet, Url

__all__ = [
    "Delivery",
    "DeliveryPage",
    "EndpointChange",
    "EndpointRequest",
    "EndpointRotation",
    "ListOfEndpoints",
    "Replay",
    "ReplayRequest",
    "WebhookEndpoint",
    "WebhookSecret",
]

EventType = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[a-z_.]+\Z", extra_json_schema={"enum": list(event_types())})
]
EventId = Annotated[str, Meta(min_length=5, max_length=40, pattern=r"^evt_[0-9a-z]+\Z")]
DeliveryStatus = Literal["pending", "delivered", "dead"]


class EndpointRequest(Quiet, frozen=True, kw_only=True):
    """`POST /v1/webhook-endpoints`: where events go. types: only these; empty: all, also those of later versions."""

    url: Url
    types: Annotated[tuple[EventType, ...], Meta(max_length=50)] = ()


class EndpointChange(Quiet, frozen=True, kw_only=True):
    """`POST /v1/webhook-endpoints/{id}`: what is left out stays.

    status: `disabled` sends nothing; once enabled again, what happened meanwhile is sent.
    """

    url: Url | None = None
    types: Annotated[tuple[EventType, ...], Meta(max_length=50)] | None = None
    status: Literal["enabled", "disabled"] | None = None


class EndpointRotation(Quiet, frozen=True, kw_only=True):
    """`POST /v1/webhook-endpoints/{id}/rotate`: overlap: seconds for which the secret before still signs, too."""

    overlap: Annotated[int, Meta(ge=0, le=604_800)] | None = None


class ReplayRequest(Quiet, frozen=True, kw_only=True):
    """`POST /v1/webhook-endpoints/{id}/replay`: which events to send again; exactly one member.

    after: every event after this one (`evt_0`: from the beginning); events: these; dead: all that were given up.
    """

    after: EventId | None = None
    events: Annotated[tuple[EventId, ...], Meta(max_length=100)] = ()
    dead: bool = False


class WebhookEndpoint(Quiet, frozen=True, kw_only=True):
    """An address to which a tenant's events are sent.

    status: `disabled` by you, or after its server answered 410 Gone.
    previous_secret_until: until when the secret before the present one signs, too; None without one.
    """

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    livemode: bool
    created_at: datetime
    url: str
    types: tuple[str, ...]
    status: Literal["enabled", "disabled"]
    previous_secret_until: datetime | None = None


class WebhookSecret(WebhookEndpoint, frozen=True, kw_only=True):
    """An endpoint with its new secret (`whsec_…`), which is shown once."""

    secret: str


class ListOfEndpoints(Quiet, frozen=True, kw_only=True):
    """A tenant's endpoints, oldest first."""

    object: Literal["list"] = "list"
    data: tuple[WebhookEndpoint, ...]


class Delivery(Quiet, frozen=True, kw_only=True):
    """One event on its way to one endpoint.

    status: `dead` once the last try failed (`replay` sends it again). due_at: of the next try, None when it has ended.
    answered: HTTP status of the last try; None where there was no answer, and `problem` says why.
    """

    event: str
    object: Literal["delivery"] = "delivery"
    status: DeliveryStatus
    attempts: int
    due_at: datetime | None
    answered: int | None
    problem: str | None


class DeliveryPage(Quiet, frozen=True, kw_only=True):
    """A page of deliveries, newest event first; `next` is the event to ask `after`."""

    object: Literal["list"] = "list"
    data: tuple[Delivery, ...]
    has_more: bool
    next: str | None = None


class Replay(Quiet, frozen=True, kw_only=True):
    """How many events will be sent again."""

    object: Literal["replay"] = "replay"
    endpoint: str
    queued: int
