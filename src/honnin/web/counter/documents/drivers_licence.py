"""The driver's licence at the counter: the customer keys in both PINs; what was appended after issue stays grey."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial

from honnin.chip import Challenge, Pin, Proof, Reading, Trust
from honnin.chip.drivers_licence import DriversLicence, LicenceValues, Run, Text
from honnin.chip.readers import Reader
from honnin.identity.dates import PartialDate
from honnin.web.counter.documents.asking import Entry
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
        pins = tuple(Pin(name, given[name]) for name in ("pin_1", "pin_2"))
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
    licence: DriversLicence, pins: tuple[Pin, ...], challenge: Challenge, trust: Trust
) -> tuple[Reading[LicenceValues], tuple[Proof, ...]]:
    for pin in pins:
        licence.card.unlock(pin)
    return licence.card.read(), licence.card.prove(challenge, trust=trust)


def _fields(values: LicenceValues) -> list[Field]:
    """Return the fields, those on the card's front first and in its order."""
    pictures = {glyph.number: glyph.tiff() or b"" for glyph in values.glyphs}
    shown = [Field("portrait", "photo", image=values.photo, media_type="image/jp2")] if values.photo else []
    if record := values.record:
        shown += _written(
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
        shown.append(_text("registered_domicile", "registered_domicile", values.registered_domicile, pictures))
    for source, changes in (("changes", values.changes), ("domicile_changes", values.domicile_changes)):
        for change in changes:
            if change.value:
                field = _text(f"later_{change.kind}", source, change.value, pictures)
                shown.append(replace(field, since=change.date.iso() if change.date else ""))
    return shown


def _written(
    pictures: Mapping[int, bytes], **values: PartialDate | Text | tuple[Text, ...] | str | None
) -> Iterator[Field]:
    """Return what was recorded of the signed file, by name."""
    for name, value in values.items():
        if isinstance(value, PartialDate):
            yield Field(name, "record", value.iso(), form="era_date", era=value.era)
        elif isinstance(value, str) and value:
            yield Field(name, "record", value)
        elif isinstance(value, Text) and value.runs:
            yield _text(name, "record", value, pictures)
        elif isinstance(value, tuple) and value:
            yield _text(name, "record", Text(tuple(_joined(value))), pictures)


def _joined(texts: tuple[Text, ...]) -> Iterator[Run]:
    for n, text in enumerate(texts):
        if n:
            yield Run("text", "、")
        yield from text.runs


def _text(name: str, source: str, text: Text, pictures: Mapping[int, bytes]) -> Field:
    """Return a text, with the pictures of its characters that no code has."""
    pieces = tuple(run.text if run.kind == "text" else pictures.get(run.glyph or 0, b"") for run in text.runs)
    return Field(name, source, text.plain, pieces=() if text.whole else pieces)


def _expires(values: LicenceValues) -> date | None:
    """Return the last day of the signed record; the free file, which nobody signed, does not count."""
    until = values.record.expires if values.record else None
    return until.whole if until else None
