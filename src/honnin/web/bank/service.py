"""What a service provider's server says to honnin: open a session, read its result, fetch the four items once.

Plain HTTP as any service provider would do it (CONTRACTS, HTTP); nothing of the platform is imported here.
"""

from typing import Any

import httpx
import msgspec

from honnin.errors import HonninError, ServiceError

__all__ = ["FourItems", "Honnin", "Opened", "Outcome"]

TIMEOUT = httpx.Timeout(20.0, connect=5.0)


class Opened(msgspec.Struct, frozen=True):
    """A new session: its id and the path of the person's page."""

    id: str
    url: str


class Verdict(msgspec.Struct, frozen=True):
    """The part of a verdict that the bank acts on."""

    indication: str


class Outcome(msgspec.Struct, frozen=True):
    """A verification as the bank sees it; `messages` are words for the person by language."""

    id: str
    verdict: Verdict
    evidence: str
    person: str | None = None
    messages: dict[str, str] = {}

    @property
    def passed(self) -> bool:
        """Whether the person's identity is confirmed."""
        return self.verdict.indication == "TOTAL-PASSED"


class Session(msgspec.Struct, frozen=True):
    """How far a session is."""

    id: str
    status: str
    verification: str | None = None


class Substitutes(msgspec.Struct, frozen=True):
    """Positions of characters that stand for others."""

    name: list[int] = []
    address: list[int] = []


class FourItems(msgspec.Struct, frozen=True):
    """The verified items of a person."""

    name: str | None = None
    address: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    substitute_characters: Substitutes = msgspec.field(default_factory=Substitutes)

    def __repr__(self) -> str:
        return "FourItems(…)"


class _FourItemsAnswer(msgspec.Struct, frozen=True):
    four_items: FourItems


class Honnin:
    """The API as this bank uses it. base: the API's origin; key: the bank's API key."""

    def __init__(self, base: str, key: str) -> None:
        self._base = base
        self._key = key

    async def open_session(self, request: dict[str, Any], *, idempotency_key: str) -> Opened:
        """POST /v1/sessions."""
        answer = await self._ask("POST", "/v1/sessions", json=request, headers={"idempotency-key": idempotency_key})
        return msgspec.json.decode(answer.content, type=Opened)

    async def session(self, session_id: str) -> Session:
        """GET /v1/sessions/{id}."""
        answer = await self._ask("GET", f"/v1/sessions/{session_id}")
        return msgspec.json.decode(answer.content, type=Session)

    async def redeem(self, session_id: str, code: str) -> None:
        """POST /v1/sessions/{id}/redeem: the person's browser is the one in which the check ended."""
        await self._ask("POST", f"/v1/sessions/{session_id}/redeem", json={"code": code})

    async def outcome(self, verification_id: str) -> Outcome:
        """GET /v1/verifications/{id}."""
        answer = await self._ask("GET", f"/v1/verifications/{verification_id}")
        return msgspec.json.decode(answer.content, type=Outcome)

    async def take_four_items(self, session_id: str) -> FourItems:
        """GET the four items of a session, then DELETE them there: the bank holds them now."""
        path = f"/v1/sessions/{session_id}/four-items"
        answer = await self._ask("GET", path)
        taken = msgspec.json.decode(answer.content, type=_FourItemsAnswer).four_items
        await self._ask("DELETE", path)
        return taken

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._key}", **more.pop("headers", {})}
        try:
            async with httpx.AsyncClient(base_url=self._base, timeout=TIMEOUT, trust_env=False) as client:
                answer = await client.request(method, path, headers=headers, **more)
        except httpx.HTTPError as error:
            raise _unavailable() from error
        if answer.is_error:
            raise _refused(answer)
        return answer


def _unavailable() -> ServiceError:
    return ServiceError("bank.unavailable", "The API did not answer.", next="Try again later.", retryable=True)


def _refused(answer: httpx.Response) -> HonninError:
    """Return the API's own coded error (RFC 9457 members), so that the person reads its words."""
    try:
        code = str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return _unavailable()
    return ServiceError(code, f"The API answered {answer.status_code}.", next="Start the application again.")
