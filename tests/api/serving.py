"""Any ASGI application on a free loopback port, served as honnin serves."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from starlette.types import ASGIApp
from tests.waiting import LONG, joined

from honnin.api import wire


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock a test may set forward: what is due by then comes in its next turn."""

    ahead = 0.0  # seconds

    def time(self) -> float:
        return super().time() + self.ahead

    def go_on(self, seconds: float) -> None:
        """Let the time pass, and return when everything that was due by then has been done; from another thread."""
        self.ahead += seconds
        for _ in range(2):  # what is due is found in the turn in which this is asked, and done in it
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self).result(LONG)


@contextlib.contextmanager
def serving(
    app: ASGIApp, protocol: type[wire.LimitedProtocol] = wire.LimitedProtocol, loop: Loop | None = None
) -> Iterator[int]:
    listener = wire.bind("127.0.0.1", 0)
    configuration = wire.configuration(app)
    configuration.http = protocol
    server = wire.Server(configuration)

    def run() -> None:
        with asyncio.Runner(loop_factory=configuration.get_loop_factory() if loop is None else lambda: loop) as runner:
            runner.run(server.serve([listener]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        joined(thread)
