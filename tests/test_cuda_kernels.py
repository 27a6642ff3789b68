"""The CUDA kernels by the real compiler: no warnings, no spilled registers, no stack frames.

``TALLOW_CUDA_BUILD_LOG`` names what a build with ``CUDAFLAGS=-Xptxas=-v`` printed, as in .ci/run;
without it the kernels are compiled here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
KERNELS = sorted((CSRC / "cuda" / "kernels").glob("*.cu"))
NVCC = shutil.which("nvcc")
BUILD_LOG = os.environ.get("TALLOW_CUDA_BUILD_LOG")
# Parts of the names of kernels that may have a stack frame, though never spilled registers: large
# angles are reduced with a table on the stack.
STACK_ALLOWED = ("3Sin", "3Cos", "3Tan", "6Normal", "6Cauchy", "10SpecialOne")


def misplaced(report: str) -> list[str]:
    """Find the kernels for which ptxas reports spilled registers or an unexpected stack frame."""
    found = re.findall(
        r"Function properties for (\S+)\n"
        r".*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads",
        report,
    )
    assert found, report
    return [
        name
        for name, stack, *spills in found
        if any(int(nbytes) for nbytes in spills)
        or (int(stack) and not any(part in name for part in STACK_ALLOWED))
    ]


def test_the_report_is_understood() -> None:
    report = "".join(
        f"ptxas info    : Function properties for {name}\n"
        f"    {stack} bytes stack frame, {spills} bytes spill stores, {spills} bytes spill loads\n"
        for name, stack, spills in (("a", 0, 0), ("b", 8, 0), ("c3Sin", 8, 0), ("d3Sin", 8, 4))
    )
    assert misplaced(report) == ["b", "d3Sin"]


@pytest.mark.skipif(BUILD_LOG is None, reason="TALLOW_CUDA_BUILD_LOG names no log of a build")
def test_built_kernels_stay_in_registers() -> None:
    assert BUILD_LOG is not None
    log = Path(BUILD_LOG).read_text()
    missing = [path.stem for path in KERNELS if f"/{path.name}.o" not in log]
    assert not missing
    assert not misplaced(log)


@pytest.mark.slow
@pytest.mark.skipif(BUILD_LOG is not None, reason="the log of a build is checked instead")
@pytest.mark.skipif(NVCC is None, reason="needs nvcc, of the CUDA toolkit 13")
@pytest.mark.skipif(not KERNELS, reason="needs the sources")
@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_kernels_stay_in_registers(path: Path, tmp_path: Path) -> None:
    assert NVCC is not None
    flags = ["-std=c++20", "-arch=sm_90", "--extended-lambda", "--expt-relaxed-constexpr"]
    flags += ["-Werror=all-warnings", "-Xptxas=-v", f"-I{CSRC}", "-cubin"]
    done = subprocess.run(
        [NVCC, *flags, "-o", str(tmp_path / "kernels.cubin"), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert not misplaced(done.stderr)
