"""`honnin evidence`: export a receipt; verify one offline, with a log key that the verifier already holds."""

import os
from pathlib import Path

import click

from honnin.cli.output import data_option, json_option, print_json, read_file, stored

__all__ = ["evidence"]


@click.group()
def evidence() -> None:
    """Export a receipt; verify one offline."""


@evidence.command()
@click.argument("object_id", metavar="ID")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The receipt's file.")
@data_option
@json_option
def export(object_id: str, out: Path, data: Path, as_json: bool) -> None:
    """Write the receipt of a verification or evidence id."""
    from honnin.errors import InputError
    from honnin.platform import Platform, Settings
    from honnin.platform.evidence.receipt import write_receipt

    platform = Platform(Settings.from_environment(stored(data)))
    try:
        receipt = platform.export_receipt(object_id)
    finally:
        platform.close()
    try:
        out.write_bytes(write_receipt(receipt))
    except OSError as error:
        raise InputError("evidence.unwritable", f"{out} cannot be written: {error.strerror}.") from error
    summary = {"id": object_id, "receipt": os.fspath(out), "log_id": receipt.log_id, "leaf_index": receipt.leaf_index}
    if as_json:
        print_json(summary)
        return
    click.echo(f"{out}: record {receipt.leaf_index} of {receipt.log_id}")


@evidence.command()
@click.argument("receipt", type=click.Path(path_type=Path))
@click.option("--log-key", type=click.Path(path_type=Path), required=True, help="The log's public key (PEM or DER).")
@json_option
def verify(receipt: Path, log_key: Path, as_json: bool) -> None:
    """Verify a receipt offline.

    Ends with 0 when it proves its record; with 1 when it does not, also a file that is no receipt at all; with 2 when
    a file or the log key cannot be read.
    """
    from honnin.errors import FormatError, InputError
    from honnin.platform.evidence.receipt import MOST_BYTES, read_receipt, verify_receipt
    from honnin.platform.keys import LogPublicKey

    try:
        key = LogPublicKey.read(read_file(log_key, 1 << 16))
    except FormatError as error:  # the verifier's own key: nothing was judged
        raise InputError(error.code, error.message, next=error.next) from error
    read = read_receipt(read_file(receipt, MOST_BYTES))
    record = verify_receipt(read, key)
    if as_json:
        print_json({"proven": True, "log_id": read.log_id, "leaf_index": read.leaf_index, "record": record})
        return
    verdict = record.get("verdict", {})
    click.echo(f"proven: record {read.leaf_index} of {read.log_id}, head of {read.head['time']}")
    if isinstance(verdict, dict) and "indication" in verdict:
        click.echo(
            f"{record.get('verification')}  {verdict['indication']}  {verdict.get('sub_indication') or ''}".rstrip()
        )
