"""Mistakes planted in kernels of the CUDA backend are found when the emulator runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CSRC = ROOT / "csrc"
HEADER = Path("cuda/kernels/tile_product.h")
COMPILER = shutil.which(os.environ.get("CXX", "c++"))
SANITIZERS = "-fsanitize=address,undefined"
BARRIER = "__syncthreads();"
GUARD = "if (row < m && column < n) put("
WRONG = 3  # the status of tile_fault_test.cpp

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler"),
    pytest.mark.skipif(not CSRC.is_dir(), reason="needs the sources"),
]

Build = Callable[[str, bool], Path]


def compile_to(output: Path, *arguments: str | Path) -> Path:
    assert COMPILER is not None
    flags = ["-std=c++20", "-O1", "-g1", f"-I{CSRC / 'cuda_emu'}", f"-I{CSRC}", "-o", output]
    done = subprocess.run(
        [COMPILER, *arguments, *flags], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A function that builds the program with a given text of the header, sanitized or not."""
    folder = tmp_path_factory.mktemp("faults")
    emulators: dict[bool, list[Path]] = {}

    def emulator(sanitized: bool) -> list[Path]:
        if sanitized not in emulators:
            flags = [SANITIZERS] if sanitized else []
            emulators[sanitized] = [
                compile_to(folder / f"{path.stem}_{sanitized}.o", "-c", *flags, path)
                for path in sorted((CSRC / "cuda_emu").glob("*.cpp"))
            ]
        return emulators[sanitized]

    def made(header: str, sanitized: bool) -> Path:
        place = Path(tmp_path_factory.mktemp("program"))
        (place / HEADER).parent.mkdir(parents=True)
        (place / HEADER).write_text(header)
        source = ROOT / "tests" / "cpp" / "tile_fault_test.cpp"
        flags = [SANITIZERS] if sanitized else []
        return compile_to(place / "test", f"-I{place}", *flags, source, *emulator(sanitized))

    return made


def run(program: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if "TALLOW" not in key}
    environment["ASAN_OPTIONS"] = "detect_leaks=0"
    return subprocess.run(
        [program], capture_output=True, text=True, timeout=300, env=environment, check=False
    )


def header() -> str:
    return (CSRC / HEADER).read_text()


@pytest.mark.parametrize("sanitized", [False, True], ids=["plain", "sanitized"])
def test_without_a_mistake_nothing_is_found(build: Build, sanitized: bool) -> None:
    done = run(build(header(), sanitized))
    assert done.returncode == 0, done.stderr


def test_the_mistakes_can_be_planted() -> None:
    assert header().count(BARRIER) == 4
    assert header().count(GUARD) == 2


@pytest.mark.parametrize("which", range(4))
def test_a_missing_barrier_gives_wrong_results(build: Build, which: int) -> None:
    parts = header().split(BARRIER)
    text = (
        BARRIER.join(parts[: which + 1]) + BARRIER.join(["", *parts[which + 1 :]])[len(BARRIER) :]
    )
    assert text.count(BARRIER) == 3
    assert run(build(text, False)).returncode == WRONG


@pytest.mark.parametrize("which", range(2))
def test_a_write_out_of_bounds_is_found_by_the_sanitizer(build: Build, which: int) -> None:
    parts = header().split(GUARD)
    wrong = GUARD.replace("row < m", "row <= m")
    text = parts[0] + (wrong, GUARD)[which] + parts[1] + (GUARD, wrong)[which] + parts[2]
    done = run(build(text, True))
    assert done.returncode not in (0, WRONG)
    assert "use-after-poison" in done.stderr
    assert "WRITE of size 4" in done.stderr
    assert "product<" in done.stderr
