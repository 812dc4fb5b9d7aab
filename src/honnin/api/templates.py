"""Templates: the use cases that configure a session; and the comparison with a ledger that some of them end in."""

from typing import Literal

import msgspec

from honnin.api.operations import Answer, Call, Operation
from honnin.law import templates
from honnin.law.rows import Words
from honnin.law.templates import Template, needs
from honnin.platform.comparing import Comparison, ComparisonRequest
from honnin.words import in_all

__all__ = ["OPERATIONS"]


class Need(msgspec.Struct, frozen=True):
    """A service that a pending template waits for."""

    id: str
    name: Words


class Keeps(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept after the check."""

    law: str | None
    retention: str
    keep: tuple[str, ...]


class TemplateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One use case, as `POST /v1/sessions {"template": …}` uses it.

    status: `pending` ones wait for `needs` and configure nothing. rule: the row of the rule table that the case serves.
    by: `tap` ones are begun with `POST /v1/taps {"template": …}`.
    compare: grades that suffice in a comparison with your ledger. same_person: compare the session's `person`.
    """

    id: str
    case: str
    status: Literal["ready", "pending"]
    title: dict[str, str]
    text: dict[str, str]
    law: str | None
    method: str | None
    rule: str | None
    basis: str
    channel: str
    place: str
    purpose: str
    attributes: tuple[str, ...]
    signs: str
    compare: dict[str, str]
    same_person: bool
    by: Literal["session", "tap"]
    needs: tuple[Need, ...]
    record: Keeps
    source: str


class TemplateList(msgspec.Struct, frozen=True, kw_only=True):
    """Every use case of the government's material, and the trials."""

    object: Literal["list"] = "list"
    data: tuple[TemplateAnswer, ...]


def shown(one: Template) -> TemplateAnswer:
    """Return a template with its words."""
    words, taken = needs(), set(Template.__struct_fields__) - {"needs", "record", "compare"}
    return TemplateAnswer(
        **{name: getattr(one, name) for name in taken},
        status="pending" if one.pending else "ready",
        title=in_all(f"template.title_{one.id}"),
        text=in_all(f"template.text_{one.id}"),
        compare={str(name): str(grade) for name, grade in one.compare.items()},
        needs=tuple(Need(name, words[name]) for name in one.needs),
        record=Keeps(law=one.record.law, retention=one.record.retention, keep=one.record.keep),
    )


def fetch_all(call: Call) -> Answer:  # noqa: ARG001 - the same for everybody
    """Return the use-case templates: law, method, attributes wanted, words for the person, and the record kept."""
    return Answer(TemplateList(data=tuple(shown(one) for one in templates())))


def compare(call: Call) -> Answer:
    """Compare the four items of a completed session with what your ledger says; the answer repeats neither.

    Each item gets a grade with reasons. `least` says which grade suffices; `override` records a person's decision over
    a comparison that does not agree, and the grades stay as they were found.
    """
    return Answer(call.platform.compare(call.caller, call.object_id, call.body), 200)


OPERATIONS = (
    Operation(
        id="listTemplates",
        tag="law",
        method="GET",
        path="/v1/templates",
        summary="List the use-case templates",
        run=fetch_all,
        answer=TemplateList,
    ),
    Operation(
        id="compareFourItems",
        tag="sessions",
        method="POST",
        path="/v1/sessions/{id}/comparison",
        summary="Compare a session's four items with your ledger",
        run=compare,
        body=ComparisonRequest,
        answer=Comparison,
        unkeyed="it makes nothing but its event; the same values give the same grades.",
        problems=(
            "session.unknown",
            "session.not_completed",
            "session.four_items_gone",
            "session.code_missing",
            "identity.text",
        ),
    ),
)
