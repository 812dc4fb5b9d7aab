"""The driver's licence at the counter: the customer keys in both PINs; what was appended after issue stays grey."""

from collections.abc import Callable
from datetime import date
from functools import partial

from honnin.chip import Challenge, Pin, Proof, Reading, Trust
from honnin.chip.drivers_licence import DriversLicence, LicenceValues
from honnin.chip.readers import Reader
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
    shown = [Field("portrait", "photo", image=values.photo, media_type="image/jp2")] if values.photo else []
    if record := values.record:
        texts = {
            "name": record.name and record.name.plain,
            "name_kana": record.name_kana and record.name_kana.plain,
            "alias": record.alias and record.alias.plain,
            "birth_date": record.birth_date and record.birth_date.iso(),
            "address": record.address and record.address.plain,
            "issue_date": record.issued and record.issued.iso(),
            "expiry_date": record.expires and record.expires.iso(),
            "licence_number": record.number and record.number.value,
            "licence_classes": "、".join(record.categories),
            "conditions": "、".join(text.plain for text in record.conditions),
            "issuing_authority": record.commission and record.commission.plain,
        }
        shown += [Field(name, "record", text) for name, text in texts.items() if text]
    if values.registered_domicile:
        shown.append(Field("registered_domicile", "registered_domicile", values.registered_domicile.plain))
    for source, changes in (("changes", values.changes), ("domicile_changes", values.domicile_changes)):
        for change in changes:
            if change.value:
                when = change.date.iso() if change.date else "–"
                shown.append(Field("later", source, f"{change.value.plain} ({when})"))
    return shown


def _expires(values: LicenceValues) -> date | None:
    """Return the last day of the signed record; the free file, which nobody signed, does not count."""
    until = values.record.expires if values.record else None
    return until.whole if until else None
