"""Compares tallow with PyTorch: `python -m benchmarks --cases conv --threads 1`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import sys
from pathlib import Path

from benchmarks.case import all_cases
from benchmarks.compare import Result, Worker, compare, compare_imports


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--cases", default="", help="regular expression that names must contain")
    parser.add_argument("--threads", type=int, default=1, help="threads of both libraries")
    parser.add_argument("--rounds", type=int, default=12, help="measurements of each library")
    parser.add_argument("--seconds", type=float, default=0.03, help="duration of one measurement")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument(
        "--torch-python",
        default=os.environ.get("TALLOW_TORCH_PYTHON"),
        help="interpreter that has PyTorch; default is this one, or TALLOW_TORCH_PYTHON",
    )
    return parser.parse_args()


def readable(seconds: float) -> str:
    if seconds != seconds:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def show(result: Result) -> None:
    ratio = "" if result.ratio != result.ratio else f"{result.ratio:6.3f}"
    spread = "" if result.low != result.low else f"[{result.low:.3f}, {result.high:.3f}]"
    print(
        f"{result.name:34} {readable(result.tallow):>9} {readable(result.torch):>9} "
        f"{ratio:>6} {spread:>16}  {result.status}",
        flush=True,
    )


def run(chosen: argparse.Namespace) -> list[Result]:
    python = chosen.torch_python
    if python is None and importlib.util.find_spec("torch") is not None:
        python = sys.executable
    pattern = re.compile(chosen.cases)
    tallow = Worker(sys.executable, "tallow", chosen.threads)
    torch = None if python is None else Worker(python, "torch", chosen.threads)
    versions = f"tallow {tallow.version}" + (f", PyTorch {torch.version}" if torch else "")
    print(f"{versions}, {chosen.threads} thread(s); lower quartiles, ratio below 1: tallow faster")
    print(f"{'case':34} {'tallow':>9} {'PyTorch':>9} {'ratio':>6} {'quartiles':>16}")
    results = []
    for case in all_cases():
        if pattern.search(case.name):
            results.append(compare(case, tallow, torch, chosen.rounds, chosen.seconds))
            show(results[-1])
    for worker in filter(None, (tallow, torch)):
        worker.close()
    if pattern.search("import"):
        results.append(compare_imports(python, chosen.rounds))
        show(results[-1])
    return results


def main() -> int:
    """Run the chosen cases; the status is 1 if one is missing or gives wrong numbers."""
    chosen = options()
    if chosen.list:
        print("\n".join(case.name for case in all_cases()))
        return 0
    results = run(chosen)
    if chosen.json:
        report = {
            "machine": platform.processor() or platform.machine(),
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "threads": chosen.threads,
            "results": [result.as_json() for result in results],
        }
        chosen.json.write_text(json.dumps(report, indent=1) + "\n")
    return int(any(result.status.startswith(("WRONG", "MISSING")) for result in results))


if __name__ == "__main__":
    sys.exit(main())
