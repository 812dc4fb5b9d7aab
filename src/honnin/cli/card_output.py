"""What `honnin card` writes: PEM, files that only their owner may read, the four items as JSON."""

import os
from base64 import b64encode
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from honnin.errors import InputError

if TYPE_CHECKING:
    from honnin.chip.document import Tries
    from honnin.pki.jpki import JpkiCertificate

__all__ = ["certificate_pem", "echo_four_items", "echo_tries", "four_items", "tries_json", "write_private"]


def certificate_pem(der: bytes) -> str:
    """Return a certificate in PEM (RFC 7468 §5)."""
    lines = wrap(b64encode(der).decode("ascii"), 64)
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read: it may name a person. Raises InputError `card.unwritable`."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise InputError(
            "card.unwritable",
            f"{path} cannot be written: {error.strerror}.",
            next="Check the path and its permissions.",
        ) from error


def four_items(certificate: "JpkiCertificate | None") -> dict[str, Any] | None:
    """Return the four items of a signature certificate as JSON values, None where there are none."""
    items = certificate.four_items if certificate else None
    if items is None:
        return None
    born = items.birth_date
    return {
        "name": items.name,
        "address": items.address,
        "birth_date": born.iso() if born else None,
        "sex": items.sex,
        "substitute_characters": {"name": list(items.name_substituted), "address": list(items.address_substituted)},
    }


def echo_four_items(items: dict[str, Any] | None) -> None:
    """Print the four items in lines; characters that stand for another are counted from 1."""
    for item, value in (items or {}).items():
        if item != "substitute_characters":
            click.echo(f"{item}: {'not told' if value is None else value}")
            continue
        places = [f"{of} {', '.join(str(at + 1) for at in found)}" for of, found in value.items() if found]
        click.echo(f"substitute characters: {'; '.join(places) or 'none'}")


def tries_json(tries: "Tries") -> dict[str, Any]:
    """Return the JSON of one PIN's tries."""
    return {"name": tries.name, "tries_left": tries.left, "tries": tries.of, "state": tries.state}


def echo_tries(all_tries: "tuple[Tries, ...]", *, err: bool = False) -> None:
    """Print one line a PIN."""
    for one in all_tries:
        left = "not told" if one.left is None else f"{one.left} of {one.of}"
        shown = "unused: nothing stands behind it" if one.state == "unused" else f"tries left {left}"
        click.echo(f"PIN of {one.name}: {shown}{', locked' if one.state == 'locked' else ''}", err=err)
