"""The hosted check's steps: start → card → review → sign → result. The key in the path is the person's only credential.

    GET  /check/{key}          who asks, for what; whose card (sandbox)
    GET  /check/{key}/card     hold the card against the phone
    POST /check/{key}/card     the card is looked at: certificate there, tries left
    GET  /check/{key}/review   what will be signed, who gets what
    GET  /check/{key}/sign     PIN, with the tries left
    POST /check/{key}/sign     the card signs, the platform judges
    GET  /check/{key}/result   how it ended, and what to do next
    POST /check/{key}/cancel   end it and go back

The PIN comes in a body, is given to the card, and is kept nowhere: not in a session, a log, a URL or an error.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from honnin.errors import CardError, NotFoundError, PinError, ReaderError, StateError
from honnin.platform.models import SessionPage, SessionReturn
from honnin.web.check.card import Look, look_at, sign
from honnin.web.check.persons import Person, grouped, persons
from honnin.web.design import Pages, Threads, language_of, read_form, site
from honnin.words import Language, say

if TYPE_CHECKING:
    from honnin.connect.worlds import World
    from honnin.platform import Platform

__all__ = ["create_app"]

FIRST_PERSON = "hanako"
KNOWN_PURPOSES = frozenset({"account_opening", "age_check", "contract", "sign_up"})
MOODS = {
    "TOTAL-PASSED": "success",
    "PASSED": "success",
    "TOTAL-FAILED": "error",
    "FAILED": "error",
    "INDETERMINATE": "warning",
}
NEXT_STEPS = {"REVOKED": "reissue", "EXPIRED": "renew"}
DEAD_ENDS = {"card.not_issued": "not_issued", "card.pin_locked": "pin_locked"}


def create_app(platform: "Platform", *, world: "World | None", front: str | None = None) -> ASGIApp:
    """Return the pages of sessions.

    world: the sandbox whose cards a test session may use.
    front: where somebody is sent who opens this origin without a session; None: nowhere.
    """
    check = _Check(platform, world)

    async def to_front(_: Request) -> Response:
        return RedirectResponse(str(front))

    routes = [
        *([Route("/", to_front)] if front else []),
        Route("/check/{key}", check.guarded(check.start)),
        Route("/check/{key}/card", check.guarded(check.put), methods=["GET"]),
        Route("/check/{key}/card", check.guarded(check.look), methods=["POST"]),
        Route("/check/{key}/review", check.guarded(check.review)),
        Route("/check/{key}/sign", check.guarded(check.ask_pin), methods=["GET"]),
        Route("/check/{key}/sign", check.guarded(check.sign), methods=["POST"]),
        Route("/check/{key}/result", check.result),
        Route("/check/{key}/cancel", check.cancel, methods=["POST"]),
    ]
    return site(check.pages, routes, home=_home)


class _Visit:
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

    def to(self, step: str) -> str:
        """Return the address of a step with the chosen person."""
        return f"{self.here}/{step}?person={self.chosen.id}"


class _Check:
    def __init__(self, platform: "Platform", world: "World | None") -> None:
        self.pages = Pages("check")
        self._platform = platform
        self._world = world
        self._threads = Threads("check")

    def guarded(self, step: Callable[[_Visit], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a step that only an open session has."""

        async def endpoint(request: Request) -> Response:
            page = await self._threads.run(self._platform.sessions.page, request.path_params["key"])
            if page.status != "open":
                return RedirectResponse(f"/check/{request.path_params['key']}/result", status_code=303)
            if page.livemode or self._world is None:
                raise StateError(
                    "check.no_reader", "This page reaches sandbox cards only.", next="Use a reader of your own."
                )
            name = request.query_params.get("person", "")
            return await step(_Visit(request, page, await self._person(name, request)))

        return endpoint

    def _everyone(self, language: Language) -> list[Person]:
        return persons(self._world, language) if self._world else []

    async def _person(self, name: str, request: Request) -> Person | None:
        everyone = await self._threads.run(self._everyone, language_of(request))
        return next((person for person in everyone if person.id == name), None)

    # --- the steps

    async def start(self, visit: _Visit) -> Response:
        """Say who asks and for what; offer the sandbox's cards."""
        everyone = await self._threads.run(self._everyone, language_of(visit.request))
        return self._show(
            visit,
            "choose.html",
            first=next((person for person in everyone if person.id == FIRST_PERSON), None),
            groups=grouped([person for person in everyone if person.id != FIRST_PERSON]),
            chosen=visit.person.id if visit.person else FIRST_PERSON,
        )

    async def put(self, visit: _Visit) -> Response:
        """Ask to hold the card against the phone."""
        return self._show(visit, "card.html", step=2, refused="", chosen=visit.chosen)

    async def look(self, visit: _Visit) -> Response:
        """Look at the card; go on, or say why this card cannot sign."""
        visit.person = await self._person((await read_form(visit.request)).get("person", ""), visit.request)
        try:
            seen = await self._threads.run(look_at, visit.chosen.id, self._platform.settings.data)
        except (ReaderError, CardError) as error:
            return self._show(visit, "card.html", status=422, step=2, refused=self._words(visit, error.code))
        return self._dead_end(visit, seen) or RedirectResponse(visit.to("review"), status_code=303)

    async def review(self, visit: _Visit) -> Response:
        """Show what will be signed, and who receives what."""
        return self._show(visit, "review.html", step=3, chosen=visit.chosen)

    async def ask_pin(self, visit: _Visit) -> Response:
        """Ask for the PIN; the tries left are read from the card first."""
        seen = await self._threads.run(look_at, visit.chosen.id, self._platform.settings.data)
        return self._dead_end(visit, seen) or self._pin(visit, seen)

    async def sign(self, visit: _Visit) -> Response:
        """Let the card sign, and the platform judge; a wrong PIN stays on the page."""
        form = await read_form(visit.request)
        visit.person = await self._person(form.get("person", ""), visit.request)
        pin, last = form.pop("pin", ""), form.get("last_try") == "yes"
        data = self._platform.settings.data
        if not pin:
            return await self._pin_again(visit, "card.pin_missing")
        try:
            made = await self._threads.run(sign, visit.chosen.id, data, pin, visit.page.document, allow_last_try=last)
        except PinError as error:
            return await self._pin_again(visit, error.code)
        except CardError as error:
            return self._stopped(visit, error.code)
        ending = await self._threads.run(self._platform.sessions.complete, visit.request.path_params["key"], made)
        if ending.session.status == "open":
            return self._judged(visit, ending, again=visit.here)
        return RedirectResponse(f"{visit.here}/result", status_code=303)

    async def result(self, request: Request) -> Response:
        """Say how the session ended, and what to do next."""
        key = request.path_params["key"]
        page = await self._threads.run(self._platform.sessions.page, key)
        if page.status == "open":
            return RedirectResponse(f"/check/{key}", status_code=303)
        ending = await self._threads.run(self._platform.sessions.ending, key)
        visit = _Visit(request, page, None)
        if ending.verdict is not None:
            return self._judged(visit, ending)
        return self._show(
            visit,
            "result.html",
            mood="info",
            title=self._words(visit, f"check.ended_{page.status}"),
            sentence=self._words(visit, f"check.ended_{page.status}_words"),
            next_step="",
            given=False,
            again="",
            again_words="",
            back=_with_language(ending.url, language_of(request)),
        )

    async def cancel(self, request: Request) -> Response:
        """End the session as the person wished; the result leads back."""
        await read_form(request)
        key = request.path_params["key"]
        await self._threads.run(self._platform.sessions.abandon, key)
        return RedirectResponse(f"/check/{key}/result", status_code=303)

    # --- what the steps share

    def _show(self, visit: _Visit, template: str, *, status: int = 200, **context: Any) -> Response:
        page, language = visit.page, language_of(visit.request)
        known = page.purpose in KNOWN_PURPOSES
        common = {
            "session": page,
            "here": visit.here,
            "items": page.attributes,
            "purpose": say(f"check.purpose_{page.purpose}", language) if known else page.purpose,
            "person": visit.person,
            "step": 0,
        }
        return self.pages.render(visit.request, template, status=status, **{**common, **context})

    def _judged(self, visit: _Visit, ending: SessionReturn, *, again: str = "") -> Response:
        """Say what the platform found; an open session (it could not tell) may be tried again."""
        language = language_of(visit.request)
        mood = MOODS[ending.verdict.indication] if ending.verdict else "info"
        passed = mood == "success"
        return self._show(
            visit,
            "result.html",
            mood=mood,
            title=self._words(visit, f"check.result_title_{mood}"),
            sentence=ending.messages.get(language, ""),
            next_step=self._words(visit, f"check.next_{_next(ending)}", who=visit.page.tenant_name),
            step=5 if passed else 0,
            given=passed,
            again=again,
            again_words=self._words(visit, "check.again_same"),
            back="" if again else _with_language(ending.url, language),
        )

    def _pin(self, visit: _Visit, seen: Look, *, refused: str | None = None, status: int = 200) -> Response:
        sentence = self._words(visit, refused) if refused else ""
        last = refused == "card.pin_last_try"
        errors = [{"field": "last-try" if last else "pin", "sentence": sentence}] if refused else []
        if refused == "card.pin_wrong":
            errors.append({"field": "", "sentence": self._words(visit, "check.pin_tries_now", n=seen.tries_left)})
        return self._show(
            visit,
            "sign.html",
            status=status,
            step=4,
            tries_left=seen.tries_left,
            most_tries=seen.tries_of,
            tries_mood=seen.mood,
            errors=errors,
            pin_error="" if last else sentence,
            last_try_error=sentence if last else "",
        )

    async def _pin_again(self, visit: _Visit, code: str) -> Response:
        seen = await self._threads.run(look_at, visit.chosen.id, self._platform.settings.data)
        return self._dead_end(visit, seen) or self._pin(visit, seen, refused=code, status=422)

    def _dead_end(self, visit: _Visit, seen: Look) -> Response | None:
        if not seen.issued:
            return self._stopped(visit, "card.not_issued")
        if seen.tries_left == 0:
            return self._stopped(visit, "card.pin_locked")
        return None

    def _stopped(self, visit: _Visit, code: str) -> Response:
        """Say that this card cannot go on; the session stays open for another one."""
        what = DEAD_ENDS.get(code, "other")
        words = self._words(visit, f"check.stopped_{what}_words" if code in DEAD_ENDS else code)
        return self._show(
            visit,
            "result.html",
            status=422,
            mood="error",
            title=self._words(visit, f"check.stopped_{what}"),
            sentence=words,
            next_step=self._words(visit, f"check.stopped_{what}_next"),
            given=False,
            again=visit.here,
            again_words=self._words(visit, "check.again"),
            back="",
        )

    def _words(self, visit: _Visit, code: str, **values: object) -> str:
        return say(code, language_of(visit.request), **values)


def _next(ending: SessionReturn) -> str:
    """Return what a person does after a verdict, as the words' key."""
    if ending.verdict is None or MOODS[ending.verdict.indication] == "success":
        return "back"
    if ending.session.status == "open":
        return "later"
    return NEXT_STEPS.get(ending.verdict.sub_indication or "", "ask")


def _home(request: Request) -> str:
    key = request.path_params.get("key")
    return f"/check/{key}" if key else "/"


def _with_language(url: str, language: Language) -> str:
    return f"{url}{'&' if '?' in url else '?'}lang={language}"
