"""What a service provider's terminal says to honnin over HTTP (docs/tap.md), as any other program would."""

from datetime import datetime
from typing import Any, Literal, Self, TypeVar

import httpx
import msgspec

from honnin.errors import HonninError, ServiceError

__all__ = ["Registration", "Service", "Tap", "Terminal"]

TIMEOUT = httpx.Timeout(20.0, connect=5.0)
T = TypeVar("T")
Outcome = Literal["accepted", "refused", "could_not_tell"]


class Terminal(msgspec.Struct, frozen=True):
    """A terminal as the operator sees it."""

    id: str
    name: str
    place: str
    status: str


class Tap(msgspec.Struct, frozen=True):
    """A tap as the terminal sees it."""

    id: str
    created_at: datetime
    status: str
    terminal: str
    purpose: str
    assurance_level: int
    registration: bool = False
    message: bytes | None = None
    birth_date_key: str | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    messages: dict[str, str] = {}
    person: str | None = None
    evidence: str | None = None

    def __repr__(self) -> str:
        return f"Tap({self.id}, {self.status})"


class Registration(msgspec.Struct, frozen=True):
    """How a registration ended."""

    outcome: Outcome
    reason: str
    messages: dict[str, str]
    person: str | None = None
    verification: str | None = None


class _Terminals(msgspec.Struct, frozen=True):
    data: list[Terminal]


class _Taps(msgspec.Struct, frozen=True):
    data: list[Tap]


class Service:
    """The API as a terminal uses it. Use it in a `with`. base: the API's origin; key: the service provider's."""

    def __init__(self, base: str, key: str) -> None:
        headers = {"authorization": f"Bearer {key}"}
        self._client = httpx.Client(base_url=base, headers=headers, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def add_terminal(self, name: str, place: str, *, supervised: bool, outdoors: bool, online: bool) -> Terminal:
        """POST /v1/tap-terminals."""
        body = {"name": name, "place": place, "supervised": supervised, "outdoors": outdoors, "online": online}
        return self._ask("POST", "/v1/tap-terminals", Terminal, body)

    def terminals(self) -> list[Terminal]:
        """GET /v1/tap-terminals."""
        return self._ask("GET", "/v1/tap-terminals", _Terminals).data

    def retire(self, terminal: str) -> Terminal:
        """POST /v1/tap-terminals/{id}/retire."""
        return self._ask("POST", f"/v1/tap-terminals/{terminal}/retire", Terminal)

    def taps(self, *, limit: int = 100) -> list[Tap]:
        """GET /v1/taps."""
        return self._ask("GET", f"/v1/taps?limit={limit}", _Taps).data

    def begin(self, terminal: str, purpose: str, *, registration: bool = False, staff: str | None = None) -> Tap:
        """POST /v1/taps."""
        body = {"terminal": terminal, "purpose": purpose, "registration": registration, "staff": staff}
        return self._ask("POST", "/v1/taps", Tap, body)

    def recognise(self, tap: str, certificate: bytes) -> Tap:
        """POST /v1/taps/{id}/certificate."""
        return self._ask("POST", f"/v1/taps/{tap}/certificate", Tap, {"certificate": certificate})

    def finish(self, tap: str, proof: dict[str, bytes]) -> Tap:
        """POST /v1/taps/{id}/proof."""
        return self._ask("POST", f"/v1/taps/{tap}/proof", Tap, proof)

    def register(self, tap: str, body: dict[str, Any]) -> Registration:
        """POST /v1/taps/{id}/registration."""
        return self._ask("POST", f"/v1/taps/{tap}/registration", Registration, body)

    def _ask(self, method: str, path: str, kind: type[T], body: dict[str, Any] | None = None) -> T:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if content is None else {"content-type": "application/json"}
        try:
            answer = self._client.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise _unavailable() from error
        if answer.is_error:
            raise _refused(answer)
        return msgspec.json.decode(answer.content, type=kind)


def _unavailable() -> ServiceError:
    return ServiceError("taps.unavailable", "The API did not answer.", next="Try again later.", retryable=True)


def _refused(answer: httpx.Response) -> HonninError:
    """Return the API's own coded error (RFC 9457 members), so that the person reads its words."""
    try:
        code = str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return _unavailable()
    return ServiceError(code, f"The API answered {answer.status_code}.", next="Tap again.")
