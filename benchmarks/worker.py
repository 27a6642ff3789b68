"""One library in one process: prepares and times cases as the parent asks, line by line.

Protocol, one JSON object per line: {"case": name} prepares it and answers {"outputs": [...]} or
{"error": text}; {"count": n} times n calls and answers {"seconds": s}.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import sys
import time
from types import ModuleType
from typing import Any

from benchmarks.case import all_cases

MOST_VALUES = 64


def summary(value: Any) -> list[list[float]]:
    """A few evenly spaced values of every tensor in a result."""
    if isinstance(value, list | tuple):
        return [row for item in value for row in summary(item)]
    if isinstance(value, bool | int | float):
        return [[float(value)]]
    if not hasattr(value, "reshape"):
        return []
    flat = (value.detach() if hasattr(value, "detach") else value).reshape(-1)
    step = max(1, flat.shape[0] // MOST_VALUES)
    return [[float(x) for x in flat[::step].tolist()]]


def timed(call: Any, count: int) -> float:
    """Seconds of `count` calls, without garbage collection in between."""
    gc.disable()
    begin = time.perf_counter()
    for _ in range(count):
        call()
    seconds = time.perf_counter() - begin
    gc.enable()
    return seconds


def prepare(library: ModuleType, name: str) -> tuple[Any, dict[str, Any]]:
    """The call to time, and the first answer about it."""
    case = next(case for case in all_cases() if case.name == name)
    try:
        if library.__name__ == "numpy":
            assert case.numpy is not None
            call = case.numpy(library)
        else:
            library.manual_seed(0)
            call = case.setup(library)
        return call, {"outputs": summary(call())}
    except Exception as error:
        return None, {"error": f"{type(error).__name__}: {error}".splitlines()[0]}


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=("tallow", "torch", "numpy"))
    parser.add_argument("threads", type=int)
    options = parser.parse_args()
    library = importlib.import_module(options.library)
    if hasattr(library, "set_num_threads"):  # NumPy reads the environment instead
        library.set_num_threads(options.threads)
    print(json.dumps({"version": library.__version__}), flush=True)
    call: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        if "case" in request:
            call = None  # frees the previous inputs
            call, answer = prepare(library, request["case"])
        else:
            answer = {"seconds": timed(call, request["count"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
