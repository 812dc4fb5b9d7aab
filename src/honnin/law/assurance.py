"""Assurance levels as data: which level each scale gives to a method, with confidence and the reason for a blank.

Source: reference sheet law-and-assurance §7 (2019 guideline, DADC, NIST SP 800-63-4). DS-511 is not defined here until
its level table is at hand. Choosing a level from risks is not here.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from honnin.errors import InputError
from honnin.law.rows import Confidence, Words
from honnin.law.table import TableError, rule_table

__all__ = [
    "Assurance",
    "Authenticator",
    "Mark",
    "Scale",
    "assurance",
    "authenticators",
    "harms",
    "kind_levels",
    "scales",
]

State = Literal["in_use", "superseded", "not_defined_here"]


class Scale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scale of levels."""

    name: Words
    state: State
    levels: dict[str, Words]
    confidence: Confidence
    source: str
    read_in: tuple[str, ...]
    note: Words | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A level on one scale; None where the scale has none for it, and `why` says so."""

    level: str | None
    confidence: Confidence
    why: Words | None = None


class NistView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How SP 800-63B-4 sees an authenticator where that differs."""

    phishing_resistant: bool
    confidence: Confidence
    why: Words


class Authenticator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An authenticator's level on the 2019 scale and what it resists."""

    aal_2019: str
    resists_list_attack: bool
    resists_phishing: bool
    confidence: Confidence
    source: str
    nist: NistView | None = None


class _Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    methods: tuple[str, ...]
    ial_2019: Mark
    dadc_ial: Mark
    nist_ial_4: Mark


class _Harms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    confidence: Confidence
    source: str
    levels: dict[str, dict[str, int]]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"dated": "date"}):
    source: str
    dated: str
    note: str
    scales: dict[str, Scale]
    kinds: dict[str, _Kind]
    authenticators: dict[str, Authenticator]
    harms: _Harms


class Assurance(msgspec.Struct, frozen=True, kw_only=True):
    """The levels of one method; `ds_511` is always "not_defined_here"."""

    method: str
    kind: str | None
    ial_2019: Mark
    dadc_ial: Mark
    nist_ial_4: Mark
    ds_511: Literal["not_defined_here"] = "not_defined_here"


@cache
def _file() -> _File:
    read = msgspec.json.decode(files("honnin.law").joinpath("assurance.json").read_bytes(), type=_File)
    named = [method for kind in read.kinds.values() for method in kind.methods]
    if len(named) != len(set(named)) or not set(named) <= set(rule_table().methods):
        raise TableError("assurance: a method is unknown or stands in two kinds")
    return read


def scales() -> dict[str, Scale]:
    """Return the scales by name, those superseded and not defined here included."""
    return _file().scales


def authenticators() -> dict[str, Authenticator]:
    """Return the authenticators with their levels (§7.3)."""
    return _file().authenticators


def harms() -> dict[str, dict[str, int]]:
    """Return the level that each harm asks for by its impact (`low`, `moderate`, `high`); inferred, editable (§7.1)."""
    return _file().harms.levels


def kind_levels(kind: str) -> tuple[Mark, Mark, Mark]:
    """Return the levels of a kind of method: 2019 guideline, DADC, NIST. Raises KeyError for an unknown kind."""
    found = _file().kinds[kind]
    return found.ial_2019, found.dadc_ial, found.nist_ial_4


def assurance(method_id: str) -> Assurance:
    """Return the assurance levels of a method. Raises InputError `law.unknown_method`."""
    if method_id not in rule_table().methods:
        raise InputError("law.unknown_method", "No law has such a method.", next="See `honnin law methods`.")
    for name, kind in _file().kinds.items():
        if method_id in kind.methods:
            return Assurance(
                method=method_id,
                kind=name,
                ial_2019=kind.ial_2019,
                dadc_ial=kind.dadc_ial,
                nist_ial_4=kind.nist_ial_4,
            )
    blank = Mark(level=None, confidence="?")
    return Assurance(method=method_id, kind=None, ial_2019=blank, dadc_ial=blank, nist_ial_4=blank)
