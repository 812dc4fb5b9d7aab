"""`honnin reader`: lend this computer's card readers to the counter's page in its browser."""

import contextlib
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from honnin.cli.output import data_option, json_option, print_json
from honnin.errors import InputError
from honnin.words import in_all

__all__ = ["reader"]

COUNTER = "http://counter.localhost:8600"


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    default=(COUNTER,),
    show_default=True,
    help="Address of a counter page that may use the readers (repeat it).",
)
@click.option("--reader", "urls", multiple=True, help="Lend these only (repeat it); default: every PC/SC reader.")
@data_option
@json_option
def reader(*, port: int, origins: tuple[str, ...], urls: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Lend this computer's card readers to the counter's page in its browser.

    Listens on this computer only. The page asks for the code that is shown here, once.
    """
    from honnin.api.wire import bind
    from honnin.chip.readers import ReaderStatus, list_readers, open_reader
    from honnin.chip.readers.relay import AGENT_FILE
    from honnin.web.agent import Pairing, create_app
    from honnin.web.agent.held import Held
    from honnin.web.serving import serve_here

    named = tuple(ReaderStatus(url=url, name=url, card=True) for url in urls)
    pairing = Pairing([_origin(text) for text in origins], _tell)
    held = Held(lambda url: open_reader(url, data=data))
    listener = bind("127.0.0.1", port)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = data / AGENT_FILE
    with contextlib.closing(listener):
        text = json.dumps({"url": address, "token": pairing.local_token}) + "\n"
        fresh = file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        fresh.replace(file)
        if as_json:
            print_json({"url": address, "origins": sorted(pairing.origins), "file": str(file)})
        else:
            click.echo(f"{address}  ←  {', '.join(sorted(pairing.origins))}")
        pairing.renew()  # who sees a code may use it at once
        try:
            serve_here(listener, create_app(pairing, held, (lambda: named) if urls else list_readers))
        finally:
            held.close_all()
            file.unlink(missing_ok=True)


def _tell(code: str) -> None:
    """Show the code on standard error, in Japanese and English, so that `--json` stays one object."""
    words = in_all("agent.code_now")
    shown = f"{code[:4]} {code[4:]}"
    click.echo(" / ".join(words[language].format(code=shown) for language in ("ja", "en")), err=True)


def _origin(text: str) -> str:
    """Return a web origin as browsers write it. Raises InputError `agent.origin_form`."""
    parts = urlsplit(text)
    try:
        ports = f":{parts.port}" if parts.port else ""
    except ValueError:
        ports = None
    if parts.scheme not in {"http", "https"} or not parts.hostname or ports is None or parts.path.strip("/"):
        raise InputError(
            "agent.origin_form",
            "An origin is a scheme, a host and a port.",
            next="For example: https://counter.example.jp",
        )
    return f"{parts.scheme}://{parts.hostname}{ports}"
