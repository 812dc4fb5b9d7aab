"""`honnin bench`: how fast honnin is beside its peers in the same run, as a table or as JSON."""

from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from honnin.cli.output import json_option, print_json

if TYPE_CHECKING:
    from honnin.bench.batch import Scaling
    from honnin.bench.http import Load
    from honnin.bench.measuring import Row

__all__ = ["bench"]


@click.command()
@click.option("--full", is_flag=True, help="More rounds and more certificates: about a minute.")
@json_option
def bench(full: bool, as_json: bool) -> None:
    """Measure honnin beside pyca and openssl in one run on one core, and count its APDUs."""
    from honnin.bench.batch import measure_batch
    from honnin.bench.cards import apdu_counts
    from honnin.bench.http import measure_http
    from honnin.bench.machine import machine
    from honnin.bench.measuring import measure

    where = machine()
    rows = measure(rounds=25, each=400) if full else measure()
    scaling = measure_batch(items=20_000) if full else measure_batch()
    loads = measure_http()
    counts = apdu_counts()
    if as_json:
        batch = {
            "one_process": scaling.one,
            "two_processes": scaling.two,
            "times": scaling.times,
            "processor_time": scaling.cost,
        }
        print_json(
            {
                "machine": where,
                "timings": [_shown(row) for row in rows],
                "verify_many": batch,
                "http": None if loads is None else to_builtins(loads),
                "apdus": counts,
            }
        )
        return
    _print(where, rows, scaling, counts)
    _print_loads(loads, scaling.one)


def _shown(row: "Row") -> dict[str, Any]:
    return {
        "name": row.name,
        "microseconds": row.microseconds,
        "median": row.median,
        "per_second": row.per_second,
        "of_floor": row.of_floor,
    }


def _print_loads(loads: list["Load"] | None, python: int) -> None:
    from rich.console import Console
    from rich.table import Table

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


def _print(where: dict[str, str], rows: list["Row"], scaling: "Scaling", counts: dict[str, int] | None) -> None:
    from rich.console import Console
    from rich.table import Table

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
