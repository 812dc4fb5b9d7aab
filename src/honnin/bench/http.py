"""`POST /v1/verifications` under load: a server process of its own, `wrk` as the load generator, evidence durable.

The server has SQLite in a temporary folder, its sequencer, a revocation source that gives a list at once (a warm CRL)
and a register that knows everybody: what is measured is the platform, not the network. Every request brings a
certificate that was not seen before, as long as there are any; `wrk` is written in C and sends from one thread. Its own
share of the processor is told, for it competes with the server for the cores.
"""

import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from honnin.bench.material import DOCUMENT, Office

__all__ = ["Load", "measure_http"]

CONNECTIONS = 32
HOLDERS = 3000
SERVE = "from honnin.bench.http import serve; import sys; serve(sys.argv[1], int(sys.argv[2]))"
SCRIPT = """
local bodies, at, refused = {}, 0, 0
for line in io.lines("%(folder)s/bodies") do bodies[#bodies + 1] = line end
local key = "%(key)s"
request = function()
  at = at %% #bodies + 1
  return wrk.format("POST", "/v1/verifications", {["Authorization"] = "Bearer " .. key,
    ["Content-Type"] = "application/json"}, bodies[at])
end
"""
FORMAT = """
done = function(summary, latency, requests)
  io.write(string.format("FOUND %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, summary.errors.status,
    latency:percentile(50), latency:percentile(99)))
end
""".replace("%%", "%")


class Load(msgspec.Struct, frozen=True):
    """What one path did at 32 connections. generator: the share of one core that `wrk` took. Times in milliseconds."""

    name: str
    per_second: int
    median: float
    p99: float
    generator: float


def measure_http(*, seconds: int = 5, holders: int = HOLDERS) -> list[Load] | None:
    """Return what one worker does: its smallest JSON answer, and checks with durable evidence; None without `wrk`.

    seconds: for each of both. holders: certificates to send, from the first again after the last.
    """
    program = shutil.which("wrk")
    if program is None:
        return None
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as name:
        folder = Path(name)
        with _serving(folder, holders) as (port, key):
            posting = folder / "post.lua"
            posting.write_text(SCRIPT % {"folder": folder, "key": key} + FORMAT, encoding="utf-8")
            getting = folder / "get.lua"
            getting.write_text(FORMAT, encoding="utf-8")
            base = f"http://127.0.0.1:{port}"
            _run(program, posting, f"{base}/v1/verifications", 1)
            return [
                _load("GET /healthz", _run(program, getting, f"{base}/healthz", seconds)),
                _load("POST /v1/verifications", _run(program, posting, f"{base}/v1/verifications", seconds)),
            ]


def _load(name: str, found: tuple[float, float, float, float]) -> Load:
    rate, median, p99, share = found
    return Load(name, int(rate), round(median, 1), round(p99, 1), round(share, 2))


def _run(program: str, script: Path, url: str, seconds: int) -> tuple[float, float, float, float]:
    """Return requests a second, median and 99th percentile (ms), and the generator's share of a core."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - a fixed command
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = re.search(r"FOUND (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    if told is None or int(told[3]):
        raise AssertionError(f"the server refused what is measured: {done.stdout}")
    took = int(told[2]) / 1e6
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return int(told[1]) / took, int(told[4]) / 1000, int(told[5]) / 1000, used / took


@contextmanager
def _serving(folder: Path, holders: int) -> Iterator[tuple[int, str]]:
    """Run the server in a process of its own; give its port and an API key."""
    process = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", SERVE, str(folder), str(holders)], stdout=subprocess.PIPE, text=True
    )
    try:
        told = json.loads(process.stdout.readline()) if process.stdout else {}
        yield told["port"], told["key"]
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout:
            process.stdout.close()


def serve(name: str, holders: int) -> None:
    """Serve a platform with invented services until SIGTERM, and write the bodies to send into its folder."""
    from honnin.api import create_app
    from honnin.api.wire import bind
    from honnin.connect.jlis import Link, RevocationData
    from honnin.platform import Settings
    from honnin.platform.settings import Services
    from honnin.web.serving import opened, serve_here

    folder = Path(name)
    office = Office(now=datetime.now(UTC).replace(microsecond=0))

    class Lists:
        def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:  # noqa: ARG002
            return RevocationData(crls=(office.crl,), ocsp=(), source="crl_http", fetched_at=at)

    class Register:
        def link(self, issuer_key_id: bytes, serial: int, *, at: datetime) -> Link:  # noqa: ARG002
            return Link(state="linked", previous=None, counterpart=None)

    services = Services(revocation=Lists(), links=Register(), anchors=(office.anchor,))
    with (folder / "bodies").open("w", encoding="utf-8") as out:
        for holder in office.holders(holders):
            out.write(json.dumps(_body(holder.certificate, holder.signature)) + "\n")
    listener = bind("127.0.0.1", 0)
    with closing(listener), opened(Settings(data=folder / "data", test=services)) as platform:
        key = platform.create_tenant("計測商店").api_key
        print(json.dumps({"port": listener.getsockname()[1], "key": key}), flush=True)  # noqa: T201
        serve_here(listener, create_app(platform))


def _body(certificate: bytes, signature: bytes) -> dict[str, Any]:
    return {
        "document": b64encode(DOCUMENT).decode(),
        "signature": b64encode(signature).decode(),
        "certificate": b64encode(certificate).decode(),
        "purpose": "account_opening",
        "channel": "remote",
    }
