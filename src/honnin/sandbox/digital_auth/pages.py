"""The service's pages over HTTP: authorization, the phone screens, the test-card-substitute page, the front page.

Every form carries a secret made from the browser's cookie and the visit; a request that another site sends has neither
(and no cookie, which is SameSite=Lax), and its Origin is refused as well. Pages hold no script but `wait.js`.
"""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit

import msgspec
import segno
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from honnin.errors import HonninError
from honnin.sandbox.digital_auth import headless, screens
from honnin.sandbox.digital_auth.app_card import AppCard
from honnin.sandbox.digital_auth.authorizing import ReturnedRefusal, read_request
from honnin.sandbox.digital_auth.deciding import item_scopes, purpose_of, refuse
from honnin.sandbox.digital_auth.demonstration import CLIENT_ID
from honnin.sandbox.digital_auth.endpoints import issuer_of, origin_of, switched
from honnin.sandbox.digital_auth.parties import parties, party, register, verifiers
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.reading import UnreadableError, once
from honnin.sandbox.digital_auth.refusals import PageRefusal
from honnin.sandbox.digital_auth.rendering import LANGUAGES, Look, render
from honnin.sandbox.digital_auth.store import digest, new_secret
from honnin.sandbox.digital_auth.switches import BOARD
from honnin.sandbox.digital_auth.visits import Visit, change, derived, load, open_visit, same
from honnin.sandbox.people import card_material
from honnin.sandbox.people import person as person_of
from honnin.sandbox.people_listing import listing
from honnin.sandbox.world import World

__all__ = ["Pages"]

COOKIE = "honnin_digital_auth"
LANGUAGE_COOKIE = "honnin_digital_auth_language"
MOST_TRIES = {"signature": 5, "user_authentication": 3, "input_support": 3}
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",  # with no-referrer, browsers send forms with `Origin: null`
    "x-content-type-options": "nosniff",
    # No form-action: browsers hold it against the redirect to the relying party, too.
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
}


class Pages:
    """The pages over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    # --- the authorization endpoint

    async def authorization(self, request: Request) -> Response:
        """Check an authorization request, then lead to the screens, or straight back."""
        state = await switched(self._world, request, "authorization")
        if state == "down":
            return Response("switched down", 503, media_type="text/plain")
        cookie = _cookie(request)
        try:
            location = await run_in_threadpool(self._authorize, request, cookie, state)
        except PageRefusal as refusal:
            return self._refused(request, refusal)
        except HonninError as error:  # the headless switch names somebody or something that is not there
            return Response(str(error), 400, media_type="text/plain")
        return _with_cookie(request, RedirectResponse(location, 302, headers={"cache-control": "no-store"}), cookie)

    def _authorize(self, request: Request, cookie: str, state: str) -> str:
        query: bytes = request.scope.get("query_string", b"")
        try:
            asked = read_request(self._world, query, issuer_of(self._world, request))
        except ReturnedRefusal as refusal:
            return refusal.location
        if state in {"server_error", "temporarily_unavailable"}:
            return refuse(self._world, asked, state)
        named = headless.take(request.headers, once(query))
        if named is not None:
            return headless.decide(self._world, asked, *named, state=state)
        client = party(self._world, asked.client_id)
        visit = open_visit(self._world, asked, cookie)
        page = "test-card" if client is not None and client.mode == "test_card" else "app"
        return f"/{page}/{visit.visit_id}"

    # --- the phone

    async def screen(self, request: Request) -> Response:
        """Show the screen at which a visit stands."""
        return await self._answer(request, self._screen)

    def _screen(self, request: Request, visit: Visit, cookie: str) -> Response:
        state = visit.state
        if same(state.phone, digest(cookie)):
            if state.location is None or state.reason is not None or not same(state.browser, state.phone):
                return self._show(request, visit, cookie)
            return _leave(state.location)
        if same(state.browser, digest(cookie)):
            return self._show(request, visit, cookie, name="wait") if state.location is None else _leave(state.location)
        if state.hand_over is not None and same(digest(request.query_params.get("hand", "")), state.hand_over):
            return self._show(request, visit, cookie, name="join", hand=request.query_params["hand"])
        raise PageRefusal("visit_taken", 403)

    async def act(self, request: Request) -> Response:
        """Take the step of a form."""
        action = request.path_params["action"]
        if action not in screens.ACTIONS:
            return self._refused(request, PageRefusal("not_found", 404))
        try:
            form = await self._form(request)
            state = await switched(self._world, request, "authorization")
        except PageRefusal as refusal:
            return self._refused(request, refusal)

        def step(request: Request, visit: Visit, cookie: str) -> Response:
            self._check_form(form, visit, cookie)
            if action != "join" and not same(visit.state.phone, digest(cookie)):
                raise PageRefusal("visit_taken", 403)
            spoken = _language(request)
            try:
                after = screens.act(self._world, visit, action, form, cookie=cookie, language=spoken, switched=state)
            except screens.MistakeError as mistake:
                return self._show(request, visit, cookie, mistake=mistake, status=400)
            said = after.reason in {None, "cancelled", "items_refused"}
            if after.location is not None and said and same(after.browser, after.phone):
                return _leave(after.location)
            return RedirectResponse(f"/app/{visit.visit_id}", 303, headers=HEADERS)

        return await self._answer(request, step)

    async def to_screen(self, request: Request) -> Response:
        """Lead from the address of a form to the screen: the address bar's "go" sends no form."""
        return RedirectResponse(f"/app/{request.path_params['visit']}", 303, headers=HEADERS)

    async def waiting(self, request: Request) -> Response:
        """Tell the browser that began whether the phone is done (for `wait.js`)."""

        def step(request: Request, visit: Visit, cookie: str) -> Response:  # noqa: ARG001
            if not same(visit.state.browser, digest(cookie)):
                raise PageRefusal("visit_taken", 403)
            return JSONResponse({"done": visit.state.location is not None}, headers={"cache-control": "no-store"})

        return await self._answer(request, step)

    # --- instead of a card

    async def test_card(self, request: Request) -> Response:
        """Show the test-card-substitute page (§1.15)."""

        def step(request: Request, visit: Visit, cookie: str) -> Response:
            self._check_test_card(visit, cookie)
            return self._show(request, visit, cookie, name="test_card")

        return await self._answer(request, step)

    async def use_test_card(self, request: Request) -> Response:
        """End a visit as the test-card-substitute page was filled in."""
        try:
            form = await self._form(request)
            state = await switched(self._world, request, "authorization")
        except PageRefusal as refusal:
            return self._refused(request, refusal)

        def step(request: Request, visit: Visit, cookie: str) -> Response:  # noqa: ARG001
            self._check_test_card(visit, cookie)
            self._check_form(form, visit, cookie)
            person, outcome = form.get("person", ""), form.get("outcome", "")
            with change(self._world, visit) as after:
                location = headless.decide(self._world, visit.asked, person, outcome, state=state)
                after.append(msgspec.structs.replace(visit.state, step="ended", location=location))
            return _leave(location)

        return await self._answer(request, step)

    def _check_test_card(self, visit: Visit, cookie: str) -> None:
        client = party(self._world, visit.asked.client_id)
        if client is None or client.mode != "test_card" or not same(visit.state.browser, digest(cookie)):
            raise PageRefusal("visit_taken", 403)
        if visit.state.location is not None:
            raise PageRefusal("visit_changed", 409)

    # --- the front page

    async def index(self, request: Request) -> Response:
        """List endpoints, relying parties and switches; register."""
        cookie = _cookie(request)
        return _with_cookie(request, await run_in_threadpool(self._index, request, cookie), cookie)

    async def register(self, request: Request) -> Response:
        """Register from the front page's form."""
        cookie = _cookie(request)
        try:
            form = await self._form(request)
            self._check_token(form, derived("form", cookie, "index"))
            found = await run_in_threadpool(register, self._world, form.get("registration", "").encode())
        except PageRefusal as refusal:
            return self._refused(request, refusal)
        except HonninError as error:
            more = {"trouble": error.message, "typed": form.get("registration", "")}
            return await run_in_threadpool(lambda: self._index(request, cookie, **more))
        return await run_in_threadpool(lambda: self._index(request, cookie, registered=found.name))

    def _index(self, request: Request, cookie: str, **more: Any) -> Response:
        shape, origin = profile(self._world), origin_of(request)
        addresses = msgspec.to_builtins(shape.endpoints)
        if not shape.assumptions.further.discovery:
            del addresses["discovery"]
        values = {
            "issuer": origin + shape.issuer,
            "addresses": {name: origin + path for name, path in addresses.items()},
            "parties": parties(self._world),
            "verifiers": verifiers(self._world),
            "switches": BOARD.states(self._world),
            "demo": CLIENT_ID,
            "form_token": derived("form", cookie, "index"),
            "trouble": None,
            "typed": "",
            "registered": None,
        }
        content = render("index", _look(request), **values | more)
        return HTMLResponse(content, 400 if more.get("trouble") else 200, headers=HEADERS)

    # --- what all pages share

    async def _answer(self, request: Request, step: Any) -> Response:
        """Run one step over the visit that the path names."""
        cookie = _cookie(request)

        def run() -> Response:
            visit = load(self._world, request.path_params["visit"])
            found: Response = step(request, visit, cookie)
            return found

        try:
            return _with_cookie(request, await run_in_threadpool(run), cookie)
        except PageRefusal as refusal:
            return self._refused(request, refusal)
        except HonninError as error:
            return Response(str(error), 400, media_type="text/plain")

    def _show(
        self,
        request: Request,
        visit: Visit,
        cookie: str,
        *,
        name: str | None = None,
        mistake: screens.MistakeError | None = None,
        status: int = 200,
        **more: Any,
    ) -> Response:
        """Render one screen with what it needs."""
        state, shape, asked = visit.state, profile(self._world), visit.asked
        page = name or ("pin" if state.step == "items_pin" else state.step)
        client = party(self._world, asked.client_id)
        pin = "input_support" if state.step == "items_pin" else purpose_of(asked)
        look = _look(request)
        values: dict[str, Any] = {
            "visit": visit.visit_id,
            "state": state,
            "asked": asked,
            "client": client,
            "items": item_scopes(shape, asked),
            "signing": asked.sign_transaction_id is not None,
            "pin": pin,
            "form_token": screens.form_token(cookie, visit.visit_id),
            "mistake": mistake,
            "person": None if state.person is None else self._holder(state.person, look.language),
            "handed": not same(state.browser, state.phone),
            "host": urlsplit(asked.redirect_uri).netloc,
        }
        if page in {"start", "test_card"}:
            values |= {"people": listing(self._world), "outcomes": headless.outcomes(self._world)}
            if state.hand_over is not None and page == "start" and not values["handed"]:
                hand = derived("hand-over", cookie, visit.visit_id)
                address = f"{origin_of(request)}/app/{visit.visit_id}?hand={hand}"
                values["qr"] = segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=2)
        if page in {"pin", "card"} and state.person is not None:
            card = AppCard(self._world, state.person)
            values |= {
                "tries": card.tries(pin),
                "most_tries": MOST_TRIES[pin],
                "known_pin": card.known_pin(pin),
                "biometrics": card.is_phone and pin == "user_authentication",
                "is_phone": card.is_phone,
            }
        if page in {"words", "allow"} and asked.sign_transaction_id is not None:
            found = screens.signed_words(self._world, asked)
            assert found is not None  # noqa: S101
            values |= {"words_shown": found.text, "digest": (found.digest or found.given).hex()}
            values["signs_words"] = found.signs_words
            values["shown"] = screens.shown_digest(found)
        content = render(page, look, **values | more)
        return HTMLResponse(content, status, headers=HEADERS)

    def _holder(self, person: str, language: str) -> dict[str, Any]:
        """Return what stands beside the phone: who is playing."""
        found, material = person_of(person), card_material(self._world, person)
        return {
            "id": person,
            "name": found.name,
            "story": found.story["en" if language == "en" else "ja"],
            "phone": material.mobile,
        }

    def _refused(self, request: Request, refusal: PageRefusal) -> Response:
        # a screen that somebody moved on stands at its own address
        on = f"/app/{request.path_params['visit']}" if refusal.reason == "visit_changed" else ""
        content = render("refused", _look(request), reason=refusal.reason, on=on)
        return HTMLResponse(content, refusal.status, headers=HEADERS)

    async def _form(self, request: Request) -> dict[str, str]:
        """Read a form of this origin. Raises PageRefusal."""
        origin = request.headers.get("origin")
        if origin is not None and origin != origin_of(request):
            raise PageRefusal("foreign_form", 403)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > 4 * profile(self._world).largest_request:
                raise PageRefusal("form_unreadable", 413)
        try:
            return once(bytes(body), longest=len(body))
        except UnreadableError as error:
            raise PageRefusal("form_unreadable") from error

    def _check_form(self, form: Mapping[str, str], visit: Visit, cookie: str) -> None:
        self._check_token(form, screens.form_token(cookie, visit.visit_id))

    @staticmethod
    def _check_token(form: Mapping[str, str], expected: str) -> None:
        if not compare_digest(form.get("form_token", "").encode(), expected.encode()):
            raise PageRefusal("foreign_form", 403)


def _leave(location: str) -> Response:
    return RedirectResponse(location, 303, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


def _cookie(request: Request) -> str:
    found = request.cookies.get(COOKIE, "")
    return found if len(found) == 43 else new_secret()


def _with_cookie(request: Request, response: Response, cookie: str) -> Response:
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, request.query_params["lang"], samesite="lax", path="/")
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax", path="/", max_age=86_400)
    return response


def _language(request: Request) -> str:
    asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    if asked is None:
        asked = request.headers.get("accept-language", "")[:2]
    return asked if asked in LANGUAGES else "ja"


def _look(request: Request) -> Look:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    path = request.url.path if request.method == "GET" else request.url.path.rsplit("/", 1)[0] or "/"
    return Look(_language(request), path, tuple(kept))
