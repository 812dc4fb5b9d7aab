"""How `honnin bench` shows its measurements: tables for people, plain members for JSON."""

from typing import TYPE_CHECKING, Any

from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from honnin.bench.batch import Scaling
    from honnin.bench.crl import Figure
    from honnin.bench.http import Load
    from honnin.bench.measuring import Row

__all__ = [
    "figure_members",
    "print_documents",
    "print_figures",
    "print_loads",
    "print_verification",
    "row_members",
    "scaling_members",
]


def row_members(row: "Row") -> dict[str, Any]:
    """Return a timing as JSON members."""
    return {
        "name": row.name,
        "microseconds": row.microseconds,
        "median": row.median,
        "per_second": row.per_second,
        "of_floor": row.of_floor,
    }


def scaling_members(scaling: "Scaling") -> dict[str, Any]:
    """Return how batches grow as JSON members."""
    return {
        "one_process": scaling.one,
        "two_processes": scaling.two,
        "times": scaling.times,
        "processor_time": scaling.cost,
    }


def figure_members(figure: "Figure") -> dict[str, Any]:
    """Return a figure beside its peer as JSON members."""
    members: dict[str, Any] = to_builtins(figure)
    return members | {"reached": figure.reached}


def print_figures(title: str, figures: "list[Figure]") -> None:
    """Print figures beside their peers and aims."""
    table = Table("work", title=title)
    for name in ("ours", "unit", "peer", "ratio", "aim", ""):
        table.add_column(name, justify="right" if name in {"ours", "ratio", "aim"} else "left")
    for figure in figures:
        peer = "" if figure.peer is None else f"{figure.peer_name} {figure.peer:,.4g}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}"
        aim = "" if figure.aim is None else f"{figure.aim:g}"
        mark = {True: "reached", False: "missed", None: ""}[figure.reached]
        table.add_row(figure.name, f"{figure.ours:,.4g}", figure.unit, peer, ratio, aim, mark)
    Console().print(table)


def print_loads(loads: "list[Load] | None", python: int) -> None:
    """Print what a server did under a load; `python`: verifications a second without HTTP."""
    console = Console()
    if loads is None:
        console.print("HTTP is not measured: wrk is not installed.")
        return
    table = Table("one worker, 32 connections", title="over HTTP, by the clock; wrk's share of one core beside it")
    for name in ("per second", "of the Python API", "median ms", "p99 ms", "wrk"):
        table.add_column(name, justify="right")
    for load in loads:
        share = f"{load.per_second / python:.2f}"
        table.add_row(
            load.name, f"{load.per_second:,}", share, f"{load.median:.1f}", f"{load.p99:.1f}", f"{load.generator:.2f}"
        )
    console.print(table)


def print_verification(
    where: dict[str, str], rows: "list[Row]", scaling: "Scaling", counts: dict[str, int] | None
) -> None:
    """Print timings, batches and APDU counts, with the machine they were taken on."""
    table = Table("operation", title="one core, processor time; share of the floor: median of the rounds")
    for name in ("µs, best", "median", "per second", "rate / floor"):
        table.add_column(name, justify="right")
    for row in rows:
        ratio = "" if row.of_floor is None else f"{row.of_floor:.2f}"
        table.add_row(row.name, f"{row.microseconds:.1f}", f"{row.median:.1f}", f"{row.per_second:,}", ratio)
    console = Console()
    console.print(", ".join(f"{name}: {value}" for name, value in where.items()))
    console.print(table)
    console.print(
        f"verify_many, by the clock: {scaling.one:,}/s in one process, {scaling.two:,}/s in two ({scaling.times:.2f} "
        f"times); processor time an item {scaling.cost:.2f} times that of one process, so {2 / scaling.cost:.2f} times "
        "on two free cores"
    )
    if counts is None:
        console.print("APDUs are not counted: no sandbox is installed.")
        return
    commands = Table("with a card", title="APDUs, PIN and leaving included")
    commands.add_column("APDUs", justify="right")
    for name, number in counts.items():
        commands.add_row(name, str(number))
    console.print(commands)


def print_documents(reads: dict[str, dict[str, int]] | None) -> None:
    """Print APDUs and bytes of each document's full read."""
    table = Table("document", title="unlocked, read whole, proved, left: on the emulated chip")
    for name in ("APDUs", "bytes"):
        table.add_column(name, justify="right")
    for document, told in (reads or {}).items():
        table.add_row(document, str(told["apdus"]), f"{told['bytes']:,}")
    Console().print(table)
