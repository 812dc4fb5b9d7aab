"""Threads of a site's own for what waits: the store, the card, J-LIS.

Not the server's common pool: a check waits for the sandbox's J-LIS, which may answer from that very pool.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")
MOST = 16


class Threads:
    """A bounded pool; further work waits its turn. Threads are made as they are needed."""

    def __init__(self, name: str, most: int = MOST) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=f"honnin-{name}")

    async def run(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Do the work in a thread and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args, **named))
