"""Running a statement again and again."""

from __future__ import annotations

import timeit
from typing import TYPE_CHECKING, Any

import tallow

from ._measurement import Measurement, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Timer", "timer"]

# The work around a block of runs is kept below this share of it.
_OVERHEAD = 1e-4
_MAX_RUNS = 10**7


def timer() -> float:
    """Return seconds of a clock, after all work that was given to CUDA devices is done."""
    if tallow.cuda.is_initialized():
        tallow.cuda.synchronize()
    return timeit.default_timer()


class Timer:
    """Measures how long a Python statement takes.

    As :class:`timeit.Timer`, but with one thread unless told otherwise, waiting for CUDA devices,
    and with results that know what was measured.

    Args:
        stmt: what to measure.
        setup: what to run before, once for every block of runs.
        global_setup: only for statements in C++; refused.
        timer: returns the time in seconds.
        globals: what the statement sees, besides this package.
        label: what a table of :class:`Compare` is about.
        sub_label: the row in the table; the statement by default.
        description: the column in the table.
        env: where it runs, for tables of several environments.
        num_threads: threads of operators while the statement runs.
        language: ``"python"``; others are refused.

    Raises:
        NotImplementedError: another language, or `global_setup`.

    Example:
        >>> found = Timer("x + 1", globals={"x": tallow.ones(3)}).timeit(10)
        >>> found.number_per_run, len(found.times)
        (10, 1)
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = "python",
    ) -> None:
        if getattr(language, "name", language) not in ("python", "py", "PYTHON"):
            raise NotImplementedError(
                f"Timer: language={language!r} is not supported; use 'python'"
            )
        if global_setup:
            raise NotImplementedError("Timer: global_setup is for C++, which is not supported")
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        import textwrap

        stmt, setup = (textwrap.dedent(text).strip() for text in (stmt, setup))
        self._globals = dict(globals or {})
        self._globals.setdefault(tallow.__name__, tallow)  # "torch" in alias mode
        self._timer = timeit.Timer(stmt, setup, timer, self._globals)
        self._task_spec = TaskSpec(stmt, setup, "", label, sub_label, description, env, num_threads)

    def _timeit(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def _measurement(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self._task_spec)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """Run the statement `number` times, after some runs that are not counted."""
        with _threads(self._task_spec.num_threads):
            self._timeit(max(number // 100, min(number, 2)))
            return self._measurement(number, [self._timeit(number)])

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """Refuse: the methods that repeat choose how often themselves."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def autorange(self, callback: Callable[[int, float], Any] | None = None) -> None:
        """Refuse: use :meth:`blocked_autorange`."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def collect_callgrind(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: counting instructions needs Valgrind."""
        raise NotImplementedError("Timer.collect_callgrind: not supported; use blocked_autorange")

    def _block_size(self, min_run_time: float) -> int:
        overhead = sorted(self._timeit(0) for _ in range(5))[2]
        number = 1
        while number < _MAX_RUNS:
            took = self._timeit(number)
            if overhead / took <= _OVERHEAD and took >= min_run_time / 1000:
                break
            if took > min_run_time:
                break
            number *= 10
        return number

    def _blocks(
        self,
        number: int,
        enough: Callable[[list[float]], bool],
        callback: Callable[[int, float], Any] | None,
    ) -> list[float]:
        times: list[float] = []
        while not enough(times):
            times.append(self._timeit(number))
            if callback is not None:
                callback(number, times[-1])
        return times

    def blocked_autorange(
        self,
        callback: Callable[[int, float], Any] | None = None,
        min_run_time: float = 0.2,
    ) -> Measurement:
        """Run blocks of the statement until a total time is reached.

        Args:
            callback: called with the runs and the seconds of each block.
            min_run_time: seconds altogether. A block is long enough for its own cost not to count.
        """
        with _threads(self._task_spec.num_threads):
            number = self._block_size(min_run_time)
            times = self._blocks(number, lambda past: sum(past) >= min_run_time, callback)
        return self._measurement(number, times)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Run blocks of the statement until their spread is small.

        Args:
            threshold: interquartile range divided by the median.
            min_run_time: seconds per round, after which the spread is looked at.
            max_run_time: seconds after which it ends in any case.
            callback: called with the runs and the seconds of each block.
        """
        with _threads(self._task_spec.num_threads):
            number = self._block_size(0.05)
            rounds = 0.0

            def enough(past: list[float]) -> bool:
                nonlocal rounds
                total = sum(past)
                if total < rounds + min_run_time or len(past) < 4:
                    return False
                rounds = total
                found = self._measurement(number, past)
                return total >= max_run_time or found.meets_confidence(threshold)

            times = self._blocks(number, enough, callback)
        return self._measurement(number, times)


class _threads:
    """Sets the number of threads inside a ``with`` block."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None:
        self._before = tallow.get_num_threads()
        tallow.set_num_threads(self._number)

    def __exit__(self, *exc_info: object) -> None:
        tallow.set_num_threads(self._before)
