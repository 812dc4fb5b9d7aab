"""`honnin bench`: how fast honnin is beside its peers in the same run, as tables, as JSON, or into the docs."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from honnin.cli.output import json_option, print_json

if TYPE_CHECKING:
    from honnin.bench.figures import Figure
    from honnin.bench.report import Run

__all__ = ["bench"]


@click.command()
@click.argument("names", metavar="[PART]...", nargs=-1)
@click.option("--full", is_flag=True, help="More rounds, and lists and logs of 10 and 30 million.")
@click.option(
    "--write",
    "docs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Write tables, plot and JSON into this documentation folder; other parts' figures stay.",
)
@json_option
def bench(names: tuple[str, ...], full: bool, docs: Path | None, as_json: bool) -> None:
    """Measure honnin beside pyca, openssl and the bare drivers in one run, and count its APDUs.

    Parts: index, ocsp, verification, batch, http, upkeep, evidence, documents, digital_auth, taps, cards, matching;
    all of them where none is named. About ten minutes; --full takes an hour or more and 3 GB of temporary files.
    """
    from honnin.bench.parts import PARTS, TITLES, measure_part
    from honnin.bench.report import write_docs
    from honnin.cli.bench_output import figure_members, print_figures

    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        raise click.UsageError(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    chosen = names or tuple(PARTS)
    measured: dict[str, tuple[list[Figure], Run]] = {}
    before = _load()
    with _progress():
        for number, name in enumerate(chosen, 1):
            click.echo(f"[{number}/{len(chosen)}] {TITLES[name]}", err=True)
            figures = measure_part(name, full=full)
            measured[name] = figures, _run(before)
            if docs is not None:
                write_docs(docs, {name: measured[name]})
            if not as_json:
                print_figures(TITLES[name], *measured[name])
    if as_json:
        print_json(
            {
                part: {
                    "title": TITLES[part],
                    "at": run.at,
                    "machine": dict(run.machine),
                    "load": list(run.load),
                    "busy": run.busy,
                    "figures": [figure_members(figure) for figure in figures],
                }
                for part, (figures, run) in measured.items()
            }
        )


@contextmanager
def _progress() -> Iterator[None]:
    """Show on standard error what is being measured, with the seconds since the start."""
    began = time.monotonic()
    shown = logging.StreamHandler()

    def since(record: logging.LogRecord) -> bool:
        record.since = f"{time.monotonic() - began:.0f}"
        return True

    shown.addFilter(since)
    shown.setFormatter(logging.Formatter("    %(since)s s: %(message)s"))
    logger = logging.getLogger("honnin.bench")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(shown)
    try:
        yield
    finally:
        logger.removeHandler(shown)
        logger.setLevel(level)


def _load() -> float:
    import os

    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else 0.0


def _run(before: float) -> "Run":
    import os
    from datetime import UTC, datetime

    from honnin.bench.machine import machine
    from honnin.bench.report import Run

    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Run(at=at, machine=machine(), load=(before, _load()), cores=os.cpu_count() or 1)
