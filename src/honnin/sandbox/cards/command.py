"""`honnin sandbox card PERSON[/DOCUMENT] --vpcd HOST:PORT`: an emulated card in the virtual reader of a real pcscd."""

import json
import signal
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import click

from honnin.sandbox.cards.personalise import Interface
from honnin.sandbox.cards.transcript import Exchange, lines
from honnin.sandbox.options import data_option, json_option

__all__ = ["card"]


class _Address(click.ParamType[tuple[str, int]]):
    """`HOST:PORT`, an IPv6 host in brackets."""

    name = "HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).rpartition(":")
        if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
            self.fail("Write it as 127.0.0.1:35963.", param, ctx)
        return host.strip("[]"), int(port)


@click.command()
@click.argument("target", metavar="PERSON[/DOCUMENT]")
@click.option("--vpcd", type=_Address(), required=True, help="The virtual reader; vpcd listens on 127.0.0.1:35963.")
@click.option("--interface", type=click.Choice(["contact", "contactless"]), default="contactless", show_default=True)
@click.option("--log", type=click.File("a", lazy=False), help="Append every command and answer, PINs blanked.")
@data_option
@json_option
def card(
    target: str, vpcd: tuple[str, int], interface: Interface, log: IO[str] | None, data: Path, *, as_json: bool
) -> None:
    """Put a person's card into a virtual reader (vsmartcard vpcd) until Ctrl+C takes it out.

    A reader that is away is tried again. With --json the one object comes at once.
    """
    from honnin.sandbox.cards.reader import open_emulated
    from honnin.sandbox.cards.vpcd import serve

    def write(exchange: Exchange) -> None:
        if log is not None:
            log.write("\n".join(lines(exchange)) + "\n")
            log.flush()

    chip = open_emulated(target, data, interface=interface, record=write)
    stop = threading.Event()
    with ExitStack() as restore:
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.signal(number, lambda *_: stop.set())
            restore.callback(signal.signal, number, before)
        if as_json:
            click.echo(json.dumps({"card": target, "vpcd": f"{vpcd[0]}:{vpcd[1]}", "interface": interface}))
        else:
            click.echo(f"{target} → {vpcd[0]}:{vpcd[1]}", err=True)
        serve(chip, *vpcd, stop=stop)
