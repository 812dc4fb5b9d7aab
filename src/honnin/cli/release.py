"""`honnin release`: give a tenant a signed file as it may have it: the file itself, or a rendition of it."""

from datetime import UTC, datetime
from pathlib import Path

import click

from honnin.cli.card_output import write_private
from honnin.cli.output import data_option, json_option, print_json, read_der, read_file, stored

__all__ = ["release"]

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--tenant", required=True, metavar="ID", help="Who is to receive it.")
@click.option("--out", type=FILE, required=True, help="Where what may be given goes.")
@click.option("--anchor", "anchors", type=FILE, multiple=True, help="A certificate to trust.")
@click.option("--crl", "crls", type=FILE, multiple=True, help="A certificate revocation list.")
@click.option("--ocsp", "answers", type=FILE, multiple=True, help="An OCSP answer.")
@click.option("--signer", "to_signer", is_flag=True, help="It goes to the person who signed it, and to nobody else.")
@click.option("--receipt", metavar="ID", help="The check's id, printed on a rendition.")
@data_option
@json_option
def release(
    *,
    file: Path,
    tenant: str,
    out: Path,
    anchors: tuple[Path, ...],
    crls: tuple[Path, ...],
    answers: tuple[Path, ...],
    to_signer: bool,
    receipt: str | None,
    data: Path,
    as_json: bool,
) -> None:
    """Verify FILE and write what the tenant may have of it: the file itself, or a PDF without certificate data."""
    from honnin.pki import verify
    from honnin.platform import Platform, Settings
    from honnin.platform.documents import release as released

    platform = Platform(Settings.from_environment(stored(data)))
    try:
        caller = platform.caller_of(tenant)
        at = platform.clock(caller)
    finally:
        platform.close()
    content = read_file(file, limit=1 << 28)
    report = verify(content, anchors=_all(anchors), crls=_all(crls), ocsp=_all(answers), at=at)
    given = released(content, report, caller.tenant, at=datetime.now(UTC), to_signer=to_signer, receipt=receipt)
    write_private(out, given.content)
    if as_json:
        body = {"out": str(out), "given": given.given, "ground": given.ground}
        print_json({**body, "media_type": given.media_type, "verdict": report.to_json()})
    else:
        click.echo(f"{out}: {given.ground or 'rendition'}; {report.indication}")


def _all(paths: tuple[Path, ...]) -> list[bytes]:
    return [octets for path in paths for octets in read_der(path)]
