"""Methods: what a law offers on a day, and whether this service provider may use it (honnin.law; docs/law.md).

The day counts in Japan; without one it is the day of the tenant's clock. Every doubt of the table stands in the answer.
"""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from honnin.api.operations import Answer, Call, Operation
from honnin.law import assurance, coverage, evaluate, methods, retention, rule_table
from honnin.law.assurance import Mark
from honnin.law.offering import Method
from honnin.law.rows import Words
from honnin.platform.clock import japanese_day
from honnin.platform.tenants import standing
from honnin.words import in_all

__all__ = ["OPERATIONS"]

Name = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z_]*\Z")]
WHO = frozenset({"verifier_status", "number_handler", "obliged_entity", "apply_2027_rules", "min_age", "residency"})


class MethodQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Query of the methods: one law, a day, and what is known of the person and the device."""

    law: Annotated[Name, Meta(examples=["aml"])]
    on: Annotated[date, Meta(examples=["2027-04-01"])] | None = None
    channel: Literal["remote", "in_person", "mail", "phone"] | None = None
    device: Name | None = None
    age: Annotated[int, Meta(ge=0, le=150)] | None = None
    residency: Literal["resident", "outside_resident_register", "moved_abroad"] | None = None
    kind: Literal["person", "corporation"] = "person"


class Obstacle(Struct, frozen=True):
    """Why this service provider or person may not use a method: the condition and the article it comes from."""

    condition: str
    article: str
    source: str


class Levels(Struct, frozen=True, kw_only=True):
    """Assurance levels by scale; null where a scale has none, and `why` says so."""

    ial_2019: Mark
    dadc_ial: Mark
    nist_ial_4: Mark
    ds_511: Literal["not_defined_here"]


class Keeping(Struct, frozen=True, kw_only=True):
    """How long the record is kept: years from the latest of the events; null while needed."""

    years: int | None
    counts_from: tuple[str, ...]
    law: str


class LawfulMethod(Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """One method that is in force on the day.

    label: the letter or item number under the revision of that day; the id never changes.
    ways: each is a whole set of evidence that satisfies it. available: whether this service provider may use it.
    uncertain: what of the row is inferred: `row`, `start`, `article`, `attach`.
    """

    id: str
    name: dict[str, str]
    label: str | None
    article: str
    since: date
    until: date | None
    channels: tuple[str, ...]
    with_mail: bool
    ways: tuple[tuple[str, ...], ...]
    documents: tuple[str, ...]
    signed_items: tuple[str, ...]
    declared_items: tuple[str, ...]
    residency: tuple[str, ...]
    transactions: tuple[str, ...]
    min_age: int | None
    available: bool
    obstacles: tuple[Obstacle, ...]
    keep: tuple[str, ...]
    attach: tuple[str, ...]
    retention: Keeping
    assurance: Levels
    confidence: str
    uncertain: tuple[str, ...]
    note: Words | None
    source: str
    read_in: tuple[str, ...]


class MethodList(Struct, frozen=True, kw_only=True):
    """The methods of a law on a day. `coverage` is `not_covered` before the table begins: then nothing is said."""

    object: Literal["list"] = "list"
    law: str
    name: Words
    on: date
    coverage: Literal["covered", "not_covered"]
    revision: str
    note: Words | None
    transition: Words | None
    data: tuple[LawfulMethod, ...]


def fetch_all(call: Call) -> Answer:
    """Return the methods that a law offers on a day in Japan, with what each asks for, keeps, and its sources."""
    query: MethodQuery = call.query
    on = query.on or japanese_day(call.platform.clock(call.caller))
    person: dict[str, Any] = {"kind": query.kind}
    person |= {name: given for name in ("age", "residency") if (given := getattr(query, name)) is not None}
    found = methods(query.law, on=on, channel=query.channel, device=query.device, person=person)
    law = rule_table().laws[query.law]
    return Answer(
        MethodList(
            law=query.law,
            name=law.name,
            on=on,
            coverage=coverage(query.law, on),
            revision=rule_table().revision(query.law, on),
            note=law.note,
            transition=law.transition,
            data=tuple(_shown(method, call, on, person) for method in found),
        )
    )


def _shown(method: Method, call: Call, on: date, person: dict[str, Any]) -> LawfulMethod:
    decision = evaluate(method.law, method.id, (), on=on, tenant=standing(call.caller.tenant), person=person)
    levels, kept = assurance(method.id), retention(method.id, {})
    refused = decision.status == "not_available"
    unmet = [c for c in decision.conditions if refused and not c.met and c.id in WHO]
    taken = LawfulMethod.__struct_fields__
    return LawfulMethod(
        **{name: getattr(method, name) for name in Method.__struct_fields__ if name in taken and name != "retention"},
        name=in_all(f"law.method_{method.id.partition('.')[2]}"),
        available=not refused,
        obstacles=tuple(Obstacle(c.id, c.article, c.source) for c in unmet),
        retention=Keeping(years=kept.years, counts_from=kept.counts_from, law=kept.law),
        assurance=Levels(
            ial_2019=levels.ial_2019, dadc_ial=levels.dadc_ial, nist_ial_4=levels.nist_ial_4, ds_511=levels.ds_511
        ),
    )


OPERATIONS = (
    Operation(
        id="listMethods",
        tag="law",
        method="GET",
        path="/v1/methods",
        summary="Ask which methods a law offers on a day",
        run=fetch_all,
        query=MethodQuery,
        answer=MethodList,
        problems=("law.unknown", "law.device"),
    ),
)
