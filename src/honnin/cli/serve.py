"""`honnin up`: everything with the sandbox, for a laptop. `honnin serve`: the product alone.

Both listen on this machine only unless `--host` says otherwise, and end cleanly on Ctrl+C or SIGTERM.
"""

import contextlib
import logging
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from honnin.cli.output import data_option, json_option, print_json
from honnin.errors import InputError
from honnin.words import in_all

__all__ = ["serve", "up"]

WIDE = 400  # columns


def _address(function: Any) -> Any:
    port = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=8600,
        envvar="HONNIN_PORT",
        show_default=True,
        show_envvar=True,
        help="Port; 0 takes a free one, which also helps where the port is taken.",
    )
    host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
    return host(port(function))


def _log_access(wanted: bool) -> None:
    """Write the access log to standard error: request id, tenant, method, route, status, time; never a query string."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    if wanted:
        logging.getLogger("honnin.access").setLevel(logging.INFO)


@click.command()
@data_option
@_address
@click.option("--access-log", is_flag=True, help="Write one line a request to standard error.")
@json_option
def up(data: Path, host: str, port: int, *, access_log: bool, as_json: bool) -> None:
    """Serve everything with the sandbox on embedded defaults.

    Where the port is taken, give another one with --port or HONNIN_PORT; HONNIN_DATA moves the folder.
    """
    from honnin.api.wire import bind
    from honnin.platform import Settings
    from honnin.web.origins import compose
    from honnin.web.serving import demo_key, opened, serve_here

    _log_access(access_log)
    listener = bind(host, port)
    number = listener.getsockname()[1]
    gateway = f"http://127.0.0.1:{number}"
    settings = replace(Settings.from_environment(data), gateway=gateway, local_addresses=True)
    with contextlib.closing(listener), opened(settings) as platform:
        key = demo_key(platform, data, port=number)
        app = compose(platform, port=number, sandbox=data)
        shown = {**app.addresses(number), "api": f"http://localhost:{number}/openapi.json"}
        _say_where(shown, data=data, key=key, as_json=as_json)
        serve_here(listener, app)


@click.command()
@data_option
@_address
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option("--name", "names", multiple=True, help="Host name to answer for (repeat it); without one, any.")
@click.option(
    "--counter", envvar="HONNIN_COUNTER", show_envvar=True, help="Host name under which the counter's pages answer."
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    envvar="HONNIN_PROXY",
    show_envvar=True,
    help="Address of a proxy whose X-Forwarded-For the counter believes (repeat it).",
)
@click.option("--access-log/--no-access-log", default=True, help="Write one line a request to standard error.")
@json_option
def serve(
    data: Path,
    host: str,
    port: int,
    *,
    workers: int,
    names: tuple[str, ...],
    counter: str | None,
    proxies: tuple[str, ...],
    access_log: bool,
    as_json: bool,
) -> None:
    """Serve the product alone, without the sandbox; with `shards.json` in the data folder, all its shards.

    With --counter also the counter, in one process: what it reads lives in that process's memory.
    """
    from honnin.api.wire import bind, bind_shared
    from honnin.platform import Settings
    from honnin.web.origins import compose, counter_at
    from honnin.web.serving import NAMES_VARIABLE, opened, serve_here, serve_workers

    _log_access(access_log)
    at_counter = counter_at(counter, proxies, names)
    if at_counter and workers > 1:
        raise InputError(
            "serve.counter_alone",
            "The counter's readings live in the memory of one process.",
            next="Serve it by a process of its own: honnin serve --counter HOST --port … with one worker.",
        )
    listener = bind_shared(host, port) if workers > 1 else bind(host, port)
    number = listener.getsockname()[1]
    shown = {"api": f"http://{host}:{number}/openapi.json"}
    if at_counter:
        shown["counter"] = f"https://{at_counter.host}"
    with contextlib.closing(listener):
        if workers > 1:
            os.environ.update({"HONNIN_DATA": str(data), "HONNIN_PORT": str(number), NAMES_VARIABLE: " ".join(names)})
            say = partial(_say_where, shown, data=data, key=None, as_json=as_json)
            serve_workers(listener, workers=workers, ready=say)
            return
        with opened(Settings.from_environment(data), sharded=True) as platform:
            app = compose(platform, port=number, sandbox=None, names=names or None, at_counter=at_counter)
            _say_where(shown, data=data, key=None, as_json=as_json)
            serve_here(listener, app)


def _say_where(addresses: dict[str, str], *, data: Path, key: str | None, as_json: bool) -> None:
    """Print where to look: one JSON object, or a table in Japanese and English."""
    from honnin.web.serving import KEYS_FILE

    if as_json:
        print_json({"addresses": addresses, "data": str(data), "keys": str(data / KEYS_FILE) if key else None})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for column in ("column_what", "column_where"):
        table.add_column(_both(column), overflow="fold")
    for label, address in addresses.items():
        try:
            what = _both(f"row_{label}")
        except KeyError:
            what = _both("row_institution", label=label)
        table.add_row(what, address)
    table.add_row(_both("row_world"), str(data))
    if key:
        table.add_row(_both("row_key"), str(data / KEYS_FILE))
    # In a file or a pipe addresses and paths stay whole, however long they are.
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(table)
    console.print(_both("ready"))


def _both(name: str, **values: str) -> str:
    words = in_all(f"serve.{name}")
    return " / ".join(words[language].format(**values) for language in ("ja", "en"))
