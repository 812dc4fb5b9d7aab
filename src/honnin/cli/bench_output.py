"""How `honnin bench` shows its figures: a table for people, plain members for JSON."""

import sys
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from honnin.bench.figures import Figure
    from honnin.bench.report import Run

__all__ = ["figure_members", "print_figures"]


def figure_members(figure: "Figure") -> dict[str, Any]:
    """Return a figure beside its peer as JSON members."""
    members: dict[str, Any] = to_builtins(figure)
    spread = dict(zip(("best", "median", "worst"), figure.spread, strict=True)) if figure.spread else None
    return members | {"spread": spread, "reached": figure.reached}


def print_figures(title: str, figures: "list[Figure]", run: "Run") -> None:
    """Print figures beside their peers and aims, with the load of the machine and its versions."""
    busy = " (busy: wall times are worse than they need be)" if run.busy else ""
    load = f"load {run.load[0]:.1f} before, {run.load[1]:.1f} with it on {run.cores} cores{busy}"
    table = Table("work", title=title, caption=load)
    for name in ("honnin", "best/median/worst", "peer", "ratio", "aim", ""):
        table.add_column(name, justify="right" if name in {"honnin", "ratio", "aim"} else "left")
    for figure in figures:
        spread = "" if figure.spread is None else "/".join(f"{one:,.3g}" for one in figure.spread)
        peer = "" if figure.peer is None else f"{figure.peer_name} {figure.peer:,.4g}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}"
        aim = "" if figure.aim is None else f"{'≥' if figure.at_least else '≤'} {figure.aim:g}"
        mark = {True: "reached", False: "missed", None: ""}[figure.reached]
        table.add_row(figure.name, f"{figure.ours:,.4g} {figure.unit}", spread, peer, ratio, aim, mark)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"  {figure.name}: {figure.note}", highlight=False)
    console.print(f"  {', '.join(f'{name} {value}' for name, value in run.machine.items())}\n", highlight=False)
