"""`honnin.pki.verify_many`: many verifications over several processes, in their order.

Each process judges on its own with what it was given at its start (anchors, lists, policy). Items travel in chunks, at
most a few chunks a process are on their way at any time, so that memory stays bounded however many items come. Nothing
is lost when a process dies: another one takes its place, the chunk that it had before it is judged again by itself, at
last item by item, until the item that kills is alone and is answered with an error of its own.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

import msgspec

from honnin import errors
from honnin.errors import HonninError, InputError, ServiceError
from honnin.pki.answers import Answer, Refusal, Told, decoded, encoded, refusal, refused, told
from honnin.pki.facts import Facts
from honnin.pki.judge_process import JudgeProcess
from honnin.pki.policy import Policy, named_policy
from honnin.pki.report import Report
from honnin.pki.verifying import verify

__all__ = ["Outcome", "Submission", "verify_many"]

CHUNK = 64  # items that travel together
AHEAD = 3  # chunks a process that are on their way or wait to be taken


class Submission(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
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


class Outcome:
    """What became of one item. indication: the report's, None where there is an error in its place."""

    __slots__ = ("_made_of", "_policy", "indication")

    def __init__(self, indication: str | None, made_of: Answer | Report, policy: Policy) -> None:
        self.indication = indication
        self._made_of = made_of
        self._policy = policy

    @property
    def error(self) -> HonninError | None:
        """The error that `honnin.verify` would have raised, None where there is a report."""
        if self.indication is not None or isinstance(self._made_of, Report):
            return None
        why = self._made_of.told.refusal or _LOST
        kind: type[HonninError] = getattr(errors, why.kind)
        return kind(why.code, why.message, next=why.next, retryable=why.retryable)

    @property
    def report(self) -> Report:
        """The report, made when it is first asked for. Raises `error` where there is none."""
        error = self.error
        if error is not None:
            raise error
        if not isinstance(self._made_of, Report):
            self._made_of = self._made_of.report(self._policy)
        return self._made_of

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
    own lists are added and its own `at` goes before; without any, the moment is when its chunk of items is begun.
    processes: by default one for each core at hand; 1 judges here.
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


_ENCODER = msgspec.msgpack.Encoder()
_ITEMS = msgspec.msgpack.Decoder(list[Submission])
_LOST = Refusal(
    ServiceError.__name__,
    "signature.process_died",
    "The process that judged this item died each time.",
    "Judge the item alone; if that ends the process too, report it.",
    retryable=True,
)


def _judged(item: Submission, shared: _Shared) -> Outcome:
    try:
        report = _verify(item, shared, shared.at)
    except HonninError as error:
        return Outcome(None, refused(refusal(error)), shared.policy)
    return Outcome(report.indication, report, shared.policy)


def _verify(item: Submission, shared: _Shared, at: datetime | None) -> Report:
    return verify(
        item.signed,
        content=item.content,
        certificate=item.certificate,
        digest=item.digest,
        anchors=shared.anchors,
        intermediates=shared.intermediates,
        crls=shared.crls + item.crls,
        ocsp=item.ocsp,
        at=item.at or at,
        existed_at=item.existed_at,
        policy=shared.policy,
    )


def _work(chunk: bytes, shared: _Shared) -> bytes:
    """Judge a chunk of items, in a process of a batch."""
    at = shared.at or datetime.now(UTC)
    common: list[Facts] = []
    answers: list[tuple[str | None, int, Told]] = []
    for item in _ITEMS.decode(chunk):
        try:
            answers.append(told(_verify(item, shared, at), common))
        except HonninError as error:
            answers.append((None, 0, Told(refusal=refusal(error))))
    return encoded(answers, common)


Chunk = list[Submission]


class _Batch:
    """The processes of one call, and the chunks on their way, in order, each with the process that has it."""

    def __init__(self, shared: _Shared, processes: int) -> None:
        self._shared = shared
        self._processes = processes
        self._judges: list[JudgeProcess] = []
        self._waiting: deque[tuple[Chunk, JudgeProcess]] = deque()

    def reports(self, items: Iterator[Submission]) -> Iterator[Outcome]:
        try:
            for _ in range(self._processes):
                self._judges.append(JudgeProcess(_work, self._shared))
            while True:
                while len(self._waiting) < AHEAD * self._processes and (chunk := list(islice(items, CHUNK))):
                    judge = min(self._judges, key=lambda one: one.waiting)
                    judge.send(_ENCODER.encode(chunk))
                    self._waiting.append((chunk, judge))
                if not self._waiting:
                    return
                for answer in self._next():
                    yield Outcome(answer.indication, answer, self._shared.policy)
        finally:
            for judge in self._judges:
                judge.end()

    def _next(self) -> Iterable[Answer]:
        chunk, judge = self._waiting.popleft()
        answer = judge.take()
        return self._again(chunk, judge) if answer is None else decoded(answer)

    def _again(self, chunk: Chunk, judge: JudgeProcess) -> Iterable[Answer]:
        """Judge a chunk whose process died: alone, then item by item; then send what else it had again."""
        answers = _alone(chunk, judge)
        if answers is None:
            answers = [answer for item in chunk for answer in _alone([item], judge) or [refused(_LOST)]]
        if judge.died:
            judge.restart()
        for other, whose in self._waiting:
            if whose is judge:
                judge.send(_ENCODER.encode(other))
        return answers


def _alone(chunk: Chunk, judge: JudgeProcess) -> Iterable[Answer] | None:
    """Return the answers to a chunk from a process that has no other, None where it dies again."""
    if judge.died:
        judge.restart()
    judge.send(_ENCODER.encode(chunk))
    answer = judge.take()
    return None if answer is None else decoded(answer)
