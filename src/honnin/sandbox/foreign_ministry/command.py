"""`honnin sandbox passport PERSON[:KIND,FAULT]`: what is printed in a passport, and whom an operator would trust."""

import json
from base64 import encodebytes
from pathlib import Path

import click

from honnin.sandbox.options import data_option, json_option

__all__ = ["passport"]


@click.command()
@click.argument("target", metavar="PERSON[:KIND,FAULT]")
@click.option("--csca", type=click.Path(dir_okay=False, path_type=Path), help="Write the CSCA certificates here, PEM.")
@json_option
@data_option
def passport(target: str, csca: Path | None, data: Path, *, as_json: bool) -> None:
    """Show what opens a person's passport: number, birth date, expiry date (YYMMDD) and access number."""
    from honnin.sandbox.foreign_ministry.authorities import csca_certificates
    from honnin.sandbox.foreign_ministry.passports import issue
    from honnin.sandbox.opening import open_world

    person, _, kinds = target.partition(":")
    world = open_world(data)
    found = issue(world, person, *(kind for kind in kinds.split(",") if kind))
    page = {
        "document_number": found.number,
        "birth_date": found.birth,
        "expiry_date": found.expiry,
        "card_access_number": found.can if found.profile.pace else None,
    }
    if csca is not None:
        csca.write_bytes(b"".join(_pem(certificate) for certificate in csca_certificates(world)))
    if as_json:
        click.echo(json.dumps(page))
        return
    for value in page.values():
        if value is not None:
            click.echo(value)


def _pem(certificate: bytes) -> bytes:
    body = encodebytes(certificate)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
