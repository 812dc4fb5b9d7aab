"""What the counter recorded.

    GET  /checks            the list
    GET  /checks/{id}       one check, and what its law's record still lacks
    POST /checks/{id}       state what the record lacks
    GET  /checks/{id}.pdf   the check as a page to print or save
    GET  /checks/{id}/receipt.json

A record's values are never shown here: they leave by an export, which names who took them.
"""

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from honnin.errors import InputError, StateError
from honnin.platform.counter import CounterCheck
from honnin.platform.evidence.receipt import Receipt, write_receipt
from honnin.platform.models import Caller
from honnin.platform.records import Record, record_law
from honnin.platform.records.items import Item
from honnin.web.counter.door import clerk_of
from honnin.web.counter.paper import proof_paper
from honnin.web.design import Pages, Threads, language_of, read_form
from honnin.words import in_all

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["Recorded"]

SHOWN = 50
PENDING = "evidence.pending"
PATIENCE, PAUSE = 15, 0.1  # a head is signed every second at the latest while there is work
REASON = "窓口での聞取り"  # stands in the record, which is written in Japanese


class Recorded:
    """The pages of what was recorded, each tenant's for its own staff."""

    def __init__(self, pages: Pages, platform: "Platform", threads: Threads) -> None:
        self._pages = pages
        self._platform = platform
        self._threads = threads

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/checks", self.checks),
            Route("/checks/{id}.pdf", self.paper),
            Route("/checks/{id}/receipt.json", self.receipt),
            Route("/checks/{id}", self.check),
            Route("/checks/{id}", self.state, methods=["POST"]),
        ]

    async def checks(self, request: Request) -> Response:
        """List what was recorded."""
        tenant = clerk_of(request).tenant
        after = request.query_params.get("after")
        home = self._platform.of_tenant(tenant.id)
        found, more = await self._threads.run(home.counter.page, tenant.id, after=after, limit=SHOWN)
        return self._pages.render(request, "checks.html", checks=found, older=found[-1].id if more else "")

    async def check(self, request: Request) -> Response:
        """Show one check."""
        return await self._show(request, {}, "")

    async def state(self, request: Request) -> Response:
        """Add what the clerk states to the check's record."""
        form = {name: text.strip() for name, text in (await read_form(request)).items()}
        caller, check, record = await self._threads.run(self._found, request)
        missing = _missing(record)
        given = {item.id: form[item.id] for item in missing if form.get(item.id)}
        if record is None or not given:
            return RedirectResponse(f"/checks/{check.id}", status_code=303)
        try:
            home, by = self._platform.of_tenant(caller.id), clerk_of(request).staff.name
            await self._threads.run(home.records.correct, caller, record.id, by=by, reason=REASON, items=given)
        except InputError as error:
            return await self._show(request, given, in_all(error.code)[language_of(request)])
        return RedirectResponse(f"/checks/{check.id}", status_code=303)

    async def paper(self, request: Request) -> Response:
        """Return one check as a PDF."""
        caller, check, _ = await self._threads.run(self._found, request)
        receipt = await self._receipt(caller, check)
        content = await self._threads.run(proof_paper, check, caller.tenant.name, receipt, language_of(request))
        headers = {
            "content-disposition": f'inline; filename="{check.id}.pdf"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        return Response(content, media_type="application/pdf", headers=headers)

    async def receipt(self, request: Request) -> Response:
        """Return the receipt of one check as a file, for `honnin evidence verify`."""
        caller, check, _ = await self._threads.run(self._found, request)
        receipt = await self._receipt(caller, check)
        if receipt is None:
            raise StateError(PENDING, "The receipt does not exist yet.", next="Ask again in a second.", retryable=True)
        headers = {
            "content-disposition": f'attachment; filename="{check.id}.receipt.json"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        return Response(write_receipt(receipt), media_type="application/json", headers=headers)

    async def _receipt(self, caller: Caller, check: CounterCheck) -> Receipt | None:
        """Return the receipt of a check; None where the log's next head does not come in time."""
        home = self._platform.of_tenant(caller.id)
        for _ in range(PATIENCE):
            try:
                return await self._threads.run(home.receipt, caller, check.id)
            except StateError as error:
                if error.code != PENDING:
                    raise
            await asyncio.sleep(PAUSE)
        return None

    async def _show(self, request: Request, given: dict[str, str], wrong: str) -> Response:
        _, check, record = await self._threads.run(self._found, request)
        language = language_of(request)
        missing = _missing(record)
        return self._pages.render(
            request,
            "check.html",
            status=422 if wrong else 200,
            check=check,
            record=record,
            missing=[(item.id, item.en if language == "en" else item.ja) for item in missing],
            given=given,
            wrong=wrong,
        )

    def _found(self, request: Request) -> tuple[Caller, CounterCheck, Record | None]:
        caller = Caller(tenant=clerk_of(request).tenant)
        home = self._platform.of_tenant(caller.id)
        check = home.counter.check(caller.id, request.path_params["id"])
        return caller, check, home.records.read(caller, check.record) if check.record else None


def _missing(record: Record | None) -> list[Item]:
    """Return the items that a record still lacks; none where there is no record, or its time has passed."""
    if record is None or record.status == "ended":
        return []
    return [item for item in record_law(record.law).items if item.id in record.missing]
