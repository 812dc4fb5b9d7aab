"""`honnin upkeep`: customers' certificates held against new revocation lists."""

from pathlib import Path

import click

from honnin.cli.output import data_option, json_option, print_json, stored

__all__ = ["upkeep"]


@click.group()
def upkeep() -> None:
    """Tell tenants which customers' certificates ended, and remove what is kept no longer."""


@upkeep.command()
@click.option("--crl", "lists", multiple=True, type=click.Path(path_type=Path), help="CRL to take in first; repeat.")
@click.option("--live", is_flag=True, help="Live tenants; test tenants when not given.")
@data_option
@json_option
def run(lists: tuple[Path, ...], live: bool, data: Path, as_json: bool) -> None:
    """Hold all customers' certificates against the revocation index, and write events for what changed.

    Taps that their tenants keep no longer (`honnin tenant set --tap-days`) are removed.
    Ends with 1 when a list was refused, with 2 when an issuer of customers' certificates has no fresh list.
    """
    import msgspec

    from honnin.platform import Platform, Settings

    platform = Platform(Settings.from_environment(stored(data)))
    try:
        refused = platform.take_lists(lists, livemode=live).refused if lists else []
        removed = platform.end_old_taps(livemode=live)
        report = platform.upkeep(livemode=live)
    finally:
        platform.close()
    if as_json:
        print_json({**msgspec.to_builtins(report), "taps_removed": removed, "refused": refused})
    else:
        for line in refused:
            click.echo(f"refused  {line['source']}  {line['reason']}")
        for name in ("customers", "ended", "reason_changed", "hold_ended"):
            click.echo(f"{name:14}  {getattr(report, name):,}")
        click.echo(f"{'taps_removed':14}  {removed:,}")
        for key_id in report.unanswered:
            click.echo(f"no fresh list of issuer {key_id}")
    if refused or report.unanswered:
        raise SystemExit(1 if refused else 2)
