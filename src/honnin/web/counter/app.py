"""The counter's pages.

    …    /sign-in …                who is at the desk; all that follows only behind it (`door`)
    GET  /                         what for, which document, which reader
    POST /                         begin a reading
    GET  /visit/{id}/detect        which document lies on the reader of this computer
    GET  /visit/{id}               the number that opens the chip (photo or typed)
    POST /visit/{id}/document      choose another document than the one that was told
    POST /visit/{id}/photo         fill the form from a photograph of the face (honnin[ocr])
    POST /visit/{id}               read
    GET  /visit/{id}/read          a reader of this computer: the page carries commands to the reader agent
    POST /visit/{id}/tunnel        one step of that (JSON)
    GET  /visit/{id}/seen          the card beside what the chip proves
    GET  /visit/{id}/image/{n}     a picture from the chip; /{piece}: a character of a text that no code has
    POST /visit/{id}/again         enter the number anew
    POST /visit/{id}/confirm       the clerk's word; the record
    POST /visit/{id}/end           forget what was read
    …    /checks…                  what was recorded (`recorded`)

What a customer keys in (PIN, security code) goes in one form body to the chip and is kept nowhere. Pages with personal
data are not stored by the browser, and end with the visit.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from honnin.errors import HonninError, NotFoundError, StateError
from honnin.platform.clock import japanese_day
from honnin.platform.records.at_counter import method_of
from honnin.platform.staff import Clerk
from honnin.platform.tenants import standing
from honnin.web.check.persons import persons
from honnin.web.counter.camera import READABLE, available, entries_of, number_in_qr, refuse_qr, text_lines
from honnin.web.counter.choosing import APART, AUTO, wrong_choices
from honnin.web.counter.demo_desk import DemoDesk
from honnin.web.counter.documents.asking import Entry, last_try_of, read_day, read_entries
from honnin.web.counter.door import Door, clerk_of
from honnin.web.counter.invented import EMULATED, openers, reader_of, variants_of
from honnin.web.counter.kinds import DOCUMENTS, NUMBER_PURPOSE, form_of, law_of, purposes_of
from honnin.web.counter.pictures import shown_picture
from honnin.web.counter.reading import Readings
from honnin.web.counter.recorded import Recorded
from honnin.web.counter.refusals import refused_entry, say_error, words_of
from honnin.web.counter.schema import drawn, picture_at
from honnin.web.counter.seen import Seen, currency, tries_in
from honnin.web.counter.tunnel import said_by_page
from honnin.web.counter.visits import Desk, Visit, Visits
from honnin.web.design import Pages, Threads, language_of, read_form, site
from honnin.web.design.forms import read_json, read_upload
from honnin.words import say

if TYPE_CHECKING:
    from honnin.connect.worlds import World
    from honnin.platform import Platform

__all__ = ["create_app"]

AGENT = "http://127.0.0.1:8642"
MOST_READINGS = 256  # at once
KEYPAD_COOKIE = "honnin_keypad"


def create_app(
    platform: "Platform",
    *,
    world: "World | None" = None,
    keys: Path | None = None,
    proxies: Iterable[str] = (),
    agent: str = AGENT,
) -> ASGIApp:
    """Return the counter of a platform's tenants.

    world: the sandbox whose cards test tenants may read without a reader; keys: JSON file with its demo tenant's
    `api_key`, whose invented desk everybody may use. Neither exists for the product alone, which browsers reach by
    HTTPS, perhaps through `proxies`.
    agent: where the reader agent of the clerk's computer answers.
    """
    visits, threads = Visits(), Threads("counter")
    demo = DemoDesk(platform, keys) if keys else None
    door = Door(platform, threads, visits, secure=world is None, proxies=proxies, demo=demo, agent=agent)
    counter = _Counter(platform, world, door.pages, visits, threads, agent)
    behind = [
        Route("/", counter.start),
        Route("/", counter.begin, methods=["POST"]),
        Route("/visit/{id}/detect", counter.detect),
        Route("/visit/{id}", counter.ask),
        Route("/visit/{id}/document", counter.choose, methods=["POST"]),
        Route("/visit/{id}", counter.read, methods=["POST"]),
        Route("/visit/{id}/photo", counter.photo, methods=["POST"]),
        Route("/visit/{id}/photo", counter.ask),
        Route("/visit/{id}/read", counter.carry),
        Route("/visit/{id}/tunnel", counter.step, methods=["POST"]),
        Route("/visit/{id}/seen", counter.seen),
        Route("/visit/{id}/image/{n:int}", counter.image),
        Route("/visit/{id}/image/{n:int}/{piece:int}", counter.image),
        Route("/visit/{id}/again", counter.again, methods=["POST"]),
        Route("/visit/{id}/confirm", counter.confirm, methods=["POST"]),
        Route("/visit/{id}/confirm", counter.seen),
        Route("/visit/{id}/end", counter.end, methods=["POST"]),
        *Recorded(counter.pages, platform, counter.threads).routes(),
    ]
    guarded = [Route(one.path, door.guarded(one.endpoint), methods=list(one.methods or ())) for one in behind]
    return site(door.pages, [*door.routes(), *guarded])


class _Counter:
    def __init__(
        self,
        platform: "Platform",
        world: "World | None",
        pages: Pages,
        visits: Visits,
        threads: Threads,
        agent: str,
    ) -> None:
        self.pages = pages
        self._platform = platform
        self._world = world
        self._agent = agent
        self._visits = visits
        self._readings = Readings(platform, platform.settings.data)
        self.threads = threads
        # A chip's thread waits for its page and a page's for its chip: each kind has its own, one for every reading.
        self._chips = Threads("counter-chip", MOST_READINGS)
        self._steps = Threads("counter-step", MOST_READINGS)
        self._running: set[asyncio.Task[None]] = set()

    # --- the desk

    async def start(self, request: Request) -> Response:
        """Ask what for, which document and which reader."""
        return await self._start(request, {"keypad": "yes" if request.cookies.get(KEYPAD_COOKIE) == "yes" else ""}, {})

    async def begin(self, request: Request) -> Response:
        """Begin a reading."""
        given = dict.fromkeys(("keypad", "purpose", "document", "reader", "person", "variant"), "")
        given |= {name: text.strip() for name, text in (await read_form(request)).items() if name in given}
        clerk = clerk_of(request)
        world, by_reader = self._cards(clerk), given["reader"] == "agent"
        reader = "agent" if by_reader else await self.threads.run(reader_of, world, given)
        readers = ("agent", "sandbox") if world else ("agent",)
        wrong = wrong_choices(given, reader, purposes=purposes_of(clerk.tenant), readers=readers)
        if (
            not wrong
            and not by_reader
            and given["variant"]
            and not await self.threads.run(self._readings.exists, reader)
        ):
            wrong["variant"] = "counter.variant_none"
        if wrong:
            return await self._start(request, given, wrong)
        desk = Desk(clerk, keypad=given["keypad"] == "yes")
        document = "" if given["document"] == AUTO else given["document"]
        visit = self._visits.begin(desk, purpose=given["purpose"], document=document, reader=reader)
        response = RedirectResponse(f"/visit/{visit.id}" if document else f"/visit/{visit.id}/detect", status_code=303)
        response.set_cookie(
            KEYPAD_COOKIE, given["keypad"] or "no", samesite="strict", httponly=True, secure=bool(self.pages.secure)
        )
        return response

    async def _start(self, request: Request, given: dict[str, str], wrong: dict[str, str]) -> Response:
        language = language_of(request)
        clerk = clerk_of(request)
        world = self._cards(clerk)
        people = await self.threads.run(persons, world, language) if world else []
        return self.pages.render(
            request,
            "start.html",
            status=422 if wrong else 200,
            given={"purpose": "", "document": AUTO, "reader": "", "person": "", "keypad": "", "variant": "", **given},
            wrong={name: say(code, language) for name, code in wrong.items()},
            purposes=list(purposes_of(clerk.tenant)),
            documents=[AUTO, *DOCUMENTS],
            people=people,
            variants=variants_of(world),
            apart=APART,
        )

    def _cards(self, clerk: Clerk) -> "World | None":
        """Return the sandbox whose cards a clerk may read; a live tenant's never may."""
        return None if clerk.tenant.livemode else self._world

    # --- the reading

    async def detect(self, request: Request) -> Response:
        """Show the page that finds out which document lies on the reader."""
        visit = self._visit(request)
        if visit.document or visit.reader != "agent":
            return RedirectResponse(f"/visit/{visit.id}", status_code=303)
        visit.begin("detect", partial(self._readings.detect, visit))
        return self._carry(request, visit)

    async def choose(self, request: Request) -> Response:
        """Choose another document than the one that the chip told."""
        visit, chosen = self._visit(request), (await read_form(request)).get("document", "")
        if chosen in DOCUMENTS and visit.reader == "agent":
            form_of(visit.purpose, chosen)
            visit.again()
            visit.document = chosen
        return RedirectResponse(f"/visit/{visit.id}", status_code=303)

    async def ask(self, request: Request) -> Response:
        """Ask for what opens the chip."""
        visit = self._visit(request)
        if not visit.document:
            return RedirectResponse(f"/visit/{visit.id}/detect", status_code=303)
        if visit.task == "read" and visit.error is not None:  # gone back to by the browser's own button
            return RedirectResponse(f"/visit/{visit.id}/seen", status_code=303)
        return await self._ask(request, visit, {}, {})

    async def again(self, request: Request) -> Response:
        """Go back to the form after a reading that failed."""
        visit = self._visit(request)
        await read_form(request)
        if visit.error is not None or (visit.seen is not None and visit.seen.pin_refused):
            visit.again()
        return RedirectResponse(f"/visit/{visit.id}", status_code=303)

    async def photo(self, request: Request) -> Response:
        """Fill the form from a photograph; the clerk looks at it before anything goes to the chip.

        Where the individual number itself is the purpose, its QR code is read and goes to the chip, never to a page.
        """
        visit = self._visit(request)
        photograph = await read_upload(request, "photo")
        if visit.purpose == NUMBER_PURPOSE:
            return await self._number(request, visit, photograph)
        today = japanese_day(self._now(visit))
        try:
            if visit.document == "my_number_card":
                await self.threads.run(refuse_qr, photograph)
            lines = await self.threads.run(text_lines, photograph)
        except HonninError as error:
            return await self._ask(request, visit, {}, {}, told=say_error(error, language_of(request)))
        found = entries_of(visit.document, lines, today=today)
        entries = form_of(visit.purpose, visit.document).entries
        missing = [entry.name for entry in entries if not entry.optional and entry.name not in found]
        told = say("counter.photo_some" if missing else "counter.photo_all", language_of(request))
        return await self._ask(request, visit, found, {}, told=told)

    async def read(self, request: Request) -> Response:
        """Read the chip with what was entered; a reader of the clerk's computer goes on in the page."""
        visit = self._visit(request)
        form = await read_form(request)
        given, wrong = read_entries(form_of(visit.purpose, visit.document).entries, form)
        if wrong:
            return await self._ask(request, visit, form, wrong)
        ticks = map(last_try_of, visit.last_tries)
        given |= {tick: "yes" for tick in ticks if form.get(tick)}
        return await self._read(visit, given)

    async def _number(self, request: Request, visit: Visit, photograph: bytes) -> Response:
        law_of(visit.caller.tenant, visit.purpose)
        try:
            number = await self.threads.run(number_in_qr, photograph)
        except HonninError as error:
            return await self._ask(request, visit, {}, {}, told=say_error(error, language_of(request)))
        given, wrong = read_entries(form_of(visit.purpose, visit.document).entries, {"individual_number": number})
        return await self._ask(request, visit, {}, wrong) if wrong else await self._read(visit, given)

    async def _read(self, visit: Visit, given: dict[str, str]) -> Response:
        if visit.task == "read" and visit.error is None:  # sent twice
            return RedirectResponse(f"/visit/{visit.id}/seen", status_code=303)
        caller = visit.caller
        law_of(caller.tenant, visit.purpose)
        if visit.reader != "agent":
            visit.begin("read")
            await self.threads.run(self._readings.run, visit, given, caller)
            return RedirectResponse(f"/visit/{visit.id}/seen", status_code=303)
        visit.begin("read", partial(self._readings.run, visit, given, caller))
        return RedirectResponse(f"/visit/{visit.id}/read", status_code=303)

    async def carry(self, request: Request) -> Response:
        """Show the page that carries commands between the chip's code here and the reader agent."""
        visit = self._visit(request)
        if visit.tunnel is None or visit.task != "read":
            return RedirectResponse(f"/visit/{visit.id}", status_code=303)
        if visit.ended:
            return RedirectResponse(f"/visit/{visit.id}/seen", status_code=303)
        return self._carry(request, visit)

    def _carry(self, request: Request, visit: Visit) -> Response:
        return self.pages.render(
            request,
            "carry.html",
            visit=visit,
            page=visit.tunnel.shown() if visit.tunnel else 0,
            connections=(self._agent,),
            address=f"/visit/{visit.id}/{visit.task}",
        )

    def _behind(self, work: Callable[[], None]) -> None:
        """Run the chip's side of a tunnel in a thread."""
        task = asyncio.create_task(self._chips.run(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def step(self, request: Request) -> Response:
        """Take the answer to one command from the page and give it the next."""
        visit = self._visit(request)
        if visit.tunnel is None:
            raise StateError("counter.out_of_turn", "Nothing is being read.", next="Start again.")
        said = await read_json(request)
        answer, page = said_by_page(said)
        if work := visit.take_work():
            self._behind(work)
        step = await self._steps.run(visit.tunnel.exchange, answer, page)
        done = {"file": visit.file, "done": visit.done, "of": visit.of}
        if step.kind == "end":
            return JSONResponse({"kind": "end", **done})
        return JSONResponse({"kind": step.kind, "apdu": step.apdu.hex(), **done})

    # --- what was seen

    async def seen(self, request: Request) -> Response:
        """Show the card beside what the chip proves, or why it could not be read."""
        visit = self._visit(request)
        if visit.tunnel is not None:
            for _ in range(100):  # the reading's thread ends right after its last step
                if visit.ended:
                    break
                await asyncio.sleep(0.05)
        language = language_of(request)
        if visit.error is not None:
            return self.pages.render(
                request,
                "unread.html",
                visit=visit,
                code=visit.error.code,
                sentence=say_error(visit.error, language),
                entry=refused_entry(visit.error),
                tries=tries_in(visit.error),
            )
        if visit.seen is None:
            under_way = visit.task == "read" and visit.tunnel is not None
            return RedirectResponse(f"/visit/{visit.id}/read" if under_way else f"/visit/{visit.id}", status_code=303)
        return await self._shown(request, visit, visit.seen, "")

    async def _shown(self, request: Request, visit: Visit, seen: Seen, wrong: str) -> Response:
        language = language_of(request)
        caller = visit.caller
        law = law_of(caller.tenant, visit.purpose)
        at = self._now(visit)
        return self.pages.render(
            request,
            "seen.html",
            status=422 if wrong else 200,
            address=f"/visit/{visit.id}/seen",
            wrong=wrong and say(wrong, language),
            visit=visit,
            seen=seen,
            drawing=await self.threads.run(drawn, seen, f"/visit/{visit.id}/image", language),
            current=currency(seen.expires, japanese_day(at)),
            law_not_enough=law is not None and method_of(law, visit.document, at, standing(caller.tenant)) is None,
            foreseen=await self.threads.run(self._readings.foreseen, visit, seen, at=at),
            asked_code=words_of(seen.standing.code, language),
            also_words=words_of(seen.also_code, language),
        )

    async def image(self, request: Request) -> Response:
        """Return one picture of the chip in a form that browsers show."""
        visit = self._visit(request)
        fields = visit.seen.fields if visit.seen else ()
        n, piece = request.path_params["n"], request.path_params.get("piece")
        content = picture_at(fields[n], piece) if n < len(fields) else b""
        if not content:
            raise NotFoundError("page.not_found", "There is no such picture.", next="Start again.")
        media_type, content = await self.threads.run(shown_picture, content)
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response(content, media_type=media_type, headers=headers)

    async def confirm(self, request: Request) -> Response:
        """Record the reading with the clerk's word, and forget what was read."""
        visit = self._visit(request)
        form = await read_form(request)
        word, printed = form.get("same_person", ""), read_day(form.get("printed_expiry", ""))
        if visit.seen is None or word not in {"yes", "no"}:
            return RedirectResponse(f"/visit/{visit.id}/seen", status_code=303)
        if word == "yes" and printed is None and visit.seen.expiry_on_face_alone:
            return await self._shown(request, visit, visit.seen, "counter.printed_expiry_missing")
        seen, visit.seen = visit.seen, None  # sent twice, it is recorded once
        try:
            made = await self.threads.run(
                self._readings.record, visit, seen, same_person=word == "yes", printed=printed, at=self._now(visit)
            )
        except HonninError:
            visit.seen = seen  # the store may answer again before the visit ends
            raise
        self._visits.end(visit.id)
        return RedirectResponse(f"/checks/{made.id}", status_code=303)

    async def end(self, request: Request) -> Response:
        """Forget what was read, without a record."""
        await read_form(request)
        self._visits.end(self._visit(request).id)
        return RedirectResponse("/", status_code=303)

    # --- what the pages share

    def _visit(self, request: Request) -> Visit:
        return self._visits.get(request.path_params["id"], clerk_of(request))

    async def _ask(
        self, request: Request, visit: Visit, given: dict[str, str], wrong: dict[str, str], told: str = ""
    ) -> Response:
        language = language_of(request)
        entries = form_of(visit.purpose, visit.document).entries
        world = self._cards(visit.desk.clerk) if visit.reader.startswith(EMULATED) else None
        return self.pages.render(
            request,
            "ask.html",
            status=422 if wrong else 200,
            visit=visit,
            entries=entries,
            told=told,
            openers=await self.threads.run(openers, world, visit.reader, entries) if world else [],
            address=f"/visit/{visit.id}",
            camera=available() and visit.document in READABLE,
            documents=list(DOCUMENTS),
            last_try_of=last_try_of,
            connections=(self._agent,) if visit.reader == "agent" else (),
            given={entry.name: "" if _unshown(entry, visit, wrong) else given.get(entry.name, "") for entry in entries},
            wrong={name: say(code, language) for name, code in wrong.items()},
        )

    def _now(self, visit: Visit) -> datetime:
        return self._platform.of_tenant(visit.caller.id).clock(visit.caller)


def _unshown(entry: Entry, visit: Visit, wrong: dict[str, str]) -> bool:
    """Tell whether an entry's text must not go back to the page: keyed by the customer, or an individual number."""
    return entry.secret or entry.hidden(keypad=visit.desk.keypad) or wrong.get(entry.name) == "counter.number_refused"
