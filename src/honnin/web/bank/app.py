"""The demo bank's pages: front page, application, return from the identity check, account opened.

    GET  /         front page
    GET  /open     the form
    POST /open     session at honnin, then to the person's page there
    GET  /return   back from honnin: ask the API how it ended (what the URL says is not believed)
    GET  /account  the account of the customer whose cookie it is
    POST /leave    log out
    GET  /login    for a customer who has an account
    POST /login    session at honnin, in which the customer proves with the PIN of four digits who they are
    GET  /recover  for a customer who cannot log in any more
    POST /recover  session at honnin, in which the customer signs again; no item is asked for

The application is bound to the browser that began it (cookie = state), so that nobody can be sent into another person's
application; and to the browser that ended the check (the code of the return), so that nobody is handed the check of
another person, to whom they passed the link on. Login and recovery go by honnin's id of the person, which a signature
gave and either gives again, and end the login that was before.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from honnin.errors import InputError, NotFoundError, ServiceError
from honnin.web.bank.ledger import Account, Application, Goal, Ledger, new_number
from honnin.web.bank.service import Honnin, Outcome
from honnin.web.design import Pages, language_of, read_form, site
from honnin.web.design.times import TOKYO, write_date
from honnin.words import Language, say

__all__ = ["create_app"]

CHOICES: Mapping[str, tuple[str, ...]] = {
    "account": ("ordinary", "savings"),
    "purpose": ("living", "salary", "saving", "remittance"),
    "occupation": (
        "employee",
        "public_servant",
        "self_employed",
        "part_time",
        "homemaker",
        "student",
        "retired",
        "other",
    ),
}
FIRST = {"account": "ordinary", "purpose": "", "occupation": "", "agree": ""}
APPLICATION = "mihon_application"
ACCOUNT = "mihon_account"
MINUTES = 15
STOPPED = {  # a session's status and the bank's words for it; a completed one that did not pass is "failed"
    "cancelled": "cancelled",
    "expired": "expired",
    "failed": "unable",
    "open": "open",
    "unreturned": "unreturned",
    "undetermined": "undetermined",
}
MOODS = {"cancelled": "info", "failed": "error", "unable": "error"}


def machine_time() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def create_app(
    *, api: str, pages: str, home: str, console: str, keys: Path, now: Callable[[], datetime] = machine_time
) -> ASGIApp:
    """Return the demo bank.

    api: origin that the bank's server calls; pages: origin of the persons' pages as a browser reaches it.
    home: the bank's own origin, registered at honnin with `/return`; console: where evidence is shown.
    keys: JSON file with the bank's `api_key`.
    """
    bank = _Bank(api=api, pages=pages, home=home, console=console, keys=keys, now=now)
    routes = [
        Route("/", bank.front),
        Route("/open", bank.form),
        Route("/open", bank.apply, methods=["POST"]),
        Route("/return", bank.come_back),
        Route("/account", bank.account),
        Route("/leave", bank.leave, methods=["POST"]),
        Route("/login", bank.ask_login),
        Route("/login", bank.log_in, methods=["POST"]),
        Route("/recover", bank.ask_recovery),
        Route("/recover", bank.recover, methods=["POST"]),
    ]
    return site(bank.pages, routes)


class _Bank:
    def __init__(
        self, *, api: str, pages: str, home: str, console: str, keys: Path, now: Callable[[], datetime]
    ) -> None:
        self.pages = Pages("bank", refusals="bank/layout.html", console=console)
        self._api = api
        self._persons = pages
        self._home = home
        self._keys = keys
        self._now = now
        self._ledger = Ledger()

    # --- applying

    async def front(self, request: Request) -> Response:
        """Show the front page."""
        return self.pages.render(request, "home.html")

    async def form(self, request: Request) -> Response:
        """Show the application form."""
        return self._form(request, FIRST, {})

    async def apply(self, request: Request) -> Response:
        """Take the application: open a session at honnin and send the person to their page there."""
        given = {**dict.fromkeys(FIRST, ""), **await read_form(request)}
        language = language_of(request)
        wrong = {
            name: say(f"bank.{name}_missing", language)
            for name, options in CHOICES.items()
            if given[name] not in options
        }
        if given["agree"] != "yes":
            wrong["agree"] = say("bank.agree_missing", language)
        if wrong:
            return self._form(request, given, wrong, status=422)
        return await self._send_to_check(
            request,
            {"purpose": "account_opening", "law": "aml", "text": self._text(given, language)},
            "open",
            account=given["account"],
        )

    async def _send_to_check(
        self, request: Request, asked: Mapping[str, object], goal: Goal, *, account: str = ""
    ) -> Response:
        """Open a session at honnin and send the person to their page there. account: the kind of one to be opened."""
        state, language = secrets.token_urlsafe(32), language_of(request)
        opened = await self._honnin().open_session(
            {
                **asked,
                "return_url": f"{self._home}/return",
                "state": state,
                "requester": {"en": say("bank.name", "en")},
                "expires_in": MINUTES * 60,
                "return_code": True,
            },
            idempotency_key=state,
        )
        page = f"{self._persons}{opened.url}"
        self._ledger.keep(state, Application(session=opened.id, page=page, goal=goal, account=account))
        response = RedirectResponse(f"{page}?lang={language}", status_code=303)
        _set(request, response, APPLICATION, state)
        return response

    # --- recovering

    async def ask_recovery(self, request: Request) -> Response:
        """Say how a customer who cannot log in any more gets in again."""
        return self._again(request, "recover", "")

    async def recover(self, request: Request) -> Response:
        """Ask the customer to sign with the signature certificate, as when the account was opened."""
        await read_form(request)
        language = language_of(request)
        day = write_date(self._now().astimezone(TOKYO).date(), language)
        number = f"MB-R-{secrets.token_hex(3).upper()}"
        text = say("bank.recovery_text", language, day=day, number=number)
        return await self._send_to_check(
            request, {"purpose": "account_recovery", "attributes": [], "text": text}, "recover"
        )

    async def ask_login(self, request: Request) -> Response:
        """Say how a customer logs in."""
        return self._again(request, "login", "")

    async def log_in(self, request: Request) -> Response:
        """Ask the customer to log in with the user authentication certificate: nothing is signed, no item asked for."""
        await read_form(request)
        return await self._send_to_check(
            request, {"certificate_kind": "user_authentication", "purpose": "login"}, "login"
        )

    def _again(self, request: Request, goal: Goal, refused: str) -> Response:
        """Show the way back into an account, and why the last try did not lead there."""
        return self.pages.render(request, f"{goal}.html", form_targets=(self._persons,), refused=refused)

    async def leave(self, request: Request) -> Response:
        """Log the customer out."""
        await read_form(request)
        response = RedirectResponse("/", status_code=303)
        response.delete_cookie(ACCOUNT)
        return response

    def _form(
        self, request: Request, given: Mapping[str, str], wrong: Mapping[str, str], *, status: int = 200
    ) -> Response:
        errors = [{"field": field, "sentence": sentence} for field, sentence in wrong.items()]
        return self.pages.render(
            request,
            "open.html",
            status=status,
            form_targets=(self._persons,),
            choices=CHOICES,
            given=given,
            wrong=wrong,
            errors=errors,
        )

    def _text(self, given: Mapping[str, str], language: Language) -> str:
        day = self._now().astimezone(TOKYO).date()
        words = {name: say(f"bank.{name}_{given[name]}", language) for name in CHOICES}
        number = f"MB-{day:%Y%m%d}-{secrets.token_hex(3).upper()}"
        return say("bank.application", language, day=write_date(day, language), number=number, **words)

    # --- coming back

    async def come_back(self, request: Request) -> Response:
        """Learn from honnin how the check ended, and open the account or say why not."""
        state = request.query_params.get("state", "")
        application = self._ledger.application(state)
        kept = request.cookies.get(APPLICATION, "")
        if application is None or not secrets.compare_digest(kept.encode(), state.encode()):
            raise _unknown_return()
        async with application.turn:
            if application.secret is None and (stopped := await self._conclude(request, application)):
                return stopped
        response = RedirectResponse(f"/account?by={application.goal}", status_code=303)
        _set(request, response, ACCOUNT, str(application.secret))
        return response

    async def _conclude(self, request: Request, application: Application) -> Response | None:
        """Ask how the check ended: open the account, or return the page that says why not."""
        honnin = self._honnin()
        session = await honnin.session(application.session)
        if session.status not in {"open", "expired"} and not await self._came_back(request, application):
            return self._stopped(request, "unreturned", application, None)
        outcome = await honnin.outcome(session.verification) if session.verification else None
        passed = session.status == "completed" and outcome is not None and outcome.passed
        if application.goal != "open" and session.status != "open":
            if passed and outcome and outcome.person and self._ledger.recover(application, outcome.person):
                return None
            return self._again(request, application.goal, "unknown" if passed else "failed")
        if not passed or outcome is None:
            return self._stopped(request, session.status, application, outcome)
        account = Account(
            account=application.account,
            number=new_number(),
            items=await honnin.take_four_items(session.id),
            person=outcome.person,
            verification=outcome.id,
        )
        self._ledger.open(application, account)
        return None

    async def _came_back(self, request: Request, application: Application) -> bool:
        """Tell whether this browser is the one in which the check ended: it brings the code, which is taken once.

        Raises NotFoundError `bank.unknown_return` for a code that is not this session's, or that another brought.
        """
        code = request.query_params.get("code", "")
        if application.returned or not code:
            return application.returned
        ours, application.code = application.code, code
        try:
            await self._honnin().redeem(application.session, code)
        except ServiceError as error:
            if error.code == "session.code_used" and ours == code:  # it was we, and the answer was lost
                application.returned = True
                return True
            if error.code in {"session.code", "session.code_late", "session.code_used"}:
                application.code = ours
                raise _unknown_return() from error
            raise
        application.returned = True
        return True

    def _stopped(self, request: Request, status: str, application: Application, outcome: Outcome | None) -> Response:
        language = language_of(request)
        ending = STOPPED.get(status, "failed")
        told = outcome is not None and ending in {"failed", "undetermined"}
        sentence = outcome.messages.get(language, "") if outcome and told else ""
        return self.pages.render(
            request,
            "stopped.html",
            ending=ending,
            sentence=sentence or say(f"bank.stopped_{ending}_sentence", language),
            page=f"{application.page}?lang={language}" if ending in {"open", "unreturned"} else "",
            verification=outcome.id if outcome else "",
            mood=MOODS.get(ending, "warning"),
        )

    async def account(self, request: Request) -> Response:
        """Show the customer's account."""
        account = self._ledger.account(request.cookies.get(ACCOUNT, ""))
        if account is None:
            return RedirectResponse("/", status_code=303)
        substitutes = account.items.substitute_characters
        substituted = {"name": bool(substitutes.name), "address": bool(substitutes.address)}
        again = request.query_params.get("by") in {"login", "recover"}
        return self.pages.render(request, "opened.html", account=account, substituted=substituted, again=again)

    def _honnin(self) -> Honnin:
        try:
            key = json.loads(self._keys.read_text(encoding="utf-8"))["api_key"]
        except (OSError, ValueError, KeyError) as error:
            raise InputError("bank.unavailable", "The bank has no API key.", next="Start it with honnin up.") from error
        return Honnin(self._api, str(key))


def _unknown_return() -> NotFoundError:
    return NotFoundError("bank.unknown_return", "No application of this browser fits.", next="Apply again.")


def _set(request: Request, response: Response, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, httponly=True, samesite="lax", secure=secure, max_age=MINUTES * 60)
