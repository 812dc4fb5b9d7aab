"""The hosted check's steps: start → card → review → sign → result. The key in the path is the person's only credential.

    GET  /check/{key}          who asks, for what; whose card (sandbox)
    GET  /check/{key}/card     hold the card against the phone
    POST /check/{key}/card     the card is looked at: certificate there, tries left
    GET  /check/{key}/stopped  why this card cannot go on
    GET  /check/{key}/review   what will be signed, who gets what
    GET  /check/{key}/sign     PIN, with the tries left
    POST /check/{key}/sign     the card signs, the platform judges
    GET  /check/{key}/result   how it ended, and what to do next
    POST /check/{key}/cancel   end it as the person wishes; the result leads back
    POST /check/{key}/leave    go back after a card that cannot sign, or after "could not tell"

    GET  /check/{key}/digital-auth   what will be signed, before the Digital Authentication Service asks for the card
    POST /check/{key}/digital-auth   off to that service
    GET  /digital-auth/return        back from it: one address for all sessions (`handover`)

Every POST is answered with a redirect to a GET, so that reloading, going back or changing the language never sends a
form again; what a page then has to say is a code in its address. A form that signs carries what was true when it was
shown (tries left, last verification): sent twice, it reaches the card once.

The browser that ends a session gets a cookie with the code of the return address: whoever else has the page's address
sees how it ended, but comes back without the code.

The PIN comes in a body, is given to the card, and is kept nowhere: not in a session, a log, a URL or an error.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from honnin.errors import CardError, HonninError, PinError, ReaderError, StateError
from honnin.platform.models import SessionPage, SessionReturn, Way
from honnin.platform.session_rows import RESULT_FOR
from honnin.web.check.card import Look, look_at, sign
from honnin.web.check.device import device_of, remember_device
from honnin.web.check.documents import unseen
from honnin.web.check.endings import DEAD_ENDS, MOODS, back_in, dead_end, next_step, origin_for_forms, told
from honnin.web.check.handover import RETURN_PATH, Handover, session_of
from honnin.web.check.persons import Person, grouped, persons
from honnin.web.check.visit import BY_SERVICE, Visit
from honnin.web.design import Pages, Threads, language_of, read_form, site
from honnin.words import Language, has, say

if TYPE_CHECKING:
    from honnin.connect.worlds import World
    from honnin.platform import Platform

__all__ = ["create_app"]

FIRST_PERSON = "hanako"
RETURN_CODE = "honnin_return"
STEPS = ("choose", "card", "review", "sign", "done")
SERVICE_STEPS = ("choose", "review", "service", "done")  # the card and its PIN are asked for elsewhere


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
        Route(RETURN_PATH, check.returned),
        Route("/check/{key}", check.guarded(check.start)),
        Route("/check/{key}/digital-auth", check.guarded(check.before_service), methods=["GET"]),
        Route("/check/{key}/digital-auth", check.guarded(check.to_service), methods=["POST"]),
        Route("/check/{key}/card", check.at_reader(check.put), methods=["GET"]),
        Route("/check/{key}/card", check.at_reader(check.look), methods=["POST"]),
        Route("/check/{key}/review", check.at_reader(check.review)),
        Route("/check/{key}/sign", check.at_reader(check.ask_pin), methods=["GET"]),
        Route("/check/{key}/sign", check.at_reader(check.sign), methods=["POST"]),
        Route("/check/{key}/stopped", check.at_reader(check.stopped)),
        Route("/check/{key}/result", check.result),
        Route("/check/{key}/cancel", check.cancel, methods=["POST"]),
        Route("/check/{key}/leave", check.leave, methods=["POST"]),
    ]
    return site(check.pages, routes, home=_home)


class _Check:
    def __init__(self, platform: "Platform", world: "World | None") -> None:
        self.pages = Pages("check")
        self._platform = platform
        self._world = world
        self._threads = Threads("check")
        self._handover = Handover(platform, self._threads)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def guarded(self, step: Callable[[Visit], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a step that only an open session has."""

        async def endpoint(request: Request) -> Response:
            page = await self._threads.run(self._platform.sessions.page, request.path_params["key"])
            ended = page.status != "open"
            form = await read_form(request) if ended and request.method == "POST" else {}
            name = form.get("person") or request.query_params.get("person", "")
            visit = Visit(request, page, await self._person(name, request, page))
            return visit.to_result() if ended else await step(visit)

        return endpoint

    def at_reader(self, step: Callable[[Visit], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a step that reads a card here: the sandbox's, where the law opens this way."""

        async def with_reader(visit: Visit) -> Response:
            if "card" not in self._ways(visit.page):
                raise StateError(
                    "check.no_reader", "This page reaches sandbox cards only.", next="Use a reader of your own."
                )
            return await step(visit)

        return self.guarded(with_reader)

    def _ways(self, page: SessionPage) -> tuple[Way, ...]:
        """Return the ways that are lawful, and possible from this page."""
        here = self._world is not None and not page.livemode
        return tuple(way for way in page.ways if here or (way != "card" and page.livemode))

    def _everyone(self, page: SessionPage, language: Language) -> list[Person]:
        return persons(self._world, language, page.certificate_kind) if self._world else []

    async def _person(self, name: str, request: Request, page: SessionPage) -> Person | None:
        everyone = await self._threads.run(self._everyone, page, language_of(request))
        return next((person for person in everyone if person.id == name), None)

    # --- the steps

    async def start(self, visit: Visit) -> Response:
        """Say who asks and for what; offer the sandbox's cards."""
        ways = self._ways(visit.page)
        if not ways:
            raise StateError("check.no_reader", "No way is open here.", next="Ask the service that sent you.")
        everyone: list[Person] = []
        if "card" in ways:
            everyone = await self._threads.run(self._everyone, visit.page, language_of(visit.request))
        shown = self._show(
            visit,
            "choose.html",
            at="choose",
            service="card" not in ways,
            ways=ways,
            device=device_of(visit.request),
            more_targets=await self._service_origin(visit) if "digital_auth" in ways else (),
            refused=self._words(visit, visit.told) if visit.told else "",
            first=next((person for person in everyone if person.id == FIRST_PERSON), None),
            groups=grouped([person for person in everyone if person.id != FIRST_PERSON]),
            chosen=visit.person.id if visit.person else FIRST_PERSON,
        )
        return remember_device(visit.request, shown)

    async def before_service(self, visit: Visit) -> Response:
        """Show what will be signed, before the person leaves for the Digital Authentication Service."""
        self._check_service(visit)
        if visit.page.is_login:  # nothing to read: the first page leads there at once
            return RedirectResponse(visit.here, status_code=303)
        shown = self._show(
            visit,
            "review.html",
            at="review",
            service=True,
            device=device_of(visit.request),
            unseen=unseen(visit.page),
            more_targets=await self._service_origin(visit),
        )
        return remember_device(visit.request, shown)

    async def _service_origin(self, visit: Visit) -> tuple[str, ...]:
        return ((await self._handover.registration(visit.request.path_params["key"])).origin,)

    async def to_service(self, visit: Visit) -> Response:
        """Start a signature or a login at the Digital Authentication Service and send the person there."""
        await read_form(visit.request)
        self._check_service(visit)
        try:
            return await self._handover.leave(visit.request, visit.page)
        except HonninError as error:
            return RedirectResponse(f"{visit.here}?told={told(error.code) or 'check.service_failed'}", status_code=303)

    def _check_service(self, visit: Visit) -> None:
        if "digital_auth" not in self._ways(visit.page):
            raise StateError("check.way_closed", "This way is not open here.", next="Choose another way.")

    async def returned(self, request: Request) -> Response:
        """Take the person back from the Digital Authentication Service: to the result, or to choose again.

        A return that no attempt of this browser waits for is refused (StateError `digital_auth.state`).
        """
        key, attempt = await self._handover.take(request)
        start = f"/check/{key}"
        try:
            made = await self._handover.finish(request, key, attempt)
            ended = await self._threads.run(self._platform.sessions.complete, key, made)
        except HonninError as error:
            # a session that ended meanwhile is led from its start to its result
            return RedirectResponse(f"{start}?told={told(error.code) or 'check.service_failed'}", status_code=303)
        return _give_code(request, RedirectResponse(f"{start}/result?{BY_SERVICE}", status_code=303), ended, key)

    async def put(self, visit: Visit) -> Response:
        """Ask to hold the card against the phone."""
        refused = self._words(visit, visit.told) if visit.told else ""
        return self._show(visit, "card.html", at="card", refused=refused, chosen=visit.chosen)

    async def look(self, visit: Visit) -> Response:
        """Look at the card; go on, or to the page that says why this card cannot sign."""
        name = (await read_form(visit.request)).get("person", "")
        visit.person = await self._person(name, visit.request, visit.page)
        try:
            seen = await self._look(visit)
        except (ReaderError, CardError) as error:
            return visit.to("card", telling=dead_end(error))
        if seen.dead_end:
            return visit.to("stopped")
        return visit.to("sign" if visit.page.is_login else "review")

    async def review(self, visit: Visit) -> Response:
        """Show what will be signed, and who receives what."""
        if visit.page.is_login:
            return visit.to("sign")
        return self._show(visit, "review.html", at="review", chosen=visit.chosen, unseen=unseen(visit.page))

    async def ask_pin(self, visit: Visit) -> Response:
        """Ask for the PIN; the tries left are read from the card first."""
        seen = await self._look(visit)
        return visit.to("stopped") if seen.dead_end else self._pin(visit, seen)

    async def sign(self, visit: Visit) -> Response:
        """Let the card sign, and the platform judge; a wrong PIN leads back to the page that asks for it."""
        form = await read_form(visit.request)
        visit.person = await self._person(form.get("person", ""), visit.request, visit.page)
        turn = self._turns.setdefault(visit.chosen.id, asyncio.Lock())
        async with turn:
            return await self._sign(visit, form)

    async def _sign(self, visit: Visit, form: dict[str, str]) -> Response:
        key, pin = visit.request.path_params["key"], form.pop("pin", "")
        # what waited for its turn may have become a repetition: look at session and card again
        visit.page = await self._threads.run(self._platform.sessions.page, key)
        if visit.page.status != "open":
            return visit.to_result()
        seen = await self._look(visit)
        if seen.dead_end:
            return visit.to("stopped")
        if form.get("shown") != _shown(visit.page, seen):
            return visit.to("sign", telling="check.sent_before")
        if not pin:
            return visit.to("sign", telling="card.pin_missing")
        data, last = self._platform.settings.data, form.get("last_try") == "yes"
        kind, document = visit.page.certificate_kind, visit.page.document
        try:
            made = await self._threads.run(sign, visit.chosen.id, data, kind, pin, document, allow_last_try=last)
        except PinError as error:
            return visit.to("sign", telling=error.code)
        except CardError as error:
            return visit.to("stopped", telling=dead_end(error))
        ended = await self._threads.run(self._platform.sessions.complete, key, made)
        return _give_code(visit.request, visit.to_result(), ended)

    async def stopped(self, visit: Visit) -> Response:
        """Say why this card cannot go on; the session stays open for another one."""
        code = (await self._look(visit)).dead_end or visit.told
        if not code:
            return visit.to("sign")
        what = DEAD_ENDS.get(code, "other")
        return self._show(
            visit,
            "result.html",
            mood="error",
            title=self._words(visit, f"check.stopped_{what}"),
            sentence=self._words(visit, f"check.stopped_{what}_words" if code in DEAD_ENDS else code),
            next_step=self._words(visit, f"check.stopped_{what}_next", who=visit.asker),
            given=False,
            again=visit.here,
            again_words=self._words(visit, "check.again"),
            back="",
        )

    async def result(self, request: Request) -> Response:
        """Say how the session ended, or that its last check could not tell, and what to do next."""
        key = request.path_params["key"]
        page = await self._threads.run(self._platform.sessions.page, key)
        if page.status == "open" and page.verification is None:
            return RedirectResponse(f"/check/{key}", status_code=303)
        code = request.cookies.get(RETURN_CODE, "")
        ending = await self._threads.run(self._platform.sessions.ending, key, code)
        visit = Visit(request, page, await self._person(request.query_params.get("person", ""), request, page))
        if ending.verdict is not None:
            return self._judged(visit, ending)
        return self._show(
            visit,
            "result.html",
            mood="error" if page.status == "failed" else "info",
            title=self._words(visit, f"check.ended_{page.status}"),
            sentence=self._words(visit, f"check.ended_{page.status}_words"),
            next_step="",
            given=False,
            again="",
            again_words="",
            back=back_in(ending.url, language_of(request)),
        )

    async def cancel(self, request: Request) -> Response:
        """End the session as the person wished; the result leads back."""
        ended = await self._end(request, unable=False)
        to_result = RedirectResponse(f"/check/{request.path_params['key']}/result", status_code=303)
        return _give_code(request, to_result, ended)

    async def leave(self, request: Request) -> Response:
        """End a session that could not come to its result, and go straight back."""
        ended = await self._end(request, unable=True)
        if ended is None or not origin_for_forms(ended.url):
            to_result = RedirectResponse(f"/check/{request.path_params['key']}/result", status_code=303)
            return _give_code(request, to_result, ended)
        back = RedirectResponse(back_in(ended.url, language_of(request)), status_code=303)
        return _give_code(request, back, ended)

    async def _end(self, request: Request, *, unable: bool) -> SessionReturn | None:
        await read_form(request)
        try:
            return await self._threads.run(self._platform.sessions.abandon, request.path_params["key"], unable=unable)
        except StateError:  # it has ended meanwhile: its result says how
            return None

    # --- what the steps share

    async def _look(self, visit: Visit) -> Look:
        data, kind = self._platform.settings.data, visit.page.certificate_kind
        return await self._threads.run(look_at, visit.chosen.id, data, kind)

    def _show(self, visit: Visit, template: str, *, at: str = "", **context: Any) -> Response:
        """Render a page.

        at: the step at which it stands, nothing where the steps have ended or the way is not known; `service` in the
        context: by the Digital Authentication Service.
        """
        page = visit.page
        steps = SERVICE_STEPS if context.get("service") else STEPS
        order = [step for step in steps if not (page.is_login and step == "review")]
        common = {
            "session": page,
            "who": visit.asker,
            "here": visit.here,
            "items": page.attributes,
            "purpose": visit.purpose,
            "person": visit.person,
            "steps": [self._words(visit, f"check.step_{step}") for step in order],
            "step": order.index(at) + 1 if at else 0,
            "w": lambda code, **values: self._words(visit, code, **values),
            "service": False,
        }
        targets = (*origin_for_forms(page.return_url), *context.pop("more_targets", ()))
        return self.pages.render(visit.request, template, form_targets=targets, **{**common, **context})

    def _judged(self, visit: Visit, ending: SessionReturn) -> Response:
        """Say what the platform found; an open session (it could not tell) may be tried again."""
        language = language_of(visit.request)
        mood = MOODS[ending.verdict.indication] if ending.verdict else "info"
        passed = mood == "success"
        again = visit.here if ending.session.status == "open" else ""
        return self._show(
            visit,
            "result.html",
            mood=mood,
            title=self._words(visit, f"check.result_title_{mood}"),
            sentence=ending.messages.get(language, ""),
            next_step=self._words(visit, f"check.next_{next_step(ending)}", who=visit.asker),
            at="done" if passed and (visit.person or visit.by_service) else "",
            service=visit.by_service,
            given=passed,
            again=again,
            again_words=self._words(visit, "check.again_same"),
            back="" if again else back_in(ending.url, language),
        )

    def _pin(self, visit: Visit, seen: Look) -> Response:
        refused = visit.told
        sentence = self._words(visit, refused) if refused else ""
        last = refused == "card.pin_last_try" and seen.tries_left == 1
        errors = [{"field": "last-try" if last else "pin", "sentence": sentence}] if refused else []
        if refused == "card.pin_wrong":
            errors.append({"field": "", "sentence": self._words(visit, "check.pin_tries_now", n=seen.tries_left)})
        return self._show(
            visit,
            "sign.html",
            at="sign",
            tries_left=seen.tries_left,
            most_tries=seen.tries_of,
            tries_mood=seen.mood,
            shown=_shown(visit.page, seen),
            errors=errors,
            pin_error="" if last else sentence,
            last_try_error=sentence if last else "",
        )

    def _words(self, visit: Visit, code: str, **values: object) -> str:
        """Say a sentence of this page; where a login has words of its own, those."""
        own = code + visit.kind
        return say(own if has(own) else code, language_of(visit.request), **values)


def _shown(page: SessionPage, seen: Look) -> str:
    """Return what a form that signs depends on; a form in which it no longer holds was sent before, or is stale."""
    return f"{seen.tries_left}.{page.verification or ''}"


def _give_code(request: Request, response: Response, ended: SessionReturn | None, key: str = "") -> Response:
    """Give the browser that ended the session the code of its return, on this session's pages only."""
    if ended is not None and ended.code:
        response.set_cookie(
            RETURN_CODE,
            ended.code,
            path=f"/check/{key or request.path_params['key']}",
            max_age=int(RESULT_FOR.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


def _home(request: Request, error: HonninError) -> str:
    """Return where a refused page leads back to: the session's start, where there is such a session."""
    key = request.path_params.get("key") or session_of(request)
    return f"/check/{key}" if key and error.code not in {"session.key", "check.no_reader"} else ""
