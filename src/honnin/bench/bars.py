"""Figures beside their aims as SVG text: one bar each on a scale of powers of two, the aim a line; no dependency."""

from collections.abc import Sequence
from html import escape
from math import log2

from honnin.bench.figures import Figure

__all__ = ["bars"]

WIDTH, LEFT, ROW, TOP, BOTTOM = 960, 560, 18, 58, 24
LEAST, MOST = -6.0, 4.0  # powers of two
FONT = 'role="img" font-family="sans-serif" font-size="11"'
REACHED, MISSED = "#188038", "#c5221f"


def bars(title: str, figures: Sequence[Figure]) -> str:
    """Return an SVG document: each figure that has an aim, as a multiple of it; left of the line is reached.

    Where more is better the multiple is turned round, so that left is always better.
    """
    shown = [figure for figure in figures if figure.share is not None]
    height = TOP + ROW * len(shown) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
        '<text x="12" y="38">A bar is a multiple of its aim, log scale: left of the line is better than asked.</text>',
    ]
    for power in range(int(LEAST), int(MOST) + 1, 2):
        x = _place(float(power))
        words = f"{2.0**power:g}×" if power >= 0 else f"1/{2**-power}"
        width, colour = (2, "#333") if power == 0 else (1, "#ddd")
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - BOTTOM}" stroke="{colour}" '
            f'stroke-width="{width}"/>'
        )
        parts.append(f'<text x="{x:.1f}" y="{TOP - 10}" text-anchor="middle">{words}</text>')
    for row, figure in enumerate(shown):
        parts += _bar(figure, TOP + row * ROW)
    return "\n".join([*parts, "</svg>", ""])


def _bar(figure: Figure, top: int) -> list[str]:
    share = min(max(log2(figure.share or 1.0), LEAST), MOST)
    here, aim = _place(share), _place(0.0)
    name = figure.name.replace("`", "") + (
        f" : {figure.peer_name}".replace("`", "") if figure.ratio is not None else ""
    )
    name = name if len(name) <= 92 else f"{name[:91]}…"
    colour = REACHED if figure.reached else MISSED
    place = f'x="{min(here, aim):.1f}" y="{top + 4}" width="{abs(here - aim) + 0.5:.1f}" height="{ROW - 7}"'
    return [
        f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>',
        f'<rect {place} fill="{colour}"><title>{escape(name)}: {figure.share:.2f} of the aim</title></rect>',
    ]


def _place(power: float) -> float:
    return LEFT + (WIDTH - LEFT - 24) * (power - LEAST) / (MOST - LEAST)
