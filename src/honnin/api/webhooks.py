"""Webhook endpoints: where a tenant's events are sent, with which secret, and what came of it."""

from typing import Annotated

from msgspec import Meta, Struct

from honnin.api.operations import Answer, Call, Operation
from honnin.platform.webhooks.models import (
    DeliveryPage,
    DeliveryStatus,
    EndpointChange,
    EndpointRequest,
    EndpointRotation,
    ListOfEndpoints,
    Replay,
    ReplayRequest,
    WebhookEndpoint,
    WebhookSecret,
)

__all__ = ["OPERATIONS"]

PATH = "/v1/webhook-endpoints"


class DeliveryQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Query of deliveries: those of one `status`, `after` the event with this id, at most `limit`."""

    status: DeliveryStatus | None = None
    after: Annotated[str, Meta(pattern=r"^evt_[0-9a-z]{1,36}\Z")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


def create(call: Call) -> Answer:
    """Make an endpoint. Its `secret` is in this answer alone: verify with it what comes (Standard Webhooks)."""
    made = call.platform.webhooks.create(call.caller, call.body, idempotency_key=call.idempotency_key)
    return Answer(made, 201, {"Location": f"{PATH}/{made.id}"})


def fetch_all(call: Call) -> Answer:
    """Return the endpoints, oldest first."""
    return Answer(call.platform.webhooks.list(call.caller))


def fetch(call: Call) -> Answer:
    """Return an endpoint, without its secret."""
    return Answer(call.platform.webhooks.read(call.caller, call.object_id))


def change(call: Call) -> Answer:
    """Change the address or the types, or send nothing for a while; what is left out stays."""
    return Answer(call.platform.webhooks.change(call.caller, call.object_id, call.body))


def delete(call: Call) -> Answer:
    """End an endpoint and its secrets; what still waited for it is not sent."""
    call.platform.webhooks.delete(call.caller, call.object_id)
    return Answer(b"", 204)


def rotate(call: Call) -> Answer:
    """Make a new secret. Until the overlap ends, every message carries a signature of each of the two."""
    made = call.platform.webhooks.rotate(
        call.caller, call.object_id, overlap=call.body.overlap, idempotency_key=call.idempotency_key
    )
    return Answer(made)


def replay(call: Call) -> Answer:
    """Send events again: all after one, some, or those that were given up; at most 10,000 at once."""
    key = call.idempotency_key
    return Answer(call.platform.webhooks.replay(call.caller, call.object_id, call.body, idempotency_key=key))


def deliveries(call: Call) -> Answer:
    """Return what was sent to an endpoint and what came of it, newest event first."""
    asked = call.query
    return Answer(
        call.platform.webhooks.deliveries(
            call.caller, call.object_id, status=asked.status, after=asked.after, limit=asked.limit
        )
    )


OPERATIONS = (
    Operation(
        id="createWebhookEndpoint",
        tag="webhooks",
        method="POST",
        path=PATH,
        summary="Make a webhook endpoint",
        run=create,
        body=EndpointRequest,
        answer=WebhookSecret,
        status=201,
        idempotent=True,
        link_to=("getWebhookEndpoint", "listWebhookDeliveries", "deleteWebhookEndpoint"),
        problems=("webhook.url", "webhook.type", "webhook.many"),
    ),
    Operation(
        id="listWebhookEndpoints",
        tag="webhooks",
        method="GET",
        path=PATH,
        summary="List webhook endpoints",
        run=fetch_all,
        answer=ListOfEndpoints,
    ),
    Operation(
        id="getWebhookEndpoint",
        tag="webhooks",
        method="GET",
        path=f"{PATH}/{{id}}",
        summary="See a webhook endpoint",
        run=fetch,
        answer=WebhookEndpoint,
        problems=("webhook.unknown",),
    ),
    Operation(
        id="changeWebhookEndpoint",
        tag="webhooks",
        method="POST",
        path=f"{PATH}/{{id}}",
        summary="Change a webhook endpoint",
        run=change,
        body=EndpointChange,
        answer=WebhookEndpoint,
        unkeyed="the same change again changes nothing.",
        problems=("webhook.unknown", "webhook.url", "webhook.type"),
    ),
    Operation(
        id="deleteWebhookEndpoint",
        tag="webhooks",
        method="DELETE",
        path=f"{PATH}/{{id}}",
        summary="End a webhook endpoint",
        run=delete,
        answer=None,
        status=204,
        problems=("webhook.unknown",),
    ),
    Operation(
        id="rotateWebhookSecret",
        tag="webhooks",
        method="POST",
        path=f"{PATH}/{{id}}/rotate",
        summary="Make a new secret",
        run=rotate,
        body=EndpointRotation,
        answer=WebhookSecret,
        idempotent=True,
        problems=("webhook.unknown",),
    ),
    Operation(
        id="replayEvents",
        tag="webhooks",
        method="POST",
        path=f"{PATH}/{{id}}/replay",
        summary="Send events again",
        run=replay,
        body=ReplayRequest,
        answer=Replay,
        idempotent=True,
        problems=("webhook.unknown", "webhook.replay", "events.cursor"),
    ),
    Operation(
        id="listWebhookDeliveries",
        tag="webhooks",
        method="GET",
        path=f"{PATH}/{{id}}/deliveries",
        summary="See what was sent",
        run=deliveries,
        query=DeliveryQuery,
        answer=DeliveryPage,
        problems=("webhook.unknown", "events.cursor"),
    ),
)
