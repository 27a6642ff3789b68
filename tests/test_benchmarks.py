"""The logic of the benchmark harness, with workers that only pretend."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

compare = pytest.importorskip("benchmarks.compare", reason="needs the source tree")
from benchmarks import machine, report  # noqa: E402
from benchmarks.__main__ import busy, options  # noqa: E402
from benchmarks.case import GROUPS, Case, Work, all_cases  # noqa: E402
from benchmarks.compare import Result, WorkerError  # noqa: E402
from benchmarks.worker import keep_to_cpus  # noqa: E402


def unused(lib: Any) -> Any:
    raise AssertionError("workers here prepare nothing")


CASE = Case("group/case", unused)


class Pretender:
    """A worker of a library that takes the given seconds per call, one after the other."""

    def __init__(self, *seconds: float, outputs: Any = ((1.0,),), error: str = "") -> None:
        self.times, self.outputs, self.error = list(seconds), outputs, error
        self.calls = 0

    def ask(self, **request: object) -> dict[str, object]:
        if self.error:
            return {"error": self.error}
        return {"outputs": [list(row) for row in self.outputs]}

    def seconds(self, count: int) -> float:
        self.calls += 1
        each = self.times.pop(0) if len(self.times) > 1 else self.times[0]
        return each * count


def timed(tallow: Pretender, torch: Pretender | None = None, rounds: int = 8) -> Result:
    workers = {"tallow": tallow} | ({"torch": torch} if torch else {})
    return compare.compare(CASE, workers, rounds, 0.02)


def test_ratio_is_that_of_the_lower_quartiles() -> None:
    # The first call of each calibrates.
    result = timed(Pretender(0.02, 0.02, 0.02, 0.03, 0.05, 0.09), Pretender(0.04), rounds=5)
    assert result.status == "ok"
    assert result.tallow == pytest.approx(0.02)
    assert result.torch == pytest.approx(0.04)
    assert result.ratio == pytest.approx(0.5)


def test_spread_is_that_of_the_paired_rounds() -> None:
    result = timed(Pretender(0.02, 0.01, 0.02, 0.03, 0.04, 0.05), Pretender(0.02), rounds=5)
    assert (result.low, result.high) == (pytest.approx(1.0), pytest.approx(2.0))


def test_libraries_take_turns_at_going_first() -> None:
    order: list[str] = []

    class Recorder(Pretender):
        def __init__(self, name: str) -> None:
            super().__init__(0.02)
            self.name = name

        def seconds(self, count: int) -> float:
            order.append(self.name)
            return super().seconds(count)

    timed(Recorder("a"), Recorder("b"), rounds=5)  # type: ignore[arg-type]
    assert order[2:] == ["a", "b", "b", "a", "a", "b", "b", "a", "a", "b"]


def test_fast_calls_are_timed_in_bulk_and_slow_ones_less_often() -> None:
    fast = Pretender(1e-6)
    timed(fast, rounds=12)
    assert fast.calls > 12
    slow = Pretender(0.5)
    timed(slow, rounds=12)
    assert slow.calls == 1 + compare.FEWEST_ROUNDS


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [([[1.0]], [[1.1]]), ([[1.0, 2.0]], [[1.0]]), ([], [[1.0]]), ([[math.nan]], [[1.0]])],
)
def test_other_values_are_wrong(ours: Any, theirs: Any) -> None:
    result = timed(Pretender(0.02, outputs=ours), Pretender(0.02, outputs=theirs))
    assert result.status == "WRONG"
    assert result.failed(None)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, 1.00001])
def test_equal_values_are_right(value: float) -> None:
    theirs = 1.0 if value == 1.00001 else value
    assert compare.same_outputs([[value, 1.0]], [[theirs, 1.0]], 1e-4)


def test_an_exception_of_tallow_is_missing_and_fails() -> None:
    result = timed(Pretender(0.02, error="TypeError: no such op"), Pretender(0.02))
    assert result.status == "MISSING TypeError: no such op"
    assert result.failed(None)
    assert math.isnan(result.ratio)


def test_an_exception_of_pytorch_is_told_and_does_not_fail() -> None:
    result = timed(Pretender(0.02), Pretender(0.02, error="TypeError: other"))
    assert result.status == "PyTorch: TypeError: other"
    assert not result.failed(1.0)
    assert result.tallow == pytest.approx(0.02)


def test_a_process_that_dies_is_missing() -> None:
    class Dying(Pretender):
        def seconds(self, count: int) -> float:
            raise WorkerError("the process ended with status -11")

    result = timed(Dying(0.02), Pretender(0.02))
    assert result.status == "MISSING the process ended with status -11"


def test_fail_above_is_about_the_ratio() -> None:
    result = Result("group/case", "ok", 1.1, 1.0, ratio=1.1)
    assert [result.failed(limit) for limit in (None, 1.2, 1.05)] == [False, False, True]
    assert options(["--fail-above", "1.05"]).fail_above == 1.05


def test_numpy_is_left_out_where_it_gives_other_values() -> None:
    workers = {"tallow": Pretender(0.02), "torch": Pretender(0.02), "numpy": Pretender(0.01)}
    case = Case("group/case", unused, arrays=unused)
    assert compare.compare(case, workers, 5, 0.02).others == {"numpy": pytest.approx(0.01)}
    workers["numpy"] = Pretender(0.01, outputs=[[7.0]])
    result = compare.compare(case, workers, 5, 0.02)
    assert result.status == "ok"
    assert result.others == {}


def test_the_limit_has_no_result_to_compare_and_bounds_only_cases_with_known_work() -> None:
    workers = {"tallow": Pretender(0.02), "machine": Pretender(0.01, outputs=[])}
    bounded = Case("group/case", unused, work=Work(bytes=8))
    assert compare.compare(bounded, workers, 5, 0.02).share == pytest.approx(0.5)
    assert math.isnan(compare.compare(CASE, workers, 5, 0.02).share)


@pytest.mark.skipif(not shutil.which("c++"), reason="the probes need a C++ compiler")
@pytest.mark.parametrize("work", [Work(multiply_adds=1 << 12), Work(bytes=1000)])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_probes_of_the_machine_run(work: Work, threads: int) -> None:
    machine.at_limit(work, threads)()


def test_the_page_tells_the_share_of_the_limit() -> None:
    result = Result("gemm/nn-512", "ok", 2e-3, 4e-3, 0.5, others={"machine": 1.9e-3})
    text = report.page([report.Run(1, "tallow 1", [result])], {}, DOCS)
    assert "| gemm/nn-512 | 2 ms | 1.9 ms | 95% |" in text


def test_geometric_mean() -> None:
    assert compare.geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert math.isnan(compare.geometric_mean([]))


DOCS = compare.ROOT / "docs"
RESULTS = [
    Result("a/fast", "ok", 1e-6, 4e-6, 0.25, 0.2, 0.3, others={"numpy": 2e-6}),
    Result("a/slow", "ok", 2e-3, 1e-3, 2.0, 1.9, 2.1),
    Result("b/absent", "MISSING TypeError: no a | b"),
    Result("b/memory", "ok", 3e7, 3e8, 0.1, unit="B"),
]


def test_means_count_what_was_compared() -> None:
    means = report.group_means(RESULTS)
    assert means["a"] == (2, pytest.approx(0.5**0.5))
    assert means["b"] == (1, pytest.approx(0.1))
    assert "slower than PyTorch: 1 of 3 cases, 1 by more than 5%" in list(report.summary(RESULTS))


def test_failures_and_losses_come_first() -> None:
    names = [result.name for result in report.worst(RESULTS)]
    assert names == ["b/absent", "a/slow", "a/fast", "b/memory"]


def test_the_page_has_machine_commit_and_every_case() -> None:
    text = report.page([report.Run(1, "tallow 1, PyTorch 2", RESULTS)], {"commit": "abc123"}, DOCS)
    assert "- commit: abc123" in text
    assert "[the harness](../benchmarks/README.md)" in text
    assert "Slower than PyTorch: 1 of 3 cases, 1 by more than 5%." in text
    assert "tallow 1, PyTorch 2" in text
    for cell in ("| fast | 1 us | 4 us | 2 us | 0.250 | 0.200-0.300 |", "no a \\| b", "30 MB"):
        assert cell in text
    assert text.index("| b/absent |") < text.index("### a")


def test_a_page_may_have_the_worst_of_each_group_alone() -> None:
    text = report.page(
        [report.Run(1, "tallow 1", RESULTS)], {}, DOCS / "performance", worst_only=True
    )
    assert "[the harness](../../benchmarks/README.md)" in text
    assert text.index("The 10 worst of a:") < text.index("| a/slow |")
    assert text.index("The 10 worst of b:") < text.index("| b/absent |")
    assert "### a" not in text


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1 s"), (0.0123, "12.3 ms"), (1e-6, "1 us"), (1e-10, "0.1 ns")]
)
def test_readable_times(value: float, text: str) -> None:
    assert report.readable(value) == text


def test_names_are_unique_and_begin_with_their_group() -> None:
    names = [case.name for case in all_cases()]
    assert len(names) == len(set(names))
    assert {name.partition("/")[0] for name in names} == set(GROUPS)


def test_busy_processes_end_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    with busy(2):
        assert [process.poll() for process in started] == [None, None]
    assert all(process.returncode is not None for process in started)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux sets the CPUs of a process")
def test_workers_stay_on_the_last_cpus() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        keep_to_cpus(1)
        assert os.sched_getaffinity(0) == {max(allowed)}
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_worker_times_a_real_case(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--quick", "--cases", "^call/add$"),
            *("--torch-python", "", "--json", str(tmp_path / "out.json")),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=compare.ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert '"name": "call/add"' in (tmp_path / "out.json").read_text()


@pytest.mark.parametrize("raw", [["--json", "/somewhere/a.json"], ["--json=/somewhere/a.json"]])
def test_the_command_on_the_page_names_no_place_of_the_machine(raw: list[str]) -> None:
    given = ["--cases", "^ops/", *raw, "--rounds", "3"]
    assert report.command(given) == "python -m benchmarks --cases '^ops/' --rounds 3"
