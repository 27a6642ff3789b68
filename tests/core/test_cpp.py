"""Builds and runs the C++ tests of tests/cpp, plainly and under the sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CSRC = ROOT / "csrc"
COMPILER = shutil.which(os.environ.get("CXX", "c++"))
# Every test program with the sources it is about.
PROGRAMS = {
    "allocator_test": ("allocator",),
    "parallel_test": ("parallel", "cpu_count", "blocking"),
    "generator_test": ("generator", "error", "allocator", "status", "status_buffer", "device"),
}
SANITIZERS = ("", "address,undefined", "thread")

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler"),
    pytest.mark.skipif(not CSRC.is_dir(), reason="needs the sources"),
]


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", SANITIZERS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str, sanitizer: str, tmp_path: Path) -> None:
    sources = [ROOT / "tests" / "cpp" / f"{program}.cpp"]
    sources += [CSRC / "core" / f"{name}.cpp" for name in PROGRAMS[program]]
    flags = [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all"] if sanitizer else []
    binary = tmp_path / program
    assert COMPILER is not None
    built = subprocess.run(
        [COMPILER, "-std=c++20", "-O1", "-g", "-pthread", f"-I{CSRC}", *flags, "-o", str(binary)]
        + [str(source) for source in sources],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    arguments = ["no-fork"] if sanitizer == "thread" else []
    done = subprocess.run(
        [str(binary), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "TSAN_OPTIONS": "die_after_fork=0"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
