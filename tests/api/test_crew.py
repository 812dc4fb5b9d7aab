"""The threads that calls are made in: all are made, many at once where they wait, and each caller hears its own."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from tests.waiting import LONG

from honnin.api.crew import Crew
from honnin.errors import InputError


def returning(number: int) -> Callable[[], int]:
    return lambda: number


def test_more_calls_than_threads_are_all_made() -> None:
    async def call() -> list[int]:
        crew = Crew(3, "crew")
        rounds = [await asyncio.gather(*[crew.run(returning(number)) for number in range(50)]) for _ in range(4)]
        assert rounds[0] == rounds[1] == rounds[2] == rounds[3]
        return rounds[0]

    assert asyncio.run(call()) == list(range(50))


def test_calls_that_wait_are_made_at_once_up_to_the_number_of_threads() -> None:
    together = threading.Barrier(4)
    running, most, lock = 0, 0, threading.Lock()

    def wait() -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(20)
        with lock:
            running -= 1
        return 1

    async def call() -> list[int]:
        crew = Crew(4, "crew")
        return await asyncio.gather(*[crew.run(wait) for _ in range(12)])

    assert sum(asyncio.run(call())) == 12
    assert most == 4


def test_a_call_that_waits_keeps_no_other() -> None:
    go = threading.Event()

    async def call() -> tuple[list[int], bool]:
        crew = Crew(2, "crew")
        slow = asyncio.ensure_future(crew.run(lambda: go.wait(20)))
        quick = [await asyncio.wait_for(crew.run(returning(number)), 10) for number in range(5)]
        assert not slow.done()
        go.set()
        return quick, await slow

    assert asyncio.run(call()) == ([0, 1, 2, 3, 4], True)


def test_an_error_reaches_who_asked_and_the_thread_goes_on() -> None:
    def refuse() -> int:
        raise InputError("request.invalid", "No.")

    async def call() -> int:
        crew = Crew(1, "crew")
        with pytest.raises(InputError):
            await crew.run(refuse)
        return await crew.run(returning(7))

    assert asyncio.run(call()) == 7


def test_a_caller_may_go_away_and_the_others_hear_theirs() -> None:
    go, made = threading.Event(), threading.Event()

    def wait() -> None:
        assert go.wait(20)
        made.set()

    async def call() -> int:
        crew = Crew(1, "crew")
        gone = asyncio.ensure_future(crew.run(wait))
        await asyncio.sleep(0)
        later = asyncio.ensure_future(crew.run(returning(3)))
        gone.cancel()
        go.set()
        return await asyncio.wait_for(later, 20)

    assert asyncio.run(call()) == 3
    assert made.is_set()


def test_calls_are_made_by_the_threads_there_are_where_no_more_come() -> None:
    async def call() -> list[int]:
        crew = Crew(4, "crew")
        threading.stack_size(1 << 44)  # for which the system has no room
        try:
            return await asyncio.wait_for(asyncio.gather(*[crew.run(returning(number)) for number in range(50)]), LONG)
        finally:
            threading.stack_size(0)

    assert asyncio.run(call()) == list(range(50))


def test_whatever_a_call_raises_is_told_and_delays_nobody() -> None:
    def ends() -> int:
        raise StopIteration

    async def call() -> tuple[int | BaseException, ...]:
        crew = Crew(1, "crew")
        made = [crew.run(work) for work in (returning(1), ends, returning(2))]
        return tuple(await asyncio.wait_for(asyncio.gather(*made, return_exceptions=True), LONG))

    first, ended, second = asyncio.run(call())
    assert (first, type(ended), second) == (1, RuntimeError, 2)
