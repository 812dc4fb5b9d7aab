"""One remote check from beginning to end without a browser, and whether it ends as the person's story says.

    person   who holds the card                      (the sandbox's people)
    session  the bank asks honnin for a check        (HTTP, POST /v1/sessions)
    card     the card is found, its tries are read   (APDUs, no try spent)
    pin      the card takes the PIN
    sign     the card signs the application
    verify   honnin judges signature, path, revocation
    items    the bank fetches the four items, once   (HTTP)
    receipt  the evidence gets its place in the log  (HTTP)
    offline  the receipt is verified with the log key alone

The bank's side is plain HTTP; the card's side is what the hosted page does with a person's card. The PIN comes from the
sandbox's list of people and is given to the card only.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from honnin.chip import MyNumberCard, Pin, Reader, open_reader
from honnin.errors import CardError, HonninError, NotFoundError, ServiceError
from honnin.platform.evidence.receipt import read_receipt, verify_receipt
from honnin.platform.keys import LogPublicKey
from honnin.platform.models import SessionSignature
from honnin.web.serving import Running
from honnin.words import Language, in_all, say

__all__ = ["Outcome", "Step", "Walk", "walk"]

RECEIPT_PATIENCE = 60.0  # seconds; a head is signed at least every second, where the machine lets it
PASSED = "TOTAL-PASSED"
PENDING = "evidence.pending"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step with the time it took. result: `done` or `stopped`; seen: what there is to see of it."""

    id: str
    result: str
    ms: float
    seen: dict[str, Any]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a check ends: a verdict, or the card's error; and whether the account opens."""

    account_opened: bool
    indication: str | None = None
    sub_indication: str | None = None
    error: str | None = None


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """One person's check, step by step; matches: it ended as the person's story says.

    messages: the outcome in words for the person; next: what the person does now. Both by language.
    """

    person: str
    name: str
    story: dict[str, str]
    steps: tuple[Step, ...]
    outcome: Outcome
    expected: Outcome
    matches: bool
    messages: dict[str, str]
    next: dict[str, str]

    @property
    def ms(self) -> float:
        """The whole time in milliseconds."""
        return sum(step.ms for step in self.steps)


class _StoppedError(Exception):
    """The journey has ended before its last station; the outcome is known."""


class _Journey:
    """One walk under way."""

    def __init__(self, running: Running, client: httpx.Client, person: Mapping[str, Any], language: Language) -> None:
        self._running = running
        self._client = client
        self._person = person
        self._language = language
        self.steps: list[Step] = []
        self.outcome = Outcome(account_opened=False)
        self.messages: dict[str, str] = {}

    def travel(self) -> None:
        """Take the steps in order, as far as they lead."""
        try:
            session = self._open_session()
            document = self._text().encode()
            made = self._sign(session["id"], document)
            self._verify(session["url"].rpartition("/")[2], session["id"], made)
        except _StoppedError:
            return

    # --- the stations

    def _open_session(self) -> dict[str, Any]:
        with self._step("session") as seen:
            request = {
                "purpose": "account_opening",
                "law": "aml",
                "text": self._text(),
                "return_url": f"{self._running.origin('bank')}/return",
            }
            session = self._ask("POST", "/v1/sessions", json=request)
            seen |= {"session": session["id"], "law": "aml", "status": session["status"]}
        return session

    def _sign(self, session_id: str, document: bytes) -> SessionSignature:
        data = self._running.platform.settings.data
        try:
            with open_reader(f"emulated:{self._person['id']}", data=data) as reader:
                return self._use_card(reader, document)
        except CardError as error:
            self.outcome = Outcome(account_opened=False, error=error.code)
            self.messages = in_all(error.code)
            self._ask("POST", f"/v1/sessions/{session_id}/cancel")
            raise _StoppedError from None

    def _use_card(self, reader: Reader, document: bytes) -> SessionSignature:
        with MyNumberCard(reader) as card:
            with self._step("card") as seen:
                tries = next((tries for tries in card.jpki.tries() if tries.name == "signature"), None)
                issued = card.jpki.issued().signature
                seen |= {"tries_left": tries.left if tries and issued else None, "signature_certificate": issued}
                if not issued:
                    raise CardError("card.not_issued", "The card holds no signature certificate.")
            with self._step("pin") as seen:
                card.jpki.unlock(Pin("signature", self._person["pins"].get("signature", "")))
                seen |= {"opened": True}
            with self._step("sign") as seen:
                certificate = card.jpki.certificate("signature") or b""
                made = card.jpki.sign_message("signature", document)
                seen |= {
                    "document_bytes": len(document),
                    "algorithm": made.algorithm,
                    "signature_bits": len(made.value) * 8,
                }
        return SessionSignature(signature=made.value, certificate=certificate, device="terminal")

    def _verify(self, key: str, session_id: str, made: SessionSignature) -> None:
        with self._step("verify") as seen:
            ended = self._running.platform.sessions.complete(key, made)
            verification = self._ask("GET", f"/v1/verifications/{ended.session.verification}")
            verdict, revocation = verification["verdict"], verification["revocation"] or {}
            self.messages = verification["messages"]
            opened = verdict["indication"] == PASSED
            self.outcome = Outcome(
                account_opened=opened,
                indication=verdict["indication"],
                sub_indication=verdict["sub_indication"],
            )
            seen |= {
                "indication": verdict["indication"],
                "sub_indication": verdict["sub_indication"],
                "checks": len(verdict["checks"]),
                "revocation": revocation.get("status"),
                "source": revocation.get("source"),
                "person": verification["person"],
                "person_status": verification["person_status"],
            }
        if opened:
            self._take_items(session_id)
        elif ended.session.status == "open":
            self._ask("POST", f"/v1/sessions/{session_id}/cancel")
        self._prove(verification["id"])

    def _take_items(self, session_id: str) -> None:
        with self._step("items") as seen:
            items = self._ask("GET", f"/v1/sessions/{session_id}/four-items")["four_items"]
            self._ask("DELETE", f"/v1/sessions/{session_id}/four-items")
            seen |= {name: items.get(name) for name in ("name", "address", "birth_date", "sex")}

    def _prove(self, verification_id: str) -> None:
        with self._step("receipt") as seen:
            content = self._receipt(verification_id)
            receipt = read_receipt(content)
            seen |= {"leaf_index": receipt.leaf_index, "tree_size": receipt.tree_size, "bytes": len(content)}
        with self._step("offline") as seen:
            key = LogPublicKey.read((self._running.platform.settings.data / "keys" / "log.pub.pem").read_bytes())
            record = verify_receipt(receipt, key)
            seen |= {"proven": True, "record_bytes": len(receipt.record.encode()), "log": record["log_id"]}

    def _receipt(self, verification_id: str) -> bytes:
        path = f"/v1/verifications/{verification_id}/receipt"
        deadline = time.monotonic() + RECEIPT_PATIENCE
        while True:
            answer = self._client.get(path)
            if _code(answer) != PENDING or time.monotonic() > deadline:
                return _content(answer)
            time.sleep(0.02)

    # --- what the stations share

    @contextmanager
    def _step(self, name: str) -> Iterator[dict[str, Any]]:
        seen: dict[str, Any] = {}
        started = time.perf_counter()
        result = "stopped"
        try:
            yield seen
            result = "done"
        except HonninError as error:
            seen["error"] = error.code
            raise
        finally:
            ms = round((time.perf_counter() - started) * 1000, 1)
            self.steps.append(Step(id=name, result=result, ms=ms, seen=seen))

    def _text(self) -> str:
        return say("demo.application", self._language)

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        content = _content(self._client.request(method, path, **more))
        answer: dict[str, Any] = msgspec.json.decode(content) if content else {}
        return answer


def walk(running: Running, persona: str, *, language: Language = "en") -> Walk:
    """Walk one person's check on a running server, as far as the card and the verdict let it go.

    Raises NotFoundError `demo.person_unknown`; ServiceError when the server refuses what the demo asks.
    """
    from honnin.connect.worlds import open_world

    started = time.perf_counter()
    people = open_world(running.platform.settings.data).people()
    person = next((person for person in people if person["id"] == persona), None)
    if person is None:
        raise NotFoundError(
            "demo.person_unknown", "The sandbox has no such person.", next="See `honnin sandbox people`."
        )
    seen = {"name": person["name"], "people": len(people)}
    first = Step(id="person", result="done", ms=round((time.perf_counter() - started) * 1000, 1), seen=seen)
    headers = {"authorization": f"Bearer {running.api_key}"}
    with httpx.Client(base_url=running.base, headers=headers, timeout=20.0, trust_env=False) as client:
        journey = _Journey(running, client, person, language)
        journey.travel()
    expected = msgspec.convert(person["expected"], Outcome)
    return Walk(
        person=persona,
        name=person["name"],
        story=dict(person["story"]),
        steps=(first, *journey.steps),
        outcome=journey.outcome,
        expected=expected,
        matches=journey.outcome == expected,
        messages=journey.messages,
        next=dict(person["next"]),
    )


def _content(answer: httpx.Response) -> bytes:
    if answer.is_success:
        return answer.content
    code = _code(answer) or "demo.refused"
    raise ServiceError(code, f"The API answered {answer.status_code}.", next="Look at the server's log.")


def _code(answer: httpx.Response) -> str | None:
    """Return the code of a problem document (RFC 9457), None for any other answer."""
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return None
    return str(answer.json().get("code"))
