"""Time CUDA operations of tallow and, where it is installed, of PyTorch in the same run.

    python tools/gpu/bench.py [RESULTS.json]

Every case runs in both libraries in turns, on random inputs; events on the device measure, and the
median of the rounds counts. A speedup above 1 means that tallow is faster; cases with a goal say
whether it is reached. Results are written after every case, so that a run that is cut off keeps
what it has.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from gpu_cases import Case, cases

ROUNDS = 9
PEAK_MEMORY_GOAL = 0.9  # of PyTorch's, for training steps


def milliseconds(lib: ModuleType, call: Callable[[], Any], count: int) -> float:
    """Time of one call, by events on the device around `count` calls."""
    begin, end = (lib.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(count):
        call()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / count


def calls_of_a_round(lib: ModuleType, call: Callable[[], Any]) -> tuple[int, int]:
    """How many calls take about 10 ms, and the peak memory of one; also warms up."""
    call()
    lib.cuda.synchronize()
    lib.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    call()
    lib.cuda.synchronize()
    count = round(0.01 / max(time.perf_counter() - start, 1e-6))
    return max(1, min(1000, count)), lib.cuda.max_memory_allocated()


def compare(libraries: list[ModuleType], case: Case) -> dict[str, Any]:
    """Median milliseconds and peak memory of each library, in rounds A B, B A, ..."""
    calls: dict[str, tuple[ModuleType, Callable[[], Any], int]] = {}
    peaks: dict[str, int] = {}
    for lib in libraries:
        lib.manual_seed(0)
        call = case.setup(lib)
        count, peaks[lib.__name__] = calls_of_a_round(lib, call)
        calls[lib.__name__] = lib, call, count
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(ROUNDS):
        for name in order:
            times[name].append(milliseconds(*calls[name]))
        order.reverse()
    result: dict[str, Any] = {name: statistics.median(values) for name, values in times.items()}
    result["peak bytes"] = peaks
    return result


def judge(name: str, case: Case, result: dict[str, Any], copy_speed: float | None) -> None:
    """Add the speedup, the part of the copy's bandwidth, and whether goals are reached."""
    goals = {}
    if "torch" in result:
        result["speedup"] = result["torch"] / result["tallow"]
        if case.speedup is not None:
            goals[f"speedup >= {case.speedup}"] = result["speedup"] >= case.speedup
        peaks = result["peak bytes"]
        if name.startswith(("LeNet training step, 64", "ResNet", "GPT")) and peaks["torch"]:
            result["peak ratio"] = peaks["tallow"] / peaks["torch"]
            goals[f"peak <= {PEAK_MEMORY_GOAL}"] = result["peak ratio"] <= PEAK_MEMORY_GOAL
    if case.milliseconds is not None:
        goals[f"ms <= {case.milliseconds}"] = result["tallow"] <= case.milliseconds
    if case.nbytes and copy_speed:
        result["of copy"] = case.nbytes / result["tallow"] / copy_speed
        if case.speedup is not None:
            goals["of copy >= 0.9"] = result["of copy"] >= 0.9
    result["goals"] = goals


def line(result: dict[str, Any]) -> str:
    """A result for people."""
    shown = [f"{lib} {result[lib]:.4g} ms" for lib in ("tallow", "torch") if lib in result]
    shown += [f"{key} {result[key]:.3f}" for key in ("speedup", "of copy") if key in result]
    shown += [f"{goal}: {'yes' if met else 'NO'}" for goal, met in result["goals"].items()]
    return "  ".join(shown)


def main() -> int:
    """Run all cases; the status is 1 if one raised in tallow."""
    tallow = importlib.import_module("tallow")
    libraries = [tallow]
    if importlib.util.find_spec("torch") is not None:
        torch = importlib.import_module("torch")
        libraries += [torch] if torch.cuda.is_available() else []
    emulated = tallow._C._cuda.plugin_name() == "cuda-emulator"
    results: dict[str, Any] = {
        "device": tallow.cuda.get_device_name(),
        "emulated": emulated,
        "tallow": tallow.__version__,
        "torch": libraries[-1].__version__ if len(libraries) > 1 else None,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    failed = False
    copy_speed = None
    for name, case in cases(256 if emulated else 1).items():
        try:
            result = compare(libraries, case)
        except Exception as error:
            results[name], failed = f"{type(error).__name__}: {error}".splitlines()[0], True
            print(f"{name:58} {results[name]}", flush=True)
        else:
            if copy_speed is None and case.nbytes:
                copy_speed = case.nbytes / min(result[lib.__name__] for lib in libraries)
            judge(name, case, result, copy_speed)
            results[name] = result
            print(f"{name:58} {line(result)}", flush=True)
        if len(sys.argv) > 1:
            Path(sys.argv[1]).write_text(json.dumps(results, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
