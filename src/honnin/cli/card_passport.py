"""`honnin card read` for a passport: its key from typed lines, what was read, how it was opened, its proofs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honnin.chip import Challenge, Proof, Reader, Reading, Trust
    from honnin.chip.icao9303.lds import Common, DocumentDetails, Face, PersonDetails
    from honnin.chip.icao9303.mrz import Mrz
    from honnin.chip.icao9303.security_infos import PaceInfo
    from honnin.chip.passport import PassportKey, PassportValues
    from honnin.cli.pin_entry import PinEntry

__all__ = ["read_passport"]

ZONE_LINE = 30  # characters of the shortest line of a machine-readable zone
CAN_DIGITS = 6


@dataclass(frozen=True, slots=True)
class PassportShown:
    """What is shown of a passport: its values, and how its chip was opened (`pace` with its protocol, or `bac`)."""

    opened_by: str
    pace: "PaceInfo | None"
    common: "Common | None"
    zone: "Mrz | None"
    faces: "tuple[Face, ...]"
    signatures: tuple[bytes, ...]
    person: "PersonDetails | None"
    details: "DocumentDetails | None"
    unreadable: tuple[str, ...]


def read_passport(
    reader: "Reader",
    entry: "PinEntry",
    challenge: "Challenge",
    trust: "Trust",
    progress: Callable[[str, int, int], None] | None = None,
) -> "tuple[Reading[Any], tuple[Proof, ...], date | None]":
    """Open, read and prove a passport; the last item is the day it ends, None where its zone does not say."""
    from honnin.chip import Passport, Reading

    with Passport(reader, progress=progress) as passport:
        passport.lds1.unlock(ask_key(entry))
        opened = passport.lds1.opened
        reading = passport.lds1.read()
        proofs = passport.lds1.prove(challenge, trust=trust)
    values: PassportValues = reading.values
    fields = {name: getattr(values, name) for name in values.__slots__}
    shown = PassportShown(opened_by=opened.by if opened else "", pace=opened.pace if opened else None, **fields)
    return Reading(reading.document, reading.application, shown, reading.files), proofs, _last_day(values, trust.at)


def ask_key(entry: "PinEntry") -> "PassportKey":
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


def _last_day(values: "PassportValues", at: datetime) -> date | None:
    from honnin.chip.icao9303.mrz import full_date
    from honnin.identity.dates import jst_day

    return full_date(values.zone.expiry_date, today=jst_day(at), kind="expiry") if values.zone else None
