"""What a whole process costs: importing the library, and the memory of a training step."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from benchmarks.compare import ROOT, Result, lower_quartile

IMPORT_TIME = "import time; t = time.perf_counter(); import {lib}; print(time.perf_counter() - t)"
IMPORT_MEMORY = """
import {lib}
with open("/proc/self/status") as file:
    print(next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) * 1024)
"""
PEAK_MEMORY = """
import resource, {lib} as lib
from benchmarks.models import images, training
from benchmarks.networks import resnet18
lib.set_num_threads({threads})
step = training(resnet18, images(8, 3, 112, 1000), "SGD", lr=0.01, momentum=0.9)(lib)
step(), step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@dataclass(frozen=True)
class Probe:
    """A program that prints one number."""

    name: str
    code: str
    unit: str
    rounds: int


PROBES = (
    Probe("process/import-time", IMPORT_TIME, "s", 5),
    Probe("process/import-memory", IMPORT_MEMORY, "B", 1),
    Probe("process/resnet18-train-peak-memory", PEAK_MEMORY, "B", 1),
)


def measure(probe: Probe, python: str, library: str, threads: int) -> float:
    """Lower quartile of what the program prints in fresh processes."""
    code = probe.code.format(lib=library, threads=threads)
    printed = [
        subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        for _ in range(probe.rounds)
    ]
    return lower_quartile([float(done.stdout) for done in printed])


def compare_process(probe: Probe, torch_python: str | None, threads: int) -> Result:
    """Run one program with tallow and with PyTorch."""
    result = Result(probe.name, "alone", unit=probe.unit)
    try:
        result.tallow = measure(probe, sys.executable, "tallow", threads)
    except subprocess.CalledProcessError as error:
        result.status = f"MISSING {error.stderr.splitlines()[-1]}"
        return result
    if torch_python:
        result.torch = measure(probe, torch_python, "torch", threads)
        result.ratio, result.status = result.tallow / result.torch, "ok"
    return result
