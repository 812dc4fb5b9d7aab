"""The OCSP client of a busy service: what `asking` allows is kept, joined, gathered, hedged and left in peace.

    1. A kept answer that is still current, or a failure a moment old, is the answer.
    2. Who asks for a certificate whose question is on its way waits for that one (single flight).
    3. Questions about certificates of one issuer to one responder are gathered into one request.
    4. A responder that failed several times in a row is not asked; a slow one is asked a second time.
    5. When it fails, a kept answer may stand in as long as the policy says, never past its own nextUpdate.

Signatures are judged by `honnin.pki`; here only before an answer is kept. A policy with a nonce keeps nothing, joins
nothing that was sent, and a batch of one names nobody else's certificate in the answer that evidence will hold.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from honnin.connect.gateway import Address, Gateway
from honnin.connect.jlis.answers import Answers, Key
from honnin.connect.jlis.asking import AskingPolicy, failures, named_asking
from honnin.connect.jlis.breaker import Breaker
from honnin.connect.jlis.hedging import Hedge
from honnin.connect.jlis.models import RevocationData
from honnin.connect.jlis.ocsp import OcspSource, responder
from honnin.errors import HonninError, ServiceError
from honnin.pki import check_revocation
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc6960 import CertId, OcspResponse, SingleResponse, certificate_ids

__all__ = ["OcspClient"]

HASH = "sha1"  # of CertIDs; it only names the issuer, and every responder knows it
MOST_RESPONDERS = 64  # whose state is kept; the one not asked for longest is forgotten
Line = tuple[str, bytes]  # responder's URL, SHA-256 of the issuer's certificate


@dataclass(frozen=True, slots=True)
class _Question:
    address: Address
    line: Line
    key: Key
    which: CertId
    certificate: bytes = field(repr=False)
    issuer: bytes = field(repr=False)


@dataclass(slots=True)
class _Flight:
    """One request and those who wait for its answer."""

    questions: dict[Key, _Question]
    full: threading.Event = field(default_factory=threading.Event)
    landed: threading.Event = field(default_factory=threading.Event)
    answer: OcspResponse | None = None
    at: datetime | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Responder:
    breaker: Breaker
    hedge: Hedge | None


class OcspClient:
    """Revocation data from the certificates' OCSP responders, asked by a policy; safe between threads.

    policy: a name of `asking.json` or a policy. clock: seconds, monotonic (times of answers are judged by `at`).
    """

    def __init__(
        self, gateway: Gateway, policy: AskingPolicy | str = "evidence", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.policy = named_asking(policy) if isinstance(policy, str) else policy
        self._gateway = gateway
        self._source = OcspSource(gateway) if self.policy.nonce else OcspSource(gateway, nonce=None)
        self._clock = clock
        self._answers = Answers(self.policy, clock)
        self._lock = threading.Lock()
        self._gathering: dict[Line, _Flight] = {}
        self._flying: dict[Key, _Flight] = {}
        self._responders: dict[str, _Responder] = {}
        self._issuers: dict[bytes, tuple[bytes, Certificate]] = {}

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:
        """Return the responder's answer about a certificate (DER): a kept one, or one asked for now.

        fetched_at is when the answer came. Raises as `OcspSource.fetch`, and ServiceError `jlis.resting`.
        """
        question = self._question(certificate, issuer)
        # 1.
        if self.policy.keeps and (kept := self._answers.current(question.key, at)) is not None:
            return kept
        failure = self._answers.failure(question.key)
        try:
            if failure is not None:
                raise _again(failure)
            return self._told(question, *self._flown(question, at))
        except ServiceError as error:
            if failure is None:
                self._answers.fail(question.key, error)
            # 5.
            stale = self._answers.stale(question.key, at) if self.policy.stale_seconds else None
            if stale is None or error.code not in failures() | {"jlis.resting"}:
                raise
            return stale

    def breaker(self, url: str) -> Breaker:
        """Return the breaker of the responder that a certificate names. Raises ServiceError `gateway.host_unknown`."""
        return self._responder(self._gateway.locate(url)).breaker

    def second_tries(self, url: str) -> int:
        """Return how many second tries the responder that a certificate names was sent; raises as `breaker`."""
        hedge = self._responder(self._gateway.locate(url)).hedge
        return hedge.second_tries if hedge else 0

    def _question(self, certificate: bytes, issuer: bytes) -> _Question:
        url = responder(certificate)
        known = self._issuers.get(issuer)
        if known is None:
            known = (hashlib.sha256(issuer).digest(), parse_certificate(issuer))
            if len(self._issuers) < 1000:
                self._issuers[issuer] = known
        digest, signer = known
        which = certificate_ids(parse_certificate(certificate), signer, HASH)
        key = (digest, which.serial_number)
        return _Question(self._gateway.locate(url), (url, digest), key, which, certificate, issuer)

    # --- 2. and 3.

    def _flown(self, question: _Question, at: datetime) -> tuple[OcspResponse, datetime]:
        flight, mine = self._boarded(question)
        if mine:
            self._fly(flight, question.line, at)
        else:
            flight.landed.wait()
        if flight.error is not None:
            if len(flight.questions) > 1 and getattr(flight.error, "code", "") == "jlis.refused":
                # one question may have spoilt the request for all: each asks for itself
                return self._asked(question.address, [question.which]), at
            raise _again(flight.error)
        if flight.answer is None or flight.at is None:
            raise AssertionError("a flight lands with an answer or an error")
        return flight.answer, flight.at

    def _boarded(self, question: _Question) -> tuple[_Flight, bool]:
        """Return the flight that carries a question, and whether this caller flies it."""
        with self._lock:
            flight = self._flying.get(question.key)
            if flight is not None:
                return flight, False
            flight = self._gathering.get(question.line)
            mine = flight is None
            if flight is None:
                flight = _Flight({})
                if self.policy.batch > 1:
                    self._gathering[question.line] = flight
            flight.questions[question.key] = question
            if self.policy.keeps:  # what will serve later askers serves those who come meanwhile
                self._flying[question.key] = flight
            if len(flight.questions) >= self.policy.batch and self._gathering.get(question.line) is flight:
                del self._gathering[question.line]
                flight.full.set()
            return flight, mine

    def _fly(self, flight: _Flight, line: Line, at: datetime) -> None:
        try:
            if self.policy.batch > 1 and self.policy.gather_seconds:
                flight.full.wait(self.policy.gather_seconds)
            with self._lock:
                if self._gathering.get(line) is flight:
                    del self._gathering[line]
            asked = tuple(flight.questions.values())
            flight.answer = self._asked(asked[0].address, [question.which for question in asked])
            flight.at = at
        except Exception as error:  # noqa: BLE001 - raised again in every thread that waits
            flight.error = error
        finally:
            with self._lock:
                for key in flight.questions:
                    if self._flying.get(key) is flight:
                        del self._flying[key]
            flight.landed.set()

    # --- 4.

    def _asked(self, address: Address, which: list[CertId]) -> OcspResponse:
        known = self._responder(address)
        known.breaker.enter()
        try:
            if known.hedge is None:
                answer = self._source.exchange(address, which)
            else:
                answer = known.hedge.ask(lambda: self._source.exchange(address, which))
        except HonninError as error:
            if error.code in failures():
                known.breaker.failed()
            else:
                known.breaker.withdrawn()
            raise
        except BaseException:
            known.breaker.withdrawn()
            raise
        known.breaker.succeeded()
        return answer

    def _responder(self, address: Address) -> _Responder:
        """Return the state of the service that is asked: by where it is, as paths are the certificate's choice."""
        where = _origin(address)
        with self._lock:
            known = self._responders.pop(where, None)
            if known is None:
                hedge = Hedge(self.policy.hedge, self._clock) if self.policy.hedge else None
                known = _Responder(Breaker(self.policy.breaker, self._clock), hedge)
                while len(self._responders) >= MOST_RESPONDERS:
                    del self._responders[next(iter(self._responders))]
            self._responders[where] = known  # last: the first is the one not asked for longest
            return known

    # --- what came

    def _told(self, question: _Question, answer: OcspResponse, came: datetime) -> RevocationData:
        single = _single(answer, question.which)
        if single is None:
            raise ServiceError(
                "jlis.answer_malformed",
                "The responder's answer is about other certificates.",
                next="Ask again, or ask another source.",
                retryable=True,
            )
        told = RevocationData(ocsp=(answer.raw,), source="ocsp", fetched_at=came)
        if self.policy.keeps and self._believed(question, answer, came):
            self._answers.keep(question.key, told, single.this_update, single.next_update)
        return told

    def _believed(self, question: _Question, answer: OcspResponse, at: datetime) -> bool:
        status = check_revocation(question.certificate, question.issuer, ocsp=(answer.raw,), at=at)
        return status.state != "unknown"


def _origin(address: Address) -> str:
    parts = urlsplit(address.url)
    return f"{parts.scheme}://{address.host or parts.netloc}"


def _single(answer: OcspResponse, which: CertId) -> SingleResponse | None:
    """Return the answer's part about one certificate; every hash it may use names the same serial."""
    return next((one for one in answer.responses if one.certificate.serial_number == which.serial_number), None)


def _again(error: Exception) -> Exception:
    """Return a failure anew, as several threads raise it."""
    if isinstance(error, HonninError):
        return type(error)(error.code, error.message, next=error.next, retryable=error.retryable)
    return error
