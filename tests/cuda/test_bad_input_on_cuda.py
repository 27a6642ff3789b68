"""Wrong arguments on a CUDA device: an exception that says so, process and device alive."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import tallow
import tallow.nn.functional as F


def test_random_calls_of_every_operator_return_or_raise(emulator: ctypes.CDLL) -> None:
    script = Path(__file__).parents[1] / "bad_input_calls.py"
    command = [sys.executable, "-W", "ignore", str(script), "--cuda", "1", "8"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]


def test_no_kernel_reads_a_number_on_the_host(emulator: ctypes.CDLL) -> None:
    command = [sys.executable, str(Path(__file__).with_name("host_number_calls.py"))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stdout[-100:] + ended.stderr[-2000:]


@pytest.mark.parametrize(
    "call",
    [
        lambda number, x: F.mse_loss(number, x),
        lambda number, x: tallow.binary_cross_entropy_with_logits(number, x),
        lambda number, x: tallow.bucketize(number, x),
        lambda number, x: x.bernoulli_(number),
    ],
)
def test_kernels_of_arrays_refuse_a_number_on_the_host(call: Any) -> None:
    number = tallow.tensor(0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(RuntimeError, match=r"found at least two devices, cuda:0 and cpu!"):
            call(number, tallow.ones(3, device="cuda"))
