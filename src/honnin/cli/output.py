"""What every command shares: where the data folder is, how JSON and errors are printed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from honnin.errors import HonninError, InputError, PinError
from honnin.folders import default_data

__all__ = ["data_option", "json_option", "print_error", "print_json", "read_der", "read_file"]

F = TypeVar("F", bound=Callable[..., Any])


def data_option(function: F) -> F:
    """Add `--data DIR`, the folder that holds the world, the store and the keys."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=default_data,
        show_default="$HONNIN_DATA or ~/.local/share/honnin",
        help="Folder of the world, the store and the keys.",
    )(function)


def json_option(function: F) -> F:
    """Add `--json`: one JSON object on standard output and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_error(error: HonninError, *, as_json: bool) -> None:
    """Print a coded error: JSON on standard output with --json, words on standard error without."""
    if as_json:
        body: dict[str, Any] = {
            "code": error.code,
            "message": error.message,
            "next": error.next,
            "retryable": error.retryable,
        }
        if isinstance(error, PinError) and error.tries_left is not None:
            body["tries_left"] = error.tries_left
        print_json({"error": body})
        return
    click.echo(f"{error.code}: {error.message}", err=True)
    if error.next:
        click.echo(error.next, err=True)


def read_file(path: Path, limit: int = 64 << 20) -> bytes:
    """Return a file's bytes. Raises InputError when it is missing, unreadable or larger than `limit` bytes."""
    try:
        if path.stat().st_size > limit:
            raise InputError("input.too_large", f"{path} is larger than {limit} bytes.", next="Give a smaller file.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            "input.unreadable",
            f"{path} cannot be read: {error.strerror}.",
            next="Check the path and its permissions.",
        ) from error


def read_der(path: Path) -> list[bytes]:
    """Return the DER objects in a PEM or DER file, in file order (a DER file holds one)."""
    import re
    from base64 import b64decode

    content = read_file(path)
    blocks = re.findall(rb"-----BEGIN [^-]+-----(.*?)-----END [^-]+-----", content, re.DOTALL)
    if not blocks:
        return [content]
    try:
        return [b64decode(block) for block in blocks]
    except ValueError:
        return [content]  # broken armour: whoever parses the object says that it is none
