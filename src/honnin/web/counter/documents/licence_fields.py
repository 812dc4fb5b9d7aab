"""Fields of a licence's record, of the card and of the application on a My Number Card (マイナ免許証)."""

from collections.abc import Iterator, Mapping

from honnin.chip.drivers_licence import LicenceRecord, Run, Text
from honnin.identity.dates import PartialDate
from honnin.web.counter.seen import Field

__all__ = ["licence_fields", "text_field", "written_fields"]


def licence_fields(record: LicenceRecord) -> Iterator[Field]:
    """Return what the application on a My Number Card says, its number under a name of its own.

    It does not say how large its characters without a code are, so they show as gaps.
    """
    if record.photo:
        yield Field("licence_portrait", "licence", image=record.photo, media_type="image/jp2")
    yield from written_fields(
        "licence",
        {},
        licence_expiry=record.expires,
        licence_colour=record.colour,
        licence_conditions=record.conditions,
        licence_record_number=record.number.value if record.number else None,
        licence_classes="、".join(record.categories),
        licence_remarks=record.remarks,
        driving_record_number=record.driving_record_number,
    )


def written_fields(
    source: str, pictures: Mapping[int, bytes], **values: PartialDate | Text | tuple[Text, ...] | str | None
) -> Iterator[Field]:
    """Return what was recorded in a file, by name. pictures: of characters that no code has, by number."""
    for name, value in values.items():
        if isinstance(value, PartialDate):
            yield Field(name, source, value.iso(), form="era_date", era=value.era)
        elif isinstance(value, str) and value:
            yield Field(name, source, value)
        elif isinstance(value, Text) and value.runs:
            yield text_field(name, source, value, pictures)
        elif isinstance(value, tuple) and value:
            yield text_field(name, source, Text(tuple(_joined(value))), pictures)


def _joined(texts: tuple[Text, ...]) -> Iterator[Run]:
    for n, text in enumerate(texts):
        if n:
            yield Run("text", "、")
        yield from text.runs


def text_field(name: str, source: str, text: Text, pictures: Mapping[int, bytes]) -> Field:
    """Return a text, with the pictures of its characters that no code has."""
    pieces = tuple(run.text if run.kind == "text" else pictures.get(run.glyph or 0, b"") for run in text.runs)
    return Field(name, source, text.plain, pieces=() if text.whole else pieces)
