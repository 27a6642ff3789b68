"""A trace as a time line: one bar per event, each below the event it happened in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._explain.markup import FONT, colors_of, escape, number
from tallow._explain.values import nbytes_text, time_text

if TYPE_CHECKING:
    from tallow._explain.events import Event
    from tallow._explain.trace import Trace

__all__ = ["timeline_svg", "tooltip_of"]

WIDTH = 1160.0
ROW = 18.0
MARGIN = 12.0
HEADER = 30.0
_NARROWEST = 0.4


def tooltip_of(event: Event) -> str:
    """Return everything that is known about an event, line by line."""
    lines = [f"{event.kind}: {event.title}"]
    if event.inputs:
        lines.append(f"in: {event.inputs}")
    if event.outputs:
        lines.append(f"out: {event.outputs}")
    lines.append(f"time: {time_text(event.time_ns)}")
    if event.allocated:
        lines.append(f"allocated: {nbytes_text(event.allocated)}")
    if event.saved:
        lines.append(f"saved for backward: {nbytes_text(event.saved)}")
    if event.change:
        lines.append(event.change)
    if event.error:
        lines.append(f"raised {event.error}")
    if event.source:
        lines.append(event.source)
    return "\n".join(lines)


def _bars(
    events: list[Event], start: float, scale: float, depth: int, out: list[str]
) -> tuple[float, int]:
    """Draw events one after the other; return the right end and the deepest row."""
    x, deepest = start, depth
    for event in events:
        width = max(event.time_ns * scale, _NARROWEST)
        fill, stroke = colors_of(event.kind)
        y = HEADER + depth * ROW
        out.append(
            f'<g><title>{escape(tooltip_of(event))}</title><rect x="{number(x)}" y="{number(y)}" '
            f'width="{number(width)}" height="{number(ROW - 2)}" fill="{fill}" stroke="{stroke}" '
            'stroke-width=".6"/>'
        )
        room = int((width - 6) / 6.1)
        if room >= 4:
            title = event.title if len(event.title) <= room else event.title[: room - 2] + ".."
            out.append(f'<text x="{number(x + 3)}" y="{number(y + 12)}">{escape(title)}</text>')
        out.append("</g>")
        _, below = _bars(event.children, x, scale, depth + 1, out)
        deepest = max(deepest, below)
        x += width
    return x, deepest


def timeline_svg(trace: Trace) -> str:
    """Return the picture. The trace's own work is left out of it, so bars touch each other."""
    total = max(trace.time_ns, 1)
    bars: list[str] = []
    right, deepest = _bars(trace.events, 0.0, WIDTH / total, 0, bars)
    right = max(right, WIDTH)
    height = HEADER + (deepest + 1) * ROW + 2 * MARGIN
    title = f"{len(trace)} events, {time_text(trace.time_ns)}"
    ticks = []
    for i in range(11):
        x = WIDTH * i / 10
        anchor = "start" if i == 0 else "end" if i == 10 else "middle"
        ticks.append(
            f'<path d="M{number(x)} {number(HEADER - 4)}V{number(height - 2 * MARGIN)}" '
            f'stroke="#d8dee4"/><text x="{number(x)}" y="{number(HEADER - 10)}" '
            f'text-anchor="{anchor}" fill="#57606a">{time_text(int(total * i / 10))}</text>'
        )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{number(-MARGIN)} 0 '
            f'{number(right + 2 * MARGIN)} {number(height)}" width="{number(right + 2 * MARGIN)}" '
            f'height="{number(height)}" role="img">',
            f"<title>{title}</title>",
            f"<style>text {{ font: 10px {FONT}; fill: #1b1f24; }}</style>",
            f'<rect x="{number(-MARGIN)}" width="{number(right + 2 * MARGIN)}" '
            f'height="{number(height)}" fill="#fff"/>',
            *ticks,
            *bars,
            "</svg>",
        ]
    )
