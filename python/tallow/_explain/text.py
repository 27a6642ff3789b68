"""A trace as a table of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._explain.values import nbytes_text, time_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow._explain.events import Event
    from tallow._explain.trace import Trace

__all__ = ["note_of", "text_of"]

_WIDEST_TITLE = 56
_WIDEST_VALUE = 34
_RIGHT = ("time", "alloc", "saved")


def note_of(event: Event) -> str:
    """Return what a hook changed, or how the event failed."""
    return f"raised {event.error}" if event.error else event.change


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _cell(event: Event, column: str) -> str:
    if column == "in":
        return _cut(event.inputs, _WIDEST_VALUE)
    if column == "out":
        return _cut(event.outputs, _WIDEST_VALUE)
    if column == "time":
        return time_text(event.time_ns)
    if column == "alloc":
        return nbytes_text(event.allocated) if event.allocated else ""
    if column == "saved":
        return nbytes_text(event.saved) if event.saved else ""
    return note_of(event)


def _shown(events: Sequence[Event], kinds: Sequence[str] | None) -> list[Event | list[Event]]:
    """Return the events of the kinds asked for, with lists for what moves up."""
    return [event if kinds is None or event.kind in kinds else event.children for event in events]


def _flat(events: Sequence[Event], kinds: Sequence[str] | None) -> list[Event]:
    found: list[Event] = []
    for item in _shown(events, kinds):
        if isinstance(item, list):
            found += _flat(item, kinds)
        else:
            found.append(item)
    return found


def _rows(
    events: Sequence[Event],
    depth: int | None,
    kinds: Sequence[str] | None,
    columns: Sequence[str],
    guide: str,
    level: int,
) -> list[list[str]]:
    if depth is not None and level > depth:
        return []
    rows = []
    shown = _flat(events, kinds)
    for i, event in enumerate(shown):
        last = i == len(shown) - 1
        branch = "" if level == 1 else "└ " if last else "├ "
        rows.append(
            [_cut(guide + branch + event.title, _WIDEST_TITLE)]
            + [_cell(event, column) for column in columns]
        )
        below = "" if level == 1 else guide + ("  " if last else "│ ")
        rows += _rows(event.children, depth, kinds, columns, below, level + 1)
    return rows


def text_of(
    trace: Trace, depth: int | None, kinds: Sequence[str] | None, columns: tuple[str, ...]
) -> str:
    """Return the table, then the hooks that did not run."""
    rows = [["event", *columns], *_rows(trace.events, depth, kinds, columns, "", 1)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    aligned = [False] + [column in _RIGHT for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, aligned, strict=True)
        ).rstrip()
        for row in rows
    ]
    if len(rows) == 1:
        lines.append("(nothing was recorded)")
    if trace.silent_hooks:
        lines += ["", "Hooks that did not run:", *(f"  {hook}" for hook in trace.silent_hooks)]
    return "\n".join(lines)
