"""Logins and signatures a second of the sandbox's Digital Authentication Service, in two server processes.

The client is honnin's connector, in this process and outside of what is measured: it makes its assertion, lets the card
of an invented person answer without screens, checks all that comes back, and for a signature fetches the sign result.
Both compete for the same cores, so the rate by the clock is what this machine gives to all of them together; the
processor time of the servers alone, from the kernel, says what one core could do.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from honnin.bench.figures import Figure
from honnin.bench.printing import print_figures
from honnin.connect.digital_auth import DigitalAuth, KeyFile, Service
from honnin.connect.worlds import installed, open_world

__all__ = ["measure_digital_auth"]

SERVERS, CLIENTS = 2, 4
BACK = "http://127.0.0.1:1/back"
PERSON = {"Honnin-Sandbox-Person": "hanako"}
SERVE = "from honnin.bench.digital_auth import serve; import sys; serve(sys.argv[1], int(sys.argv[2]))"
COMMAND = "from honnin.cli.main import main; main()"
Trip = Callable[[DigitalAuth, httpx.Client], None]
TEXT = "利用規約に同意します。".encode()


def measure_digital_auth(*, seconds: float = 4.0) -> list[Figure]:
    """Measure round trips, each kind for so long; nothing where no sandbox is installed."""
    if not installed():
        return []
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as name:
        folder = Path(name)
        _register(folder)
        with _serving(folder / "world") as (base, servers):
            return [
                figure
                for kind, trip in (("logins", _login), ("signatures", _signature))
                for figure in _measured(kind, trip, base, folder / "sp", servers, seconds)
            ]


def _measured(kind: str, trip: Trip, base: str, keys: Path, servers: list[int], seconds: float) -> list[Figure]:
    made = count()
    start: list[float] = []
    faults: list[Exception] = []

    def work() -> None:
        service = Service.at(f"{base}/api")
        try:
            with (
                DigitalAuth(service, client_id="RP1", redirect_uri=BACK, keys=keys) as client,
                httpx.Client(headers=PERSON, trust_env=False, timeout=30) as browser,
            ):
                trip(client, browser)
                ready.wait(60)
                while True:
                    trip(client, browser)
                    next(made)
                    if time.monotonic() >= start[0] + seconds:
                        return
        except Exception as error:  # noqa: BLE001 - told below
            faults.append(error)
            ready.abort()

    def begin() -> None:
        start[:] = time.monotonic(), _used(servers), time.process_time()

    ready = threading.Barrier(CLIENTS + 1, action=begin)
    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        ready.wait(60)
    except threading.BrokenBarrierError:
        raise AssertionError(f"the service refused what is measured: {faults}") from None
    for thread in threads:
        thread.join()
    if faults:
        raise AssertionError(f"the service refused what is measured: {faults}")
    began, used, mine = start
    took, used, mine = time.monotonic() - began, _used(servers) - used, time.process_time() - mine
    trips = next(made)
    note = f"servers {used / trips * 1e3:.1f} ms, client {mine / trips * 1e3:.1f} ms of processor each; {took:.1f} s"
    return [
        Figure(f"{kind}, {SERVERS} server processes, {CLIENTS} at once", "/s", round(trips / took, 1), note=note),
        Figure(f"{kind} for each core that serves", "/s", round(trips / used, 1)),
    ]


def _login(client: DigitalAuth, browser: httpx.Client) -> None:
    attempt = client.start_login(["name", "address", "birthdate", "gender"])
    client.finish_login(attempt, _decided(browser, attempt.url))


def _signature(client: DigitalAuth, browser: httpx.Client) -> None:
    attempt = client.start_signing(TEXT)
    if client.finish_signing(attempt, _decided(browser, attempt.url)).result.jwe is None:
        raise AssertionError("no sign result")


def _decided(browser: httpx.Client, url: str) -> str:
    """Let the person decide without screens; return the query of the way back."""
    answer = browser.get(url)
    browser.cookies.clear()
    return answer.headers["location"].partition("?")[2]


def _used(servers: list[int]) -> float:
    """Return the processor seconds of processes so far, user and system (proc(5), stat)."""
    ticks = 0
    for pid in servers:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _register(folder: Path) -> None:
    """Register a PF and a relying party in a new world, as docs/digital-auth.md says."""
    for name, use in (("sp", "sign"), ("pf", "decrypt")):
        file = KeyFile(folder / name, use)  # type: ignore[arg-type]
        file.new("ES256" if use == "sign" else "RSA-OAEP-256", at=datetime.now(UTC))
        (folder / f"{name}.json").write_text(json.dumps(file.jwks()), encoding="utf-8")
    command = [sys.executable, "-c", COMMAND, "sandbox", "digital-auth", "register", "--data", str(folder / "world")]
    party = ["--client-id", "RP1", "--redirect-uri", BACK, "--strict", "--jwks", str(folder / "sp.json")]
    for more in (["--jwks", str(folder / "pf.json")], party):
        subprocess.run([*command, "--verifier", "PF1", *more], check=True, capture_output=True, timeout=300)  # noqa: S603


@contextmanager
def _serving(world: Path) -> Iterator[tuple[str, list[int]]]:
    """Serve the world in processes of their own that share one port; give its address and their ids."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    with closing(listener):
        command = [sys.executable, "-c", SERVE, str(world), str(listener.fileno())]
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=[listener.fileno()])  # noqa: S603
            for _ in range(SERVERS)
        ]
        try:
            for process in processes:
                if process.stdout is None or not process.stdout.readline():
                    raise AssertionError("a server did not start")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", [process.pid for process in processes]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=30)
                process.kill()
                process.wait(timeout=30)
                if process.stdout:
                    process.stdout.close()


def serve(world: str, descriptor: int) -> None:
    """Serve the Digital Authentication Service of a world on an open socket until SIGTERM."""
    import uvicorn

    application: Any = open_world(Path(world)).origins()["digital-auth"]
    configuration = uvicorn.Config(application, log_level="error", lifespan="off", access_log=False)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    uvicorn.Server(configuration).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    print_figures(measure_digital_auth())
