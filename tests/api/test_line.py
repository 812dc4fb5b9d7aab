"""The line of checks: made together and answered together; who waits for something outside keeps nobody."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext

import pytest
from tests.waiting import LONG

from honnin.api.crew import Crew
from honnin.api.line import MOST, Line
from honnin.api.operations import Answer, Later
from honnin.connect.jlis import NotAtHandError
from honnin.errors import InputError


class Sat:
    """Sittings that are counted, the first of them held open until told."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.go = threading.Event()

    @contextmanager
    def sit(self) -> Iterator[None]:
        self.calls.append([])
        if len(self.calls) == 1:
            assert self.go.wait(20)
        yield

    def making(self, number: int) -> Callable[[bool], Answer]:
        def work(waits: bool) -> Answer:
            self.calls[-1].append(number)
            return Answer(number)

        return work


@pytest.fixture
def patient() -> Crew:
    return Crew(2, "patient")


def test_what_waits_is_made_in_one_sitting_up_to_a_number(patient: Crew) -> None:
    sat = Sat()

    async def call() -> list[Answer]:
        line = Line(sat.sit, patient)
        first = asyncio.ensure_future(line.run(sat.making(0)))
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(line.run(sat.making(number))) for number in range(1, MOST + 3)]
        await asyncio.sleep(0)
        sat.go.set()
        return await asyncio.gather(first, *others)

    answers = asyncio.run(call())
    assert [answer.value for answer in answers] == list(range(MOST + 3))
    # the first is taken alone or with those that came while its sitting began; no sitting takes more than MOST
    assert sorted(number for calls in sat.calls for number in calls) == list(range(MOST + 3))
    assert len(sat.calls) <= 3
    assert max(map(len, sat.calls)) <= MOST


def test_who_waits_outside_keeps_nobody_and_is_answered(patient: Crew) -> None:
    sat, outside = Sat(), threading.Event()
    sat.go.set()

    def waits_outside(waits: bool) -> Answer:
        if not waits:
            raise NotAtHandError
        assert outside.wait(20)
        return Answer("outside")

    async def call() -> tuple[Answer, Answer]:
        line = Line(sat.sit, patient)
        waiting = asyncio.ensure_future(line.run(waits_outside))
        quick = await asyncio.wait_for(line.run(sat.making(7)), 10)
        assert not waiting.done()
        outside.set()
        return quick, await waiting

    quick, slow = asyncio.run(call())
    assert (quick.value, slow.value) == (7, "outside")


def test_errors_and_late_answers_reach_who_asked_and_a_caller_may_go_away(patient: Crew) -> None:
    sat = Sat()
    sat.go.set()
    coming: Future[int] = Future()
    failing: Future[int] = Future()

    def refuse(waits: bool) -> Answer:
        raise InputError("request.invalid", "No.")

    async def call() -> Answer:
        line = Line(sat.sit, patient)
        with pytest.raises(InputError):
            await line.run(refuse)
        late = asyncio.ensure_future(line.run(lambda _: Later(coming, Answer)))
        gone = asyncio.ensure_future(line.run(lambda _: Later(coming, Answer)))
        failed = asyncio.ensure_future(line.run(lambda _: Later(failing, Answer)))
        await line.run(sat.making(1))
        gone.cancel()
        coming.set_result(5)
        failing.set_exception(InputError("request.invalid", "No."))
        with pytest.raises(InputError):
            await failed
        return await late

    assert asyncio.run(call()).value == 5


def test_a_sitting_that_fails_is_told_to_those_of_it_and_the_next_one_sits(patient: Crew) -> None:
    sittings = iter([MemoryError(), None])

    @contextmanager
    def sit() -> Iterator[None]:
        yield
        if (error := next(sittings)) is not None:
            raise error

    async def call() -> Answer:
        line = Line(sit, patient)
        with pytest.raises(MemoryError):
            await asyncio.wait_for(line.run(lambda _: Later(Future(), Answer)), LONG)
        return await asyncio.wait_for(line.run(lambda _: Answer(2)), LONG)

    assert asyncio.run(call()).value == 2


def test_a_late_answer_that_cannot_be_made_is_told(patient: Crew) -> None:
    coming: Future[int] = Future()
    coming.set_result(1)

    def fails(_: int) -> Answer:
        raise KeyError

    async def call() -> None:
        line = Line(nullcontext, patient)
        await asyncio.wait_for(line.run(lambda _: Later(coming, fails)), LONG)

    with pytest.raises(KeyError):
        asyncio.run(call())
