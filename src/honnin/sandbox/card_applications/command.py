"""`honnin sandbox free-area`: the keys that a service provider with an application in the card would hold."""

import json
from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from honnin.sandbox.options import data_option, json_option

__all__ = ["free_area"]


@click.command("free-area")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Write the keys here.")
@json_option
@data_option
def free_area(out: Path, data: Path, *, as_json: bool) -> None:
    """Write each application's issuer key (public) and terminal key (private, of the sandbox alone) as PEM."""
    from honnin.sandbox.card_applications.installing import keys_of, uses
    from honnin.sandbox.opening import open_world

    world = open_world(data)
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for use in uses():
        keys = keys_of(world, use)
        issuer = load_der_public_key(keys.issuer).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        terminal = load_der_private_key(keys.terminal, None)
        private = terminal.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for name, content in ((f"{use}-issuer.pem", issuer), (f"{use}-terminal.pem", private)):
            (out / name).write_bytes(content)
            written.append(str(out / name))
    click.echo(json.dumps({"files": written}) if as_json else "\n".join(written))
