"""Compares tallow with PyTorch: `python -m benchmarks --cases conv --threads 1`."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.case import all_cases
from benchmarks.compare import Result, Worker, compare
from benchmarks.process import PROBES, compare_process
from benchmarks.report import NAMES, Run, circumstances, line, page, summary, titles


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--cases",
        default="^(?!ops/|tiny/)",
        help="regular expression that names must contain; default: all but ops and tiny",
    )
    parser.add_argument(
        "--threads",
        type=int,
        nargs="+",
        default=[1],
        help="threads; several: one run after another",
    )
    parser.add_argument(
        "--busy", type=int, default=0, help="processes that keep a CPU busy in the meantime"
    )
    parser.add_argument("--rounds", type=int, default=12, help="measurements of each library")
    parser.add_argument("--seconds", type=float, default=0.02, help="duration of one measurement")
    parser.add_argument("--quick", action="store_true", help="only check that results are equal")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--markdown", type=Path, help="write a page with the results to this file")
    parser.add_argument(
        "--worst", action="store_true", help="leave the tables of all cases out of that page"
    )
    parser.add_argument(
        "--fail-above", type=float, metavar="RATIO", help="status 1 if a ratio is higher"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument(
        "--torch-python",
        default=os.environ.get("TALLOW_TORCH_PYTHON"),
        help="interpreter that has PyTorch; default is this one, or TALLOW_TORCH_PYTHON",
    )
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 0.0
    return chosen


def has_modules(python: str, *modules: str) -> bool:
    """Can the interpreter import all of these?"""
    found = " and ".join(f"find_spec({module!r})" for module in modules)
    script = f"from importlib.util import find_spec; raise SystemExit(not ({found}))"
    return subprocess.run([python, "-c", script], check=False).returncode == 0


def others(torch_python: str | None) -> dict[str, str]:
    """The libraries beside PyTorch that are there, and the interpreter that has them.

    "machine" is what no library can beat; its probes need a C++ compiler. ONNX Runtime gets its
    models from PyTorch, so it has to be where that is.
    """
    chosen = {"numpy": sys.executable}
    if shutil.which(os.environ.get("CXX", "c++")):
        chosen["machine"] = sys.executable
    for python in filter(None, (sys.executable, torch_python)):
        if has_modules(python, "jax", "numpy"):
            chosen["jax"] = python
        if has_modules(python, "onnxruntime", "onnx", "torch"):
            chosen["onnxruntime"] = python
    return chosen


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Let so many processes compete for the CPUs."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def run(chosen: argparse.Namespace, threads: int) -> Run:
    """Time the chosen cases, printing each as it is done."""
    python = chosen.torch_python  # "": without PyTorch
    if python is None and importlib.util.find_spec("torch") is not None:
        python = sys.executable
    pattern = re.compile(chosen.cases)
    workers = {"tallow": Worker(sys.executable, "tallow", threads)}
    if python:
        workers["torch"] = Worker(python, "torch", threads)
    for name, interpreter in others(python).items():
        workers[name] = Worker(interpreter, name, threads)
    versions = ", ".join(f"{NAMES[name]} {worker.version}" for name, worker in workers.items())
    print(f"{versions}; {threads} thread(s); lower quartiles, ratio below 1: tallow is faster")
    extra = [name for name in workers if name not in ("tallow", "torch")]
    print(titles(extra))
    results: list[Result] = []
    for case in all_cases():
        if pattern.search(case.name):
            results.append(compare(case, workers, chosen.rounds, chosen.seconds))
            print(line(results[-1], extra), flush=True)
    for worker in workers.values():
        worker.close()
    for probe in PROBES:
        if pattern.search(probe.name) and not chosen.quick:
            results.append(compare_process(probe, python, threads))
            print(line(results[-1], extra), flush=True)
    print("\n".join(summary(results)))
    return Run(threads, versions, results)


def main() -> int:
    """Run the chosen cases; the status is 1 if one fails."""
    chosen = options()
    if chosen.list:
        print("\n".join(item.name for item in (*all_cases(), *PROBES)))
        return 0
    about = circumstances()
    with busy(chosen.busy):
        runs = [run(chosen, threads) for threads in chosen.threads]
    if chosen.json:
        report = {
            **about,
            "runs": [
                {
                    "threads": done.threads,
                    "versions": done.versions,
                    "results": [result.as_json() for result in done.results],
                }
                for done in runs
            ],
        }
        chosen.json.write_text(json.dumps(report, indent=1) + "\n")
    if chosen.markdown:
        chosen.markdown.write_text(page(runs, about, chosen.markdown.parent, chosen.worst))
    failed = [r.name for done in runs for r in done.results if r.failed(chosen.fail_above)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
