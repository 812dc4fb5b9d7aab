"""One request to the page of a session that is open, and what every template needs of it."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from honnin.errors import NotFoundError
from honnin.law import templates
from honnin.platform.models import SessionPage
from honnin.web.check.endings import told
from honnin.web.check.persons import Person
from honnin.web.design import language_of
from honnin.words import say

__all__ = ["BY_SERVICE", "Visit"]

BY_SERVICE = "way=digital_auth"  # in the address of the result; a card's has its person

KNOWN_PURPOSES = frozenset({"account_opening", "account_recovery", "age_check", "contract", "login", "sign_up"})


class Visit:
    """One request to a session that is open: its page, the person, and what every template needs."""

    def __init__(self, request: Request, page: SessionPage, person: Person | None) -> None:
        self.request = request
        self.page = page
        self.here = f"/check/{request.path_params['key']}"
        self.person = person

    @property
    def chosen(self) -> Person:
        """The person whose card is used. Raises NotFoundError where none was chosen."""
        if self.person is None:
            raise NotFoundError("check.person_unknown", "There is no such person in the sandbox.", next="Choose one.")
        return self.person

    @property
    def kind(self) -> str:
        """The end of the keys of words that a login says otherwise."""
        return "_login" if self.page.is_login else ""

    @property
    def purpose(self) -> str:
        """What the check is for, in words where there are some: a template's title, or one of the usual purposes."""
        purpose, language = self.page.purpose, language_of(self.request)
        if purpose in KNOWN_PURPOSES:
            return say(f"check.purpose_{purpose}", language)
        if any(one.id == purpose for one in templates()):
            return say(f"template.title_{purpose}", language)
        return purpose

    @property
    def asker(self) -> str:
        """Who asks, in the language of the page; the registered name always stands there."""
        registered = self.page.tenant_name
        given = self.page.requester.get(language_of(self.request), registered)
        return registered if given == registered else f"{given} ({registered})"

    @property
    def by_service(self) -> bool:
        """Whether the person came to this result by the Digital Authentication Service, as its address says."""
        return self.person is None and self.request.query_params.get("way") == "digital_auth"

    @property
    def told(self) -> str:
        """The code that this page was asked to say, if any."""
        return told(self.request.query_params.get("told", ""))

    def to(self, step: str, *, telling: str = "") -> Response:
        """Send the browser to a step with the chosen person, and with a code for it to say."""
        query = {"person": self.chosen.id, **({"told": telling} if telling else {})}
        return RedirectResponse(f"{self.here}/{step}?{urlencode(query)}", status_code=303)

    def to_result(self) -> Response:
        """Send the browser to how the session ended, with the person whose card was used, if any."""
        query = f"?{urlencode({'person': self.person.id})}" if self.person else ""
        return RedirectResponse(f"{self.here}/result{query}", status_code=303)
