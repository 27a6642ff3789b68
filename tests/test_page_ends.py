"""No kernel reads beyond its operands: every OpCase on tensors followed by an unreadable page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tallow

SCRIPT = Path(__file__).parent / "op_page_ends.py"


@pytest.mark.skipif(sys.platform != "linux", reason="mprotect is found in the C library of Linux")
@pytest.mark.parametrize("level", tallow._C._cpu_levels())
def test_operators_read_nothing_beyond_their_operands(level: str) -> None:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "TALLOW_CPU_LEVEL": level},
        capture_output=True,
        text=True,
    )
    last = ended.stdout.splitlines()[-1:]
    assert ended.returncode == 0, f"{last} ended with {ended.returncode}: {ended.stderr[-500:]}"
    assert len(ended.stdout.splitlines()) > 1000


def test_a_read_beyond_an_operand_would_be_seen() -> None:
    program = (
        "import ctypes, numpy, op_page_ends, tallow\n"
        "x = op_page_ends.at_page_end(tallow.ones(3))\n"
        "print(x.sum().item(), flush=True)\n"
        "ctypes.string_at(x.data_ptr() + 12, 1)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=SCRIPT.parent, capture_output=True, text=True
    )
    assert ended.stdout == "3.0\n"
    assert ended.returncode != 0
