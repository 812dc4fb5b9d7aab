"""Use-case templates: what a session asks for, one entry a use case of the government's material, and the trials.

Source: reference sheet seed-facts (use cases 1–17), seed 004; the entries are data (`templates.json`). A template says
law, method, the attributes wanted (no more than the case needs) and the record that is kept; its words for the person
stand in `words/template.json`. One that needs a service which does not exist here yet says so and configures nothing.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from honnin.errors import InputError
from honnin.identity import DERIVED
from honnin.identity.grades import Grade
from honnin.law.rows import Words
from honnin.law.table import TableError, rule_table

__all__ = ["Template", "TemplateRecord", "needs", "template", "templates"]

FOUR_ITEMS = ("name", "address", "birth_date", "sex")


class TemplateRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept after the check: the law whose record it is, the retention rule, and what is kept."""

    law: str | None
    retention: str
    keep: tuple[str, ...]


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One use case.

    case: its number in the material (`1` … `17`), or `trial`. basis: the legal basis as printed there.
    law, method: what a session asks the rule table; rule: the row that the case serves, even if no session judges it.
    signs: the template's own words or the provider's `text`, its `document`, or several `files` as one.
    compare: grades that suffice when name and address are compared with the provider's own ledger.
    same_person: the provider compares the session's `person` with the one it knows.
    by: what carries it out, a session or a tap of a customer who registered before; `outdoor` ones never use tap.
    needs: services that do not exist here yet; such a template is pending.
    """

    id: str
    case: str
    law: str | None
    rule: str | None
    method: str | None = None
    basis: str
    channel: Literal["remote", "in_person"]
    place: Literal["online", "indoor", "outdoor"]
    purpose: str
    attributes: tuple[str, ...]
    signs: Literal["text", "document", "files"]
    compare: dict[Literal["name", "address"], Grade] = {}
    same_person: bool = False
    by: Literal["session", "tap"] = "session"
    needs: tuple[str, ...] = ()
    record: TemplateRecord
    source: str

    @property
    def pending(self) -> bool:
        """Whether it needs a service that does not exist here yet."""
        return bool(self.needs)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: str
    date: str
    note: str
    needs: dict[str, Words]
    templates: tuple[Template, ...]


def read_templates(content: bytes) -> _File:
    """Read the templates and check them.

    Raises TableError for a template that stands twice, names what the rule table does not have, an attribute that
    nobody can answer or a need without words, or uses tap out of doors.
    """
    try:
        read = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError as error:
        raise TableError(f"templates: {error}") from error
    table = rule_table()
    if len({one.id for one in read.templates}) != len(read.templates):
        raise TableError("templates: one stands twice")
    for one in read.templates:
        known: dict[str, set[Any]] = {
            "attribute": set(one.attributes) - {*FOUR_ITEMS, *DERIVED},
            "need": set(one.needs) - set(read.needs),
            "law": {one.law, one.record.law} - {None, *table.laws},
            "method": {one.method, one.rule} - {None, *table.methods},
            "retention rule": {one.record.retention} - set(table.retention),
        }
        for what, unknown in known.items():
            if unknown:
                raise TableError(f"template {one.id}: unknown {what} {sorted(unknown)}")
        if one.place == "outdoor" and (one.by == "tap" or one.rule == "jpki.tap_use"):
            raise TableError(f"template {one.id}: tap is not for use out of doors")
        if one.by == "tap" and (one.law is not None or one.place != "indoor" or (one.attributes and not one.needs)):
            raise TableError(f"template {one.id}: a tap is indoors, gives no attributes, and no law takes it")
        if (one.law is None) is not (one.method is None):
            raise TableError(f"template {one.id}: law and method go together")
    return read


@cache
def _file() -> _File:
    return read_templates(files("honnin.law").joinpath("templates.json").read_bytes())


def templates() -> tuple[Template, ...]:
    """Return every template, the use cases in their order and then the trials."""
    return _file().templates


def needs() -> dict[str, Words]:
    """Return the services that pending templates need, in words."""
    return _file().needs


def template(name: str) -> Template:
    """Return one template. Raises InputError `template.unknown`."""
    for one in templates():
        if one.id == name:
            return one
    raise InputError("template.unknown", "There is no such template.", next="See `honnin law templates`.")
