"""What the revocation measurements do in processes of their own, so that each one's memory is its own.

Every task prints one JSON object. Times are of the processor, of the call alone: starting Python and importing is told
apart. Peers do the least that gives the same: signature checked, and a set that serial numbers can be asked of.
"""

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

__all__ = ["build", "lookup", "open_index", "pyca", "sha256", "swap"]

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def build(index: str, issuer: str, *lists: str) -> None:
    """Build an index."""
    from honnin.pki import RevocationIndex

    certificate = Path(issuer).read_bytes()
    began, clock = time.process_time(), time.perf_counter()
    report = RevocationIndex.build(index, lists, [certificate], at=NOW)
    _tell(
        cpu=time.process_time() - began,
        wall=time.perf_counter() - clock,
        start=began,
        accepted=len(report.accepted),
    )


def pyca(issuer: str, *lists: str) -> None:
    """Check lists with pyca and iterate over them into a set."""
    from cryptography import x509

    key: Any = x509.load_der_x509_certificate(Path(issuer).read_bytes()).public_key()
    began, clock = time.process_time(), time.perf_counter()
    serials: set[int] = set()
    for path in lists:
        crl = x509.load_der_x509_crl(Path(path).read_bytes())
        if not crl.is_signature_valid(key):
            raise AssertionError(path)
        serials.update(entry.serial_number for entry in crl)
    _tell(cpu=time.process_time() - began, wall=time.perf_counter() - clock, accepted=len(serials))


def sha256(path: str) -> None:
    """Digest a file: nothing that checks a signature can be quicker."""
    from hashlib import file_digest

    began = time.process_time()
    with Path(path).open("rb") as octets:
        file_digest(octets, "sha256")
    _tell(cpu=time.process_time() - began)


def open_index(index: str, key_id: str, point: str) -> None:
    """Open an index and ask it once."""
    from honnin.pki import RevocationIndex
    from honnin.pki.index import reading  # noqa: F401 - imported before the clock runs

    began = time.process_time()
    opened = RevocationIndex.open(index)
    alone = time.process_time() - began
    opened.lookup(bytes.fromhex(key_id), 5, distribution_points=bytes.fromhex(point) or None, at=NOW)
    _tell(open=alone, first=time.process_time() - began)


def lookup(index: str, key_id: str, entries: str, first: str) -> None:
    """Ask an index and a set for the same serial numbers, one by one and many at once."""
    from honnin.pki import RevocationIndex

    issuer, start, count = bytes.fromhex(key_id), int(first), int(entries)
    draw = Random(1)  # noqa: S311 - which serials are asked for
    asked = [start + draw.randrange(2 * count) for _ in range(100_000)]
    before = _anonymous()
    opened = RevocationIndex.open(index)
    hits = sum(opened.lookup(issuer, serial, at=NOW).state == "revoked" for serial in asked)
    private = _anonymous() - before
    one = _timed(lambda: [opened.lookup(issuer, serial, at=NOW) for serial in asked]) / len(asked)
    many = _timed(lambda: opened.lookup_many(issuer, asked, at=NOW)) / len(asked)
    if int((opened.lookup_many(issuer, asked, at=NOW) == "revoked").sum()) != hits:
        raise AssertionError("one by one and many at once must agree")
    before = _anonymous()
    serials = set(range(start, start + count))
    of_set = _anonymous() - before
    in_set = _timed(lambda: [serial in serials for serial in asked]) / len(asked)
    _tell(one=one, many=many, set=in_set, private=private, of_set=of_set)


def swap(index: str, issuer: str, key_id: str, *lists: str) -> None:
    """Ask without a pause while one partition after the other is replaced by another process; time every answer."""
    import subprocess

    from honnin.bench.lists import municipality
    from honnin.pki import RevocationIndex

    identifier, points = bytes.fromhex(key_id), [municipality(number) for number in range(40)]
    opened = RevocationIndex.open(index)
    command = [sys.executable, "-c", TASK, "rebuild", index, issuer, *lists]

    def ask(point: bytes) -> tuple[float, bool]:
        nonlocal opened
        began, earlier = time.thread_time(), opened
        opened = earlier.refreshed()
        if opened.lookup(identifier, 1, distribution_points=point, at=NOW).state != "good":
            raise AssertionError("an answer was not from one state or the other")
        return time.thread_time() - began, opened is not earlier

    for point in points:
        ask(point)
    alone = [ask(points[turn % len(points)])[0] for turn in range(20_000)]
    during: list[tuple[float, bool]] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as builder:  # noqa: S603 - ourselves
        while builder.poll() is None:
            during += [ask(point) for point in points]
    after_swap = [seconds for seconds, swapped in during if swapped]
    _tell(
        asked=len(during),
        swaps=len(after_swap),
        alone=max(alone),
        slowest=max(after_swap),
        others=max(seconds for seconds, swapped in during if not swapped),
        median=sorted(seconds for seconds, _ in during)[len(during) // 2],
    )


def rebuild(index: str, issuer: str, *lists: str) -> None:
    """Replace partitions, one build each."""
    from honnin.pki import RevocationIndex

    certificate = Path(issuer).read_bytes()
    for path in lists:
        report = RevocationIndex.build(index, [path], [certificate], at=NOW)
        if report.refused:
            raise AssertionError(report.refused)
        time.sleep(0.1)


TASK = "import sys; from honnin.bench import tasks; getattr(tasks, sys.argv[1])(*sys.argv[2:])"


def _timed(step: Any) -> float:
    """Return the least processor time of three runs."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        step()
        best = min(best, time.process_time() - began)
    return best


def _anonymous() -> int:
    """Octets of this process that no file backs."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))


def _tell(**found: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps(found | {"peak": peak * 1024}) + "\n")
