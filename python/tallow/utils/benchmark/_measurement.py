"""What a timing found, and how it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Measurement", "TaskSpec", "select_unit", "trim_sigfig", "unit_name"]

_UNITS = (("s", "seconds", 1.0), ("ms", "milliseconds", 1e-3), ("us", "microseconds", 1e-6))
_NANOSECONDS = ("ns", "nanoseconds", 1e-9)
# A spread of a tenth of the median deserves a warning, a quarter a louder one.
_WARN, _WARN_LOUDLY = 0.1, 0.25


def select_unit(t: float) -> tuple[str, float]:
    """Return the largest unit that a time is at least one of, and its length in seconds.

    Example:
        >>> select_unit(0.02)
        ('ms', 0.001)
    """
    for short, _, length in _UNITS:
        if t >= length:
            return short, length
    return _NANOSECONDS[0], _NANOSECONDS[2]


def unit_name(unit: str) -> str:
    """Return the unit in full: 'milliseconds'."""
    return next(name for short, name, _ in (*_UNITS, _NANOSECONDS) if short == unit)


def trim_sigfig(x: float, n: int) -> float:
    """Round a number to `n` significant digits.

    Example:
        >>> trim_sigfig(1234.5, 2)
        1200.0
    """
    return float(f"{x:.{max(n, 1) - 1}e}")


class TaskSpec:
    """What was measured: the statement, its setup and the names a table gives it."""

    def __init__(
        self,
        stmt: str,
        setup: str,
        global_setup: str = "",
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
    ) -> None:
        self.stmt, self.setup, self.global_setup = stmt, setup, global_setup
        self.label, self.sub_label, self.description = label, sub_label, description
        self.env, self.num_threads = env, num_threads

    def _key(self) -> tuple[Any, ...]:
        return tuple(self.__dict__.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskSpec) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def title(self) -> str:
        """The label, or the statement; with the second label behind it."""
        if self.label is None:
            return self.stmt if "\n" not in self.stmt else "stmt:\n  " + self.stmt
        return self.label + (f": {self.sub_label}" if self.sub_label else "")

    def setup_str(self) -> str:
        """Return the setup as a line or a paragraph of a report."""
        if self.setup in ("", "pass"):
            return ""
        return f"setup:\n  {self.setup}" if "\n" in self.setup else f"setup: {self.setup}"

    def summarize(self) -> str:
        """Return the title, the description and the setup, one per line."""
        parts = [self.title, self.description or "", self.setup_str()]
        return "\n".join(part for part in parts if part)


class Measurement:
    """Times of a statement.

    Args:
        number_per_run: how often the statement ran for one time.
        raw_times: seconds, one per repetition.
        task_spec: what was measured.
        metadata: anything the program wants to keep with it.

    Example:
        >>> found = Measurement(10, [0.1, 0.2, 0.3], TaskSpec("x + 1", ""))
        >>> found.median, found.times
        (0.02, [0.01, 0.02, 0.03])
    """

    def __init__(
        self,
        number_per_run: int,
        raw_times: list[float],
        task_spec: TaskSpec,
        metadata: dict[Any, Any] | None = None,
    ) -> None:
        self.number_per_run, self.raw_times = number_per_run, raw_times
        self.task_spec, self.metadata = task_spec, metadata

    @property
    def times(self) -> list[float]:
        """Seconds per run of the statement."""
        return [time / self.number_per_run for time in self.raw_times]

    def _quantile(self, share: float) -> float:
        ordered = sorted(self.times)
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    @property
    def median(self) -> float:
        """The middle time."""
        return self._quantile(0.5)

    @property
    def mean(self) -> float:
        """The average time."""
        return sum(self.times) / len(self.times)

    @property
    def iqr(self) -> float:
        """The distance between the upper and the lower quartile."""
        return self._quantile(0.75) - self._quantile(0.25)

    @property
    def significant_figures(self) -> int:
        """How many digits of the median the spread allows."""
        from math import ceil, log10, sqrt

        # Normal times would have a median within 1.645 * iqr / (2 * 0.67 * sqrt(n)) of the true one
        # in nine of ten cases; two such distances are the range that digits may not exceed.
        spread = max(self.iqr * 1.645 / sqrt(len(self.times)) / 0.6745, self.median * 1e-6)
        return min(max(ceil(log10(self.median / spread)), 1), 5) if self.median else 1

    @property
    def has_warnings(self) -> bool:
        """Is the spread large?"""
        return self.iqr / self.median > _WARN if self.median else False

    def meets_confidence(self, threshold: float = _WARN) -> bool:
        """Tell whether the spread is below a share of the median."""
        return self.iqr / self.median < threshold if self.median else False

    @property
    def title(self) -> str:
        """What was measured, in a line."""
        return self.task_spec.title

    @property
    def env(self) -> str:
        """Where it was measured."""
        return self.task_spec.env or "Unspecified env"

    @property
    def as_row_name(self) -> str:
        """The name of the row in a table."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def __getattr__(self, name: str) -> Any:
        # What was measured can be asked of the measurement: stmt, label, num_threads.
        if not name.startswith("_") and name != "task_spec" and hasattr(self.task_spec, name):
            return getattr(self.task_spec, name)
        raise AttributeError(f"'Measurement' object has no attribute {name!r}")

    def __repr__(self) -> str:
        unit, length = select_unit(self.median)
        runs = f"{self.number_per_run} runs"
        threads = f"{self.num_threads} thread{'s' * (self.num_threads != 1)}"
        lines = [f"{type(self).__name__} of", self.task_spec.summarize()]
        if len(self.times) == 1:
            lines.append(f"  {self.median / length:.2f} {unit}")
            lines.append(f"  1 measurement, {runs}, {threads}")
            return "\n".join(lines)
        low, high = self._quantile(0.25) / length, self._quantile(0.75) / length
        lines.append(f"  Median: {self.median / length:.2f} {unit}")
        lines.append(f"  IQR:    {self.iqr / length:.2f} {unit} ({low:.2f} to {high:.2f})")
        lines.append(f"  {len(self.times)} measurements, {runs} per measurement, {threads}")
        if self.has_warnings:
            share = self.iqr / self.median
            lines.append(f"  WARNING: the interquartile range is {share:.1%} of the median.")
            strength = "significant" if share > _WARN_LOUDLY else "some"
            lines.append(f"           This suggests {strength} influence of other work.")
        return "\n".join(lines)

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Put the times of equal tasks together."""
        groups: dict[TaskSpec, list[Measurement]] = {}
        for one in measurements:
            groups.setdefault(one.task_spec, []).append(one)
        return [
            Measurement(1, [time for one in group for time in one.times], spec)
            for spec, group in groups.items()
        ]
