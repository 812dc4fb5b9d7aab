"""`honnin tenant`: make tenants (service providers), give them keys, change their settings; their counters' staff."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from honnin.cli.output import data_option, json_option, print_json, stored
from honnin.cli.staff import staff, terminal

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["tenant"]

VERIFIER = click.Choice(["certified", "deemed", "none"])


@click.group()
def tenant() -> None:
    """Make and list tenants (service providers)."""


tenant.add_command(staff)
tenant.add_command(terminal)


def _open(data: Path) -> "Platform":
    from honnin.platform import Settings
    from honnin.platform.shards import open_platform

    return open_platform(Settings.from_environment(data))


@tenant.command()
@click.argument("name")
@click.option("--live", is_flag=True, help="A live tenant: real certificates, the machine's clock.")
@click.option("--verifier", type=VERIFIER, help="Verifier status (公的個人認証法17条); test tenants are deemed.")
@click.option("--verifier-from", type=click.DateTime(["%Y-%m-%d"]), help="First day of that status.")
@click.option("--return-url", "return_urls", multiple=True, help="Where a person may be sent back to.")
@data_option
@json_option
def create(name: str, live: bool, data: Path, as_json: bool, **options: Any) -> None:
    """Make a tenant and print its key, which is shown once."""
    platform = _open(data)
    since = options["verifier_from"]
    try:
        made = platform.create_tenant(
            name,
            livemode=live,
            verifier_status=options["verifier"],
            verifier_from=since.date() if since else None,
            return_urls=options["return_urls"],
        )
    finally:
        platform.close()
    if as_json:
        print_json({"tenant": made.tenant, "api_key": made.api_key})
        return
    click.echo(f"tenant   {made.tenant}\napi key  {made.api_key}\nThe key is shown this once; only its hash is kept.")


@tenant.command(name="list")
@data_option
@json_option
def list_(data: Path, as_json: bool) -> None:
    """List all tenants with their settings."""
    import msgspec

    platform = _open(stored(data, sharded=True))
    try:
        found = platform.tenants()
    finally:
        platform.close()
    if as_json:
        print_json({"tenants": msgspec.to_builtins(found)})
        return
    for one in found:
        click.echo(f"{one.id}  {'live' if one.livemode else 'test'}  {one.verifier_status:9}  {one.name}")


@tenant.command(name="set")
@click.argument("tenant_id", metavar="TENANT")
@click.option("--verifier", "verifier_status", type=VERIFIER, help="Verifier status.")
@click.option("--verifier-from", type=click.DateTime(["%Y-%m-%d"]), help="First day of that status.")
@click.option("--verifier-to", type=click.DateTime(["%Y-%m-%d"]), help="Last day of that status.")
@click.option("--attribute", "attributes", multiple=True, help="Attribute that the tenant may get; repeat.")
@click.option("--certificate-ground", help="Legal ground on which a certified verifier receives certificates.")
@click.option("--number-handler/--no-number-handler", default=None, help="May lawfully collect individual numbers.")
@click.option("--obliged-entity/--no-obliged-entity", default=None, help="A specified business under the AML law.")
@click.option(
    "--rules-of-2027/--no-rules-of-2027",
    "apply_2027_rules",
    default=None,
    help="Ask at once for what the AML rules ask from 2027-04-01.",
)
@click.option(
    "--tap-use/--no-tap-use", default=None, help="Its customers may tap without a PIN (live: off by default)."
)
@click.option(
    "--tap-days",
    multiple=True,
    metavar="[PURPOSE=]DAYS",
    help="For how many days taps are kept (90): of one purpose, or of all that are not named; repeat.",
)
@click.option("--return-url", "return_urls", multiple=True, help="Where a person may be sent back to; repeat.")
@data_option
@json_option
def set_(tenant_id: str, data: Path, as_json: bool, **options: Any) -> None:
    """Change a tenant's settings; what is not named stays."""
    import msgspec

    changes = {name: _day(value) for name, value in options.items() if value not in {None, ()}}
    if "tap_days" in changes:
        changes["tap_days"] = dict(_purpose_days(text) for text in changes["tap_days"])
    platform = _open(stored(data, sharded=True))
    try:
        changed = platform.change_tenant(tenant_id, **changes)
    finally:
        platform.close()
    if as_json:
        print_json(msgspec.to_builtins(changed))
        return
    click.echo(f"{changed.id}  changed: {', '.join(sorted(changes)) or 'nothing'}")


@tenant.command()
@click.argument("tenant_id", metavar="TENANT")
@data_option
@json_option
def key(tenant_id: str, data: Path, as_json: bool) -> None:
    """Give a tenant one more key, and print it once."""
    platform = _open(stored(data, sharded=True))
    try:
        text = platform.new_key(tenant_id)
    finally:
        platform.close()
    if as_json:
        print_json({"tenant": tenant_id, "api_key": text})
        return
    click.echo(text)


@tenant.command()
@click.argument("tenant_id", metavar="TENANT")
@click.argument("person_id", metavar="PERSON")
@data_option
@json_option
def forget(tenant_id: str, person_id: str, data: Path, as_json: bool) -> None:
    """End a person's sealed data by destroying their keys; records go on proving that checks were made.

    PERSON is a person's id, or the id of a verification whose person is not known.
    """
    platform = _open(stored(data, sharded=True))
    try:
        ended = platform.forget_person(tenant_id, person_id)
    finally:
        platform.close()
    if as_json:
        print_json({"tenant": tenant_id, "person": person_id, "keys_destroyed": ended})
        return
    click.echo(f"{ended} keys destroyed")


@tenant.command()
@click.argument("tenant_id", metavar="TENANT")
@click.argument("shard", metavar="SHARD")
@click.option("--drain", default=15.0, show_default=True, help="Seconds for calls that have begun to end.")
@data_option
@json_option
def move(tenant_id: str, shard: str, drain: float, data: Path, as_json: bool) -> None:
    """Move a tenant to another shard of `shards.json`; run again, it goes on with a move that was stopped.

    Its calls are answered 503 `store.moving` meanwhile. Receipts stay as they were.
    """
    import msgspec

    from honnin.platform import Settings
    from honnin.platform.moving import move_tenant
    from honnin.platform.shards import Shards

    shards = Shards(Settings.from_environment(stored(data, sharded=True)))
    try:
        moved = move_tenant(shards, tenant_id, shard, drain=drain, told=lambda words: click.echo(words, err=True))
    finally:
        shards.close()
    if as_json:
        print_json(msgspec.to_builtins(moved))
        return
    rows = sum(moved.rows.values())
    click.echo(f"{moved.tenant}  on {moved.target}: {rows:,} rows, {moved.proofs:,} proofs that stay as they were")


def _purpose_days(text: str) -> tuple[str, int]:
    from honnin.platform.tenants import OTHER_PURPOSES

    purpose, _, days = text.rpartition("=")
    if not days.isascii() or not days.isdigit():
        raise click.BadParameter("give DAYS or PURPOSE=DAYS", param_hint="--tap-days")
    return purpose or OTHER_PURPOSES, int(days)


def _day(value: Any) -> Any:
    from datetime import datetime

    return date(value.year, value.month, value.day) if isinstance(value, datetime) else value
