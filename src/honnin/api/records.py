"""Verification records: make one from a check, add to it, start its retention clock, take it out.

No GET carries a value of a record: what is in it comes by `POST …/export`, which names who took it and leaves an event.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from honnin.api.operations import Answer, Call, Operation
from honnin.api.paging import PageQuery
from honnin.law.rows import Words
from honnin.platform.records import Entry, Record, RecordRequest, record_laws
from honnin.platform.records.making import Statements, Who

__all__ = ["OPERATIONS"]


class RecordItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a law's record. from_check: the check fills it; `confidence` "?" is inferred."""

    number: str | None
    id: str
    name: Words
    when: str
    from_check: bool
    confidence: str


class RecordLawAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one law's record contains, how long it is kept, and what is kept beside it."""

    law: str
    title: Words
    article: str
    retention: str
    evidence: str
    note: Words | None
    items: tuple[RecordItem, ...]


class RecordLawList(msgspec.Struct, frozen=True, kw_only=True):
    """Every law that has a record."""

    object: Literal["list"] = "list"
    data: tuple[RecordLawAnswer, ...]


class RecordPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of records, newest first."""

    object: Literal["list"] = "list"
    data: tuple[Record, ...]
    has_more: bool
    next: str | None = None


class Correction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was learnt or was wrong: values by item id, who says so, and why."""

    by: Who
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    items: Statements

    def __repr__(self) -> str:
        return "Correction(…)"


class RelationEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The day on which the relation, and every transaction that the check covered, had ended."""

    on: date


class Export(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who takes the record out."""

    by: Who


class RecordExport(msgspec.Struct, frozen=True, kw_only=True):
    """A record with every entry. `pdf` and `csv` are base64: A4 in Japanese, and UTF-8 with a BOM."""

    object: Literal["record_export"] = "record_export"
    record: Record
    entries: tuple[Entry, ...]
    pdf: bytes
    csv: bytes


def laws(call: Call) -> Answer:  # noqa: ARG001 - the same for everybody
    """Return what each law's record contains, item by item."""
    return Answer(
        RecordLawList(
            data=tuple(
                RecordLawAnswer(
                    law=name,
                    title=law.title,
                    article=law.article,
                    retention=law.retention,
                    evidence=law.evidence,
                    note=law.note,
                    items=tuple(
                        RecordItem(
                            number=item.number,
                            id=item.id,
                            name=Words(ja=item.ja, en=item.en),
                            when=item.when,
                            from_check=item.from_check,
                            confidence=item.confidence,
                        )
                        for item in law.items
                    ),
                )
                for name, law in record_laws().items()
            )
        )
    )


def make(call: Call) -> Answer:
    """Make the statutory record of a check that passed; the check fills what it knows, you state the rest."""
    made = call.platform.records.make(call.caller, call.body, idempotency_key=call.idempotency_key)
    return Answer(made, 201, {"Location": f"/v1/records/{made.id}"})


def fetch(call: Call) -> Answer:
    """Return a record without its values: what is missing, and until when it is kept."""
    return Answer(call.platform.records.read(call.caller, call.object_id))


def fetch_all(call: Call) -> Answer:
    """Return the records, newest first."""
    found, more = call.platform.records.list(call.caller, after=call.query.after, limit=call.query.limit)
    return Answer(RecordPage(data=found, has_more=more, next=found[-1].id if found else None))


def correct(call: Call) -> Answer:
    """Add what was learnt or was wrong. Earlier entries stay as they were."""
    body: Correction = call.body
    made = call.platform.records.correct(
        call.caller,
        call.object_id,
        by=body.by,
        reason=body.reason,
        items=body.items,
        idempotency_key=call.idempotency_key,
    )
    return Answer(made)


def end_relation(call: Call) -> Answer:
    """Start the retention clock. A later day may follow; an earlier one is refused."""
    return Answer(call.platform.records.end_relation(call.caller, call.object_id, call.body.on))


def export(call: Call) -> Answer:
    """Return a record with its values, as data, PDF and CSV; who took it stands in an event."""
    from honnin.platform.records.showing import as_csv, as_pdf

    record, entries = call.platform.records.export(call.caller, call.object_id, by=call.body.by)
    csv = as_csv([(record, entries)], bom=True)
    return Answer(RecordExport(record=record, entries=entries, pdf=as_pdf(record, entries), csv=csv))


STATED = ("record.item", "record.hidden_characters", "record.individual_number", "record.certificate")
OPERATIONS = (
    Operation(
        id="listRecordLaws",
        tag="records",
        method="GET",
        path="/v1/record-laws",
        summary="See what each law's record contains",
        run=laws,
        answer=RecordLawList,
    ),
    Operation(
        id="createRecord",
        tag="records",
        method="POST",
        path="/v1/records",
        summary="Make the verification record of a check",
        run=make,
        body=RecordRequest,
        answer=Record,
        status=201,
        idempotent=True,
        problems=(
            *STATED,
            "record.law",
            "record.not_passed",
            "record.exists",
            "record.certificate_kept",
            "verification.unknown",
            "evidence.gone",
        ),
    ),
    Operation(
        id="listRecords",
        tag="records",
        method="GET",
        path="/v1/records",
        summary="List records",
        run=fetch_all,
        query=PageQuery,
        answer=RecordPage,
        problems=("record.unknown",),
    ),
    Operation(
        id="getRecord",
        tag="records",
        method="GET",
        path="/v1/records/{id}",
        summary="See a record without its values",
        run=fetch,
        answer=Record,
        problems=("record.unknown",),
    ),
    Operation(
        id="correctRecord",
        tag="records",
        method="POST",
        path="/v1/records/{id}/corrections",
        summary="Add to a record",
        run=correct,
        body=Correction,
        answer=Record,
        idempotent=True,
        problems=(*STATED, "record.unknown", "record.ended", "record.empty", "record.full"),
    ),
    Operation(
        id="endRecordRelation",
        tag="records",
        method="POST",
        path="/v1/records/{id}/relation-end",
        summary="Start a record's retention clock",
        run=end_relation,
        body=RelationEnd,
        answer=Record,
        unkeyed="the same day again changes nothing.",
        problems=("record.unknown", "record.ended", "record.no_clock", "record.future", "record.clock_back"),
    ),
    Operation(
        id="exportRecord",
        tag="records",
        method="POST",
        path="/v1/records/{id}/export",
        summary="Take a record out: data, PDF, CSV",
        run=export,
        body=Export,
        answer=RecordExport,
        unkeyed="each time that a record is taken out leaves its own event.",
        problems=("record.unknown", "record.ended"),
    ),
)
