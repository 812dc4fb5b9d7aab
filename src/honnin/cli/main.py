"""`honnin`: one command, its parts loaded when they are called (`honnin --version` stays under 0.15 s).

A command lives in `honnin.cli.<module>` and is named in `COMMANDS`; installed extras (the sandbox) add theirs by the
entry-point group `honnin.commands`.
"""

import sys
from importlib import import_module
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from honnin import __version__

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["main"]

NOT_DONE = 2  # as `ending` ends what could not be done

# command: (module in honnin.cli, attribute, one line for `honnin --help`)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "pki": ("pki", "pki", "Certificates: validate a path, ask for revocation."),
    "crl": ("crl", "crl", "Revocation lists of any length: build, look up, compare."),
    "verify": ("verify", "verify", "Verify a signature and print its report."),
    "sign": ("sign", "sign", "Sign a PDF, an XML document or any file with a card."),
    "card": ("card", "card", "Read a card, check its PINs, sign with it."),
    "reader": ("reader", "reader", "Lend this computer's card readers to the counter page."),
    "identity": ("identity", "identity", "Compare names and addresses as Japan writes them."),
    "law": ("law", "law", "Which method is lawful when, what it asks for, what changes."),
    "records": ("records", "records", "Keep the verification records that laws ask for."),
    "digital-auth": ("digital_auth", "digital_auth", "Keys and JWKS for the Digital Authentication Service."),
    "tenant": ("tenant", "tenant", "Make and list tenants (service providers)."),
    "upkeep": ("upkeep", "upkeep", "Tell tenants which customers' certificates ended."),
    "webhook": ("webhook", "webhook", "Send a tenant's events to addresses of its own."),
    "evidence": ("evidence", "evidence", "Export a receipt; verify one offline."),
    "release": ("release", "release", "Give a tenant a signed file as it may have it."),
    "up": ("serve", "up", "Serve everything with the sandbox on embedded defaults (port 8600)."),
    "serve": ("serve", "serve", "Serve the product alone."),
    "demo": ("demo", "demo", "Walk one remote check in the terminal."),
    "bench": ("bench", "bench", "Measure honnin beside its peers."),
}


def _extras() -> "list[EntryPoint]":
    """Return the commands that installed extras add; not loaded before they are asked for, it takes 50 ms."""
    from importlib.metadata import entry_points

    return list(entry_points(group="honnin.commands"))


class _Lazy(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [*COMMANDS, *(extra.name for extra in _extras())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in COMMANDS:
            module, attribute, _ = COMMANDS[cmd_name]
            command: click.Command = getattr(import_module(f"honnin.cli.{module}"), attribute)
            return command
        for extra in _extras():
            if extra.name == cmd_name:
                loaded: click.Command = extra.load()
                return loaded
        return None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would end with 1, which is an answer
            return NOT_DONE

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        rows = [(name, line) for name, (_, _, line) in COMMANDS.items()]
        rows += [(extra.name, "The invented outside world.") for extra in _extras()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="honnin")
def cli() -> None:
    """Japan's digital identity verification. / 本人確認"""


def main() -> None:
    """Run the command line; whatever it cannot do ends with a coded error and its exit status, never a traceback."""
    from honnin.cli.ending import ended

    if sys.stdin is None:
        sys.stdin = TextIOWrapper(BytesIO())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character stops no command
    sys.exit(ended(lambda: cli.main(standalone_mode=False), as_json="--json" in sys.argv))
