"""Tables of measurements: a row per case, a column per variant."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ._measurement import Measurement, select_unit, trim_sigfig, unit_name

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Compare"]


class Compare:
    """Shows measurements side by side.

    One table per label; its rows are the second labels, by threads, its columns the descriptions.

    Args:
        results: the measurements.

    Example:
        >>> from tallow.utils.benchmark import Measurement, TaskSpec
        >>> table = Compare([
        ...     Measurement(1, [time], TaskSpec("f(x)", "", "", "f", size, kind))
        ...     for size, kind, time in [("1", "old", 2e-3), ("1", "new", 1e-3), ("2", "old", 4e-3)]
        ... ])
        >>> table.print()
        [------ f -------]
                      |  old  |  new
        1 threads: -----------------
              1       |  2.0  |  1.0
              2       |  4.0  |
        <BLANKLINE>
        Times are in milliseconds (ms).
    """

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trim = self._warn = self._color = self._rowwise = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements.

        Raises:
            ValueError: something else is among them.
        """
        for one in results:
            if not isinstance(one, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(one)} instead.")
            self._results.append(one)

    def trim_significant_figures(self) -> None:
        """Show only the digits that the spread allows."""
        self._trim = True

    def highlight_warnings(self) -> None:
        """Mark times whose spread is large."""
        self._warn = True

    def colorize(self, rowwise: bool = False) -> None:
        """Mark the fastest time of a column, or of a row, with an asterisk."""
        self._color, self._rowwise = True, rowwise

    def print(self) -> None:
        """Print the tables."""
        sys.stdout.write(f"{self}\n")

    def __str__(self) -> str:
        groups: dict[str | None, list[Measurement]] = {}
        for one in Measurement.merge(self._results):
            groups.setdefault(one.task_spec.label, []).append(one)
        return "\n\n".join(self._table(label, group) for label, group in groups.items())

    def _cell(self, one: Measurement | None, length: float, fastest: bool) -> str:
        if one is None:
            return ""
        digits = one.significant_figures if self._trim else 9
        text = f"{trim_sigfig(one.median, digits) / length:.1f}"
        spread = f" (! {one.iqr / one.median:.0%})" if self._warn and one.has_warnings else ""
        return text + spread + "*" * fastest

    def _table(self, label: str | None, group: list[Measurement]) -> str:
        unit, length = select_unit(min(one.median for one in group))
        columns = list(dict.fromkeys(one.task_spec.description or "" for one in group))
        found = {
            (one.task_spec.num_threads, one.as_row_name, one.task_spec.description or ""): one
            for one in group
        }
        rows = sorted({key[:2]: None for key in found}, key=lambda row: row[0])
        texts = {}
        for row in rows:
            for column in columns:
                one = found.get((*row, column))
                rivals = [
                    other.median
                    for key, other in found.items()
                    if self._color and (key[:2] == row if self._rowwise else key[2] == column)
                ]
                fastest = one is not None and len(rivals) > 1 and one.median == min(rivals)
                texts[row, column] = self._cell(one, length, fastest)
        widths = [
            max(len(column), *(len(texts[row, column]) for row in rows)) for column in columns
        ]
        first = max(12, *(len(row[1]) + 6 for row in rows))

        def line(name: str, cells: list[str]) -> str:
            parts = [cell.rjust(wide) for cell, wide in zip(cells, widths, strict=True)]
            return "  |  ".join([name.ljust(first), *parts]).rstrip()

        head = line("", columns)
        title = f" {label or group[0].title} "
        lines = [f"[{title.center(max(len(head) - first, len(title) + 10), '-')}]", head]
        threads = None
        for row in rows:
            if row[0] != threads:
                threads = row[0]
                lines.append(f"{threads} threads: ".ljust(len(head), "-"))
            lines.append(line("      " + row[1], [texts[row, column] for column in columns]))
        return "\n".join([*lines, "", f"Times are in {unit_name(unit)} ({unit})."])
