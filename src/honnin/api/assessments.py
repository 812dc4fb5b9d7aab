"""Assessments: answers about a procedure's risks → level, the ways that meet it, their burden, and the reason; and the
simulation of another day's law over a tenant's own past checks.

Nothing is stored: the answer carries the answers, and the same answers always give the same result.
"""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from honnin.api.operations import Answer, Call, Operation
from honnin.law import Answers, Assessment, assess
from honnin.platform.simulating import Simulation

__all__ = ["OPERATIONS"]


class SimulationQuery(Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Which day's law, over which of your checks: by default those of the last 31 days. early: the switch of 2027."""

    on: Annotated[date, Meta(examples=["2027-04-01"])]
    since: Annotated[date, Meta(examples=["2026-10-01"])] | None = None
    until: Annotated[date, Meta(examples=["2026-10-31"])] | None = None
    early: bool | None = None


def simulate(call: Call) -> Answer:
    """Say of the checks you made which would no longer have been lawful on a day: a forecast, by method and reason."""
    query: SimulationQuery = call.query
    made = call.platform.simulate(call.caller, on=query.on, since=query.since, until=query.until, early=query.early)
    return Answer(made)


def make(call: Call) -> Answer:
    """Judge a procedure's risks by the six harms, or by an industry's profile. No level of DS-511 is defined here."""
    return Answer(assess(call.body))


OPERATIONS = (
    Operation(
        id="assessRisk",
        tag="law",
        method="POST",
        path="/v1/assessments",
        summary="Assess a procedure's risks",
        run=make,
        body=Answers,
        answer=Assessment,
        unkeyed="nothing is stored; the same answers give the same result.",
        problems=("law.profile", "law.no_impact"),
    ),
    Operation(
        id="simulateLaw",
        tag="law",
        method="GET",
        path="/v1/simulation",
        summary="Ask which past checks another day's law would refuse",
        run=simulate,
        query=SimulationQuery,
        answer=Simulation,
        problems=("simulation.span",),
    ),
)
