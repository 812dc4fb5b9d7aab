"""`honnin webhook`: a tenant's webhook endpoints, as the operator sets them up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from honnin.cli.output import data_option, json_option, print_json, stored

if TYPE_CHECKING:
    from honnin.platform.models import Caller
    from honnin.platform.webhooks import Webhooks

__all__ = ["webhook"]

STATUS = click.Choice(["pending", "delivered", "dead"])
tenant_argument = click.argument("tenant_id", metavar="TENANT")
endpoint_argument = click.argument("endpoint_id", metavar="ENDPOINT")


@click.group()
def webhook() -> None:
    """Send a tenant's events to addresses of its own (Standard Webhooks)."""


@contextmanager
def _opened(data: Path, tenant_id: str) -> Iterator[tuple["Webhooks", "Caller"]]:
    from honnin.platform import Platform, Settings

    platform = Platform(Settings.from_environment(stored(data)))
    try:
        yield platform.webhooks, platform.caller_of(tenant_id)
    finally:
        platform.close()


@webhook.command()
@tenant_argument
@click.argument("url")
@click.option(
    "--type", "types", multiple=True, help="Send events of this type (docs/api.md, Events); repeat. Without one, all."
)
@data_option
@json_option
def create(tenant_id: str, url: str, types: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Make an endpoint and print its secret, which is shown once."""
    from honnin.platform.webhooks.models import EndpointRequest

    with _opened(data, tenant_id) as (webhooks, caller):
        made = webhooks.create(caller, EndpointRequest(url=url, types=types))
    _print(made, as_json, f"endpoint  {made.id}\nsecret    {made.secret}\nThe secret is shown this once.")


@webhook.command(name="list")
@tenant_argument
@data_option
@json_option
def list_(tenant_id: str, data: Path, as_json: bool) -> None:
    """List a tenant's endpoints."""
    with _opened(data, tenant_id) as (webhooks, caller):
        found = webhooks.list(caller)
    lines = [f"{one.id}  {one.status:8}  {one.url}  {' '.join(one.types) or 'all'}" for one in found.data]
    _print(found, as_json, "\n".join(lines))


@webhook.command()
@tenant_argument
@endpoint_argument
@click.option("--overlap", type=click.IntRange(0, 604_800), help="Seconds for which the secret before still signs.")
@data_option
@json_option
def rotate(tenant_id: str, endpoint_id: str, overlap: int | None, data: Path, as_json: bool) -> None:
    """Make a new secret and print it, once; the one before still signs for a day, or for --overlap seconds."""
    with _opened(data, tenant_id) as (webhooks, caller):
        made = webhooks.rotate(caller, endpoint_id, overlap=overlap)
    _print(made, as_json, f"secret  {made.secret}\nThe secret is shown this once.")


@webhook.command()
@tenant_argument
@endpoint_argument
@click.option("--after", help="Every event after this one; evt_0 for all.")
@click.option("--event", "events", multiple=True, help="This event; repeat.")
@click.option("--dead", is_flag=True, help="All that were given up.")
@data_option
@json_option
def replay(
    tenant_id: str, endpoint_id: str, after: str | None, events: tuple[str, ...], dead: bool, data: Path, as_json: bool
) -> None:
    """Send events again from the outbox; give one of --after, --event and --dead."""
    from honnin.platform.webhooks.models import ReplayRequest

    with _opened(data, tenant_id) as (webhooks, caller):
        made = webhooks.replay(caller, endpoint_id, ReplayRequest(after=after, events=events, dead=dead))
    _print(made, as_json, f"{made.queued} events will be sent again")


@webhook.command()
@tenant_argument
@endpoint_argument
@click.option("--status", type=STATUS, help="Only these.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many at most.")
@data_option
@json_option
def deliveries(tenant_id: str, endpoint_id: str, status: Any, limit: int, data: Path, as_json: bool) -> None:
    """Show what was sent to an endpoint and what came of it, newest event first."""
    with _opened(data, tenant_id) as (webhooks, caller):
        found = webhooks.deliveries(caller, endpoint_id, status=status, limit=limit)
    lines = [f"{d.event}  {d.status:9}  {d.attempts:2}  {d.answered or d.problem or '-'}" for d in found.data]
    _print(found, as_json, "\n".join(lines))


@webhook.command()
@tenant_argument
@endpoint_argument
@data_option
@json_option
def delete(tenant_id: str, endpoint_id: str, data: Path, as_json: bool) -> None:
    """End an endpoint and its secrets."""
    with _opened(data, tenant_id) as (webhooks, caller):
        webhooks.delete(caller, endpoint_id)
    if as_json:
        print_json({"endpoint": endpoint_id, "deleted": True})
        return
    click.echo(f"{endpoint_id}  deleted")


def _print(found: Any, as_json: bool, text: str) -> None:
    import msgspec

    if as_json:
        print_json(msgspec.to_builtins(found))
    elif text:
        click.echo(text)
