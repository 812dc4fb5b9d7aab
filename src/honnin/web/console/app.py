"""The console's pages: what is running, and the evidence of one check of the demo tenant.

    GET /                            the running world: origins, key file, newest checks at the counter, people
    GET /evidence/{id}               of anything with a receipt (`proven`): verdict, ordered checks, place in the log
    GET /evidence/{id}/receipt.json  the receipt (honnin-receipt/1)
    GET /law                         which method is lawful when (console.law)
    GET /assess, /introducing        a level from risks; the five steps (console.assurance)

The console sees what the demo tenant itself may see: it holds that tenant's key and asks with it. No personal data are
shown here; a record holds none.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from honnin.errors import FormatError, NotFoundError, StateError
from honnin.platform.counter import CounterCheck
from honnin.platform.evidence.receipt import Receipt, verify_receipt, write_receipt
from honnin.platform.keys import LogPublicKey
from honnin.platform.models import Caller, Session, Verification
from honnin.platform.simulating import Simulation
from honnin.web.check.persons import persons
from honnin.web.console.assurance import assurance_routes
from honnin.web.console.law import law_routes
from honnin.web.console.merkle import climb
from honnin.web.console.proven import Proven, find
from honnin.web.design import Pages, Threads, language_of, site

if TYPE_CHECKING:
    from honnin.connect.worlds import World
    from honnin.platform import Platform

__all__ = ["create_app"]

ICONS = {
    "bank": "bank",
    "counter": "card",
    "tap": "tap",
    "api": "shield",
    "jlis": "home",
    "digital-auth": "phone",
    "tsa": "clock",
    "list": "tree",
}
MOODS = {"TOTAL-PASSED": "good", "PASSED": "good", "TOTAL-FAILED": "bad", "FAILED": "bad", "INDETERMINATE": "wait"}
PENDING = "evidence.pending"
NEWEST = 10  # checks at the counter on the first page
PATIENCE, PAUSE = 10, 0.1  # a head is signed every second at the latest while there is work


def create_app(platform: "Platform", *, world: "World", keys: Path, api: str, addresses: Mapping[str, str]) -> ASGIApp:
    """Return the console of a test environment.

    keys: JSON file with the demo tenant's `api_key`; api: the API's origin as people reach it.
    addresses: origin of every label of `*.localhost`.
    """
    console = _Console(platform, world, keys, api, addresses)
    routes = [
        Route("/", console.start),
        Route("/evidence/{id}", console.evidence),
        Route("/evidence/{id}/receipt.json", console.receipt),
        *law_routes(console.pages, world.now, console.past),
        *assurance_routes(console.pages, console.figures),
    ]
    return site(console.pages, routes)


class _Console:
    def __init__(
        self, platform: "Platform", world: "World", keys: Path, api: str, addresses: Mapping[str, str]
    ) -> None:
        self.pages = Pages("console")
        self._platform = platform
        self._world = world
        self._keys = keys
        self._api = api
        self._addresses = addresses
        self._threads = Threads("console")

    async def start(self, request: Request) -> Response:
        """Show what is running."""
        people = await self._threads.run(persons, self._world, language_of(request))
        addresses = {
            **self._addresses,
            "api": f"{self._api}/openapi.json",
            "list": f"{self._api}/.well-known/honnin-sandbox",
        }
        origins = [
            {"id": name, "icon": icon, "url": addresses[name]} for name, icon in ICONS.items() if name in addresses
        ]
        counter_checks = await self._threads.run(self._counter_checks)
        return self.pages.render(
            request,
            "start.html",
            counter=addresses.get("counter", ""),
            counter_checks=counter_checks,
            moods=MOODS,
            origins=origins,
            bank=addresses.get("bank", ""),
            api=self._api,
            keys=self._keys,
            people=people,
            now=self._world.now(),
        )

    async def evidence(self, request: Request) -> Response:
        """Show the evidence of one check, of whichever kind."""
        proven, receipt = await self._threads.run(self._read, request.path_params["id"])
        for _ in range(PATIENCE):
            if receipt is not None:
                break
            await asyncio.sleep(PAUSE)
            proven, receipt = await self._threads.run(self._read, request.path_params["id"])
        language = language_of(request)
        drawing: dict[str, Any] = {"receipt": None, "holds": False, "levels": [], "leaf": ""}
        if receipt is not None:
            leaf, levels = climb(receipt.record.encode(), receipt.leaf_index, receipt.tree_size, receipt.audit_path)
            drawing = {"receipt": receipt, "holds": self._holds(receipt), "levels": levels, "leaf": leaf}
        return self.pages.render(
            request,
            "evidence.html",
            proven=proven,
            shown=proven.shown,
            mood=MOODS[proven.verdict.indication],
            sentence=proven.messages.get(language, proven.verdict.reason),
            log_key=self._log_key(),
            **drawing,
        )

    async def receipt(self, request: Request) -> Response:
        """Return the receipt as a file."""
        proven, receipt = await self._threads.run(self._read, request.path_params["id"])
        if receipt is None:
            raise StateError(PENDING, "The receipt does not exist yet.", next="Ask again in a second.", retryable=True)
        name = f"{proven.evidence}.json"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(write_receipt(receipt), media_type="application/json", headers=headers)

    # --- what the demo tenant may see

    def _read(self, object_id: str) -> tuple[Proven, Receipt | None]:
        caller = self._caller()
        proven = find(self._platform, caller, object_id)
        try:
            return proven, self._platform.receipt(caller, proven.evidence)
        except StateError as error:
            if error.code != PENDING:
                raise
            return proven, None

    def past(self, on: date, early: bool) -> Simulation | None:
        """Return what the law of a day says of the demo tenant's last checks; None while there is no such tenant."""
        try:
            return self._platform.simulate(self._caller(), on=on, early=early or None)
        except NotFoundError:
            return None

    def figures(self) -> list[tuple[Session, Verification | None]]:
        """Return the demo tenant's latest sessions, each with its check."""
        caller = self._caller()
        sessions = self._platform.sessions.list(caller, limit=100).data
        checks = (one.verification and self._platform.verification(caller, one.verification) for one in sessions)
        return [(session, check or None) for session, check in zip(sessions, checks, strict=True)]

    def _counter_checks(self) -> tuple[CounterCheck, ...]:
        """Return the demo tenant's newest checks at the counter; none while there is no such tenant."""
        try:
            return self._platform.counter.page(self._caller().id, limit=NEWEST)[0]
        except NotFoundError:
            return ()

    def _caller(self) -> Caller:
        try:
            key = str(json.loads(self._keys.read_text(encoding="utf-8"))["api_key"])
        except (OSError, ValueError, KeyError) as error:
            raise NotFoundError(
                "console.evidence_none", "The demo tenant has no key.", next="Use honnin up."
            ) from error
        return self._platform.authenticate(key)

    def _log_key(self) -> Path:
        return self._platform.settings.data / "keys" / "log.pub.pem"

    def _holds(self, receipt: Receipt) -> bool:
        try:
            verify_receipt(receipt, LogPublicKey.read(self._log_key().read_bytes()))
        except FormatError:
            return False
        return True
