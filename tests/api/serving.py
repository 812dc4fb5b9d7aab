"""Any ASGI application on a free loopback port, served as honnin serves."""

import contextlib
import threading
from collections.abc import Iterator

from starlette.types import ASGIApp

from honnin.api import wire


@contextlib.contextmanager
def serving(app: ASGIApp, protocol: type[wire.LimitedProtocol] = wire.LimitedProtocol) -> Iterator[int]:
    listener = wire.bind("127.0.0.1", 0)
    configuration = wire.configuration(app)
    configuration.http = protocol
    server = wire.Server(configuration)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
