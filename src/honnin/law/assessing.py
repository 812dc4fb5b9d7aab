"""Risk assessment of a procedure: impacts by harm → level → ways that meet it, with their burden and the reason.

The procedure is that of DS-511 (3.1 review the procedure … 3.6 evaluate continuously); its own level table is not at
hand, so that the level is one of the 2019 scale and DS-511's is "not_defined_here". Mapping and burdens are data
(`assessing.json`, `assurance.json`), editable. Source: reference sheet law-and-assurance §7.1–§7.4, seed-facts.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from honnin.errors import InputError
from honnin.law.assurance import authenticators, harms, kind_levels
from honnin.law.rows import Confidence

__all__ = [
    "Answers",
    "Assessment",
    "Effect",
    "Harm",
    "Profile",
    "Risk",
    "Step",
    "WayFound",
    "assess",
    "effects",
    "introduction",
    "profiles",
]

Impact = Literal["none", "low", "moderate", "high"]
Exclusion = Literal["no_my_number_card", "no_chip_phone", "forgotten_pin", "under_15", "no_photo_id"]
Review = Literal["none", "immediate", "hours_to_days", "days"]


class Harm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How bad each harm would be if the wrong person got through; `none` where it cannot happen."""

    distress: Impact = "none"
    financial: Impact = "none"
    programmes: Impact = "none"
    sensitive_data: Impact = "none"
    personal_safety: Impact = "none"
    legal_violation: Impact = "none"


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answers of an assessment.

    procedure: what is assessed, in one's own words (3.1). impacts: of an identity proofing that went wrong (3.2).
    again: whether the person comes back and must be recognised; `again_impacts` then, or `impacts` where empty.
    excluded: people who must not be left out (3.4). profile: an industry guideline that sets the level instead.
    """

    procedure: str = ""
    channel: Literal["remote", "in_person"] = "remote"
    impacts: Harm = Harm()
    again: bool = False
    again_impacts: Harm | None = None
    excluded: tuple[Exclusion, ...] = ()
    profile: str | None = None
    approver: str | None = None
    review_on: str | None = None


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """One harm, its impact, and the level that it asks for."""

    harm: str
    impact: Impact
    level: int


class WayFound(msgspec.Struct, frozen=True, kw_only=True):
    """A way of identity proofing beside the level: whether it meets it, and what it costs both sides.

    seconds: of the person, None where no source says. review: until the business has the result.
    leaves_out: people named in the answers who cannot use it.
    """

    way: str
    ial_2019: str | None
    dadc_ial: str | None
    nist_ial_4: str | None
    meets: bool
    seconds: int | None
    steps: tuple[str, ...]
    documents: tuple[str, ...]
    pin: bool
    review: Review
    leaves_out: tuple[Exclusion, ...]
    confidence: Confidence


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from the answers.

    ial, aal: levels of the 2019 scale; aal None where nobody comes back. decided_by: the harms (or `profile`) behind.
    ways: those that meet the level, the least burden first, then the others. residual: people whom no way that meets
    the level serves. mapping_confidence: "?" as the mapping of impacts is inferred.
    """

    object: Literal["assessment"] = "assessment"
    answers: Answers
    risks: tuple[Risk, ...]
    again_risks: tuple[Risk, ...]
    ial: str
    aal: str | None
    decided_by: tuple[str, ...]
    ds_511: Literal["not_defined_here"] = "not_defined_here"
    ways: tuple[WayFound, ...]
    authenticators: tuple[str, ...]
    residual: tuple[Exclusion, ...]
    procedure: tuple[str, ...]
    mapping_confidence: Confidence = "?"


class Combination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One combination of a guideline's table; aal None: proof each time."""

    ial: str
    aal: str | None
    way: str
    accepted: bool


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An industry guideline that says which levels suffice."""

    ial_2019: str
    aal_2019: str
    age: int
    channel: Literal["remote", "in_person"]
    source: str
    confidence: Confidence
    combinations: tuple[Combination, ...]


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the five steps of introducing identity proofing, with its points."""

    id: str
    phase: Literal["before", "after"]
    points: tuple[str, ...]


class Effect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an industry measured: share of JPKI in % before and after, time, cost, and what else."""

    share: tuple[int, int]
    time: str
    cost: str
    other: str


class _Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    seconds: int | None
    steps: tuple[str, ...]
    documents: tuple[str, ...]
    pin: bool
    review: Review
    confidence: Confidence


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: str
    date: str
    note: str
    procedure: tuple[str, ...]
    ways: dict[str, _Way]
    channels: dict[Literal["remote", "in_person"], tuple[str, ...]]
    excluded_by: dict[Exclusion, tuple[str, ...]]
    profiles: dict[str, Profile]
    introduction: tuple[Step, ...]
    effects: dict[str, Any]


@cache
def _file() -> _File:
    return msgspec.json.decode(files("honnin.law").joinpath("assessing.json").read_bytes(), type=_File)


def profiles() -> dict[str, Profile]:
    """Return the ready-made profiles by name."""
    return _file().profiles


def introduction() -> tuple[Step, ...]:
    """Return the five steps of introducing identity proofing."""
    return _file().introduction


def effects() -> dict[str, Effect]:
    """Return what adopters measured, by industry."""
    found = {name: row for name, row in _file().effects.items() if name != "source"}
    return msgspec.convert(found, dict[str, Effect])


def assess(answers: Answers) -> Assessment:
    """Judge the answers: pure, the same answers always give the same result.

    Raises InputError `law.profile` for a profile that does not exist, `law.no_impact` where no harm is rated and no
    profile chosen: a level needs a reason.
    """
    risks = _risks(answers.impacts)
    again = _risks(answers.again_impacts or answers.impacts) if answers.again else ()
    if answers.profile is not None:
        chosen = profiles().get(answers.profile)
        if chosen is None:
            raise InputError("law.profile", "There is no such profile.", next=f"Use {', '.join(profiles())}.")
        ial, aal = int(chosen.ial_2019), chosen.aal_2019 if answers.again else None
        decided: tuple[str, ...] = ("profile",)
    else:
        if not risks:
            raise InputError("law.no_impact", "No harm is rated: no level follows.", next="Rate at least one harm.")
        ial = max(risk.level for risk in risks)
        aal = str(max(risk.level for risk in again)) if again else None
        decided = tuple(risk.harm for risk in risks if risk.level == ial)
    ways = sorted((_way(name, ial, answers) for name in _file().channels[answers.channel]), key=_burden)
    served = [way for way in ways if way.meets]
    return Assessment(
        answers=answers,
        risks=risks,
        again_risks=again,
        ial=str(ial),
        aal=aal,
        decided_by=decided,
        ways=tuple(ways),
        authenticators=tuple(name for name, one in authenticators().items() if aal is not None and one.aal_2019 >= aal),
        residual=tuple(group for group in answers.excluded if all(group in way.leaves_out for way in served)),
        procedure=_file().procedure,
    )


def _risks(impacts: Harm) -> tuple[Risk, ...]:
    rated = {name: getattr(impacts, name) for name in Harm.__struct_fields__}
    return tuple(
        Risk(harm=harm, impact=impact, level=harms()[harm][impact])
        for harm, impact in rated.items()
        if impact != "none"
    )


def _way(name: str, level: int, answers: Answers) -> WayFound:
    way = _file().ways[name]
    ial, dadc, nist = kind_levels(way.kind)
    return WayFound(
        way=name,
        ial_2019=ial.level,
        dadc_ial=dadc.level,
        nist_ial_4=nist.level,
        meets=ial.level is not None and int(ial.level) >= level,
        seconds=way.seconds,
        steps=way.steps,
        documents=way.documents,
        pin=way.pin,
        review=way.review,
        leaves_out=tuple(group for group in answers.excluded if name in _file().excluded_by[group]),
        confidence=way.confidence,
    )


def _burden(way: WayFound) -> tuple[bool, int, int, str]:
    return (not way.meets, len(way.leaves_out), way.seconds if way.seconds is not None else 10_000, way.way)
