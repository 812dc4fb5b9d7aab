"""`honnin digital-auth`: keys for the Digital Authentication Service, and the JWKS for the agency's form."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from honnin.cli.output import data_option, json_option, print_json

if TYPE_CHECKING:
    from honnin.connect.digital_auth.keys import KeyFile, StoredKey

__all__ = ["digital_auth"]

ALGORITHMS = {"sign": "ES256", "decrypt": "RSA-OAEP-256"}
USE = click.option(
    "--use",
    type=click.Choice(["sign", "decrypt"]),
    default="sign",
    show_default=True,
    help="sign: a relying party's client assertions; decrypt: a platform operator's sign results.",
)
LIVE = click.option("--live", is_flag=True, help="Keys of live tenants; absent, of test tenants.")
FOLDER = click.option(
    "--keys", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder of the keys, not the data's."
)


@click.group("digital-auth")
def digital_auth() -> None:
    """The Digital Authentication Service: keys and the agency's form."""


@digital_auth.group()
def keys() -> None:
    """Make keys, print the JWKS for the form, rotate."""


@keys.command()
@USE
@click.option("--algorithm", help="ES256 (default) or RS256; RSA-OAEP-256 (default) or ECDH-ES+A256KW to decrypt.")
@click.option("--pkcs11", metavar="MODULE", help="Make the decryption key in a token, by this PKCS#11 module.")
@click.option("--token", help="Label of that token.")
@click.option("--label", help="Label of the key in it.")
@click.option("--pin-file", type=click.Path(path_type=Path), help="File that holds the token's PIN.")
@LIVE
@FOLDER
@data_option
@json_option
def new(
    use: str,
    algorithm: str | None,
    live: bool,
    folder: Path | None,
    data: Path,
    as_json: bool,
    pkcs11: str | None,
    token: str | None,
    label: str | None,
    pin_file: Path | None,
) -> None:
    """Make a key: the first is used at once, a further one waits for `rotate`."""
    from datetime import UTC, datetime

    file, at = _file(use, folder, data, live=live), datetime.now(UTC)
    if pkcs11 is None:
        made = file.new(algorithm or ALGORITHMS[use], at=at)
    else:
        from honnin.connect.digital_auth.token import new_token_key

        if use != "decrypt" or not token or not label or pin_file is None:
            raise click.UsageError("--pkcs11 makes decryption keys and needs --token, --label and --pin-file.")
        held_in = {"module": pkcs11, "token": token, "label": label, "pin_file": str(pin_file.absolute())}
        key = new_token_key(held_in)
        made = file.new(key.algorithm, at=at, made=key)
    _print(file, made, as_json=as_json)


@keys.command()
@USE
@LIVE
@FOLDER
@data_option
@json_option
def jwks(use: str, live: bool, folder: Path | None, data: Path, as_json: bool) -> None:  # noqa: ARG001
    """Print the public keys as a JWK Set (RFC 7517), for the agency's form."""
    print_json(_file(use, folder, data, live=live).jwks())


@keys.command(name="list")
@USE
@LIVE
@FOLDER
@data_option
@json_option
def list_(use: str, live: bool, folder: Path | None, data: Path, as_json: bool) -> None:
    """List the keys with their states: current, next, previous."""
    file = _file(use, folder, data, live=live)
    if as_json:
        print_json({"keys": [_shown(key) for key in file.held()], "file": str(file.path)})
        return
    for key in file.held():
        click.echo(f"{key.state:9} {key.algorithm:15} {key.created}  {key.kid}")


@keys.command()
@USE
@LIVE
@FOLDER
@data_option
@json_option
def rotate(use: str, live: bool, folder: Path | None, data: Path, as_json: bool) -> None:
    """Use the waiting key from now on; do it once the agency has registered it."""
    file = _file(use, folder, data, live=live)
    _print(file, file.rotate(), as_json=as_json)


@keys.command()
@click.argument("kid")
@LIVE
@FOLDER
@data_option
@json_option
def retire(kid: str, live: bool, folder: Path | None, data: Path, as_json: bool) -> None:
    """Destroy a previous decryption key, when no result for it is under way any more."""
    _file("decrypt", folder, data, live=live).retire(kid)
    if as_json:
        print_json({"retired": kid})
        return
    click.echo(f"retired  {kid}")


def _file(use: str, folder: Path | None, data: Path, *, live: bool) -> "KeyFile":
    from honnin.connect.digital_auth.keys import KeyFile

    own = data / "keys" / "digital-auth" / ("live" if live else "test")
    return KeyFile(folder or own, "sign" if use == "sign" else "decrypt")


def _shown(key: "StoredKey") -> dict[str, str]:
    return {"kid": key.kid, "algorithm": key.algorithm, "state": key.state, "created": key.created}


def _print(file: "KeyFile", key: "StoredKey", *, as_json: bool) -> None:
    if as_json:
        print_json({**_shown(key), "file": str(file.path)})
        return
    click.echo(f"key      {key.kid}\nstate    {key.state}\nfile     {file.path}")
