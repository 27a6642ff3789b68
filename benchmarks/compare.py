"""Times libraries in lock step, so that what disturbs the machine disturbs all alike."""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Protocol

from benchmarks.case import Case

ROOT = Path(__file__).resolve().parents[1]
FEWEST_ROUNDS = 5


class WorkerError(Exception):
    """The process of a library ended while it was working on a case."""


class Timer(Protocol):
    """What compare() needs of a worker."""

    def ask(self, **request: object) -> dict[str, object]: ...
    def seconds(self, count: int) -> float: ...


class Worker:
    """A process that times cases with one library."""

    def __init__(self, python: str, library: str, threads: int) -> None:
        self.command = [python, "-m", "benchmarks.worker", library, str(threads)]
        self.threads = threads
        self.version = self._start()

    def _start(self) -> str:
        count = str(self.threads)
        environment = {"OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **environment},
        )
        return str(self._answer()["version"])

    def ask(self, **request: object) -> dict[str, object]:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            return self._answer()
        except (WorkerError, BrokenPipeError):
            status = self.process.wait()
            self._start()
            raise WorkerError(f"the process ended with status {status}") from None

    def _answer(self) -> dict[str, object]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError("the process did not start")
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
    """Lower quartiles in seconds per call (or bytes); the ratio is tallow's share of PyTorch's.

    Attributes:
        name: the case.
        status: "ok", "alone" (nothing to compare with), "WRONG" (other values than PyTorch's),
            "MISSING" (tallow raised) or "PyTorch: ..." (that one raised).
        tallow: of tallow.
        torch: of PyTorch.
        others: of other libraries that have the case, where the values agree; "machine" is
            the time of the least possible work.
        ratio: tallow / torch.
        low: lower quartile of the ratios of paired rounds.
        high: upper quartile of those.
        unit: "s" or "B".
    """

    name: str
    status: str
    tallow: float = math.nan
    torch: float = math.nan
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    unit: str = "s"
    others: dict[str, float] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """How much of the machine's limit tallow reaches; NaN without a limit."""
        return self.others.get("machine", math.nan) / self.tallow

    def as_json(self) -> dict[str, object]:
        """A plain dictionary without NaN."""
        return {k: None if v != v else v for k, v in asdict(self).items()}

    def failed(self, limit: float | None) -> bool:
        """Is it wrong, missing, or slower than `limit` times PyTorch?"""
        slow = limit is not None and self.ratio > limit
        return slow or self.status.startswith(("WRONG", "MISSING"))


def lower_quartile(values: list[float]) -> float:
    return quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]


def geometric_mean(values: list[float]) -> float:
    """Geometric mean of positive numbers; NaN of none."""
    if not values:
        return math.nan
    return math.exp(sum(map(math.log, values)) / len(values))


def same_outputs(ours: object, theirs: object, tolerance: float) -> bool:
    """Are the sampled values equal, measured against the largest of each tensor?"""
    assert isinstance(ours, list)
    assert isinstance(theirs, list)
    if [len(row) for row in ours] != [len(row) for row in theirs]:
        return False
    for a, b in zip(ours, theirs, strict=True):
        scale = max((abs(x) for x in b if math.isfinite(x)), default=0.0)
        for x, y in zip(a, b, strict=True):
            if math.isfinite(y):
                if not abs(x - y) <= tolerance * max(scale, 1e-6):
                    return False
            elif x != y and not (x != x and y != y):
                return False
    return True


def calls_per_round(worker: Timer, seconds: float) -> tuple[int, float]:
    """How many calls fill a round, and how long they take; also warms up."""
    count, elapsed = 1, worker.seconds(1)
    while elapsed < seconds / 4 and count < 1_000_000:
        count *= 2
        elapsed = worker.seconds(count)
    wanted = max(1, round(count * seconds / max(elapsed, 1e-9)))
    return wanted, elapsed / count * wanted


def lock_step(workers: Mapping[str, Timer], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds per call of every worker in rounds A B, B A, ...; slow calls get fewer rounds."""
    counts, cost = {}, 0.0
    for name, worker in workers.items():
        counts[name], elapsed = calls_per_round(worker, seconds)
        cost += elapsed
    affordable = int(rounds * seconds * len(workers) * 2 / max(cost, 1e-9))
    rounds = max(min(rounds, FEWEST_ROUNDS), min(rounds, affordable))
    times: dict[str, list[float]] = {name: [] for name in workers}
    order = list(workers)
    for _ in range(rounds):
        for name in order:
            times[name].append(workers[name].seconds(counts[name]) / counts[name])
        order.reverse()
    return times


def prepared(case: Case, workers: Mapping[str, Timer]) -> tuple[str, dict[str, Timer]]:
    """Set a case up everywhere; its status, and the workers that are worth timing."""
    answers: dict[str, dict[str, object]] = {}
    for name, worker in workers.items():
        if not case.has(name):
            continue
        try:
            answers[name] = worker.ask(case=case.name)
        except WorkerError as error:
            answers[name] = {"error": str(error)}
    if "error" in answers["tallow"]:
        return f"MISSING {answers['tallow']['error']}", {}
    status = "ok"
    if "torch" not in answers:
        status = "alone"
    elif "error" in answers["torch"]:
        status = f"PyTorch: {answers['torch']['error']}"
    agreeing = {}
    for name, answer in answers.items():
        if "error" in answer:
            continue
        equal = name == "machine" or same_outputs(
            answers["tallow"]["outputs"], answer["outputs"], case.tolerance
        )
        if name == "torch" and not equal:
            status = "WRONG"
        if equal or name == "torch":
            agreeing[name] = workers[name]
    return status, agreeing


def compare(case: Case, workers: Mapping[str, Timer], rounds: int, seconds: float) -> Result:
    """Check and time one case.

    Args:
        case: the case.
        workers: "tallow" and, if they are there, "torch" and others.
        rounds: measurements of each library.
        seconds: duration of one measurement.
    """
    status, usable = prepared(case, workers)
    if not usable:
        return Result(case.name, status)
    try:
        times = lock_step(usable, rounds, seconds)
    except WorkerError as error:
        return Result(case.name, f"MISSING {error}")
    result = Result(case.name, status)
    quartiles = {name: lower_quartile(values) for name, values in times.items()}
    result.tallow = quartiles.pop("tallow")
    if "torch" in times:
        result.torch = quartiles.pop("torch")
        result.ratio = result.tallow / result.torch
        ratios = [a / b for a, b in zip(times["tallow"], times["torch"], strict=True)]
        if len(ratios) > 1:
            result.low, _, result.high = quantiles(ratios, n=4, method="inclusive")
    result.others = quartiles
    return result
