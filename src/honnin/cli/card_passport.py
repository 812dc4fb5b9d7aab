"""`honnin card read` for a passport: the key from lines, what was read, and what each proof covers."""

from base64 import b64encode
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from honnin.cli.card_output import write_private
from honnin.cli.output import print_json, read_der
from honnin.cli.pin_entry import PinEntry
from honnin.errors import CardError

if TYPE_CHECKING:
    from honnin.chip.document import Proof, Reading
    from honnin.chip.passport import Opened, PassportKey, PassportValues

__all__ = ["read_passport"]

ZONE_LINE = 30  # characters of the shortest line of a machine-readable zone
CAN_DIGITS = 6


def read_passport(
    *, url: str, data: Path, entry: PinEntry, anchors: tuple[Path, ...], portrait: Path | None, as_json: bool
) -> None:
    """Open, read and prove a passport and print it; ends with 1 where a proof failed."""
    from honnin.chip import Challenge, Trust, open_reader
    from honnin.chip.passport import Passport

    key = ask_key(entry)
    trust = Trust(tuple(der for path in anchors for der in read_der(path)), datetime.now(UTC))
    with open_reader(url, data=data) as reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        opened = passport.lds1.opened
        reading = passport.lds1.read()
        proofs = passport.lds1.prove(Challenge.fresh("card read", "honnin"), trust=trust)
    if portrait is not None:
        if not reading.values.faces:
            raise CardError("card.not_issued", "The chip holds no portrait.", next="Leave --portrait out.")
        write_private(portrait, reading.values.faces[0].image)
    if as_json:
        print_json(_json(reading, opened, proofs))
    else:
        _echo(reading, proofs)
    if any(proof.result == "failed" for proof in proofs):
        click.get_current_context().exit(1)


def ask_key(entry: PinEntry) -> "PassportKey":
    """Return the key that was typed or stands in the file: three lines, a zone, or a card access number."""
    from honnin.chip.passport import CanKey, MrzKey

    first = entry.ask("Document number, zone or card access number").strip()
    if len(first) == CAN_DIGITS and first.isascii() and first.isdigit():
        return CanKey(first)
    if len(first) >= ZONE_LINE:
        zone = first
        while len(zone) not in {72, 88, 90} and len(zone) < 90:
            zone += entry.ask("Next line of the zone").strip()
        return MrzKey.of_zone(zone)
    born, until = (_six(entry.ask(f"{what} as YYYY-MM-DD")) for what in ("Birth date", "Expiry date"))
    return MrzKey.of(first, born, until)


def _six(text: str) -> str:
    """Return YYMMDD of YYYY-MM-DD; anything else as it is, for the key to judge."""
    plain = text.strip().replace("-", "")
    return plain[2:] if len(plain) == 8 else plain


def _json(reading: "Reading[PassportValues]", opened: "Opened | None", proofs: "tuple[Proof, ...]") -> dict[str, Any]:
    values = reading.values
    return {
        "document": reading.document,
        "application": reading.application,
        "opened_by": opened.by if opened else None,
        "pace": msgspec.to_builtins(opened.pace) if opened and opened.pace else None,
        "zone": asdict(values.zone) if values.zone else None,
        "person": msgspec.to_builtins(values.person) if values.person else None,
        "details": msgspec.to_builtins(values.details) if values.details else None,
        "faces": [
            {
                "media_type": face.media_type,
                "width": face.width,
                "height": face.height,
                "image": b64encode(face.image).decode(),
            }
            for face in values.faces
        ],
        "files": [
            {"name": file.name, "bytes": len(file.content), "sha256": sha256(file.content).hexdigest()}
            for file in reading.files
        ],
        "unreadable": list(values.unreadable),
        "proofs": [
            {name: getattr(proof, name) for name in ("kind", "result", "reason", "covers", "leaves_out", "algorithm")}
            for proof in proofs
        ],
    }


def _echo(reading: "Reading[PassportValues]", proofs: "tuple[Proof, ...]") -> None:
    zone = reading.values.zone
    if zone is not None:
        click.echo(f"{zone.surname}, {zone.given_names}")
        for what in ("document_number", "issuing_state", "nationality", "birth_date", "sex", "expiry_date"):
            click.echo(f"{what}: {getattr(zone, what)}")
        for field in zone.wrong:
            click.echo(f"check digit wrong: {field}")
    for file in reading.files:
        click.echo(f"{file.name}: {len(file.content)} bytes")
    for proof in proofs:
        covers = f" [{' '.join(proof.covers)}]" if proof.covers else ""
        click.echo(f"{proof.kind}: {proof.result}{covers}: {proof.reason}")
