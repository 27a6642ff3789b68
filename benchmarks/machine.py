"""What the machine itself allows: the time of a case's least possible work."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path

from benchmarks.case import Work

SOURCE = Path(__file__).with_name("machine.cpp")
__version__ = "by machine.cpp"


@functools.cache
def compiled() -> ctypes.CDLL:
    """The probes, compiled for this machine.

    Raises:
        subprocess.CalledProcessError: without a C++ compiler ($CXX, else c++) that can.
    """
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "machine.so")
        flags = ("-std=c++17", "-O3", "-march=native", "-shared", "-fPIC", "-pthread")
        command = [os.environ.get("CXX", "c++"), *flags, str(SOURCE), "-o", str(library)]
        subprocess.run(command, check=True, capture_output=True)
        probes = ctypes.CDLL(str(library))
    probes.allocate.restype = ctypes.c_void_p
    probes.allocate.argtypes = [ctypes.c_int64]
    probes.release.argtypes = [ctypes.c_void_p]
    probes.copy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int]
    probes.multiply_add.argtypes = [ctypes.c_int64, ctypes.c_int]
    return probes


def at_limit(work: Work, threads: int) -> Callable[[], None]:
    """The call that does this much work and nothing else.

    Args:
        work: multiply-adds, done in registers, or bytes, half of them read and half written.
        threads: how many share it evenly.
    """
    probes = compiled()
    if work.multiply_adds:
        return lambda: probes.multiply_add(work.multiply_adds, threads)
    half = work.bytes // 2
    to, source = probes.allocate(half), probes.allocate(half)
    if not to or not source:
        raise MemoryError(f"no memory for two blocks of {half} bytes")

    def call() -> None:
        probes.copy(to, source, half, threads)

    for block in (to, source):
        weakref.finalize(call, probes.release, block)
    return call
