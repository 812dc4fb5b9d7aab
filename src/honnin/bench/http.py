"""`POST /v1/verifications` under load: a server of its own (`served`), `wrk` as the load generator, evidence durable.

Every request brings a certificate that was not seen before, as long as there are any; `wrk` is written in C and sends
from one thread. What counts is processor time, as other work on the machine changes the clock's figures and not these:
the server's, its workers' and its threads' all together, for each request, beside that of `honnin.verify` for the same
certificates in the same rounds. Rates and percentiles by the clock stand beside it.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec

from honnin.bench.cluster import Cluster
from honnin.bench.material import DOCUMENT, Holder, Office
from honnin.pki import verify

__all__ = ["Load", "measure_http"]

CONNECTIONS = 32
HOLDERS = 3000
ROUNDS = 3
LONGEST = 64  # seconds after which a server that has answered nothing is taken for silent
SERVE = "from honnin.bench.served import serve; import sys; serve(sys.argv[1], int(sys.argv[2]))"
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
    """What one path did at 32 connections, the median of the rounds.

    processor: microseconds of the server's processor time a request. of_python: the rate of `honnin.verify` that is
    left, by processor time. everything: the same with what the database's server and `wrk` took.
    median, p99: milliseconds by the clock. generator: the share of one core that `wrk` took.
    """

    name: str
    workers: int
    per_second: int
    processor: float
    of_python: float
    everything: float
    median: float
    p99: float
    generator: float


class _Run(NamedTuple):
    rate: float
    median: float
    p99: float
    generator: float
    processor: float
    everything: float
    share: float


def measure_http(
    *, seconds: int = 3, holders: int = HOLDERS, rounds: int = ROUNDS, workers: int = 1, cluster: Cluster | None = None
) -> list[Load] | None:
    """Return what a server does: its smallest JSON answer, and checks with durable evidence; None without `wrk`.

    seconds: for each of both in each round. holders: certificates to send, from the first again after the last.
    workers: processes of the server. cluster: where an empty PostgreSQL database is made, in place of SQLite.
    """
    program = shutil.which("wrk")
    if program is None:
        return None
    office = Office(now=datetime.now(UTC).replace(microsecond=0))
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as name:
        folder = Path(name)
        _write(folder, office, holders)
        with _serving(folder, workers, cluster.url(cluster.create()) if cluster else None) as (process, port, key):
            posting, getting = folder / "post.lua", folder / "get.lua"
            posting.write_text(SCRIPT % {"folder": folder, "key": key} + FORMAT, encoding="utf-8")
            getting.write_text(FORMAT, encoding="utf-8")
            paths = {"GET /healthz": getting, "POST /v1/verifications": posting}
            found: dict[str, list[_Run]] = {path: [] for path in paths}
            for turn in range(rounds + 1):
                alone = _verify_seconds(office)
                for path, script in paths.items():
                    url = f"http://127.0.0.1:{port}{path.partition(' ')[2]}"
                    command = [program, "-t1", f"-c{CONNECTIONS}", "-s", str(script), url]
                    run = _run(command, seconds, process, alone, cluster)
                    if turn:  # the first warms up
                        found[path].append(run)
    return [_load(path, workers, runs) for path, runs in found.items()]


def _load(name: str, workers: int, runs: list[_Run]) -> Load:
    middle = _Run(*(median(figures) for figures in zip(*runs, strict=True)))
    return Load(
        name,
        workers,
        int(middle.rate),
        round(middle.processor * 1e6, 1),
        round(middle.share, 3),
        round(middle.everything * 1e6, 1),
        round(middle.median, 1),
        round(middle.p99, 1),
        round(middle.generator, 2),
    )


def _run(command: list[str], seconds: int, process: int, alone: float, cluster: Cluster | None = None) -> _Run:
    """Send for that long, and twice as long again while nothing was answered: a disk that stands still for a second is
    no figure. process: the server's id. alone: processor seconds of one `verify`.
    """
    before, used = resource.getrusage(resource.RUSAGE_CHILDREN), _processor_seconds(process)
    stored = cluster.processor_seconds() if cluster else 0.0
    done = subprocess.run([*command, f"-d{seconds}s"], capture_output=True, text=True, check=True)  # noqa: S603 - fixed
    after, used = resource.getrusage(resource.RUSAGE_CHILDREN), _processor_seconds(process) - used
    stored = cluster.processor_seconds() - stored if cluster else 0.0
    told = re.search(r"FOUND (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    if told is None or int(told[3]):
        raise AssertionError(f"the server refused what is measured: {done.stdout}")
    requests, took = int(told[1]), int(told[2]) / 1e6
    if not requests or used <= 0:
        if seconds >= LONGEST:
            raise AssertionError(f"the server answered nothing for {seconds} s: {done.stdout}")
        return _run(command, seconds * 2, process, alone, cluster)
    wrk = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    each = used / requests
    everything = (used + stored + wrk) / requests
    return _Run(requests / took, int(told[4]) / 1000, int(told[5]) / 1000, wrk / took, each, everything, alone / each)


def _processor_seconds(process: int) -> float:
    """Return the processor time of a process, its living children's included."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return own + sum(_processor_seconds(int(child)) for child in children)


def _verify_seconds(office: Office, each: int = 300) -> float:
    """Return the processor time of `honnin.verify` for a certificate that nobody has seen."""
    at = datetime.now(UTC)
    holders = office.holders(each + 20)
    for holder in holders[:20]:
        _verify(office, holder, at)
    began = time.process_time()
    for holder in holders[20:]:
        _verify(office, holder, at)
    return (time.process_time() - began) / each


def _verify(office: Office, holder: Holder, at: datetime) -> None:
    report = verify(
        holder.signature,
        content=DOCUMENT,
        certificate=holder.certificate,
        anchors=[office.anchor],
        crls=[office.crl],
        at=at,
        existed_at=at,
        policy="jpki_signature",
    )
    if report.indication != "TOTAL-PASSED":
        raise AssertionError(f"what is measured must pass: {report.reason}")


@contextmanager
def _serving(folder: Path, workers: int, database_url: str | None) -> Iterator[tuple[int, int, str]]:
    """Run the server; give its process id, its port and an API key."""
    environment = {**os.environ, "HONNIN_DATABASE_URL": database_url or ""}
    command = [sys.executable, "-c", SERVE, str(folder), str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - ourselves
    try:
        told = json.loads(process.stdout.readline()) if process.stdout else {}
        yield process.pid, told["port"], told["key"]
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout:
            process.stdout.close()


def _write(folder: Path, office: Office, holders: int) -> None:
    """Write what the server trusts, and the bodies to send."""
    (folder / "anchor.der").write_bytes(office.anchor)
    (folder / "crl.der").write_bytes(office.crl)
    with (folder / "bodies").open("w", encoding="utf-8") as out:
        for holder in office.holders(holders):
            out.write(json.dumps(_body(holder)) + "\n")


def _body(holder: Holder) -> dict[str, Any]:
    return {
        "document": b64encode(DOCUMENT).decode(),
        "signature": b64encode(holder.signature).decode(),
        "certificate": b64encode(holder.certificate).decode(),
        "purpose": "account_opening",
        "channel": "remote",
    }
