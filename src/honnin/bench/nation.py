"""The simulated day of docs/scale.md, driven by measured times: `python -m honnin.bench.nation docs`.

The times of work are those that `docs/performance.json` holds; where each comes from stands in the page beside it.
"""

import sys
from pathlib import Path

import msgspec

from honnin.bench.day import DAY, Outcome, Plan, Times, simulate
from honnin.bench.plot import Panel, svg
from honnin.bench.report import FIGURES, Report, Taken
from honnin.errors import InputError

__all__ = ["BEGIN", "END", "measured", "picture", "sources", "table", "write"]

BEGIN, END = "<!-- python -m honnin.bench.nation: written by it, do not edit -->", "<!-- end of the simulated day -->"
PAGE, PICTURE = "scale.md", "pictures/day.svg"
PLAN = Plan(nodes=3, workers=2)
ENTRIES = 20_000_000  # of the day's lists, taken in by each node
WRITERS = 32  # of the row that says how long a durable write waits

# Of a worker beside another one, as the nodes have them; the database has machines of its own.
CHECK = ("http", "PostgreSQL, two workers: `POST /v1/verifications`, durable, processor time")
BY_OCSP = ("verification", "full verification, OCSP (3 verifies)")
BY_CRL = ("verification", "full verification, CRL")
LOOKUP = ("index", "lookup, one serial")
ENTRY = ("index", "time an entry, 10 M entries")
SWAP = ("index", "slowest answer that met a replaced partition")
WRITES = ("evidence", f"PostgreSQL: single writes of {WRITERS} threads, each flushed before it is answered")


def measured(report: Report) -> Times:
    """Return the times of work that a report of `honnin bench` holds.

    Raises InputError `bench.no_figure` when one of them is not there.
    """
    ours = {key: _taken(report, key).figure.ours for key in (CHECK, BY_OCSP, BY_CRL, LOOKUP, ENTRY, SWAP, WRITES)}
    return Times(
        check=(ours[CHECK] + ours[BY_OCSP] - ours[BY_CRL]) * 1e-6,
        lookup=ours[LOOKUP] * 1e-6,
        build=ours[ENTRY] * 1e-6 * ENTRIES,
        swap=ours[SWAP] * 1e-3,
        commit=WRITERS / ours[WRITES],
    )


def sources(report: Report, times: Times) -> str:
    """Return a Markdown table of the times and the figures that they come from."""
    check = f"{_told(report, CHECK)}; with an answer of OCSP {_told(report, BY_OCSP)} less {_told(report, BY_CRL)}"
    rows = [
        ("a check, of one worker", f"{times.check * 1e3:.2f} ms", check),
        ("one question to the index, where OCSP is down", f"{times.lookup * 1e6:.1f} µs", _told(report, LOOKUP)),
        (f"the day's lists, {ENTRIES // 1_000_000} M entries", f"{times.build:.1f} s", _told(report, ENTRY)),
        ("the first check after them", f"{times.swap * 1e3:.0f} ms", _told(report, SWAP)),
        ("evidence durable, at the longest", f"{times.commit * 1e3:.0f} ms", f"{WRITERS} of {_told(report, WRITES)}"),
    ]
    lines = ["| Time | Taken as | From docs/performance.json |", "|---|---:|---|"]
    return "\n".join([*lines, *(f"| {what} | {value} | {origin} |" for what, value, origin in rows), ""])


def _taken(report: Report, key: tuple[str, str]) -> Taken:
    part, name = key
    for taken in report.parts.get(part, ()):
        if taken.figure.name == name:
            return taken
    raise InputError(
        "bench.no_figure",
        f"The figures have no row {name!r}.",
        next=f"Measure it: honnin bench --full {part} --write docs.",
    )


def _told(report: Report, key: tuple[str, str]) -> str:
    taken = _taken(report, key)
    return f"{key[0]}: {key[1]}, {taken.figure.ours:,.4g} {taken.figure.unit} ({taken.run.at[:10]})"


def table(plan: Plan, times: Times, day: Outcome) -> str:
    """Return a Markdown table of the hours that say something, and the sums."""
    lines = [
        "| Hour | Checks | by OCSP | by CRL | median | p99 | longest | workers busy |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {hour.hour:02}–{hour.hour + 1:02} | {hour.checks:,} | {hour.by_ocsp:,} | {hour.by_crl:,} | "
        f"{hour.median * 1e3:.0f} ms | {hour.p99 * 1e3:.0f} ms | {hour.longest:.2f} s | {hour.busy:.1%} |"
        for hour in day.hours
        if hour.hour in {3, 8, 9, 10, 11, 12, 13, 20}
    ]
    workers = plan.nodes * plan.workers
    lines.append(
        f"| day | {day.checks:,} | {day.by_ocsp:,} | {day.by_crl:,} | | | | {day.worked / DAY / workers:.1%} |"
    )
    told = (
        f"{plan.nodes} nodes of {plan.workers} workers, {times.check * 1e3:.2f} ms a check. During the outage "
        f"{day.gave_up_ocsp:,} checks waited for OCSP in vain ({plan.patience:.0f} s each), then the breaker was open. "
        f"The lost node cut off {day.cut_off:,} checks, which their clients asked anew; none was answered twice, none "
        "was lost."
    )
    lines += ["", told, ""]
    return "\n".join(lines)


def picture(plan: Plan, day: Outcome) -> str:
    """Return the day as SVG."""
    rate, p99, by_crl = zip(*day.minutes, strict=True)

    def mark(span: tuple[float, float], words: str) -> tuple[float, float, str]:
        return span[0] / DAY, span[1] / DAY, words

    crl = mark((plan.crl_at, plan.crl_at), "daily lists")
    outage, lost = mark(plan.outage, "OCSP down"), mark(plan.lost, "node lost")
    panels = [
        Panel("Checks a second (five-minute means)", "/s", (("checks", rate),), (crl, outage, lost)),
        Panel("99th percentile of the answer's time", "ms", (("p99", [1e3 * one for one in p99]),), (outage, lost)),
        Panel("Answered from the revocation lists", "%", (("by CRL", [100 * one for one in by_crl]),), (outage,)),
    ]
    return svg("A nation's day, simulated", panels, [f"{hour:02}:00" for hour in range(0, 25, 3)])


def write(docs: Path, plan: Plan = PLAN) -> None:
    """Simulate the day and write table and picture into a documentation folder.

    Raises InputError `bench.no_page` when the page has no place for it, `bench.no_figure` when a time is not measured.
    """
    page = docs / PAGE
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError("bench.no_page", f"{page} has no place for the day.", next="Give the docs of a checkout.")
    report = msgspec.json.decode((docs / FIGURES).read_bytes(), type=Report)
    times = measured(report)
    day = simulate(plan, times)
    (docs / PICTURE).write_text(picture(plan, day), encoding="utf-8")
    written = "\n".join([begin, "", sources(report, times), table(plan, times, day), end])
    page.write_text(before + written + after, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
