"""The simulated day as a table and a picture for docs/scale.md: `python -m honnin.bench.nation FOLDER`.

The times of work are those that `docs/performance.md` holds; where each comes from stands beside it.
"""

import sys
from pathlib import Path

from honnin.bench.day import DAY, Outcome, Plan, Times, simulate
from honnin.bench.plot import Panel, svg

__all__ = ["picture", "table"]

# Of one core of the machine in docs/performance.md. check: full verification with OCSP, 154 µs, a third of what one
# POST may cost (issue: HTTP, JSON and evidence take the rest). build: 20 million entries at the measured 0.12 µs.
MEASURED = Times(check=0.0005, lookup=2.2e-6, build=2.4, swap=0.005, commit=0.010)


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


def main(arguments: list[str]) -> None:
    """Simulate the day; write its picture to a folder and its table to standard output."""
    plan = Plan(nodes=3, workers=2)
    day = simulate(plan, MEASURED)
    (Path(arguments[0]) / "day.svg").write_text(picture(plan, day), encoding="utf-8")
    sys.stdout.write(table(plan, MEASURED, day))


if __name__ == "__main__":
    main(sys.argv[1:])
