"""utils.benchmark: runs that are counted, spreads, and tables."""

from __future__ import annotations

import pytest

import tallow
from tallow.utils import benchmark
from tallow.utils.benchmark import Compare, Measurement, TaskSpec, Timer


def steady(step: float = 1e-3) -> object:
    """A clock that goes on by a step whenever it is read."""
    now = 0.0

    def read() -> float:
        nonlocal now
        now += step
        return now

    return read


def test_a_statement_runs_as_often_as_asked_and_sees_the_package() -> None:
    seen: list[int] = []
    found = Timer(
        f"seen.append({tallow.__name__}.ones(2).numel())", "seen.clear()", globals={"seen": seen}
    ).timeit(10)
    assert seen == [2] * 10
    assert (found.number_per_run, len(found.times)) == (10, 1)


def test_blocks_reach_the_time_asked_for() -> None:
    blocks: list[tuple[int, float]] = []
    found = Timer("pass", timer=steady()).blocked_autorange(
        lambda number, time: blocks.append((number, time)), min_run_time=0.01
    )
    assert len(found.times) == len(blocks)
    assert sum(found.raw_times) >= 0.01
    assert {number for number, _ in blocks} == {found.number_per_run}


def test_adaptive_runs_end_when_the_spread_is_small() -> None:
    found = Timer("pass", timer=steady()).adaptive_autorange()
    assert found.iqr == pytest.approx(0, abs=1e-9)
    assert found.meets_confidence()
    assert not found.has_warnings


def test_threads_are_those_asked_for_and_come_back() -> None:
    before = tallow.get_num_threads()
    seen: list[int] = []
    Timer("seen.append(count())", globals={"seen": seen, "count": tallow.get_num_threads}).timeit(2)
    assert set(seen) == {1}
    assert tallow.get_num_threads() == before


def times(*values: float, label: str = "f", row: str = "1", column: str = "old") -> Measurement:
    return Measurement(1, list(values), TaskSpec("f(x)", "", "", label, row, column))


def test_a_measurement_knows_quartiles_and_what_was_measured() -> None:
    found = times(1e-3, 2e-3, 3e-3, 4e-3, 5e-3)
    assert (found.median, found.mean) == (3e-3, 3e-3)
    assert found.iqr == pytest.approx(2e-3)
    assert found.has_warnings
    assert (found.stmt, found.label, found.as_row_name) == ("f(x)", "f", "1")
    assert "Median: 3.00 ms" in repr(found)
    assert not hasattr(found, "other")


def test_measurements_of_one_task_are_put_together() -> None:
    merged = Measurement.merge([times(1.0), times(3.0), times(5.0, row="2")])
    assert [one.times for one in merged] == [[1.0, 3.0], [5.0]]


def test_a_table_per_label_marks_the_fastest() -> None:
    table = Compare([times(2e-3), times(1e-3, column="new"), times(4e-6, label="g")])
    table.colorize(rowwise=True)
    first, second = str(table).split("\n\n[")
    assert "2.0" in first
    assert "1.0*" in first
    assert first.endswith("Times are in milliseconds (ms).")
    assert second.endswith("Times are in microseconds (us).")


def test_a_table_shows_spreads_when_asked() -> None:
    table = Compare([times(1e-3, 2e-3, 3e-3)])
    assert "(!" not in str(table)
    table.highlight_warnings()
    assert "(! 50%)" in str(table)


def test_what_is_no_measurement_is_refused() -> None:
    with pytest.raises(ValueError, match="^Expected an instance of `Measurement`, got <class 'in"):
        Compare([1])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Timer(language="cpp"), "Timer: language='cpp' is not supported"),
        (lambda: Timer(global_setup="#include <x>"), "Timer: global_setup is for C"),
        (lambda: Timer().collect_callgrind(), "Timer.collect_callgrind: not supported"),
        (lambda: Timer().repeat(), "See `Timer.blocked_autorange.`"),
        (lambda: Timer().autorange(), "See `Timer.blocked_autorange.`"),
    ],
)
def test_what_needs_other_tools_is_refused(make: object, message: str) -> None:
    with pytest.raises(NotImplementedError) as caught:
        make()  # type: ignore[operator]
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("seconds", "unit"), [(2.0, "s"), (0.5, "ms"), (1e-5, "us"), (3e-9, "ns"), (0.0, "ns")]
)
def test_units_fit_the_time(seconds: float, unit: str) -> None:
    assert benchmark.select_unit(seconds)[0] == unit


def test_digits_are_trimmed() -> None:
    assert [benchmark.trim_sigfig(x, 2) for x in (1234.5, 0.0567, -9.99)] == [1200.0, 0.057, -10.0]
