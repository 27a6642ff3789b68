"""What a profile holds: single events, sums over equal ones, and the table of these."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg"]


class _NoDevice:
    """Times and bytes on an accelerator, which this profiler has none of."""

    device_time = device_time_total = self_device_time_total = 0.0
    cuda_time = cuda_time_total = self_cuda_time_total = 0.0
    device_memory_usage = self_device_memory_usage = 0
    cuda_memory_usage = self_cuda_memory_usage = 0


class Interval:
    """When something began and ended, in microseconds.

    Args:
        start: since the profile began.
        end: since the profile began.
    """

    def __init__(self, start: float, end: float) -> None:
        self.start = start
        self.end = end

    def elapsed_us(self) -> float:
        """Return the length."""
        return self.end - self.start


class FunctionEvent(_NoDevice):
    """One operator, node of a backward pass, module or range that ran.

    Attributes:
        name: ``aten::`` and the name for an operator, else as it calls itself.
        time_range: when, see :class:`Interval`; its length leaves the profiler's own work out.
        cpu_parent: the event inside which it ran.
        cpu_children: the events inside it.
        input_shapes: shapes of the arguments, with ``record_shapes``.
        stack: file and line of the caller, with ``with_stack``.
        cpu_memory_usage: bytes of tensors that were there afterwards and not before.
    """

    count = 1

    def __init__(self, id: int, name: str, thread: int, start: float) -> None:
        self.id = id
        self.name = self.key = name
        self.thread = thread
        self.time_range = Interval(start, start)
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []
        self.input_shapes: list[list[int]] = []
        self.stack: list[str] = []
        self.cpu_memory_usage = 0

    @property
    def cpu_time_total(self) -> float:
        """Microseconds, what ran inside included."""
        return self.time_range.elapsed_us()

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds without what ran inside."""
        return max(
            0.0, self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)
        )

    @property
    def self_cpu_memory_usage(self) -> int:
        """Bytes without what ran inside."""
        return self.cpu_memory_usage - sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={_time(self.cpu_time_total)} "
            f"cpu_children={[child.id for child in self.cpu_children]} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class FunctionEventAvg(_NoDevice):
    """The sum over all events of one name.

    Attributes:
        key: the name.
        count: number of events.
        cpu_time_total: microseconds, what ran inside included.
        self_cpu_time_total: microseconds without what ran inside.
        cpu_memory_usage: bytes, what ran inside included.
        self_cpu_memory_usage: bytes without what ran inside.
        input_shapes: the shapes that the events have in common, where they were grouped by them.
        stack: the caller that they have in common, where they were grouped by it.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.input_shapes: Any = ""
        self.stack: list[str] = []

    @property
    def cpu_time(self) -> float:
        """Microseconds per event, what ran inside included."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def add(self, other: FunctionEvent | FunctionEventAvg) -> FunctionEventAvg:
        """Add an event, or another sum."""
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        self.cpu_memory_usage += other.cpu_memory_usage
        self.self_cpu_memory_usage += other.self_cpu_memory_usage
        return self

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={_time(self.self_cpu_time_total)} "
            f"cpu_time={_time(self.cpu_time)}  input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage}>"
        )


class EventList(list[Any]):
    """A list of events or of sums over them."""

    def __init__(self, events: Any = (), *, profile_memory: bool = False) -> None:
        super().__init__(events)
        self._memory = profile_memory

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds that all events took."""
        return float(sum(event.self_cpu_time_total for event in self))

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """Return the sums over events of the same name.

        Args:
            group_by_input_shape: keep other shapes apart.
            group_by_stack_n: keep other callers apart, if not zero.
        """
        sums: dict[Any, FunctionEventAvg] = {}
        for event in self:
            key = (
                event.key,
                repr(event.input_shapes) if group_by_input_shape else "",
                tuple(event.stack[:group_by_stack_n]),
            )
            if key not in sums:
                sums[key] = FunctionEventAvg(event.key)
                if group_by_input_shape:
                    sums[key].input_shapes = event.input_shapes
                sums[key].stack = event.stack[:group_by_stack_n]
            sums[key].add(event)
        return EventList(sums.values(), profile_memory=self._memory)

    def total_average(self) -> FunctionEventAvg:
        """Return the sum over all events."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """Return the sums as text, a row each.

        Args:
            sort_by: an attribute of :class:`FunctionEventAvg`, such as ``"cpu_time_total"``;
                largest first.
            row_limit: largest number of rows; -1 for all.
            max_src_column_width: longest caller.
            max_name_column_width: longest name.
            max_shapes_column_width: longest list of shapes.
            header: a line above the table.
            top_level_events_only: leave out what ran inside another event; for lists of events.
            time_unit: ``"s"``, ``"ms"`` or ``"us"`` for all times; otherwise each its own.

        Raises:
            AttributeError: ``sort_by`` is no attribute.
        """
        rows = list(self)
        if sort_by is not None:
            rows.sort(key=lambda event: getattr(event, sort_by), reverse=True)
        if top_level_events_only:
            rows = [event for event in rows if getattr(event, "cpu_parent", None) is None]
        shown = rows if row_limit < 0 else rows[:row_limit]
        columns = _columns(self.self_cpu_time_total, self._memory, time_unit, shown)
        limits = {
            "Name": max_name_column_width,
            "Input Shapes": max_shapes_column_width,
            "Source Location": max_src_column_width,
        }
        lines = _lines(shown, columns, limits)
        title = [header] if header else []
        total = f"Self CPU time total: {_time(self.self_cpu_time_total, time_unit)}"
        return "\n".join([*title, *lines, total, ""])

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as JSON for ``chrome://tracing`` or Perfetto.

        Args:
            path: a file, which is replaced.
        """
        from tallow.profiler._chrome import trace_of

        with open(path, "w", encoding="utf-8") as file:
            json.dump(trace_of(self, {}), file)

    def __str__(self) -> str:
        return self.table()


def _time(us: float, unit: str | None = None) -> str:
    if unit is None:
        unit = "s" if us >= 1e6 else "ms" if us >= 1e3 else "us"
    return f"{us / {'s': 1e6, 'ms': 1e3, 'us': 1.0}[unit]:.3f}{unit}"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(count) >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"


def _columns(
    total: float, memory: bool, unit: str | None, rows: list[Any]
) -> list[tuple[str, Callable[[Any], str]]]:
    def share(part: float) -> str:
        return f"{100 * part / total:.2f}%" if total else "0.00%"

    columns: list[tuple[str, Callable[[Any], str]]] = [
        ("Name", lambda e: e.key),
        ("Self CPU %", lambda e: share(e.self_cpu_time_total)),
        ("Self CPU", lambda e: _time(e.self_cpu_time_total, unit)),
        ("CPU total %", lambda e: share(e.cpu_time_total)),
        ("CPU total", lambda e: _time(e.cpu_time_total, unit)),
        ("CPU time avg", lambda e: _time(e.cpu_time, unit)),
    ]
    if memory:
        columns.append(("CPU Mem", lambda e: _bytes(e.cpu_memory_usage)))
        columns.append(("Self CPU Mem", lambda e: _bytes(e.self_cpu_memory_usage)))
    columns.append(("# of Calls", lambda e: str(e.count)))
    if any(event.input_shapes not in ("", []) for event in rows):
        columns.append(("Input Shapes", lambda e: str(e.input_shapes)))
    if any(event.stack for event in rows):
        columns.append(("Source Location", lambda e: e.stack[0] if e.stack else ""))
    return columns


def _lines(rows: list[Any], columns: list[Any], limits: dict[str, int]) -> list[str]:
    cells = [[title for title, _ in columns]]
    for event in rows:
        texts = [value(event) for _, value in columns]
        for i, (title, _) in enumerate(columns):
            most = limits.get(title, len(texts[i]))
            if len(texts[i]) > most:
                texts[i] = texts[i][: most - 3] + "..."
        cells.append(texts)
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    rule = "  ".join("-" * width for width in widths)
    lines = ["  ".join(text.rjust(w) for text, w in zip(row, widths, strict=True)) for row in cells]
    return [rule, lines[0], rule, *lines[1:], rule]
