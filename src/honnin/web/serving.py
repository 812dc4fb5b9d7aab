"""Run a server: `serve_in_thread` for tests and `honnin demo`, `serve_here` and `serve_workers` for the commands.

The order matters: the port is bound first, then the platform is built with its gateway at that port (the sandbox's
J-LIS answers there too), then the server takes the bound socket. The log's sequencer and the
sender of webhooks run in threads beside it.
"""

import asyncio
import contextlib
import gc
import json
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from honnin.api.wire import ANSWER_SECONDS, Server, bind, configuration
from honnin.connect import worlds
from honnin.errors import HonninError, StateError
from honnin.web.origins import KEYS_FILE, compose

if TYPE_CHECKING:
    from honnin.platform import Platform, Settings

__all__ = [
    "KEYS_FILE",
    "Running",
    "demo_key",
    "of_worker",
    "opened",
    "serve_here",
    "serve_in_thread",
    "serve_workers",
    "worker",
]

LOGGER = logging.getLogger("honnin.serve")
NAMES_VARIABLE = "HONNIN_NAMES"
START_SECONDS = 20.0
PING_SECONDS = 0.5  # in which a worker answers when it is asked whether it lives; else it is silent for now
END_SECONDS = 60.0  # in which workers end that were told to: longer than their calls, threads and writes need
STARTUP_FAILED = 3  # the exit status of a worker of uvicorn's whose application cannot be made


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: its base URL (127.0.0.1), port, platform, world, and the demo tenant's key (test mode)."""

    base: str
    port: int
    platform: "Platform"
    world: worlds.World | None
    api_key: str = field(repr=False)

    def origin(self, label: str) -> str:
        """Return the URL of an origin such as `bank`; where names of `*.localhost` do not resolve, send it as Host."""
        return f"http://{label}.localhost:{self.port}"


@contextlib.contextmanager
def working(platform: "Platform") -> Iterator[None]:
    """Run the platform's sequencer and its sender of webhooks in threads; end them, their work done, with the block."""
    stop = threading.Event()
    works = {"honnin-sequencer": platform.run_sequencer, "honnin-webhooks": platform.run_webhooks}
    threads = [threading.Thread(target=work, args=(stop,), name=name, daemon=True) for name, work in works.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=12)


@contextlib.contextmanager
def opened(settings: "Settings", *, sharded: bool = False) -> Iterator["Platform"]:
    """Open a platform with its workers running; close all when the block ends.

    sharded: where `shards.json` places tenants, open all its shards (the product alone; the console knows one store).
    """
    from honnin.platform import Platform
    from honnin.platform.shards import open_platform

    platform = open_platform(settings) if sharded else Platform(settings)
    try:
        with working(platform):
            yield platform
    finally:
        platform.close()


def demo_key(platform: "Platform", folder: Path, *, port: int) -> str:
    """Return the demo tenant's API key, kept in `keys.json` (mode 0600); make tenant and file the first time.

    A key that this store does not know (another database, a folder that was copied) is replaced.
    """
    path = folder / KEYS_FILE
    with contextlib.suppress(OSError, ValueError, KeyError, HonninError):
        key = str(json.loads(path.read_text(encoding="utf-8"))["api_key"])
        platform.authenticate(key)
        return key
    made = platform.create_tenant("見本銀行", return_urls=return_urls(port))
    text = json.dumps({"tenant": made.tenant, "api_key": made.api_key}, indent=2) + "\n"
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
    return made.api_key


def return_urls(port: int) -> tuple[str, ...]:
    """Return where the demo tenant's persons may come back to."""
    return (f"http://bank.localhost:{port}/return",)


@contextlib.contextmanager
def serve_in_thread(settings: "Settings", *, port: int = 0) -> Iterator[Running]:
    """Serve product and sandbox on a loopback port in a thread of this process; port 0 takes a free one.

    settings: its gateway is set to the port, and tenants may name this machine unless it says otherwise.
    Raises InputError `serve.port_taken`; StateError `serve.not_started`.
    """
    listener = bind("127.0.0.1", port)
    number = listener.getsockname()[1]
    base = f"http://127.0.0.1:{number}"
    local = settings.local_addresses is not False
    with contextlib.closing(listener), opened(replace(settings, gateway=base, local_addresses=local)) as platform:
        world = worlds.open_world(settings.data) if worlds.installed() else None
        key = demo_key(platform, settings.data, port=number)
        server = Server(configuration(compose(platform, port=number, sandbox=settings.data if world else None)))
        thread = threading.Thread(target=server.run, args=([listener],), name="honnin-server", daemon=True)
        thread.start()
        _wait_for(server, thread)
        try:
            yield Running(base, number, platform, world, key)
        finally:
            server.should_exit = True
            thread.join(timeout=15)


def _wait_for(server: Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(int(START_SECONDS / 0.01)):
        if server.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.01)
    raise StateError("serve.not_started", "The server did not start.", next="Look at the log for the reason.")


def settle() -> None:
    """Make this process ready to serve for long: call it once everything is loaded.

    What is there stays, so the collector need not look at it again; and a thread that wants the interpreter, as the
    event loop does beside the one that makes checks, gets it after a millisecond in place of five.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(0.001)


def serve_here(listener: socket.socket, app: ASGIApp) -> None:
    """Serve in this process until SIGTERM or SIGINT; running calls end first."""
    settle()
    Server(configuration(app)).run([listener])


class _Workers(Multiprocess):
    """uvicorn's supervisor of processes, telling when one of them answers; a silent one keeps no signal waiting."""

    def __init__(self, config: Config, listener: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(config, [listener])
        self._address = listener.getsockname()[:2]
        self._ready = ready
        self._silent: dict[Process, float] = {}  # since when

    def init_processes(self) -> None:
        """Start the processes and wait until the port answers, a signal comes, or START_SECONDS have passed."""
        super().init_processes()
        give_up = time.monotonic() + START_SECONDS
        while not self.signal_queue and time.monotonic() < give_up:
            with contextlib.suppress(OSError), socket.create_connection(self._address, timeout=1):
                self._ready()
                return
            time.sleep(0.05)

    def keep_subprocess_alive(self) -> None:
        """Put another process in the place of one that ended or was silent for ANSWER_SECONDS, and say so: nothing else
        would. One whose application cannot be made ends all, as its successor would fail like it.
        """
        for place, old in enumerate(self.processes):
            if self.signal_queue:
                return
            if self._lives(old):
                continue
            old.kill()
            old.join()
            self._silent.pop(old, None)
            if old.exitcode == STARTUP_FAILED:
                LOGGER.error("worker %s could not start", old.pid)
                self.should_exit.set()
                return
            new = self.processes[place] = Process(self.config, self.sockets)
            new.start()
            LOGGER.warning("worker %s ended with %s, %s takes its place", old.pid, old.exitcode, new.pid)

    def _lives(self, process: Process) -> bool:
        """Tell whether a process runs and was not silent for too long; asking it takes PING_SECONDS at most."""
        asked = time.monotonic()
        if not process.is_alive(PING_SECONDS):
            since = self._silent.setdefault(process, asked)
            return process.process.is_alive() and time.monotonic() - since < ANSWER_SECONDS
        self._silent.pop(process, None)
        with contextlib.suppress(OSError, EOFError):  # answers to what it was asked while it was silent
            while process.parent_conn.poll():
                process.parent_conn.recv()
        return True

    def join_all(self) -> None:
        """Wait for the end of the processes, and kill those that do not end."""
        give_up = time.monotonic() + END_SECONDS
        for process in self.processes:
            process.process.join(max(0.0, give_up - time.monotonic()))
            if process.process.is_alive():
                LOGGER.warning("worker %s does not end and is killed", process.pid)
                process.process.kill()
                process.process.join()


def serve_workers(
    listener: socket.socket,
    *,
    workers: int,
    factory: str = "honnin.web.serving:worker",
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve in several processes until SIGTERM or SIGINT.

    listener: a shared port (`wire.bind_shared`). ready: called once the port answers.
    factory: names what makes the application of one; the product alone, by settings of the environment, if not given.
    """
    _Workers(configuration(factory, workers=workers, factory=True), listener, ready).run()


def worker() -> ASGIApp:
    """Return the application of one worker process, with its own platform and sequencer."""
    from honnin.platform import Settings

    names = os.environ.get(NAMES_VARIABLE, "").split()
    return of_worker(
        Settings.from_environment(Path(os.environ["HONNIN_DATA"])),
        lambda platform: compose(platform, port=int(os.environ["HONNIN_PORT"]), sandbox=None, names=names or None),
    )


def _end_with_supervisor() -> None:
    """End this process as SIGTERM ends it once its supervisor was killed: nobody else would, and it holds the port."""
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def outlived() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=outlived, name="honnin-supervised", daemon=True).start()


def of_worker(settings: "Settings", make: Callable[["Platform"], ASGIApp]) -> ASGIApp:
    """Return an application with a platform of its own, which it closes when its server ends."""
    _end_with_supervisor()
    stack = contextlib.ExitStack()
    platform = stack.enter_context(opened(settings, sharded=True))
    app = make(platform)
    settle()

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(stack.close)
        await send({"type": "lifespan.shutdown.complete"})

    return served
