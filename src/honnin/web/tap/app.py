"""The sample's pages: a library, an event and a door where customers tap, and the page of those who run them.

    GET  /                          the three places
    GET  /at/{face}                 a terminal: tap
    POST /at/{face}                 tap the card on the chosen reader
    GET  /at/{face}/register        register with a PIN
    POST /at/{face}/register
    GET  /visit/{id}                a reader of this computer: the page carries commands to the reader agent
    POST /visit/{id}/tunnel         one step of that (JSON)
    GET  /visit/{id}/seen           how the tap or the registration ended
    GET  /desk                      the staff's page: terminals, taps of today, why some were refused
    POST /desk/terminals            register a terminal
    POST /desk/terminals/{id}/retire

Everything goes over the HTTP API with the sample's key, as a program of a service provider would do it.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from honnin.chip import Pin, open_reader
from honnin.chip.readers import Reader
from honnin.errors import HonninError, NotFoundError, StateError
from honnin.identity.dates import jst_day
from honnin.web.counter.tunnel import said_by_page
from honnin.web.design import Pages, Threads, language_of, read_form, site
from honnin.web.design.forms import read_json
from honnin.web.tap.ledger import FACES, Face, Ledger, Served
from honnin.web.tap.service import Registration, Service, Tap, Terminal
from honnin.web.tap.terminal import register, tap
from honnin.web.tap.visits import MOST, Visit, Visits
from honnin.words import in_all, say

if TYPE_CHECKING:
    from honnin.connect.worlds import World

__all__ = ["create_app"]

T = TypeVar("T")
AGENT = "http://127.0.0.1:8642"
CHOICE_COOKIE = "honnin_tap"
PURPOSES: dict[Face, str] = {"library": "library_lending", "event": "event_entry", "door": "door"}
ICONS: dict[Face, str] = {"library": "bank", "event": "card", "door": "home"}
PINS = ("signature", "user_authentication")
KEPT = ("reader", "person")


def create_app(*, world: "World", api: str, keys: Path, data: Path, agent: str = AGENT) -> ASGIApp:
    """Return the sample of a test environment.

    api: the API's origin; keys: JSON file with the `api_key`; data: folder of the world, for its emulated cards.
    agent: where the reader agent of the terminal's computer answers.
    """
    sample = _Sample(world, api, keys, data, agent)
    routes = [
        Route("/", sample.start),
        Route("/at/{face}", sample.terminal),
        Route("/at/{face}", sample.tap, methods=["POST"]),
        Route("/at/{face}/register", sample.registration),
        Route("/at/{face}/register", sample.register, methods=["POST"]),
        Route("/visit/{id}", sample.carry),
        Route("/visit/{id}/tunnel", sample.step, methods=["POST"]),
        Route("/visit/{id}/seen", sample.seen),
        Route("/desk", sample.desk),
        Route("/desk/terminals", sample.add_terminal, methods=["POST"]),
        Route("/desk/terminals", sample.desk),
        Route("/desk/terminals/{id}/retire", sample.retire, methods=["POST"]),
    ]
    return site(sample.pages, routes)


class _Sample:
    def __init__(self, world: "World", api: str, keys: Path, data: Path, agent: str) -> None:
        self.pages = Pages("tap", refusals="tap/layout.html", agent=agent)
        self._world = world
        self._api = api
        self._keys = keys
        self._data = data
        self._agent = agent
        self._ledger = Ledger()
        self._visits = Visits()
        self._threads = Threads("tap")
        # A card's thread waits for its page and a page's for its card, so each kind has its own.
        self._chips, self._steps = Threads("tap-chip", MOST), Threads("tap-step", MOST)
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, request: Request) -> Response:
        """Show the three places."""
        return self.pages.render(request, "start.html", faces=FACES, icons=ICONS)

    # --- at a terminal

    async def terminal(self, request: Request) -> Response:
        """Show a terminal that waits for a card."""
        return await self._terminal(request, _face(request), {}, {})

    async def tap(self, request: Request) -> Response:
        """Tap the card on the chosen reader."""
        face, given = _face(request), await read_form(request)
        reader = await self._threads.run(self._reader, given)
        if not reader:
            return await self._terminal(request, face, given, {"reader": "taps.choose"})
        work = partial(self._tap, face)
        return await self._begin(request, face, reader, given, work)

    async def registration(self, request: Request) -> Response:
        """Ask for a PIN."""
        return await self._registration(request, _face(request), {}, {})

    async def register(self, request: Request) -> Response:
        """Register whose card is on the chosen reader, with a PIN."""
        face, given = _face(request), await read_form(request)
        reader = await self._threads.run(self._reader, given)
        kind, value = given.get("pin_kind", ""), given.get("pin", "").strip()
        wrong = {} if reader else {"reader": "taps.choose"}
        if kind not in PINS:
            wrong["pin_kind"] = "taps.choose"
        if not value:
            wrong["pin"] = "taps.enter"
        born = _day(given.get("birth_date", ""))
        if kind == "user_authentication" and born is None:
            wrong["birth_date"] = "tap.birth_date"
        if wrong:
            return await self._registration(request, face, given, wrong)
        work = partial(self._register, face, Pin(kind, value.upper() if kind == "signature" else value), born)
        return await self._begin(request, face, reader, given, work)

    async def _begin(
        self, request: Request, face: Face, reader: str, given: dict[str, str], work: Callable[[Reader], Any]
    ) -> Response:
        visit = self._visits.begin(face, reader, work)
        if visit.tunnel is None:
            await self._threads.run(self._run, visit, work)
        by_page = "" if visit.tunnel else "/seen"
        response = RedirectResponse(f"/visit/{visit.id}{by_page}", status_code=303)
        kept = json.dumps({name: given.get(name, "") for name in KEPT}).encode().hex()
        response.set_cookie(CHOICE_COOKIE, kept, samesite="strict", httponly=True, secure=request.url.scheme == "https")
        return response

    async def carry(self, request: Request) -> Response:
        """Show the page that carries commands between the terminal's program here and the reader agent."""
        visit = self._visit(request)
        if visit.tunnel is None or visit.finished.is_set():
            return RedirectResponse(f"/visit/{visit.id}/seen", status_code=303)
        page = visit.tunnel.shown()
        return self.pages.render(request, "carry.html", visit=visit, page=page, connections=(self._agent,))

    async def step(self, request: Request) -> Response:
        """Take the answer to one command from the page and give it the next."""
        visit = self._visit(request)
        if visit.tunnel is None:
            raise StateError("counter.out_of_turn", "Nothing is being read.", next="Start again.")
        answer, page = said_by_page(await read_json(request))
        if work := visit.take_work():
            task = asyncio.create_task(self._chips.run(self._run, visit, work))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        step = await self._steps.run(visit.tunnel.exchange, answer, page)
        return JSONResponse({"kind": step.kind, "apdu": step.apdu.hex(), "file": "", "done": 0, "of": 0})

    async def seen(self, request: Request) -> Response:
        """Show how it ended, with the next tap at hand."""
        visit, language = self._visit(request), language_of(request)
        await self._threads.run(visit.finished.wait, 10)
        made, error = visit.ended, visit.error
        if made is None and error is None:
            return RedirectResponse(f"/visit/{visit.id}", status_code=303)
        sentence = made.messages[language] if made is not None else _sentence(error, language)
        registered = isinstance(made, Registration)
        number = self._ledger.number(made.person) if made is not None and made.person else None
        return self.pages.render(
            request,
            "seen.html",
            visit=visit,
            outcome=made.outcome if made is not None else "stopped",
            registered=registered,
            code=made.reason if made is not None else error.code if error else "",
            sentence=sentence,
            number=number,
            tries=getattr(error, "tries_left", None),
            given=_kept(request),
            form=f"/at/{visit.face}/register" if registered or error is not None else f"/at/{visit.face}",
        )

    # --- the staff

    async def desk(self, request: Request) -> Response:
        """Show terminals, taps of today, and why some were refused."""
        return await self._desk(request, {}, {})

    async def add_terminal(self, request: Request) -> Response:
        """Register a terminal; a place where the law allows no taps is refused with the reason."""
        given = await read_form(request)
        face = given.get("face", "")
        language = language_of(request)
        wrong = {} if given.get("name", "").strip() else {"name": say("taps.enter", language)}
        if face not in FACES:
            wrong["face"] = say("taps.choose", language)
        if wrong:
            return await self._desk(request, given, wrong)
        facts = {name: given.get(name) == "yes" for name in ("supervised", "outdoors", "online")}

        def work(service: Service) -> Terminal:
            return service.add_terminal(given.get("name", ""), say(f"taps.face_{face}", "ja"), **facts)

        try:
            await self._threads.run(self._ask, work)
        except HonninError as error:
            return await self._desk(request, given, {"": _sentence(error, language)})
        return RedirectResponse("/desk", status_code=303)

    async def retire(self, request: Request) -> Response:
        """Retire a terminal."""
        await read_form(request)
        terminal = request.path_params["id"]
        await self._threads.run(self._ask, lambda service: service.retire(terminal))
        return RedirectResponse("/desk", status_code=303)

    async def _desk(self, request: Request, given: dict[str, str], wrong: dict[str, str]) -> Response:
        terminals, taps = await self._threads.run(self._ask, lambda service: (service.terminals(), service.taps()))
        today = jst_day(self._world.now())
        shown = [one for one in taps if jst_day(one.created_at) == today]
        outcomes = [one.outcome for one in shown if not one.registration]
        return self.pages.render(
            request,
            "desk.html",
            status=422 if wrong else 200,
            terminals=terminals,
            names={one.id: one.name for one in terminals},
            taps=shown,
            counts={
                "accepted": outcomes.count("accepted"),
                "refused": outcomes.count("refused"),
                "unknown": outcomes.count("could_not_tell"),
            },
            faces=FACES,
            given={"name": "", "face": "library", "supervised": "", "outdoors": "", "online": "", **given},
            wrong=wrong,
        )

    # --- in threads

    def _run(self, visit: Visit, work: Callable[[Reader], Any]) -> None:
        def opened() -> Reader:
            return visit.tunnel or open_reader(visit.reader, data=self._data)

        visit.run(work, opened, lambda made: self._serve(visit.face, made))

    def _serve(self, face: Face, made: Tap) -> Served:
        return self._ledger.serve(face, made.person or "", made.created_at)

    def _tap(self, face: Face, reader: Reader) -> Tap:
        return self._ask(lambda service: tap(service, self._at(service, face).id, PURPOSES[face], reader))

    def _register(self, face: Face, pin: Pin, born: date | None, reader: Reader) -> Registration:
        return self._ask(
            lambda service: register(service, self._at(service, face).id, PURPOSES[face], reader, pin, birth_date=born)
        )

    def _at(self, service: Service, face: Face) -> Terminal:
        """Return the terminal of a place: the newest in use, else the newest; the first is registered here."""
        place = say(f"taps.face_{face}", "ja")
        mine = [one for one in service.terminals() if one.place == place]
        if not mine:
            return service.add_terminal(f"{place} 1", place, supervised=True, outdoors=False, online=False)
        return ([one for one in mine if one.status == "active"] or mine)[-1]

    def _ask(self, work: Callable[[Service], T]) -> T:
        key = str(json.loads(self._keys.read_text(encoding="utf-8"))["api_key"])
        with Service(self._api, key) as service:
            return work(service)

    def _reader(self, given: dict[str, str]) -> str:
        """Return what reads the card; empty for no choice, or for a person without one."""
        if given.get("reader") == "agent":
            return "agent"
        known = any(one["id"] == given.get("person") for one in self._people())
        return f"emulated:{given['person']}" if given.get("reader") == "sandbox" and known else ""

    def _people(self) -> list[dict[str, Any]]:
        return [one for one in self._world.people() if "my_number_card" in one["documents"]]

    # --- what the pages share

    def _visit(self, request: Request) -> Visit:
        return self._visits.get(request.path_params["id"])

    async def _terminal(self, request: Request, face: Face, given: dict[str, str], wrong: dict[str, str]) -> Response:
        return await self._form(request, "terminal.html", face, given, wrong)

    async def _registration(
        self, request: Request, face: Face, given: dict[str, str], wrong: dict[str, str]
    ) -> Response:
        return await self._form(request, "register.html", face, given, wrong, pin_kinds=PINS)

    async def _form(
        self, request: Request, page: str, face: Face, given: dict[str, str], wrong: dict[str, str], **more: Any
    ) -> Response:
        language = language_of(request)
        known = {**_kept(request), "pin_kind": "signature", "birth_date": "", **given}
        return self.pages.render(
            request,
            page,
            status=422 if wrong else 200,
            face=face,
            people=await self._threads.run(self._people),
            given=known,
            wrong={name: say(code, language) for name, code in wrong.items()},
            **more,
        )


def _face(request: Request) -> Face:
    for face in FACES:
        if face == request.path_params["face"]:
            return face
    raise NotFoundError("page.not_found", "There is no such place.", next="Go back to the start.")


def _kept(request: Request) -> dict[str, str]:
    """Return what was chosen last at this terminal, from its cookie."""
    try:
        kept = json.loads(bytes.fromhex(request.cookies.get(CHOICE_COOKIE, "")))
        return {name: str(kept[name]) for name in KEPT}
    except (ValueError, KeyError, TypeError):
        return {"reader": "sandbox", "person": ""}


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day
    except ValueError:
        return None


def _sentence(error: HonninError | None, language: Any) -> str:
    try:
        return in_all(error.code)[language] if error is not None else ""
    except (KeyError, FileNotFoundError):
        return say("taps.unavailable", language)
