"""The door of the counter: which terminal this browser is, who is signed in at it, and everything else only behind it.

    GET  /sign-in     the terminal's code, or login and password
    POST /terminal    become a terminal by its code
    POST /sign-in     sign in
    GET  /password    choose a password in place of the given one
    POST /password
    POST /sign-out

Two cookies: the terminal's key, which lasts, and the session's, which the browser drops when it closes. Both are
HttpOnly and SameSite=Strict; outside the sandbox Secure with the prefix `__Host-`, so that nothing but HTTPS from this
very host can set or get them. A sign-in always makes a new key: one that somebody planted before is worth nothing.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from honnin.errors import AccessError, HonninError, InputError
from honnin.platform.ids import read_enrolment_code, read_object_key
from honnin.platform.models import Tenant
from honnin.platform.staff import Clerk, CounterTerminal
from honnin.web.counter.visits import Visits
from honnin.web.design import Pages, Threads, language_of, read_form
from honnin.web.design.forms import from_here, stale
from honnin.words import LANGUAGES, in_all

if TYPE_CHECKING:
    from honnin.platform import Platform
    from honnin.web.counter.demo_desk import DemoDesk

__all__ = ["Door", "clerk_of"]

TERMINAL_SECONDS = 400 * 86_400  # as long as browsers keep one at most
Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """The pages at the door, and the guard before all others.

    secure: whether the browser comes by HTTPS, as everywhere but in the sandbox.
    proxies: addresses of the proxies in front, whose X-Forwarded-For is believed.
    demo: the sandbox's invented desk, for browsers that are no other terminal.
    agent: where the reader agent of the clerk's computer answers.
    """

    def __init__(
        self,
        platform: "Platform",
        threads: Threads,
        visits: Visits,
        *,
        secure: bool,
        proxies: Iterable[str] = (),
        demo: "DemoDesk | None" = None,
        agent: str,
    ) -> None:
        self.pages = Pages(
            "counter", refusals="counter/layout.html", about=self._about, secure=secure or None, agent=agent
        )
        self._platform = platform
        self._threads = threads
        self._visits = visits
        self._secure = secure
        self._proxies = frozenset(proxies)
        self._demo = demo
        prefix = "__Host-" if secure else ""
        self._terminal_cookie, self._session_cookie = f"{prefix}honnin_terminal", f"{prefix}honnin_staff"

    def routes(self) -> list[Route]:
        """Return the door's own routes."""
        return [
            Route("/sign-in", self.ask),
            Route("/terminal", self.enrol, methods=["POST"]),
            Route("/terminal", self.to_sign_in),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/password", self.guarded(self.ask_password, invited=True)),
            Route("/password", self.guarded(self.choose_password, invited=True), methods=["POST"]),
            Route("/sign-out", self.guarded(self.sign_out, invited=True), methods=["POST"]),
        ]

    def guarded(self, endpoint: Endpoint, *, invited: bool = False) -> Endpoint:
        """Return an endpoint that only somebody signed in reaches; `request.state.clerk` then says who.

        invited: whether also somebody who has yet to choose a password.
        """

        async def guard(request: Request) -> Response:
            try:
                clerk = await self._threads.run(self._clerk, request)
            except AccessError:
                if request.method in {"GET", "HEAD"}:
                    return _again_from_here(request) or RedirectResponse(f"/sign-in{_chosen(request)}", status_code=303)
                if request.headers.get("content-type", "").startswith("application/json"):
                    raise  # a page's script asks, and then goes where the sign-in is shown
                if not from_here(request):  # no Strict cookie comes with it: nobody knows who is signed in
                    raise stale() from None
                ended = self._session_cookie in request.cookies
                return await self._ask(request, {}, "", status=403, ended=ended)
            request.state.clerk = clerk
            if clerk.staff.status == "invited" and not invited:
                return RedirectResponse("/password", status_code=303)
            return await endpoint(request)

        return guard

    # --- pages

    async def ask(self, request: Request) -> Response:
        """Ask for login and password, or first for the terminal's code; say it where a session has ended unasked."""
        return await self._ask(request, {}, "", ended=await self._threads.run(self._has_ended, request))

    async def enrol(self, request: Request) -> Response:
        """Make this browser the terminal of a code."""
        code = (await read_form(request)).get("code", "")
        try:
            key = await self._threads.run(self._enrolled, code)
        except AccessError as error:
            return self.pages.render(
                request, "terminal.html", status=error.http_status, wrong=_words(error, request), address="/sign-in"
            )
        response = RedirectResponse("/sign-in", status_code=303)
        self._set(response, self._terminal_cookie, key, max_age=TERMINAL_SECONDS)
        return response

    async def to_sign_in(self, request: Request) -> Response:
        """Lead to the form of an address that only its form uses: the address bar's "go" sends no form."""
        return RedirectResponse(f"/sign-in{_chosen(request)}", status_code=303)

    async def sign_in(self, request: Request) -> Response:
        """Sign in; a session that was open at this terminal ends, with what it had begun."""
        form = await read_form(request)
        login, password = form.get("login", ""), form.get("password", "")

        def enter() -> tuple[str, tuple[str, ...]]:
            key = self._terminal_key(request)
            home = self._platform.of_tenant(_tenant_of(key))
            return home.sign_ins.sign_in(key, login, password, address=self._address(request))

        try:
            session, ended = await self._threads.run(enter)
        except AccessError as error:
            return await self._ask(request, {"login": login}, _words(error, request), status=error.http_status)
        for sign_in in ended:
            self._visits.end_of(sign_in)
        response = RedirectResponse("/", status_code=303)
        self._set(response, self._session_cookie, session)
        return response

    async def ask_password(self, request: Request) -> Response:
        """Ask for a password of the member's own, once."""
        if clerk_of(request).staff.status != "invited":
            return RedirectResponse("/", status_code=303)
        return self.pages.render(request, "password.html", wrong="")

    async def choose_password(self, request: Request) -> Response:
        """Take the password that the member chose, and give the session a new key."""
        form, clerk = await read_form(request), clerk_of(request)
        home = self._platform.of_tenant(clerk.tenant.id)
        try:
            await self._threads.run(home.staff.choose_password, clerk, _twice(form))
        except InputError as error:
            return self.pages.render(request, "password.html", status=422, wrong=_words(error, request))
        response = RedirectResponse("/", status_code=303)
        self._set(response, self._session_cookie, await self._threads.run(home.sign_ins.renew, clerk))
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session, and what it had begun."""
        await read_form(request)
        clerk = clerk_of(request)
        self._visits.end_of(clerk.sign_in)
        await self._threads.run(self._platform.of_tenant(clerk.tenant.id).sign_ins.sign_out, clerk)
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(self._session_cookie, secure=self._secure, httponly=True, samesite="strict")
        return response

    async def _ask(
        self, request: Request, given: Mapping[str, str], wrong: str, *, status: int = 200, ended: bool = False
    ) -> Response:
        try:
            found = await self._threads.run(self._terminal, request)
        except AccessError:
            return _again_from_here(request) or self.pages.render(
                request, "terminal.html", status=status, wrong=wrong, address="/sign-in"
            )
        tenant, terminal, demo = found
        request.state.tenant = tenant
        return self.pages.render(
            request,
            "sign_in.html",
            status=status,
            wrong=wrong,
            ended=ended,
            address="/sign-in",
            tenant=tenant,
            terminal=terminal,
            demo=demo,
            login=given.get("login", demo["login"] if demo else ""),
        )

    # --- who is there

    def _enrolled(self, code: str) -> str:
        read = read_enrolment_code(code)
        if read is None:
            raise AccessError("staff.code", "This is no code.", next="Type it as it was given.")
        return self._platform.of_tenant(read.tenant_id).terminals.enrol(code)

    def _clerk(self, request: Request) -> Clerk:
        key = self._terminal_key(request)
        home = self._platform.of_tenant(_tenant_of(key))
        return home.sign_ins.find(request.cookies.get(self._session_cookie, ""), key)

    def _has_ended(self, request: Request) -> bool:
        """Tell whether the browser still holds the key of a session that is over; signing out takes the key away."""
        if self._session_cookie not in request.cookies:
            return False
        try:
            self._clerk(request)
        except AccessError:
            return True
        return False

    def _terminal(self, request: Request) -> tuple[Tenant, CounterTerminal, dict[str, str] | None]:
        """Return the browser's tenant and terminal, and at the invented desk what signs in there."""
        key = self._terminal_key(request)
        tenant, terminal = self._platform.of_tenant(_tenant_of(key)).terminals.find(key)
        own = self._terminal_cookie in request.cookies
        return tenant, terminal, self._demo.shown() if self._demo and not own else None

    def _terminal_key(self, request: Request) -> str:
        """Return the key of the browser's terminal; in the sandbox the invented desk's where it has none."""
        kept = request.cookies.get(self._terminal_cookie, "")
        return self._demo.terminal_key() if not kept and self._demo else kept

    def _address(self, request: Request) -> str:
        """Return the network address that a request came from: the nearest that is no proxy of ours."""
        passed = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
        found = request.client.host if request.client else ""
        while found in self._proxies and passed:
            found = passed.pop()
        return found

    def _set(self, response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
        response.set_cookie(name, value, max_age=max_age, httponly=True, secure=self._secure, samesite="strict")

    def _about(self, request: Request) -> dict[str, object]:
        """Return what every page shows: who is signed in, and whether all this is a test."""
        clerk: Clerk | None = getattr(request.state, "clerk", None)
        tenant: Tenant | None = clerk.tenant if clerk else getattr(request.state, "tenant", None)
        return {"clerk": clerk, "trial": not tenant.livemode if tenant else self._demo is not None}


def clerk_of(request: Request) -> Clerk:
    """Return who is signed in, behind the guard."""
    clerk: Clerk = request.state.clerk
    return clerk


def _tenant_of(terminal_key: str) -> str:
    """Return the tenant that a terminal's key names. Raises AccessError `staff.no_terminal`."""
    read = read_object_key(terminal_key, "ctr")
    if read is None:
        raise AccessError(
            "staff.no_terminal", "This browser is no terminal of a counter.", next="Type the terminal's code."
        )
    return read.tenant_id


def _chosen(request: Request) -> str:
    """Return the query that keeps the language which a link to this page chose."""
    language = request.query_params.get("lang")
    return f"?lang={language}" if language in LANGUAGES else ""


def _again_from_here(request: Request) -> Response | None:
    """Return an answer that has the browser ask again from this very page, where another site's link led here.

    Strict cookies do not come with such a request, so nobody seems signed in.
    """
    if request.method != "GET" or request.headers.get("sec-fetch-site") != "cross-site":
        return None
    return Response("", media_type="text/html", headers={"refresh": "0", "cache-control": "no-store"})


def _twice(form: Mapping[str, str]) -> str:
    """Return a password that was typed twice. Raises InputError `staff.password_differs`."""
    password = form.get("password", "")
    if password != form.get("again", ""):
        raise InputError("staff.password_differs", "The two entries differ.", next="Type both again.")
    return password


def _words(error: HonninError, request: Request) -> str:
    return in_all(error.code)[language_of(request)]
