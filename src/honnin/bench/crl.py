"""The revocation index beside openssl, pyca and a Python set, in one run: the first rows of issue-sized figures.

Times are of the processor (user and system), the least of several rounds, with the spread of the rounds beside them.
Peak memory is what the kernel counted for a process of its own, started by a small one so that nothing is inherited.
"""

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from honnin.bench.figures import Figure
from honnin.bench.lists import Shape, Signer, municipality
from honnin.bench.printing import print_figures
from honnin.bench.tasks import TASK
from honnin.pki.der import encode

__all__ = ["bench_folder", "build_figures", "lookup_figures", "measure_index"]

LOGGER = logging.getLogger("honnin.bench")
MUNICIPALITIES = 1741
PER_MUNICIPALITY = 574
MEGABYTE = 1 << 20

# A process that starts another and tells what the kernel counted for it: seconds, octets.
LAUNCH = """
import os, sys, time
began = time.perf_counter()
child = os.fork()
if not child:
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - began
sys.stderr.write(f"\\n{status} {used.ru_utime + used.ru_stime} {wall} {used.ru_maxrss * 1024}")
"""


def measure_index(*, full: bool = False, rounds: int = 3) -> list[Figure]:
    """Measure everything of the index. full: lists of 10 and 30 million entries too (1.5 GB of temporary files)."""
    signer = Signer()
    figures: list[Figure] = []
    with bench_folder(signer) as bench:
        build_figures(bench, Shape(1_000_000), "1 M entries", rounds, figures)
        build_figures(bench, Shape(1_000_000, octets=8, ordered=False), "1 M random 8-octet serials", rounds, figures)
        build_figures(bench, Shape(1_000_000, octets=20, ordered=False), "1 M random 20-octet serials", rounds, figures)
        figures += _country(bench, rounds)
        figures += lookup_figures(bench, 1_000_000)
        for millions in (10, 30) if full else ():
            shape = Shape(millions * 1_000_000)
            if millions == 10:
                build_figures(bench, shape, f"{millions} M entries", 1, figures)
            figures += _growth(bench, shape, rounds)
    return [_with_ratio(figure) for figure in figures]


def _with_ratio(figure: Figure) -> Figure:
    if figure.peer is None:
        return figure
    return msgspec.structs.replace(figure, ratio=figure.ours / figure.peer)


class _Bench:
    """A folder with the CA's files, and ways to run tasks over lists in it."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self.folder = folder
        self.signer = signer
        self.der, self.pem = folder / "ca.der", folder / "ca.pem"
        self.der.write_bytes(signer.certificate)
        self.pem.write_bytes(signer.pem)

    def task(self, name: str, *arguments: object) -> dict[str, float]:
        """Run one task; `whole_cpu` and `peak` are the kernel's count for its process."""
        return self.run([sys.executable, "-c", TASK, name, *map(str, arguments)])

    def run(self, command: list[str]) -> dict[str, float]:
        """Run a command; return what it printed as JSON, and what the kernel counted."""
        done = subprocess.run(  # noqa: S603 - ourselves, openssl
            [sys.executable, "-I", "-S", "-c", LAUNCH, *command], capture_output=True, text=True, check=True
        )
        status, cpu, wall, peak = done.stderr.rsplit("\n", 1)[1].split()
        if status != "0":
            raise RuntimeError(f"{command[:4]} failed: {done.stderr[-2000:]}")
        printed: dict[str, float] = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        return printed | {"whole_cpu": float(cpu), "whole_wall": float(wall), "peak": float(peak)}

    def build(self, lists: list[Path], name: str = "index") -> dict[str, float]:
        """Build an index anew."""
        index = self.folder / name
        shutil.rmtree(index, ignore_errors=True)
        found = self.task("build", index, self.der, *lists)
        if found["accepted"] != len(lists):
            raise RuntimeError("a list that is measured must be accepted")
        return found | {"disk": float(sum(path.stat().st_size for path in index.iterdir()))}


@contextmanager
def bench_folder(signer: Signer) -> Iterator[_Bench]:
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder:
        yield _Bench(Path(folder), signer)


def _rounds(step: Callable[[], dict[str, float]], rounds: int, key: str) -> tuple[dict[str, float], tuple[float, ...]]:
    """Return the quickest round, and what every round took."""
    found = [step() for _ in range(rounds)]
    return min(found, key=lambda one: one[key]), tuple(one[key] for one in found)


def build_figures(bench: _Bench, shape: Shape, name: str, rounds: int, figures: list[Figure]) -> None:
    """Add the figures of one list."""
    LOGGER.info("building an index of %s", name)
    path = bench.folder / "list.crl"
    bench.signer.write(path, shape)
    ours, took = _rounds(lambda: bench.build([path]), rounds, "cpu")
    digest = bench.task("sha256", path)
    note = f"wall {ours['wall']:.2f} s with its fsyncs; whole process {ours['whole_cpu']:.2f} s"
    program = shutil.which("openssl")
    if program is not None:
        command = [program, "crl", "-inform", "DER", "-in", str(path), "-CAfile", str(bench.pem), "-noout"]
        openssl, _ = _rounds(lambda: bench.run(command), min(rounds, 2), "whole_cpu")
        figures += [
            Figure(
                f"build, {name}",
                "s",
                ours["cpu"],
                "openssl crl -CAfile",
                openssl["whole_cpu"],
                None,
                0.15,
                took,
                note,
            ),
            Figure(
                f"peak memory of the build, {name}",
                "MB",
                ours["peak"] / MEGABYTE,
                "openssl crl -CAfile",
                openssl["peak"] / MEGABYTE,
                None,
                0.15,
            ),
        ]
    pyca, _ = _rounds(lambda: bench.task("pyca", bench.der, path), min(rounds, 2), "cpu")
    figures += [
        Figure(f"build, {name}", "s", ours["cpu"], "SHA-256 of the file, the limit", digest["cpu"], None, None, took),
        Figure(f"build, {name}", "s", ours["cpu"], "pyca: signature + set", pyca["cpu"], None, 0.08, took),
        Figure(
            f"peak memory of the build, {name}",
            "MB",
            ours["peak"] / MEGABYTE,
            aim=64 if shape.entries <= 1_000_000 else None,
        ),
        Figure(
            f"on disk, {name}", "octets per entry", ours["disk"] / shape.entries, aim=16 if shape.octets <= 8 else None
        ),
    ]
    path.unlink()


def _growth(bench: _Bench, shape: Shape, rounds: int) -> list[Figure]:
    """Time and memory an entry of a long list beside a list of a million, measured in turns."""
    short, long = bench.folder / "short.crl", bench.folder / "long.crl"
    million = Shape(1_000_000)
    bench.signer.write(short, million)
    bench.signer.write(long, shape)
    name = f"{shape.entries // 1_000_000} M entries"
    LOGGER.info("building an index of %s in turns with one of 1 M", name)
    found = [(bench.build([short]), bench.build([long])) for _ in range(rounds)]
    scale = shape.entries / million.entries
    figures = []
    for key, unit, factor in (("cpu", "µs", 1.0), ("peak", "octets", 1e-6)):
        of_short, of_long = (min(round_[which][key] for round_ in found) * factor for which in (0, 1))
        title = "time" if key == "cpu" else "peak memory"
        figures.append(Figure(f"{title} an entry, {name}", unit, of_long / scale, "of 1 M", of_short, aim=1.2))
    short.unlink()
    long.unlink()
    return figures


def _country(bench: _Bench, rounds: int) -> list[Figure]:
    """The country as J-LIS partitions it."""
    LOGGER.info("building the country of %s lists", MUNICIPALITIES)
    lists = []
    for number in range(MUNICIPALITIES):
        lists.append(bench.folder / f"{number}.crl")
        shape = Shape(PER_MUNICIPALITY, seed=number)
        bench.signer.write(lists[-1], shape, point=municipality(number), first=number * PER_MUNICIPALITY)
    pyca, _ = _rounds(lambda: bench.task("pyca", bench.der, *lists), min(rounds, 2), "cpu")
    ours, took = _rounds(lambda: bench.build(lists, "country"), rounds, "cpu")
    point = encode(0xA4, municipality(7)).hex()
    opened, _ = _rounds(
        lambda: bench.task("open_index", bench.folder / "country", bench.signer.key_id.hex(), point), rounds, "first"
    )
    later = []
    for number in range(30):
        later.append(bench.folder / f"later-{number}.crl")
        shape = Shape(PER_MUNICIPALITY, seed=number)
        point_name = municipality(number)
        bench.signer.write(later[-1], shape, number=2, point=point_name, first=number * PER_MUNICIPALITY)
    swapped = bench.task("swap", bench.folder / "country", bench.der, bench.signer.key_id.hex(), *later)
    for path in (*lists, *later):
        path.unlink()
    note = (
        f"{int(swapped['asked'])} questions during {int(swapped['swaps'])} swaps: median "
        f"{swapped['median'] * 1e6:.0f} µs, slowest of the others {swapped['others'] * 1e3:.1f} ms, without any "
        f"swap {swapped['alone'] * 1e3:.1f} ms"
    )
    return [
        Figure(
            f"the country: {MUNICIPALITIES} lists of {PER_MUNICIPALITY}",
            "s",
            ours["cpu"],
            "pyca loop",
            pyca["cpu"],
            None,
            0.2,
            took,
            f"wall {ours['wall']:.2f} s",
        ),
        Figure("slowest answer that met a replaced partition", "ms", swapped["slowest"] * 1e3, aim=50, note=note),
        Figure(f"open an index of {MUNICIPALITIES} segments", "ms", opened["open"] * 1e3, aim=5),
        Figure("open it and answer the first question", "ms", opened["first"] * 1e3, aim=5),
    ]


def lookup_figures(bench: _Bench, entries: int) -> list[Figure]:
    """Asking, beside a set of ints."""
    path = bench.folder / "list.crl"
    bench.signer.write(path, Shape(entries))
    bench.build([path])
    index, key_id = bench.folder / "index", bench.signer.key_id.hex()
    found, took = _rounds(lambda: bench.task("lookup", index, key_id, entries, 1 << 24), 3, "one")
    opened, _ = _rounds(lambda: bench.task("open_index", index, key_id, ""), 3, "first")
    path.unlink()
    note = f"a set of ints: {found['set'] * 1e6:.2f} µs, without reason, date or proof"
    return [
        Figure(
            "lookup, one serial", "µs", found["one"] * 1e6, aim=3, rounds=tuple(1e6 * one for one in took), note=note
        ),
        Figure("lookup, each of an array of 100 k", "µs", found["many"] * 1e6, aim=0.3),
        Figure(
            "private memory beside the mapping",
            "MB",
            found["private"] / MEGABYTE,
            "a Python set of ints",
            found["of_set"] / MEGABYTE,
            None,
            0.1,
        ),
        Figure(f"open an index of {entries:,} entries and answer", "ms", opened["first"] * 1e3, aim=5),
    ]


if __name__ == "__main__":
    print_figures(measure_index(full="--full" in sys.argv))
