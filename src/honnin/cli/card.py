"""`honnin card`: read a card, look after its PINs, sign with it (CONTRACTS: Commands)."""

from base64 import b64encode
from dataclasses import asdict
from hashlib import new as new_hash
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import click

from honnin.chip.detecting import DOCUMENTS
from honnin.chip.my_number_card.signing import ALGORITHMS, Purpose
from honnin.cli.card_documents import (
    delivery_key_of,
    document_on,
    own_keys,
    read_document,
    show_readings,
    trust_for,
    write_portrait,
)
from honnin.cli.card_free_area import free_area
from honnin.cli.card_jpki import KINDS, show_jpki
from honnin.cli.card_number import PARTS, read_parts
from honnin.cli.card_opening import opened, opened_reader, reader_options
from honnin.cli.card_output import certificate_pem, echo_tries, tries_json, write_private
from honnin.cli.card_pins import pin, show_other, show_tries
from honnin.cli.output import json_option, print_json, read_file
from honnin.cli.pin_entry import PinEntry, pin_options
from honnin.errors import CardError, InputError

if TYPE_CHECKING:
    from honnin.chip.my_number_card import CertificateKind, MyNumberCard

__all__ = ["card"]

PURPOSES = get_args(Purpose)


@click.group()
def card() -> None:
    """Read a card, check its PINs, sign with it."""


card.add_command(pin)
card.add_command(free_area)


@card.command()
@json_option
def methods(as_json: bool) -> None:
    """List the ways to use a My Number Card, and how strong each is."""
    from msgspec import to_builtins

    from honnin.law.card_methods import card_methods

    found = card_methods()
    if as_json:
        print_json({"methods": to_builtins(found)})
        return
    for one in found:
        factors = " + ".join(one.factors) or "freely set"
        click.echo(f"{one.id}\tPIN {one.pin}\t{factors}\t{one.name.ja}: {one.strength.ja}")


@card.command()
@json_option
def readers(as_json: bool) -> None:
    """List the PC/SC readers of this machine."""
    from honnin.chip import list_readers

    found = list_readers()
    if as_json:
        print_json({"readers": [asdict(status) for status in found]})
        return
    for status in found:
        click.echo(f"{status.url}\t{'card ' + (status.atr or '') if status.card else 'no card'}")
    if not found:
        click.echo("No reader.", err=True)


@card.command()
@reader_options
def info(url: str, data: Path, as_json: bool) -> None:
    """Show what the document is, which certificates it holds and the tries its PINs have left."""
    document = document_on(url, data)
    if document != "my_number_card":
        show_other(document, url, data, as_json=as_json)
        return
    with opened(url, data) as found:
        applications = found.detect()
        token = found.jpki.token() if applications[0].present else None
        issued = found.jpki.issued() if applications[0].present else None
        tries = found.tries() if applications[0].present else ()
    if as_json:
        body = {
            "document": document,
            "applications": [asdict(application) for application in applications],
            "token": asdict(token) if token else None,
            "issued": asdict(issued) if issued else None,
            "pins": [tries_json(one) for one in tries],
        }
        print_json(body)
        return
    for application in applications:
        click.echo(f"{application.document} {application.application}: {'yes' if application.present else 'no'}")
    if token and issued:
        click.echo(f"token: {token.label} ({token.carrier}), serial {token.serial_number}")
        for purpose in PURPOSES:
            click.echo(f"{purpose} certificate: {'issued' if getattr(issued, purpose) else 'not issued'}")
    echo_tries(tries)


@card.command()
@click.option("--signature", "with_signature", is_flag=True, help="Read the signature certificate too; asks its PIN.")
@click.option("--passport", is_flag=True, help="The same as --document passport.")
@click.option("--document", "named", type=click.Choice(DOCUMENTS), help="What lies there; without it, it is detected.")
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="My Number Card: card_face (by verification number B), age, four_items, individual_number, drivers_licence.",
)
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Whom to trust: a CA certificate, a CSCA master list, or a file of keys (honnin-card-keys/1); repeat it.",
)
@click.option("--specified", is_flag=True, help="A trial: read a residence card on a My Number Card (特定在留カード).")
@click.option("--portrait", type=click.Path(dir_okay=False, path_type=Path), help="Write the portrait here.")
@click.option(
    "--strict", is_flag=True, help="Exit 0 only where authentic and current; 1 where not, 2 where one cannot be told."
)
@pin_options
@reader_options
def read(
    *,
    url: str,
    data: Path,
    as_json: bool,
    with_signature: bool,
    passport: bool,
    named: str | None,
    parts: tuple[str, ...],
    anchors: tuple[Path, ...],
    specified: bool,
    portrait: Path | None,
    strict: bool,  # noqa: ARG001 - `end_by` looks at it
    pin_file: Path | None,
    last_try: bool,
) -> None:
    """Read what is on the document, prove it, say whether it is authentic and current; 1 where a proof failed.

    Of a My Number Card the JPKI application is read, with its PIN the four items too, or each --part. Keys are asked
    for, or taken from --pin-file, one a line. Passport: document number, birth date and expiry date, or the
    machine-readable zone, or the card access number. Driver's licence: PIN1, PIN2. Residence card: its number. --part:
    one key for each part. Where none is given, an emulated document is opened with the invented person's own.
    """
    document = document_on(url, data, "passport" if passport else "residence_card" if specified else named)
    jpki_alone = document == "my_number_card" and not parts
    for option, given, fits, where in (
        ("--part", bool(parts), document == "my_number_card", "on a My Number Card"),
        ("--signature", with_signature, jpki_alone, "on a My Number Card, without --part"),
        ("--portrait", portrait is not None, not jpki_alone, "with --part card_face, or on another document"),
        (
            "--document",
            named is not None,
            named == document,
            "alone, or with what says the same",
        ),
    ):
        if given and not fits:
            raise InputError("input.usage", f"{option} is for nothing that is read here.", next=f"Use it {where}.")
    delivery_key = delivery_key_of(url, data) if specified else None
    entry = PinEntry(pin_file, own_keys(document, url, data, parts))
    trust = trust_for(document, url, data, anchors)
    if not jpki_alone:
        with opened_reader(url, data) as reader:
            if document == "my_number_card":
                readings, expires = read_parts(parts, reader, entry, trust, last_try=last_try)
            else:
                reading, proofs, expires = read_document(
                    document, reader, entry, trust, last_try=last_try, delivery_key=delivery_key
                )
                readings = [(reading, proofs)]
        if portrait is not None:
            write_portrait(portrait, [reading.values for reading, _ in readings])
        show_readings(document, readings, expires, trust.at, as_json=as_json)
        return
    with opened(url, data) as found:
        if with_signature or pin_file:
            unlock(found, "signature", entry, last_try=last_try)
        jpki = found.jpki.read()
    show_jpki(jpki, trust, as_json=as_json)


@card.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it here instead of showing it.")
@click.option("--der", is_flag=True, help="Write DER instead of PEM; needs --out.")
@pin_options
@reader_options
def certificate(
    *,
    kind: str,
    url: str,
    data: Path,
    as_json: bool,
    out: Path | None,
    der: bool,
    pin_file: Path | None,
    last_try: bool,
) -> None:
    """Read one certificate. The signature certificate needs its PIN."""
    if der and not out:
        raise InputError("card.der_needs_out", "DER is not shown on a terminal.", next="Give --out FILE.")
    with opened(url, data) as found:
        if kind == "signature" or pin_file:
            unlock(found, kind.removesuffix("_ca"), PinEntry(pin_file), last_try=last_try)
        content = wanted_certificate(found, cast("CertificateKind", kind))
    if out:
        write_private(out, content if der else certificate_pem(content).encode())
    if as_json:
        print_json({"kind": kind, "certificate": b64encode(content).decode(), "out": str(out) if out else None})
    elif not out:
        click.echo(certificate_pem(content), nl=False)


@card.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--key", type=click.Choice(PURPOSES), default="signature", show_default=True)
@click.option("--alg", "algorithm", type=click.Choice(ALGORITHMS), show_default="sha256; sha384 for a P-384 key")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the signature here, raw bytes.")
@click.option(
    "--certificate-out", type=click.Path(dir_okay=False, path_type=Path), help="Write the key's certificate here, PEM."
)
@pin_options
@reader_options
def sign(
    *,
    file: Path,
    url: str,
    data: Path,
    as_json: bool,
    key: Purpose,
    algorithm: str | None,
    out: Path | None,
    certificate_out: Path | None,
    pin_file: Path | None,
    last_try: bool,
) -> None:
    """Sign FILE: its digest goes to the card, the signature comes back in base64 or in --out."""
    message = read_file(file, limit=1 << 30)
    with opened(url, data) as found:
        unlock(found, key, PinEntry(pin_file), last_try=last_try)
        content = wanted_certificate(found, key) if certificate_out or as_json else None
        made = found.jpki.sign_message(key, message, algorithm=algorithm)
    if out:
        write_private(out, made.value)
    if certificate_out and content:
        write_private(certificate_out, certificate_pem(content).encode())
    signature = b64encode(made.value).decode()
    if as_json and content:
        body = {
            "key": key,
            "algorithm": made.algorithm,
            "encoding": made.encoding,
            "digest": new_hash(made.algorithm, message).hexdigest(),
            "signature": signature,
            "certificate": b64encode(content).decode(),
        }
        print_json(body)
    elif not out:
        click.echo(signature)


def unlock(found: "MyNumberCard", name: str, entry: PinEntry, *, last_try: bool) -> None:
    """Ask for a PIN and verify it."""
    from honnin.chip import Pin

    show_tries(found.tries(), name, entry)
    found.jpki.unlock(Pin(name, entry.ask(f"PIN of {name}")), allow_last_try=last_try)


def wanted_certificate(found: "MyNumberCard", kind: "CertificateKind") -> bytes:
    """Return a certificate. Raises CardError `card.not_issued` when the card holds none."""
    content = found.jpki.certificate(kind)
    if content is None:
        raise CardError(
            "card.not_issued",
            f"The card holds no {kind} certificate.",
            next="It is issued at the counter of the municipality.",
        )
    return content
