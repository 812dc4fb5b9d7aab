"""What every command shares: where the data folder is, how JSON and errors are printed."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import click

from honnin.errors import HonninError, InputError, NotFoundError, PinError, ServiceError
from honnin.folders import default_data

__all__ = ["data_option", "json_option", "print_error", "print_json", "read_der", "read_file", "stored"]

F = TypeVar("F", bound=Callable[..., Any])
PEM_BEGIN = b"-----BEGIN "
PEM_LABELS = {  # what may hold what `pki`, `crl` and `verify` take; keys and requests never
    b"CERTIFICATE",
    b"TRUSTED CERTIFICATE",
    b"X509 CERTIFICATE",
    b"X509 CRL",
    b"OCSP RESPONSE",
    b"PKCS7",
    b"CMS",
}
LONGEST_LABEL = 100


def data_option(function: F) -> F:
    """Add `--data DIR`, the folder that holds the world, the store and the keys."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=default_data,
        show_default="$HONNIN_DATA or ~/.local/share/honnin",
        help="Folder of the world, the store and the keys.",
    )(function)


def stored(data: Path, *, sharded: bool = False) -> Path:
    """Return the data folder of a command that needs what is there: a mistyped `--data` makes no new folder.

    A database named by `$HONNIN_DATABASE_URL` is not in the folder; nor are those of `shards.json`, for a command that
    knows shards (`sharded`): another one would make an empty store beside them. Raises NotFoundError `input.no_data`.
    """
    here = (data / "honnin.sqlite3").exists() or (sharded and (data / "shards.json").exists())
    if not os.environ.get("HONNIN_DATABASE_URL") and not here:
        raise NotFoundError("input.no_data", f"Nothing is stored in {data}.", next="Check --data, or $HONNIN_DATA.")
    return data


def json_option(function: F) -> F:
    """Add `--json`: one JSON object on standard output and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal without these characters, or half a surrogate pair
        text = json.dumps(value, default=str)
    sys.stdout.write(text + "\n")


def print_error(error: HonninError, *, as_json: bool) -> None:
    """Print a coded error: JSON on standard output with --json; without, English and Japanese on standard error.

    An outside service is named by host and institution: who runs a command may know whom it asked.
    """
    from honnin.words import in_all

    asked = f" It was asked at {error.where}." if isinstance(error, ServiceError) and error.where else ""
    if as_json:
        body: dict[str, Any] = {
            "code": error.code,
            "message": f"{error.message}{asked}",
            "next": error.next,
            "retryable": error.retryable,
            "user_messages": in_all(error.code),
        }
        if isinstance(error, PinError) and error.tries_left is not None:
            body["tries_left"] = error.tries_left
        print_json({"error": body})
        return
    click.echo(f"{error.code}: {error.message}{asked}", err=True)
    if error.next:
        click.echo(error.next, err=True)
    click.echo(in_all(error.code)["ja"], err=True)


def read_file(path: Path, limit: int = 64 << 20) -> bytes:
    """Return a file's bytes, for `-` those of standard input.

    Raises InputError when it is missing, unreadable or larger than `limit` bytes.
    """
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
            content = file.read(limit + 1)  # a device has no size that could be asked for
    except OSError as error:
        raise InputError(
            "input.unreadable",
            f"{path} cannot be read: {error.strerror}.",
            next="Check the path and its permissions.",
        ) from error
    if len(content) > limit:
        raise InputError("input.too_large", f"{path} is larger than {limit} bytes.", next="Give a smaller file.")
    return content


def read_der(path: Path) -> list[bytes]:
    """Return the DER objects in a PEM or DER file, in file order (a DER file holds one).

    Raises InputError `input.pem_type` for PEM that holds nothing but keys, requests or the like.
    """
    from base64 import b64decode

    content = read_file(path)
    blocks = list(_pem_blocks(content))
    if not blocks:
        return [content]
    wanted = [body for label, body in blocks if label in PEM_LABELS]
    if not wanted:
        label = blocks[0][0].decode("ascii", "replace")
        raise InputError(
            "input.pem_type",
            f"{path} holds a PEM block of type {label!r}.",
            next="Give a certificate, a revocation list or an OCSP answer.",
        )
    try:
        return [b64decode(body) for body in wanted]
    except ValueError:
        return [content]  # broken armour: whoever parses the object says that it is none


def _pem_blocks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and base64 text of each PEM block (RFC 7468 §2), in one pass."""
    at = 0
    while (begin := content.find(PEM_BEGIN, at)) >= 0:
        start = begin + len(PEM_BEGIN)
        stop = content.find(b"-----", start, start + LONGEST_LABEL)
        end = content.find(b"-----END ", start)
        if end < 0:
            return
        if 0 <= stop < end:
            yield content[start:stop], content[stop + 5 : end]
        at = end
