"""One library in one process: prepares and times cases as the parent asks, line by line.

Protocol, one JSON object per line: {"case": name} prepares it and answers {"outputs": [...]} or
{"error": text}; {"count": n} times n calls and answers {"seconds": s}.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from benchmarks.case import Case, all_cases

MOST_VALUES = 64


def summary(value: Any) -> list[list[float]]:
    """A few evenly spaced values of every tensor in a result."""
    if isinstance(value, list | tuple):
        return [row for item in value for row in summary(item)]
    if isinstance(value, bool | int | float):
        return [[float(value)]]
    if not hasattr(value, "reshape"):
        return []
    if getattr(value, "is_complex", bool)():
        value = value.resolve_conj().contiguous().view(value.real.dtype)
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


def nothing() -> None:
    """The shortest call."""


def loop_seconds() -> float:
    """What timed() itself takes per call: the loop, and calling a Python function."""
    return min(timed(nothing, 20_000) for _ in range(20)) / 20_000


def keep_to_cpus(threads: int) -> None:
    """Stay on as many CPUs as threads, in every process the same: those of a machine are not alike.

    On one of two CPUs of a virtual machine 8 MB were copied in 60 us, on the other in 73. The first
    CPUs are left to interrupts. JAX's pool is as large as it sees CPUs.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


# ---- how each library makes the call of a case

Maker = Callable[[ModuleType, Case, int], Callable[[], Any]]


def in_torch(library: ModuleType, case: Case, threads: int) -> Callable[[], Any]:
    """Also for tallow, which runs the same code."""
    library.set_num_threads(threads)
    library.manual_seed(0)
    return case.setup(library)


def in_numpy(library: ModuleType, case: Case, threads: int) -> Callable[[], Any]:
    assert case.arrays is not None  # and NumPy reads its number of threads from the environment
    return case.arrays(library)


def in_jax(library: ModuleType, case: Case, threads: int) -> Callable[[], Any]:
    assert case.arrays is not None
    call = case.arrays(importlib.import_module("jax.numpy"))
    return lambda: library.block_until_ready(call())


def in_onnxruntime(library: ModuleType, case: Case, threads: int) -> Callable[[], Any]:
    """Runs what PyTorch exports."""
    torch = importlib.import_module("torch")
    torch.manual_seed(0)
    assert case.network is not None
    network, x = case.network(torch)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (x,), file, dynamo=False)
    settings = library.SessionOptions()
    settings.intra_op_num_threads = threads
    session = library.InferenceSession(
        file.getvalue(), settings, providers=["CPUExecutionProvider"]
    )
    feed = {session.get_inputs()[0].name: x.numpy()}
    return lambda: session.run(None, feed)


def on_machine(library: ModuleType, case: Case, threads: int) -> Callable[[], Any]:
    """The least possible work; it has no result."""
    return library.at_limit(case.work, threads)


MAKERS = {
    "tallow": in_torch,
    "torch": in_torch,
    "numpy": in_numpy,
    "jax": in_jax,
    "onnxruntime": in_onnxruntime,
    "machine": on_machine,
}


def prepare(
    maker: Maker, library: ModuleType, name: str, threads: int
) -> tuple[Any, dict[str, Any]]:
    """The call to time, and the first answer about it."""
    case = next(case for case in all_cases() if case.name == name)
    try:
        call = maker(library, case, threads)
        return call, {"outputs": summary(call())}
    except Exception as error:
        return None, {"error": f"{type(error).__name__}: {error}".splitlines()[0]}


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=tuple(MAKERS))
    parser.add_argument("threads", type=int)
    options = parser.parse_args()
    keep_to_cpus(options.threads)
    own = options.library == "machine"
    library = importlib.import_module("benchmarks.machine" if own else options.library)
    print(json.dumps({"version": library.__version__}), flush=True)
    loop = loop_seconds()
    call: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        if "case" in request:
            call = None  # frees the previous inputs
            call, answer = prepare(
                MAKERS[options.library], library, request["case"], options.threads
            )
        else:
            count = request["count"]
            answer = {"seconds": max(timed(call, count) - loop * count, count * 1e-9)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
