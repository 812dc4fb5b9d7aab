"""The passport at the counter: its machine-readable zone opens the chip; everything on it is read and proved."""

from collections.abc import Callable
from datetime import date
from functools import partial

from honnin.chip import Challenge, MrzKey, Passport, Proof, Reading, Trust
from honnin.chip.passport import PassportValues
from honnin.chip.readers import Reader
from honnin.web.counter.documents.asking import Entry
from honnin.web.counter.documents.resuming import persistently
from honnin.web.counter.seen import Field, Seen

__all__ = ["ENTRIES", "look"]

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
    expires = _day(given["expiry_date"])
    return Seen(
        "passport",
        tuple(_fields(reading.values)),
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


def _fields(values: PassportValues) -> list[Field]:
    zone, shown = values.zone, []
    if zone is not None:
        shown = [
            Field("name_latin", "dg1", f"{zone.surname} {zone.given_names}".strip()),
            Field("birth_date_zone", "dg1", zone.birth_date),
            Field("sex", "dg1", zone.sex),
            Field("nationality", "dg1", zone.nationality),
            Field("document_number", "dg1", zone.document_number),
            Field("expiry_date_zone", "dg1", zone.expiry_date),
        ]
    faces = [Field("portrait", "dg2", image=face.image, media_type=face.media_type) for face in values.faces]
    return [*faces, *shown]


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
