"""The console's pages on assurance: a level from risks, and how to introduce identity proofing.

GET /assess         the guided questionnaire; with answers in its address, the level, the ways that meet it, and why
GET /introducing    the five steps as a checklist; what adopters measured beside this environment's own figures
"""

from collections.abc import Callable
from statistics import median
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from honnin.errors import HonninError, InputError
from honnin.law import Answers, assess, effects, introduction, profiles
from honnin.law.assessing import Exclusion, Harm, Impact
from honnin.platform.models import Session, Verification
from honnin.web.design import Pages

__all__ = ["Figures", "assurance_routes"]

Figures = Callable[[], list[tuple[Session, Verification | None]]]
IMPACTS = get_args(Impact)
EXCLUSIONS = get_args(Exclusion)
HARMS = Harm.__struct_fields__
LONGEST = 100


def assurance_routes(pages: Pages, figures: Figures) -> list[Route]:
    """Return the routes of the pages. figures: the environment's latest sessions, each with its check."""

    def questions(request: Request) -> Response:
        asked = "go" in request.query_params
        answers, made, code = _answers(request), None, ""
        if asked:
            try:
                made = assess(answers)
            except InputError as error:
                code = error.code
        chosen = profiles().get(answers.profile or "")
        return pages.render(
            request,
            "assess.html",
            answers=answers,
            harms=HARMS,
            impacts=IMPACTS,
            groups=EXCLUSIONS,
            profiles=list(profiles()),
            chosen=chosen,
            made=made,
            code=code,
        )

    def introducing(request: Request) -> Response:
        return pages.render(request, "introducing.html", steps=introduction(), effects=effects(), own=_own(figures))

    return [Route("/assess", questions), Route("/introducing", introducing)]


def _answers(request: Request) -> Answers:
    """Read the answers from the address; what is not one of the choices is left out."""
    query = request.query_params
    rated: dict[str, Any] = {name: query[name] for name in HARMS if query.get(name) in IMPACTS}
    excluded: Any = tuple(name for name in EXCLUSIONS if name in query.getlist("excluded"))
    profile = query.get("profile")
    return Answers(
        procedure=query.get("procedure", "")[:LONGEST],
        channel="in_person" if query.get("channel") == "in_person" else "remote",
        impacts=Harm(**rated),
        again="again" in query,
        excluded=excluded,
        profile=profile if profile in profiles() else None,
    )


def _own(figures: Figures) -> dict[str, Any]:
    """Return this environment's figures: sessions, those that passed, and how long a person took."""
    try:
        found = figures()
    except HonninError:
        found = []
    passed = [
        (check.created_at - session.created_at).total_seconds()
        for session, check in found
        if check is not None and check.verdict.indication == "TOTAL-PASSED"
    ]
    return {"sessions": len(found), "passed": len(passed), "seconds": round(median(passed)) if passed else None}
