"""`honnin sandbox people|event|clock|switch|card|digital-auth|passport|trust`: people, institutions, one clock."""

import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from honnin.errors import InputError
from honnin.identity.dates import JST
from honnin.sandbox.opening import Sandbox, open_world
from honnin.sandbox.options import data_option, json_option

if TYPE_CHECKING:
    from honnin.sandbox.switching import Switchboard

__all__ = ["sandbox"]

DURATION = re.compile(r"(-?)((?:\d{1,6}[dhms])+)\Z")
UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


class _Group(click.Group):
    """Adds the commands of single institutions and emulated documents when somebody calls them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), "card", "digital-auth", "free-area", "passport", "trust"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "card":
            from honnin.sandbox.cards.command import card

            return card
        if cmd_name == "passport":
            from honnin.sandbox.foreign_ministry.command import passport

            return passport
        if cmd_name == "free-area":
            from honnin.sandbox.card_applications.command import free_area

            return free_area
        if cmd_name == "trust":
            from honnin.sandbox.trust_command import trust

            return trust
        if cmd_name == "digital-auth":
            from honnin.sandbox.digital_auth.command import digital_auth

            return digital_auth
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Group)
def sandbox() -> None:
    """The invented outside world: people, J-LIS, one clock. / サンドボックス"""


@sandbox.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@data_option
@json_option
def people(names: tuple[str, ...], data: Path, *, as_json: bool) -> None:
    """List the invented persons: story, documents, what opens them, and how a check of each one ends.

    With NAMEs (`hanako`) these alone.
    """
    from honnin.sandbox.people import person

    world = open_world(data)
    wanted = {person(name).id for name in names}
    found = [one for one in world.people() if not names or one["id"] in wanted]
    if as_json:
        _print_json({"now": world.now().isoformat(timespec="seconds"), "people": found})
        return
    language = _language()
    for one in found:
        pins = " ".join(one["pins"].values())
        expected = one["expected"]
        ends = expected.get("error") or " / ".join(
            expected[key] for key in ("indication", "sub_indication") if key in expected
        )
        click.echo(f"{one['id']:<12} {one['name']}  [{pins}]  {ends}")
        click.echo(f"{'':<12} {one['story'][language]}")
        for document, keys in one["document_keys"].items():
            click.echo(f"{'':<12} {document}: " + "  ".join(f"{name} {key}" for name, key in keys.items()))


class _EventCommand(click.Command):
    """Lists the life events below its options."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        from honnin.sandbox.life import events

        with formatter.section("Events"):
            formatter.write_dl([(name, getattr(kind, _language())) for name, kind in events().items()])


@sandbox.command(cls=_EventCommand)
@click.argument("person")
@click.argument("event")
@click.option("--address", help="Where a move leads, with --municipality.")
@click.option("--municipality", help="Five-digit code of the municipality moved to.")
@click.option("--name", help="The new name, parts separated by a full-width space.")
@click.option("--kana", help="How the new name is read.")
@click.option("--birth", help="The corrected birth date, YYYYMMDD; unknown parts 00.")
@click.option("--sex", type=click.Choice(["male", "female", "unknown"]), help="The corrected sex.")
@click.option("--only", type=click.Choice(["signature", "user_authentication"]), help="End this certificate alone.")
@data_option
@json_option
def event(person: str, event: str, only: str | None, data: Path, *, as_json: bool, **changes: str | None) -> None:
    """Let something happen to a person: move, rename, renew, lose, hold, die …"""
    from honnin.sandbox.life import events, happen
    from honnin.sandbox.people import settle

    world = open_world(data)
    settle(world)
    given = {key: value for key, value in changes.items() if value is not None}
    outcome = happen(world, person, event, changes=given, purposes=None if only is None else (only,))  # type: ignore[arg-type]
    if as_json:
        _print_json(msgspec.to_builtins(outcome))
        return
    language = _language()
    click.echo(f"{person}: {getattr(events()[event], language)}")
    for kind, serial in outcome.ended.items():
        click.echo(f"  - {kind} {serial} {outcome.reason}")
    for kind, serial in outcome.issued.items():
        click.echo(f"  + {kind} {serial}")


@sandbox.group()
def clock() -> None:
    """Show or move the world's clock; test tenants judge by it, live ones never."""


@clock.command()
@data_option
@json_option
def show(data: Path, *, as_json: bool) -> None:
    """Show the world's time."""
    _print_time(open_world(data), as_json=as_json)


@clock.command("set")
@click.argument("time")
@click.option("--freeze", is_flag=True, help="Let the clock stand still there.")
@data_option
@json_option
def set_(time: str, data: Path, *, freeze: bool, as_json: bool) -> None:
    """Set the clock to a TIME with zone (2026-11-22T00:00:00+09:00)."""
    try:
        moment = datetime.fromisoformat(time.upper())
    except ValueError as error:
        raise InputError(
            "clock.malformed", "That is not a time.", next="Write it as 2026-11-22T00:00:00+09:00."
        ) from error
    world = open_world(data)
    world.set_clock(moment, frozen=freeze)
    _print_time(world, as_json=as_json)


@clock.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})  # -2h is a time
@click.argument("by")
@data_option
@json_option
def advance(by: str, data: Path, *, as_json: bool) -> None:
    """Move the clock BY days, hours, minutes, seconds (90m, 1d12h, -2h)."""
    match = DURATION.match(by)
    if match is None:
        raise InputError("clock.duration_malformed", "That is not a duration.", next="Write it as 90m, 1d12h or -2h.")
    parts = {UNITS[unit]: int(count) for count, unit in re.findall(r"(\d+)([dhms])", match.group(2))}
    span = timedelta(**parts)
    world = open_world(data)
    world.advance(-span if match.group(1) else span)
    _print_time(world, as_json=as_json)


@clock.command()
@data_option
@json_option
def reset(data: Path, *, as_json: bool) -> None:
    """Let the clock run with the machine's again."""
    world = open_world(data)
    world.reset_clock()
    _print_time(world, as_json=as_json)


@sandbox.command()
@click.argument("institution", required=False)
@click.argument("service", required=False)
@click.argument("state", required=False)
@data_option
@json_option
def switch(institution: str | None, service: str | None, state: str | None, data: Path, *, as_json: bool) -> None:
    """Show how institutions answer, or make a SERVICE fail (jlis ocsp down; digital-auth token wrong_nonce)."""
    boards = _boards()
    if institution is not None and institution not in boards:
        raise InputError("sandbox.switch_unknown", "No such institution.", next=f"Use one of: {', '.join(boards)}.")
    world = open_world(data)
    if institution is not None and service is not None:
        boards[institution].set(world, service, state or "")
    shown = {name: board.states(world) for name, board in boards.items() if institution in {None, name}}
    if as_json:
        _print_json(shown)
        return
    for name, states in shown.items():
        for one, how in states.items():
            click.echo(f"{name} {one} {how}")


def _boards() -> "Mapping[str, Switchboard]":
    """Return every institution's switches."""
    from honnin.sandbox.digital_auth.switches import BOARD as DIGITAL_AUTH
    from honnin.sandbox.jlis.switches import BOARD as JLIS
    from honnin.sandbox.tsa.switches import BOARD as TSA

    return {board.institution: board for board in (JLIS, DIGITAL_AUTH, TSA)}


def _language() -> str:
    return "ja" if os.environ.get("LANG", "").startswith("ja") else "en"


def _print_time(world: Sandbox, *, as_json: bool) -> None:
    now = world.now()
    if as_json:
        _print_json({"now": now.isoformat(timespec="seconds")})
    else:
        click.echo(f"{now.astimezone(JST).isoformat(timespec='seconds')} (Japan)")


def _print_json(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
