"""Tests of CUDA devices, on a GPU or in the emulator (``TALLOW_CUDA_LIBRARY``)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

import pytest

import tallow
from tallow import cuda


@pytest.fixture(autouse=True)
def device() -> Iterator[tallow.device]:
    """The device under test. Every test leaves the default stream and no memory in use behind."""
    if why := cuda.why_unavailable():
        pytest.skip(why)
    yield tallow.device("cuda", 0)
    cuda.set_device(0)
    cuda.set_stream(cuda.default_stream())
    cuda.synchronize()
    cuda.empty_cache()


@pytest.fixture
def emulator() -> ctypes.CDLL:
    """Controls of the emulator, csrc/cuda_emu/control.h."""
    if tallow._C._cuda.plugin_name() != "cuda-emulator":
        pytest.skip("needs the emulator")
    library = ctypes.CDLL(os.environ["TALLOW_CUDA_LIBRARY"])
    library.tallow_emu_launch_count.restype = ctypes.c_int64
    library.tallow_emu_wait_count.restype = ctypes.c_int64
    library.tallow_emu_pending_count.restype = ctypes.c_int64
    return library
