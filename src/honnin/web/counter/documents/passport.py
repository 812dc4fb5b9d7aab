"""The passport at the counter: its machine-readable zone opens the chip; everything on it is read and proved."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Final

from honnin.chip import Challenge, MrzKey, Passport, Proof, Reading, Trust
from honnin.chip.icao9303 import mrz
from honnin.chip.passport import PassportValues
from honnin.chip.readers import Reader
from honnin.identity.dates import jst_day
from honnin.web.counter.documents.asking import Entry
from honnin.web.counter.documents.resuming import persistently
from honnin.web.counter.seen import Field, Seen

__all__ = ["ENTRIES", "look"]

CENTURY: Final = 100
LONGEST_LIFE: Final = 120  # years
SEXES: Final = {"M": "male", "F": "female"}

ENTRIES = (
    Entry("document_number", r"[A-Z0-9]{6,9}", 9, digits=False),
    Entry("birth_date", r"\d{8}", 10),
    Entry("expiry_date", r"\d{8}", 10),
)


def look(
    reader: Reader, given: dict[str, str], trust: Trust, challenge: Challenge, progress: Callable[[str, int, int], None]
) -> Seen:
    """Open, read and prove. Raises coded errors of `honnin.errors`."""
    key = MrzKey.of(given["document_number"], given["birth_date"][2:], given["expiry_date"][2:])
    with reader, Passport(reader, progress=progress) as passport:
        reading, proofs = persistently(partial(_read, passport, key, challenge, trust))
    zone = reading.values.zone
    today = jst_day(trust.at)
    expires = mrz.full_date(zone.expiry_date, today=today, kind="expiry") if zone else None
    return Seen(
        "passport",
        tuple(_fields(reading.values, born=_birth_date(zone, given["birth_date"], today), expires=expires)),
        proofs,
        expires=expires,
        kept=given["document_number"][-4:],
        files=reading.files,
    )


def _read(
    passport: Passport, key: MrzKey, challenge: Challenge, trust: Trust
) -> tuple[Reading[PassportValues], tuple[Proof, ...]]:
    passport.lds1.unlock(key)
    return passport.lds1.read(), passport.lds1.prove(challenge, trust=trust)


def _birth_date(zone: mrz.Mrz | None, printed: str, today: date) -> date | None:
    """Return the birth date. The zone writes no century: where two are possible, the printed page decides.

    printed: `YYYYMMDD`, as the clerk typed it from the page. Never a day to come, nor one of more than 120 years ago.
    """
    latest = mrz.full_date(zone.birth_date, today=today, kind="birth") if zone else None
    if latest is None:
        return None
    earlier = (latest.year - CENTURY, latest.month, latest.day)
    typed = (int(printed[:4]), int(printed[4:6]), int(printed[6:]))
    if typed == earlier and today.year - typed[0] <= LONGEST_LIFE:
        with suppress(ValueError):
            return date(*typed)
    return latest


def _fields(values: PassportValues, *, born: date | None, expires: date | None) -> list[Field]:
    """Return the fields in the order of the data page."""
    shown = [Field("portrait", "dg2", image=face.image, media_type=face.media_type) for face in values.faces]
    if zone := values.zone:
        fields = (
            Field("document_type", "dg1", zone.document_code),
            Field("issuing_state", "dg1", zone.issuing_state, form="country"),
            Field("document_number", "dg1", zone.document_number),
            Field("surname", "dg1", zone.surname),
            Field("given_names", "dg1", zone.given_names),
            Field("nationality", "dg1", zone.nationality, form="country"),
            _day("birth_date", zone.birth_date, born),
            Field("sex", "dg1", SEXES.get(zone.sex, "unspecified"), form="sex"),
            _day("expiry_date", zone.expiry_date, expires),
        )
        shown += [field for field in fields if field.text]
    return shown


def _day(name: str, six: str, day: date | None) -> Field:
    """Return a date; one with unknown parts stays as the zone writes it."""
    return Field(name, "dg1", day.isoformat(), form="date") if day else Field(name, "dg1", six, form="zone")
