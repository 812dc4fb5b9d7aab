"""`honnin.pki.verify_many`: many verifications over several processes, in their order.

Each process judges on its own with what it was given at its start (anchors, lists, policy). Items travel in chunks, at
most a few chunks a process are on their way at any time, so that memory stays bounded however many items come. Nothing
is lost when a process dies: what was on its way is sent again, chunk by chunk and at last item by item, until the item
that kills is alone and is answered with an error of its own.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from itertools import islice

import msgspec

from honnin import errors
from honnin.errors import HonninError, InputError, ServiceError
from honnin.pki.policy import Policy, named_policy
from honnin.pki.report import Report
from honnin.pki.verifying import verify

__all__ = ["Outcome", "Submission", "verify_many"]

CHUNK = 64  # items that travel together
AHEAD = 3  # chunks a process that are on their way or wait to be taken


class Submission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One item: the arguments of `honnin.verify` that differ from one to the next. Its repr shows nothing."""

    signed: bytes
    content: bytes | None = None
    certificate: bytes | None = None
    digest: bytes | None = None
    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    at: datetime | None = None
    existed_at: datetime | None = None

    def __repr__(self) -> str:
        return "Submission(…)"


class _Shared(msgspec.Struct, frozen=True):
    """What all items have in common, sent to a process once."""

    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    policy: Policy
    at: datetime | None


class _Refusal(msgspec.Struct, frozen=True):
    """An error on its way between processes: its class and what it was made of."""

    kind: str
    code: str
    message: str
    next: str
    retryable: bool


class _Answer(msgspec.Struct, frozen=True, array_like=True):
    """What a process says of an item; the report stays encoded until somebody looks at it."""

    indication: str | None = None
    report: msgspec.Raw = msgspec.Raw(b"\xc0")  # nil
    refusal: _Refusal | None = None


class Outcome:
    """What became of one item. indication: the report's, None where there is an error in its place."""

    __slots__ = ("_answer", "_report", "indication")

    def __init__(self, answer: _Answer, report: Report | None = None) -> None:
        self.indication = answer.indication
        self._answer = answer
        self._report = report

    @property
    def error(self) -> HonninError | None:
        """The error that `honnin.verify` would have raised, None where there is a report."""
        if self.indication is not None:
            return None
        refusal = self._answer.refusal or _LOST
        kind: type[HonninError] = getattr(errors, refusal.kind)
        return kind(refusal.code, refusal.message, next=refusal.next, retryable=refusal.retryable)

    @property
    def report(self) -> Report:
        """The report, read when it is first asked for. Raises `error` where there is none."""
        error = self.error
        if error is not None:
            raise error
        if self._report is None:
            self._report = _REPORT.decode(self._answer.report)
        return self._report

    def __repr__(self) -> str:
        return f"Outcome({self.indication or (self.error and self.error.code)})"


def verify_many(
    items: Iterable[Submission],
    *,
    anchors: Iterable[bytes],
    intermediates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    policy: Policy | str | None = None,
    at: datetime | None = None,
    processes: int | None = None,
) -> Iterator[Outcome]:
    """Yield the outcome of every item, in order: a report, or the error that `verify` would raise.

    items: read only as fast as they are worked on. anchors, intermediates, crls, policy, at: for all of them; an item's
    own lists are added and its own `at` goes before. processes: by default one for each core at hand; 1 judges here.
    Closing the iterator ends the processes. A script that calls this needs `if __name__ == "__main__":`, for the
    processes load it again.
    Raises InputError `signature.policy_unknown`, `signature.processes_impossible` when called.
    """
    shared = _Shared(tuple(anchors), tuple(intermediates), tuple(crls), named_policy(policy), at)
    count = _cores() if processes is None else processes
    if count < 1:
        raise InputError("signature.processes_impossible", "There must be a process.", next="Give 1 or more.")
    if count == 1:
        return (_judged(item, shared) for item in items)
    return _Batch(shared, count).reports(iter(items))


def _cores() -> int:
    """Return how many cores this process may use, where the system tells; else how many there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


_DECODER = msgspec.msgpack.Decoder(list[_Answer])
_ENCODER = msgspec.msgpack.Encoder()
_REPORT = msgspec.msgpack.Decoder(Report)
_ITEMS = msgspec.msgpack.Decoder(list[Submission])
_here: _Shared | None = None  # in a process of a batch: what it was started with


def _judged(item: Submission, shared: _Shared) -> Outcome:
    try:
        report = _verify(item, shared)
    except HonninError as error:
        return Outcome(_Answer(refusal=_refusal(error)))
    return Outcome(_Answer(report.indication), report)


def _answer(item: Submission, shared: _Shared) -> _Answer:
    try:
        report = _verify(item, shared)
    except HonninError as error:
        return _Answer(refusal=_refusal(error))
    return _Answer(report.indication, msgspec.Raw(_ENCODER.encode(report)))


def _verify(item: Submission, shared: _Shared) -> Report:
    return verify(
        item.signed,
        content=item.content,
        certificate=item.certificate,
        digest=item.digest,
        anchors=shared.anchors,
        intermediates=shared.intermediates,
        crls=shared.crls + item.crls,
        ocsp=item.ocsp,
        at=item.at or shared.at,
        existed_at=item.existed_at,
        policy=shared.policy,
    )


def _refusal(error: HonninError) -> _Refusal:
    return _Refusal(type(error).__name__, error.code, error.message, error.next, error.retryable)


_LOST = _Refusal(
    ServiceError.__name__,
    "signature.process_died",
    "The process that judged this item died each time.",
    "Judge the item alone; if that ends the process too, report it.",
    retryable=True,
)


def _start(shared: _Shared) -> None:
    global _here  # noqa: PLW0603 - what a process is started with is its only state
    _here = shared


def _work(chunk: bytes) -> bytes:
    if _here is None:
        raise RuntimeError("the process was started without its shared arguments")
    return _ENCODER.encode([_answer(item, _here) for item in _ITEMS.decode(chunk)])


Chunk = list[Submission]


class _Batch:
    """The processes of one call, and the chunks on their way, in order."""

    def __init__(self, shared: _Shared, processes: int) -> None:
        self._shared = shared
        self._processes = processes
        self._pool = self._new_pool()
        self._waiting: deque[tuple[Chunk, Future[bytes]]] = deque()

    def _new_pool(self) -> ProcessPoolExecutor:
        # Not forked: the caller may have threads, and a fork would copy its secrets.
        return ProcessPoolExecutor(
            self._processes, multiprocessing.get_context("spawn"), initializer=_start, initargs=(self._shared,)
        )

    def reports(self, items: Iterator[Submission]) -> Iterator[Outcome]:
        try:
            while True:
                while len(self._waiting) < AHEAD * self._processes and (chunk := list(islice(items, CHUNK))):
                    self._waiting.append((chunk, self._send(chunk)))
                if not self._waiting:
                    return
                yield from map(Outcome, self._next())
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, chunk: Chunk) -> "Future[bytes]":
        try:
            return self._pool.submit(_work, _ENCODER.encode(chunk))
        except BrokenProcessPool as error:
            broken: Future[bytes] = Future()
            broken.set_exception(error)
            return broken

    def _next(self) -> list[_Answer]:
        chunk, future = self._waiting.popleft()
        try:
            return _DECODER.decode(future.result())
        except BrokenProcessPool:
            return self._again(chunk)

    def _again(self, chunk: Chunk) -> list[_Answer]:
        """Judge a chunk after a process died: alone, then its items one by one; then send the others again."""
        answers = self._alone(chunk)
        if answers is None:
            answers = [answer for item in chunk for answer in self._alone([item]) or [_Answer()]]
        self._waiting = deque((other, self._send(other)) for other, _ in self._waiting)
        return answers

    def _alone(self, chunk: Chunk) -> list[_Answer] | None:
        """Return the answers to a chunk that no other one is beside, None where a process dies again."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new_pool()
        try:
            return _DECODER.decode(self._send(chunk).result())
        except BrokenProcessPool:
            return None
