"""The driver's licence at the counter: the customer keys in both PINs; what was appended after issue stays grey."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial

from honnin.chip import Challenge, Pin, Proof, Reading, Trust
from honnin.chip.drivers_licence import DriversLicence, LicenceValues
from honnin.chip.readers import Reader
from honnin.web.counter.documents.asking import Entry, last_try_of
from honnin.web.counter.documents.licence_fields import text_field, written_fields
from honnin.web.counter.documents.resuming import persistently
from honnin.web.counter.seen import Field, Seen

__all__ = ["ENTRIES", "look"]

ENTRIES = (
    Entry("pin_1", r"\d{4}", 4, by="customer"),
    Entry("pin_2", r"\d{4}", 4, by="customer"),
)


def look(
    reader: Reader, given: dict[str, str], trust: Trust, challenge: Challenge, progress: Callable[[str, int, int], None]
) -> Seen:
    """Open, read and prove. Raises coded errors of `honnin.errors`."""
    with reader, DriversLicence(reader, progress=progress) as licence:
        pins = {Pin(name, given[name]): bool(given.get(last_try_of(name))) for name in ("pin_1", "pin_2")}
        reading, proofs = persistently(partial(_read, licence, pins, challenge, trust))
    values = reading.values
    record = values.record
    number = record.number.value if record and record.number else ""
    return Seen(
        "drivers_licence",
        tuple(_fields(values)),
        proofs,
        expires=_expires(values),
        kept=number[-4:],
        files=reading.files,
    )


def _read(
    licence: DriversLicence, pins: Mapping[Pin, bool], challenge: Challenge, trust: Trust
) -> tuple[Reading[LicenceValues], tuple[Proof, ...]]:
    """Read by both PINs, each with the word whether its last try may be used."""
    for pin, last_try in pins.items():
        licence.card.unlock(pin, allow_last_try=last_try)
    return licence.card.read(), licence.card.prove(challenge, trust=trust)


def _fields(values: LicenceValues) -> list[Field]:
    """Return the fields, those on the card's front first and in its order."""
    pictures = {glyph.number: glyph.tiff() or b"" for glyph in values.glyphs}
    shown = [Field("portrait", "photo", image=values.photo, media_type="image/jp2")] if values.photo else []
    if record := values.record:
        shown += written_fields(
            "record",
            pictures,
            name=record.name,
            birth_date=record.birth_date,
            address=record.address,
            issue_date=record.issued,
            reference_number=record.reference_number,
            colour=record.colour,
            expiry_date=record.expires,
            conditions=record.conditions,
            licence_number=record.number.value if record.number else None,
            small_and_motorbike_since=record.small_and_motorbike_since,
            other_since=record.other_since,
            second_class_since=record.second_class_since,
            licence_classes="、".join(record.categories),
            issuing_authority=record.commission,
            name_kana=record.name_kana,
            called_name=record.called_name,
            alias=record.alias,
            remarks=record.remarks,
        )
    if values.registered_domicile:
        shown.append(text_field("registered_domicile", "registered_domicile", values.registered_domicile, pictures))
    for source, changes in (("changes", values.changes), ("domicile_changes", values.domicile_changes)):
        for change in changes:
            if change.value:
                field = text_field(f"later_{change.kind}", source, change.value, pictures)
                shown.append(replace(field, since=change.date.iso() if change.date else ""))
    return shown


def _expires(values: LicenceValues) -> date | None:
    """Return the last day of the signed record; the free file, which nobody signed, does not count."""
    until = values.record.expires if values.record else None
    return until.whole if until else None
