"""`honnin sandbox digital-auth register|list|demo|roll-keys`: who may use the service, and its keys."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from honnin.errors import InputError
from honnin.sandbox.digital_auth.store import prepare
from honnin.sandbox.opening import Sandbox, open_world
from honnin.sandbox.options import data_option, json_option

__all__ = ["digital_auth"]


@click.group("digital-auth")
def digital_auth() -> None:
    """The Digital Authentication Service: relying parties, PF operators, keys. / デジタル認証サービス"""


@digital_auth.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--client-id", help="Register a relying party without a file: its id, letters and digits.")
@click.option("--name", help="Its name as people see it.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="A redirect URI (repeat it).")
@click.option("--jwks", type=click.Path(dir_okay=False, path_type=Path), help="File with its public keys, a JWK set.")
@click.option("--verifier", help="Its PF operator; without --client-id, the PF operator to be registered itself.")
@click.option("--test-card", is_flag=True, help="Show the test-card-substitute page in place of the phone.")
@click.option("--strict", is_flag=True, help="Refuse every departure from the official request.")
@json_option
@data_option
def register(
    file: Path | None,
    client_id: str | None,
    name: str | None,
    redirect_uris: tuple[str, ...],
    jwks: Path | None,
    verifier: str | None,
    data: Path,
    *,
    test_card: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Register a relying party or a PF operator from a JSON FILE, or from options."""
    from honnin.sandbox.digital_auth.parties import Party
    from honnin.sandbox.digital_auth.parties import register as take

    if file is not None:
        content = _read(file)
    else:
        if jwks is None or (client_id is None and verifier is None):
            raise InputError(
                "sandbox.registration_incomplete",
                "There is neither a file nor enough options.",
                next="Give a FILE, or --client-id or --verifier with --jwks.",
            )
        keys = msgspec.Raw(_read(jwks))
        given: dict[str, Any] = {"name": name or client_id or verifier, "jwks": keys, "verifier": verifier}
        if client_id is not None:
            given |= {"client_id": client_id, "redirect_uris": redirect_uris, "strict": strict or None}
            given |= {"mode": "test_card"} if test_card else {}
        content = msgspec.json.encode(given)
    found = take(_world(data), content)
    if as_json:
        _print(msgspec.to_builtins(found))
    else:
        click.echo(found.client_id if isinstance(found, Party) else found.verifier)


@digital_auth.command("list")
@json_option
@data_option
def list_(data: Path, *, as_json: bool) -> None:
    """List relying parties and PF operators."""
    from honnin.sandbox.digital_auth.parties import parties, verifiers

    world = _world(data)
    if as_json:
        _print(msgspec.to_builtins({"parties": parties(world), "verifiers": verifiers(world)}))
        return
    for party in parties(world):
        click.echo(f"{party.client_id}  {party.name}")
    for verifier in verifiers(world):
        click.echo(f"{verifier.verifier}  {verifier.name}")


@digital_auth.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8600, show_default=True, help="Where `honnin up` listens."
)
@json_option
@data_option
def demo(port: int, data: Path, *, as_json: bool) -> None:
    """Register the demo's bank and PF, and show the file that holds their private keys."""
    from honnin.sandbox.digital_auth.demonstration import CLIENT_ID, VERIFIER, register_demo

    path = register_demo(_world(data), port=port)
    if as_json:
        _print({"client_id": CLIENT_ID, "verifier": VERIFIER, "keys": str(path)})
    else:
        click.echo(path)


@digital_auth.command("roll-keys")
@json_option
@data_option
def roll_keys(data: Path, *, as_json: bool) -> None:
    """Let new keys sign from now on; the old ones stay in the JWKS for a while."""
    from honnin.sandbox.digital_auth.keys import roll_over

    made = roll_over(_world(data))
    if as_json:
        _print({"kids": made})
    else:
        click.echo("\n".join(made))


def _world(data: Path) -> Sandbox:
    world = open_world(data)
    prepare(world)
    return world


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("sandbox.file_unreadable", "The file cannot be read.", next="Check its path.") from error


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
