"""`honnin sign`: sign a PDF, XML or any file with a card, or in two steps with a signature made elsewhere."""

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from honnin.cli.card import unlock, wanted_certificate
from honnin.cli.card_opening import opened, reader_options
from honnin.cli.card_output import write_private
from honnin.cli.output import print_json, read_der, read_file
from honnin.cli.pin_entry import PinEntry, pin_options
from honnin.errors import InputError

if TYPE_CHECKING:
    from honnin.cli.sign_services import Services
    from honnin.pki.signing import Prepared, Stamp

__all__ = ["sign"]

FILE = click.Path(dir_okay=False, path_type=Path)
SUFFIXES = {"pdf": ".pdf", "xml": ".xml", "cms": ".p7s"}
LEVELS = ("B", "T", "LT", "LTA")


@click.command()
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="Where the signed file goes; FILE.signed.SUFFIX when not given.")
@click.option(
    "--as", "kind", type=click.Choice(("pdf", "xml", "cms")), help="What to make; told by FILE when not given."
)
@click.option("--shape", type=click.Choice(("enveloped", "enveloping", "detached", "attached")), help="XML and CMS.")
@click.option("--uri", help="What a detached XML signature names.")
@click.option(
    "--level", type=click.Choice(LEVELS), default="B", show_default=True, help="Baseline level of PAdES, XAdES, CAdES."
)
@click.option("--tsa", metavar="URL", help="Time-stamping authority, from level T on (http://tsa.localhost:8600/).")
@click.option("--certificate", type=FILE, help="The signer's certificate, in two steps.")
@click.option("--intermediate", "intermediates", type=FILE, multiple=True, help="Certificates to carry along.")
@click.option("--crl", "crls", type=FILE, multiple=True, help="Revocation lists to carry along (level LT).")
@click.option("--ocsp", "answers", type=FILE, multiple=True, help="OCSP answers to carry along (level LT).")
@click.option("--visible", is_flag=True, help="Stamp a PDF with the signer's name and the day.")
@click.option("--stamp", "lines", multiple=True, help="A line of a PDF's visible stamp, in place of name and day.")
@click.option("--reason", help="Why a PDF is signed.")
@click.option("--location", help="Where a PDF is signed.")
@click.option(
    "--prepare", is_flag=True, help="First step: write the prepared document and print the digest to be signed."
)
@click.option("--value", type=FILE, help="Second step: FILE is prepared, and this is the signature made elsewhere.")
@pin_options
@reader_options
def sign(*, file: Path, out: Path | None, as_json: bool, **given: Any) -> None:
    """Sign FILE with the signature key of the card on --reader."""
    from honnin.pki.signing import Prepared, assemble, time_stamp_document

    octets = read_file(file, limit=1 << 28)
    given["kind"] = kind = given["kind"] or _kind(octets)
    services = _services(given)
    stamp = None if services is None else services.stamp
    if given["value"] is not None:
        prepared = Prepared.decode(octets)
        kind = prepared.kind
        certificate = _certificate(given) or _missing("certificate")
        value = read_file(given["value"], limit=4096)
    elif given["prepare"]:
        _write_prepared(_prepared(octets, _certificate(given), given), file, out, as_json=as_json)
        return
    else:
        prepared, certificate, value = _by_card(octets, given)
    kept = None if given["level"] == "B" and not given["intermediates"] else _kept(given, certificate, services)
    signed = assemble(prepared, value, certificate, kept=kept, stamp=stamp)
    if given["level"] == "LTA" and stamp is not None:
        signed = time_stamp_document(signed, stamp)
    target = out or file.with_name(f"{file.stem}.signed{SUFFIXES[kind]}")
    write_private(target, signed)
    if as_json:
        print_json({"out": str(target), "kind": kind, "level": given["level"], "bytes": len(signed)})
    else:
        click.echo(str(target))


def _kind(octets: bytes) -> str:
    if octets.startswith(b"%PDF-"):
        return "pdf"
    return "xml" if octets.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "cms"


def _by_card(octets: bytes, given: dict[str, Any]) -> "tuple[Prepared, bytes, bytes]":
    with opened(given["url"], given["data"]) as card:
        unlock(card, "signature", PinEntry(given["pin_file"]), last_try=given["last_try"])
        certificate = wanted_certificate(card, "signature")
        prepared = _prepared(octets, certificate, given)
        made = card.jpki.sign("signature", prepared.digest, algorithm=prepared.hash)
    return prepared, certificate, made.value


def _prepared(octets: bytes, certificate: bytes | None, given: dict[str, Any]) -> "Prepared":
    from honnin.pki.signing import prepare

    at = _now(given)
    return prepare(
        octets,
        given["kind"],
        at=at,
        certificate=certificate,
        shape=given["shape"],
        uri=given["uri"],
        stamp=_stamp(given, certificate, at),
        reason=given["reason"],
        location=given["location"],
    )


def _stamp(given: dict[str, Any], certificate: bytes | None, at: datetime) -> "Stamp | None":
    from honnin.identity.dates import JST
    from honnin.pki.signing import Stamp
    from honnin.words import say

    if given["kind"] != "pdf" or not (given["visible"] or given["lines"]):
        return None
    if given["lines"]:
        return Stamp(lines=given["lines"])
    local = at.astimezone(JST)
    day = f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    return Stamp(lines=(say("signing.stamp_title", "ja"), *_name(certificate), day))


def _name(certificate: bytes | None) -> tuple[str, ...]:
    from honnin.pki.jpki import four_items
    from honnin.pki.rfc5280.certificate import parse_certificate

    items = None if certificate is None else four_items(parse_certificate(certificate))
    return () if items is None or not items.name else (items.name,)


def _certificate(given: dict[str, Any]) -> bytes | None:
    return read_der(given["certificate"])[0] if given["certificate"] else None


def _now(given: dict[str, Any]) -> datetime:
    """Return the present: that of the world for an emulated card, else the machine's."""
    if not given["url"].startswith("emulated:"):
        return datetime.now(UTC)
    from honnin.connect.worlds import open_world

    return open_world(given["data"]).now()


def _services(given: dict[str, Any]) -> "Services | None":
    level = given["level"]
    if level == "LTA" and given["kind"] != "pdf" and given["value"] is None:
        raise InputError("signing.level", "Level LTA is for PDF.", next="Choose LT.")
    if level == "B":
        return None
    if not given["tsa"]:
        _missing("tsa")
    from honnin.cli.sign_services import Services

    return Services(given["tsa"], given["data"], lambda: _now(given))


def _kept(given: dict[str, Any], certificate: bytes, services: "Services | None") -> Any:
    from honnin.pki.signing import Kept

    def read(name: str) -> tuple[bytes, ...]:
        return tuple(octets for path in given[name] for octets in read_der(path))

    kept = Kept(certificates=read("intermediates"), crls=read("crls"), ocsp=read("answers"))
    if given["level"] in {"LT", "LTA"} and not (kept.crls or kept.ocsp):
        found = services.kept(certificate) if services is not None else None
        if found is None:
            _missing("crl")
        return found
    return kept


def _missing(option: str) -> Any:
    raise InputError(
        "signing.level",
        f"This needs --{option}.",
        next="See `honnin sign --help`; docs/documents.md says what each level needs.",
    )


def _write_prepared(prepared: "Prepared", file: Path, out: Path | None, *, as_json: bool) -> None:
    target = out or file.with_name(f"{file.name}.prepared")
    write_private(target, prepared.encode())
    body = {
        "out": str(target),
        "hash": prepared.hash,
        "digest": prepared.digest.hex(),
        "digest_info": b64encode(prepared.digest_info).decode(),
    }
    if as_json:
        print_json(body)
    else:
        for name, value in body.items():
            click.echo(f"{name}: {value}")
