"""`honnin records`: make, list, correct and take out the verification records of a tenant.

Values are read from a JSON file, or from standard input with `-`: they are personal data and never arguments.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from honnin.cli.output import data_option, json_option, print_json, read_file, stored
from honnin.errors import InputError

if TYPE_CHECKING:
    from honnin.platform import Platform
    from honnin.platform.models import Caller

__all__ = ["records"]

TENANT = click.option("--tenant", "tenant_id", metavar="TENANT", required=True, help="Whose records.")
BY = click.option("--by", required=True, help="Who does it, in the business's words.")


@click.group()
def records() -> None:
    """Keep the records that a law asks for."""


@records.command("laws")
@json_option
def laws(*, as_json: bool) -> None:
    """Say what each law's record contains."""
    from honnin.platform.records import record_laws

    if as_json:
        print_json({"laws": msgspec.to_builtins(record_laws())})
        return
    for name, law in record_laws().items():
        click.echo(f"{name}  {law.title.ja}  {law.article}  {law.evidence}")
        for item in law.items:
            doubt = " ?" if item.confidence == "?" else ""
            click.echo(f"  {item.number or '–':>3}  {item.id}\t{item.ja}\t{item.when}{doubt}")


@records.command("make")
@click.argument("verification")
@TENANT
@BY
@click.option("--checked-by", help="Who made the check. Default: the same.")
@click.option("--law", "law_name", metavar="LAW", help="Default: the law of the check; jpki for a consent.")
@click.option("--items", type=click.Path(path_type=Path, allow_dash=True), help='JSON: {"purpose": "…"}.')
@data_option
@json_option
def make(verification: str, tenant_id: str, by: str, data: Path, *, as_json: bool, **options: Any) -> None:
    """Make the record of a VERIFICATION."""
    from honnin.platform.records import RecordRequest

    request = RecordRequest(
        verification=verification,
        law=options["law_name"],
        made_by=by,
        checked_by=options["checked_by"] or by,
        statements=_items(options["items"]),
    )
    with _opened(data, tenant_id) as (platform, caller):
        _print(platform.records.make(caller, request), as_json=as_json)


@records.command("list")
@TENANT
@data_option
@json_option
def list_(tenant_id: str, data: Path, *, as_json: bool) -> None:
    """List the records, newest first (at most 1000)."""
    with _opened(data, tenant_id) as (platform, caller):
        found, more = platform.records.list(caller, limit=1000)
    if as_json:
        print_json({"records": msgspec.to_builtins(found), "has_more": more})
        return
    for one in found:
        click.echo(f"{one.id}  {one.law:12}  {one.status:10}  {one.keep_until or '–'}  {one.verification}")


@records.command("show")
@click.argument("record")
@TENANT
@data_option
@json_option
def show(record: str, tenant_id: str, data: Path, *, as_json: bool) -> None:
    """Show a RECORD without its values."""
    with _opened(data, tenant_id) as (platform, caller):
        _print(platform.records.read(caller, record), as_json=as_json)


@records.command("correct")
@click.argument("record")
@TENANT
@BY
@click.option("--reason", required=True, help="Why it is added.")
@click.option(
    "--items", type=click.Path(path_type=Path, allow_dash=True), required=True, help="JSON of values by item."
)
@data_option
@json_option
def correct(record: str, tenant_id: str, by: str, reason: str, items: Path, data: Path, *, as_json: bool) -> None:
    """Add to a RECORD; nothing of it is erased."""
    with _opened(data, tenant_id) as (platform, caller):
        made = platform.records.correct(caller, record, by=by, reason=reason, items=_items(items))
        _print(made, as_json=as_json)


@records.command("end")
@click.argument("record")
@TENANT
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day on which the relation ended.")
@data_option
@json_option
def end(record: str, tenant_id: str, on: datetime, data: Path, *, as_json: bool) -> None:
    """Start the retention clock of a RECORD."""
    with _opened(data, tenant_id) as (platform, caller):
        _print(platform.records.end_relation(caller, record, on.date()), as_json=as_json)


@records.command("export")
@click.argument("record_ids", metavar="RECORD…", nargs=-1, required=True)
@TENANT
@BY
@click.option("--format", "kind", type=click.Choice(["json", "pdf", "csv"]), default="json", show_default=True)
@click.option("--bom", is_flag=True, help="CSV with a byte order mark, for spreadsheets.")
@click.option("--language", type=click.Choice(["ja", "en"]), default="ja", show_default=True, help="Of the PDF.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
@data_option
@json_option
def export(
    record_ids: tuple[str, ...], tenant_id: str, by: str, out: Path, data: Path, *, as_json: bool, **options: Any
) -> None:
    """Write RECORDs with their values to a file of the owner's; who did it stands in an event."""
    from honnin.platform.records.showing import as_csv, as_pdf

    kind = options["kind"]
    if kind == "pdf" and len(record_ids) != 1:
        raise InputError("record.format", "A PDF holds one record.", next="Export one record, or use csv.")
    with _opened(data, tenant_id) as (platform, caller):
        found = [platform.records.export(caller, one, by=by) for one in record_ids]
    if kind == "pdf":
        content = as_pdf(*found[0], language=options["language"])
    elif kind == "csv":
        content = as_csv(found, bom=options["bom"])
    else:
        content = msgspec.json.encode([{"record": record, "entries": entries} for record, entries in found])
    try:
        out.touch(mode=0o600)
        out.write_bytes(content)
    except OSError as error:
        raise InputError("record.unwritable", f"{out} cannot be written: {error.strerror}.") from error
    if as_json:
        print_json({"out": str(out), "format": kind, "records": list(record_ids), "bytes": len(content)})
        return
    click.echo(f"{out}: {len(record_ids)} × {kind}, {len(content)} bytes")


@contextmanager
def _opened(data: Path, tenant_id: str) -> "Iterator[tuple[Platform, Caller]]":
    from honnin.platform import Platform, Settings
    from honnin.platform.models import Caller
    from honnin.platform.tenants import get_tenant

    platform = Platform(Settings.from_environment(stored(data)))
    try:
        with platform.store.read() as db:
            tenant = get_tenant(db, tenant_id)
        yield platform, Caller(tenant=tenant)
    finally:
        platform.close()


def _items(path: Path | None) -> dict[str, str]:
    """Read values by item id. Raises InputError `record.items`."""
    if path is None:
        return {}
    content = read_file(path, 1 << 20)
    try:
        return msgspec.json.decode(content, type=dict[str, str])
    except ValueError:
        raise InputError(
            "record.items", "The values are no JSON object of texts.", next="See docs/records.md."
        ) from None


def _print(record: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(record))
        return
    kept = record.keep_until or "while the relation lasts"
    click.echo(f"{record.id}  {record.title.ja} / {record.title.en}  {record.status}  {record.entries} entries")
    click.echo(f"kept until: {kept}\nevidence: {record.evidence} {record.custody or ''}".rstrip())
    if record.missing:
        click.echo(f"missing: {', '.join(record.missing)}")
