"""Times two libraries in lock step, so that what disturbs the machine disturbs both alike."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

from benchmarks.case import Case

ROOT = Path(__file__).resolve().parents[1]


class Worker:
    """A process that times cases with one library."""

    def __init__(self, python: str, library: str, threads: int) -> None:
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", library, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        self.version = str(self._answer()["version"])

    def ask(self, **request: object) -> dict[str, object]:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, object]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended with status {self.process.wait()}")
        answer: dict[str, object] = json.loads(line)
        return answer

    def seconds(self, count: int) -> float:
        """Time of `count` calls."""
        return float(self.ask(count=count)["seconds"])  # type: ignore[arg-type]

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@dataclass
class Result:
    """Lower quartiles in seconds per call; the ratio is tallow's share of PyTorch's time."""

    name: str
    status: str
    tallow: float = math.nan
    torch: float = math.nan
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan

    def as_json(self) -> dict[str, object]:
        """A plain dictionary without NaN."""
        return {k: None if v != v else v for k, v in asdict(self).items()}


def lower_quartile(values: list[float]) -> float:
    return quantiles(values, n=4, method="inclusive")[0]


def same_outputs(ours: object, theirs: object, tolerance: float) -> bool:
    """Are the sampled values equal, measured against the largest of each tensor?"""
    assert isinstance(ours, list)
    assert isinstance(theirs, list)
    if [len(row) for row in ours] != [len(row) for row in theirs]:
        return False
    for a, b in zip(ours, theirs, strict=True):
        scale = max((abs(x) for x in b), default=0.0)
        if any(not abs(x - y) <= tolerance * max(scale, 1e-6) for x, y in zip(a, b, strict=True)):
            return False
    return True


def calls_per_round(worker: Worker, seconds: float) -> int:
    """How many calls fill a round; also warms up."""
    count, elapsed = 1, worker.seconds(1)
    while elapsed < seconds / 4 and count < 1_000_000:
        count *= 2
        elapsed = worker.seconds(count)
    return max(1, round(count * seconds / max(elapsed, 1e-9)))


def compare(
    case: Case, tallow: Worker, torch: Worker | None, rounds: int, seconds: float
) -> Result:
    """Time one case in rounds A B, B A, A B, ... of equally many calls each."""
    ours = tallow.ask(case=case.name)
    if "error" in ours:
        return Result(case.name, f"MISSING {ours['error']}")
    if torch is None:
        count = calls_per_round(tallow, seconds)
        times = [tallow.seconds(count) / count for _ in range(rounds)]
        return Result(case.name, "alone", tallow=lower_quartile(times))
    theirs = torch.ask(case=case.name)
    if "error" in theirs:
        return Result(case.name, f"PyTorch: {theirs['error']}")
    right = same_outputs(ours["outputs"], theirs["outputs"], case.tolerance)
    counts = {worker: calls_per_round(worker, seconds) for worker in (tallow, torch)}
    times: dict[Worker, list[float]] = {tallow: [], torch: []}
    for number in range(rounds):
        for worker in (tallow, torch) if number % 2 == 0 else (torch, tallow):
            times[worker].append(worker.seconds(counts[worker]) / counts[worker])
    ratios = [a / b for a, b in zip(times[tallow], times[torch], strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    mine, other = lower_quartile(times[tallow]), lower_quartile(times[torch])
    return Result(case.name, "ok" if right else "WRONG", mine, other, mine / other, low, high)


def import_seconds(python: str, library: str, rounds: int) -> float:
    """Lower quartile of the time that `import library` takes in a fresh process."""
    code = f"import time; t = time.perf_counter(); import {library}; print(time.perf_counter() - t)"
    times = []
    for _ in range(rounds):
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
        times.append(float(done.stdout))
    return lower_quartile(times)


def compare_imports(torch_python: str | None, rounds: int) -> Result:
    """Time `import tallow` and `import torch`."""
    ours = import_seconds(sys.executable, "tallow", rounds)
    if torch_python is None:
        return Result("import", "alone", tallow=ours)
    theirs = import_seconds(torch_python, "torch", rounds)
    return Result("import", "ok", ours, theirs, ours / theirs, ours / theirs, ours / theirs)
