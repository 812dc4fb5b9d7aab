"""`honnin sandbox trust [DOCUMENT]`: the certificates and keys that an operator would load for these documents."""

import json
from base64 import encodebytes
from pathlib import Path

import click

from honnin.errors import InputError
from honnin.sandbox.options import data_option, json_option

__all__ = ["trust"]


@click.command()
@click.argument("document", required=False)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write each as DOCUMENT-KEYID.pem here.")
@json_option
@data_option
def trust(document: str | None, out: Path | None, data: Path, *, as_json: bool) -> None:
    """Show whom to trust for a DOCUMENT, or for all: key identifiers, and certificates or public keys."""
    from honnin.sandbox.opening import open_world

    known = open_world(data).document_trust()
    if document is not None and document not in known:
        raise InputError("emulated.document_unknown", "No such document.", next=f"Ask for one of {', '.join(known)}.")
    chosen = {name: pairs for name, pairs in known.items() if document in {None, name}}
    listed = {
        name: [{"key_id": key_id.hex(), "pem": _pem(name, der)} for key_id, der in pairs]
        for name, pairs in chosen.items()
    }
    for name, rows in listed.items():
        for row in rows:
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                (out / f"{name}-{row['key_id']}.pem").write_text(row["pem"], encoding="ascii")
            if not as_json:
                click.echo(f"{name} {row['key_id']}")
    if as_json:
        click.echo(json.dumps(listed))


def _pem(document: str, der: bytes) -> str:
    kind = "CERTIFICATE" if document in {"passport", "residence_card"} else "PUBLIC KEY"
    return f"-----BEGIN {kind}-----\n{encodebytes(der).decode()}-----END {kind}-----\n"
