"""Assessments: answers about a procedure's risks → level, the ways that meet it, their burden, and the reason.

Nothing is stored: the answer carries the answers, and the same answers always give the same result.
"""

from honnin.api.operations import Answer, Call, Operation
from honnin.law import Answers, Assessment, assess

__all__ = ["OPERATIONS"]


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
        problems=("law.profile", "law.no_impact"),
    ),
)
