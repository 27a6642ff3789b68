"""A trace as HTML: a table whose rows fold, without scripts or other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._explain.markup import FONT, colors_of, escape
from tallow._explain.text import note_of
from tallow._explain.values import nbytes_text, time_text

if TYPE_CHECKING:
    from tallow._explain.events import Event
    from tallow._explain.trace import Trace

__all__ = ["fragment", "page"]

_OPEN_DEPTH = 4  # deeper events are folded at first
_GRID = "minmax(24em, 3fr) minmax(9em, 2fr) minmax(9em, 2fr) 5.5em 5.5em 5.5em minmax(9em, 2fr)"
_STYLE = f"""
.tx {{ font: 12px/1.5 {FONT}; color: #1b1f24; background: #fff; overflow-x: auto; }}
.tx .r {{ display: grid; grid-template-columns: {_GRID}; column-gap: 12px; padding: 1px 6px;
  border-bottom: 1px solid #eef1f4; min-width: 76em; }}
.tx .r > span {{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
.tx .n {{ text-align: right; color: #57606a; }}
.tx .h {{ font-weight: 600; border-bottom: 2px solid #d0d7de; }}
.tx summary {{ cursor: pointer; list-style: none; }}
.tx summary::-webkit-details-marker {{ display: none; }}
.tx summary .k::before {{ content: "\\25B8"; color: #57606a; display: inline-block; width: 1.1em; }}
.tx details[open] > summary .k::before {{ content: "\\25BE"; }}
.tx .leaf .k::before {{ content: ""; display: inline-block; width: 1.1em; }}
.tx summary:hover, .tx .leaf:hover {{ background: #f6f8fa; }}
.tx .tag {{ border: 1px solid; border-radius: 4px; padding: 0 4px; margin-right: 6px;
  font-size: 10px; }}
.tx .bad {{ color: #b3261e; }}
.tx ul {{ margin: 4px 0; padding-left: 24px; }}
"""


def fragment(trace: Trace) -> str:
    """Return what a notebook shows."""
    rows = [_row_of(event, 0) for event in trace.events]
    silent = ""
    if trace.silent_hooks:
        items = "".join(f"<li>{escape(hook)}</li>" for hook in trace.silent_hooks)
        silent = f"<p><b>Hooks that did not run</b></p><ul>{items}</ul>"
    header = "".join(
        f'<span class="{"n" if name in ("time", "alloc", "saved") else ""}">{name}</span>'
        for name in ("event", "in", "out", "time", "alloc", "saved", "note")
    )
    empty = "" if rows else "<p>Nothing was recorded.</p>"
    return (
        f'<div class="tx"><style>{_STYLE}</style><div class="r h">{header}</div>'
        f"{''.join(rows)}{empty}{silent}</div>"
    )


def _row_of(event: Event, depth: int) -> str:
    fill, stroke = colors_of(event.kind)
    indent = f"padding-left:{depth * 1.1:.1f}em"
    note = note_of(event)
    cells = (
        f'<span class="k" style="{indent}" title="{escape(event.source)}">'
        f'<span class="tag" style="background:{fill};border-color:{stroke}">{escape(event.kind)}'
        f"</span>{escape(_name_of(event))}</span>"
        f'<span title="{escape(event.inputs)}">{escape(event.inputs)}</span>'
        f'<span title="{escape(event.outputs)}">{escape(event.outputs)}</span>'
        f'<span class="n">{time_text(event.time_ns)}</span>'
        f'<span class="n">{nbytes_text(event.allocated) if event.allocated else ""}</span>'
        f'<span class="n">{nbytes_text(event.saved) if event.saved else ""}</span>'
        f'<span class="{"bad" if event.error else ""}" title="{escape(note)}">{escape(note)}</span>'
    )
    if not event.children:
        return f'<div class="r leaf">{cells}</div>'
    is_open = " open" if depth < _OPEN_DEPTH else ""
    inside = "".join(_row_of(child, depth + 1) for child in event.children)
    return f'<details{is_open}><summary class="r">{cells}</summary>{inside}</details>'


def _name_of(event: Event) -> str:
    """Return the title without the kind, which has its own mark."""
    return event.title.removeprefix(f"{event.kind} ")


def page(trace: Trace) -> str:
    """Return a whole page: figures, time line, table."""
    from tallow._explain.timeline import timeline_svg

    saved = sum(event.saved for event in trace.events)
    summary = f"{len(trace)} events, {time_text(trace.time_ns)}"
    if saved:
        summary += f", {nbytes_text(saved)} saved for backward"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>tallow trace</title>'
        "<style>body { margin: 16px; background: #fff; color: #1b1f24; "
        f"font: 13px {FONT}; }} .line {{ overflow-x: auto; margin: 12px 0; }}</style></head>"
        f'<body><h1 style="font-size:16px">What ran: {escape(summary)}</h1>'
        f'<div class="line">{timeline_svg(trace)}</div>{fragment(trace)}</body></html>\n'
    )
