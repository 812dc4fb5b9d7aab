"""`honnin tenant staff|terminal`: who signs in at a tenant's counters, and at which terminals (docs/counter.md)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from honnin.cli.output import data_option, json_option, print_json, stored

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["staff", "terminal"]


@click.group()
def staff() -> None:
    """The staff who sign in at a tenant's counters."""


@click.group()
def terminal() -> None:
    """The terminals of a tenant's counters: browsers that staff may sign in at."""


@contextmanager
def _home(data: Path, tenant_id: str) -> "Iterator[Platform]":
    from honnin.platform import Settings
    from honnin.platform.shards import open_platform

    platform = open_platform(Settings.from_environment(stored(data, sharded=True)))
    try:
        yield platform.of_tenant(tenant_id)
    finally:
        platform.close()


def _command(group: click.Group, name: str) -> Callable[[Any], Any]:
    """Add a command with TENANT first; it returns what `--json` prints and the lines for people."""

    def of(function: Callable[..., tuple[dict[str, Any], list[str]]]) -> Any:
        @click.argument("tenant_id", metavar="TENANT")
        @data_option
        @json_option
        def run(tenant_id: str, data: Path, as_json: bool, **given: Any) -> None:
            with _home(data, tenant_id) as home:
                answer, lines = function(home, tenant_id, **given)
            if as_json:
                print_json(answer)
            else:
                click.echo("\n".join(lines))

        run.__doc__ = function.__doc__
        run.__click_params__ = [*getattr(function, "__click_params__", []), *run.__click_params__]  # type: ignore[attr-defined]
        return group.command(name=name)(run)

    return of


def _plain(found: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(found)


def _member(one: Any) -> str:
    return f"{one.id}  {one.login:16}  {one.status:8}  {one.name}"


def _terminal(one: Any) -> str:
    return f"{one.id}  {one.status:8}  {one.place} · {one.name}"


def _told(one: Any, password: str) -> tuple[dict[str, Any], list[str]]:
    told = f"password  {password}\nShown this once. It signs in once within 7 days; the member then chooses another."
    return {"staff": _plain(one), "password": password}, [_member(one), told]


def _coded(one: Any, code: str) -> tuple[dict[str, Any], list[str]]:
    told = f"code  {code}\nShown this once. Type it within a day in the browser that is to be this terminal."
    return {"terminal": _plain(one), "code": code}, [_terminal(one), told]


@_command(staff, "add")
@click.argument("login")
@click.option("--name", required=True, help="Name that records say.")
def add_staff(home: "Platform", tenant: str, *, login: str, name: str) -> tuple[dict[str, Any], list[str]]:
    """Add a member of staff and print a first password, which is shown once."""
    return _told(*home.staff.add(tenant, login, name))


@_command(staff, "list")
def list_staff(home: "Platform", tenant: str) -> tuple[dict[str, Any], list[str]]:
    """List a tenant's staff."""
    found = home.staff.all(tenant)
    return {"staff": _plain(found)}, [_member(one) for one in found]


@_command(staff, "disable")
@click.argument("login")
def disable(home: "Platform", tenant: str, *, login: str) -> tuple[dict[str, Any], list[str]]:
    """Let a member sign in no more; open sessions end. `reset` lets them in again."""
    changed = home.staff.disable(tenant, login)
    return {"staff": _plain(changed)}, [_member(changed)]


@_command(staff, "reset")
@click.argument("login")
def reset(home: "Platform", tenant: str, *, login: str) -> tuple[dict[str, Any], list[str]]:
    """Give a member a new first password: unlocks, enables, and ends open sessions."""
    return _told(*home.staff.reset(tenant, login))


@_command(staff, "sign-ins")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many, newest first.")
def sign_ins(home: "Platform", tenant: str, *, limit: int) -> tuple[dict[str, Any], list[str]]:
    """List who signed in and out, and what was refused."""
    found = home.sign_ins.all(tenant, limit=limit)
    lines = [
        f"{one.at.isoformat(timespec='seconds')}  {one.outcome:9}  {one.staff or '–':28}  {one.terminal}"
        f"  {one.ending or ''}".rstrip()
        for one in found
    ]
    return {"sign_ins": _plain(found)}, lines


@_command(terminal, "add")
@click.argument("name")
@click.option("--place", required=True, help="Branch or office that records say.")
def add_terminal(home: "Platform", tenant: str, *, name: str, place: str) -> tuple[dict[str, Any], list[str]]:
    """Make a terminal and print the code for its browser, which is shown once."""
    return _coded(*home.terminals.add(tenant, name, place))


@_command(terminal, "list")
def list_terminals(home: "Platform", tenant: str) -> tuple[dict[str, Any], list[str]]:
    """List a tenant's terminals."""
    found = home.terminals.all(tenant)
    return {"terminals": _plain(found)}, [_terminal(one) for one in found]


@_command(terminal, "code")
@click.argument("terminal_id", metavar="TERMINAL")
def code(home: "Platform", tenant: str, *, terminal_id: str) -> tuple[dict[str, Any], list[str]]:
    """Take a terminal away from its browser and print a code for another."""
    return _coded(*home.terminals.new_code(tenant, terminal_id))


@_command(terminal, "retire")
@click.argument("terminal_id", metavar="TERMINAL")
def retire(home: "Platform", tenant: str, *, terminal_id: str) -> tuple[dict[str, Any], list[str]]:
    """Let nobody sign in at a terminal any more."""
    changed = home.terminals.retire(tenant, terminal_id)
    return {"terminal": _plain(changed)}, [_terminal(changed)]
