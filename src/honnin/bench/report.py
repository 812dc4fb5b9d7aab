"""The figures that docs/performance.md shows: kept as one JSON object, written as tables and a plot between markers.

A run replaces the figures that it measured and leaves all others as they were, each with its own day, load and machine.
Nothing outside the markers is touched.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from honnin.bench.bars import bars
from honnin.bench.figures import Figure
from honnin.bench.parts import TITLES
from honnin.errors import InputError

__all__ = ["BEGIN", "END", "FIGURES", "Report", "Run", "Taken", "merged", "tables", "write_docs"]

BEGIN, END = "<!-- honnin bench: written by --write, do not edit -->", "<!-- end of honnin bench -->"
FIGURES, PAGE, PLOT = "performance.json", "performance.md", "pictures/performance.svg"


class Run(msgspec.Struct, frozen=True):
    """Where and when figures were taken. load: of the machine, a minute's mean, before the whole run and when the part
    ended: the second holds what the bench itself started, so that only the first tells of other work.
    """

    at: str
    machine: Mapping[str, str]
    load: tuple[float, float]
    cores: int

    @property
    def busy(self) -> bool:
        """Whether the machine had other work before the run began."""
        return self.load[0] > self.cores / 2

    @property
    def words(self) -> str:
        """Day, load and what to think of it."""
        told = f"{self.at[:10]} {self.at[11:16]} UTC, load {self.load[0]:.1f} before, {self.load[1]:.1f} with it"
        return f"{told}, **machine busy**" if self.busy else told


class Taken(msgspec.Struct, frozen=True):
    """One figure, whether it reached its aim, and its run."""

    figure: Figure
    reached: bool | None
    run: Run


class Report(msgspec.Struct, frozen=True):
    """All figures by part."""

    parts: Mapping[str, tuple[Taken, ...]] = {}


def merged(report: Report, part: str, figures: list[Figure], run: Run) -> Report:
    """Return a report with a part's figures anew; what this run did not measure stays."""
    fresh = {_key(figure): Taken(figure, figure.reached, run) for figure in figures}
    kept = [taken for taken in report.parts.get(part, ()) if _key(taken.figure) not in fresh]
    return Report({**report.parts, part: (*fresh.values(), *kept)})


def _key(figure: Figure) -> tuple[str, str]:
    return figure.name, figure.peer_name


def tables(report: Report) -> str:
    """Return the figures as Markdown: a table for each part, machines and runs named under it."""
    lines = []
    for part, title in TITLES.items():
        if part in report.parts:
            lines += ["", f"### {title}", "", *_table(report.parts[part])]
    return "\n".join(["", *lines, "", *_machines(report), ""])


def _table(rows: tuple[Taken, ...]) -> list[str]:
    runs = list(dict.fromkeys(taken.run.words for taken in rows))
    marks = {words: "" if len(runs) == 1 else f" [{number}]" for number, words in enumerate(runs, 1)}
    lines = [
        "| Work | honnin | Best, median, worst | Peer in the same run | Ratio | Aim | |",
        "|---|---:|---:|---|---:|---:|---|",
    ]
    for taken in rows:
        figure = taken.figure
        spread = "" if figure.spread is None else " / ".join(_number(one) for one in figure.spread)
        peer = "" if figure.peer is None else f"{figure.peer_name}: {_number(figure.peer)} {figure.unit}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}"
        aim = "" if figure.aim is None else f"{'≥' if figure.at_least else '≤'} {figure.aim:,.3g}"
        reached = {True: "reached", False: "**missed**", None: ""}[taken.reached]
        name = figure.name + marks[taken.run.words] + (f" ({figure.note})" if figure.note else "")
        unit = figure.unit
        lines.append(f"| {name} | {_number(figure.ours)} {unit} | {spread} | {peer} | {ratio} | {aim} | {reached} |")
    taken_at = [f"{marks[words].strip()} {words}".strip() for words in runs]
    return [*lines, "", f"Taken {'; '.join(taken_at)}."]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _machines(report: Report) -> list[str]:
    """Name every machine and its versions once, with the parts that were taken there."""
    found: dict[str, list[str]] = {}
    for part, rows in report.parts.items():
        for taken in rows:
            words = ", ".join(f"{name} {value}" for name, value in taken.run.machine.items())
            if part not in found.setdefault(words, []):
                found[words].append(part)
    if len(found) == 1:
        return [f"Machine and versions: {next(iter(found))}."]
    return [f"Machine and versions of {', '.join(parts)}: {words}.\n" for words, parts in found.items()]


def write_docs(docs: Path, measured: Mapping[str, tuple[list[Figure], Run]]) -> Report:
    """Write figures, tables and plot into a documentation folder; return everything that stands there now.

    Raises InputError `bench.no_page` when the folder has no page with both markers.
    """
    page = docs / PAGE
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(
            "bench.no_page", f"{page} has no place for the figures.", next="Give the docs folder of a checkout."
        )
    kept = docs / FIGURES
    report = msgspec.json.decode(kept.read_bytes(), type=Report) if kept.exists() else Report()
    for part, (figures, run) in measured.items():
        report = merged(report, part, figures, run)
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    page.write_text(f"{before}{BEGIN}{tables(report)}{END}{after}", encoding="utf-8")
    aims = [taken.figure for rows in report.parts.values() for taken in rows]
    (docs / PLOT).write_text(bars("Figures beside their aims", aims), encoding="utf-8")
    return report
