"""Plots as SVG text: a few lines over one axis of time, panels one under the other; no dependency."""

from collections.abc import Sequence
from html import escape

import msgspec

__all__ = ["Panel", "svg"]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 860, 150, 90, 20, 34, 46
FONT = 'role="img" font-family="sans-serif" font-size="12"'
COLOURS = ("#0946f1", "#c5221f", "#188038")


class Panel(msgspec.Struct, frozen=True):
    """One panel. lines: name and values at equal steps of the axis; marks: (share of the axis from, to, words)."""

    title: str
    unit: str
    lines: tuple[tuple[str, Sequence[float]], ...]
    marks: tuple[tuple[float, float, str], ...] = ()


def svg(title: str, panels: Sequence[Panel], ticks: Sequence[str]) -> str:
    """Return an SVG document; `ticks`: words under the axis, evenly spread from its start to its end."""
    height = TOP + len(panels) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for row, panel in enumerate(panels):
        parts += _panel(panel, TOP + row * (HEIGHT + GAP), ticks)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, top: int, ticks: Sequence[str]) -> list[str]:
    inner = WIDTH - LEFT - RIGHT
    highest = max(max(values) for _, values in panel.lines) or 1.0
    bottom = top + HEIGHT
    parts = [f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{escape(panel.title)}</text>']
    for begin, end, words in panel.marks:
        x, width = LEFT + begin * inner, max((end - begin) * inner, 1.5)
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{HEIGHT}" fill="#f1d9a7" opacity="0.6"/>'
        )
        parts.append(f'<text x="{x:.1f}" y="{top + 12}" fill="#6b4e00">{escape(words)}</text>')
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * HEIGHT
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{highest * share:.4g} {panel.unit}</text>'
        )
    for place, words in enumerate(ticks):
        x = LEFT + inner * place / max(len(ticks) - 1, 1)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{escape(words)}</text>')
    for (name, values), colour in zip(panel.lines, COLOURS, strict=False):
        step = inner / max(len(values) - 1, 1)
        points = " ".join(
            f"{LEFT + at * step:.1f},{bottom - value / highest * HEIGHT:.1f}" for at, value in enumerate(values)
        )
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}">')
        parts.append(f"<title>{escape(name)}</title></polyline>")
    return parts
