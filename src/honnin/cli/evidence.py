"""`honnin evidence`: export a receipt; verify one offline, with a log key that the verifier already holds."""

import os
from pathlib import Path
from typing import Any

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
    click.echo(f"{out}: record {receipt.leaf_index} (counted from 0) of {receipt.log_id}")


@evidence.command()
@click.argument("receipt", type=click.Path(path_type=Path))
@click.option("--log-key", type=click.Path(path_type=Path), required=True, help="The log's public key (PEM or DER).")
@click.option("--shown", type=click.Path(path_type=Path), help="The proof of what the phone showed (JWS).")
@click.option(
    "--words", type=click.Path(path_type=Path), help="The words that were shown, to the letter; with --shown."
)
@click.option("--document", type=click.Path(path_type=Path), help="The signed file; with --shown.")
@click.option("--service-keys", type=click.Path(path_type=Path), help="The signing service's JWK Set; with --shown.")
@json_option
def verify(
    receipt: Path,
    log_key: Path,
    shown: Path | None,
    words: Path | None,
    document: Path | None,
    service_keys: Path | None,
    as_json: bool,
) -> None:
    """Verify a receipt offline, and with --shown what the phone showed before the signature.

    Ends with 0 when it proves its record; with 1 when it does not, also a file that is no receipt at all; with 2 when
    a file or the log key cannot be read.
    """
    beside = (words, document, service_keys)
    if shown is None and any(path is not None for path in beside):
        raise click.UsageError("--words, --document and --service-keys are read with --shown.")
    from honnin.errors import FormatError, InputError
    from honnin.platform.evidence.receipt import MOST_BYTES, read_receipt, verify_receipt
    from honnin.platform.keys import LogPublicKey

    try:
        key = LogPublicKey.read(read_file(log_key, 1 << 16))
    except FormatError as error:  # the verifier's own key: nothing was judged
        raise InputError(error.code, error.message, next=error.next) from error
    read = read_receipt(read_file(receipt, MOST_BYTES))
    record = verify_receipt(read, key)
    said = None if shown is None else _shown(record, shown, *beside)
    if as_json:
        proven = {"proven": True, "log_id": read.log_id, "leaf_index": read.leaf_index, "record": record}
        print_json(proven if said is None else {**proven, "shown": said})
        return
    verdict = record.get("verdict", {})
    click.echo(f"proven: record {read.leaf_index} (counted from 0) of {read.log_id}, head of {read.head['time']}")
    if isinstance(verdict, dict) and "indication" in verdict:
        click.echo(
            f"{record.get('verification')}  {verdict['indication']}  {verdict.get('sub_indication') or ''}".rstrip()
        )
    if said is not None:
        of_words = said["text_sha256"]
        told = "no words, a digest alone" if of_words is None else f"words of SHA-256 {of_words}"
        click.echo(f"shown: {told}, in transaction {said['transaction']}")


def _shown(
    record: dict[str, Any], shown: Path, words: Path | None, document: Path | None, service_keys: Path | None
) -> dict[str, Any]:
    """Return what a proven record's proof says. Raises FormatError `evidence.shown_differs`."""
    from honnin.pki.pdf_signers import PDF_LIMIT
    from honnin.platform.evidence.shown import MOST_BYTES, read_proof, verify_shown

    said = verify_shown(
        record,
        read_proof(read_file(shown, MOST_BYTES)),
        words=None if words is None else read_file(words, MOST_BYTES),
        document=None if document is None else read_file(document, PDF_LIMIT),
        service_keys=None if service_keys is None else read_file(service_keys, MOST_BYTES),
    )
    return {"transaction": said.transaction, "what": said.what, "text_sha256": said.words_digest}
