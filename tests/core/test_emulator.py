"""The CUDA emulator: right code gives right results, planted mistakes are found."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CSRC = ROOT / "csrc"
COMPILER = shutil.which(os.environ.get("CXX", "c++"))
RIGHT = ("threads", "limits", "memory", "devices", "streams", "graphs")
PLANTED = ("missing_barrier", "divergence", "missing_event")
BUILDS = {
    "plain": (),
    "portable": ("-DTALLOW_EMU_UCONTEXT",),
    "asan": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler"),
    pytest.mark.skipif(not CSRC.is_dir(), reason="needs the sources"),
]


@pytest.fixture(scope="module", params=BUILDS)
def build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    binary = tmp_path_factory.mktemp("emulator") / str(request.param)
    assert COMPILER is not None
    sources = [ROOT / "tests" / "cpp" / "emulator_test.cpp", *(CSRC / "cuda_emu").glob("*.cpp")]
    flags = ["-std=c++20", "-O1", "-g1", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]
    flags += [*BUILDS[request.param], f"-I{CSRC}", f"-I{CSRC / 'cuda_emu'}", "-o", str(binary)]
    done = subprocess.run(
        [COMPILER, *flags, *map(str, sources)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return binary


def run(binary: Path, scenario: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if "TALLOW" not in key}
    environment["ASAN_OPTIONS"] = "detect_leaks=0"
    return subprocess.run(
        [str(binary), scenario],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )


@pytest.mark.parametrize("scenario", RIGHT)
def test_right_code_gives_right_results(build: Path, scenario: str) -> None:
    done = run(build, scenario)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("scenario", PLANTED)
def test_planted_mistake_shows(build: Path, scenario: str) -> None:
    done = run(build, scenario)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("build", ["asan"], indirect=True)
@pytest.mark.parametrize("scenario", ["out_of_bounds", "out_of_bounds_shared"])
def test_access_out_of_bounds_is_found_by_the_sanitizer(build: Path, scenario: str) -> None:
    done = run(build, scenario)
    assert done.returncode != 0
    kernel = "overrun_shared" if scenario == "out_of_bounds_shared" else "overrun"
    assert "use-after-poison" in done.stderr
    assert f"in {kernel}" in done.stderr.replace("(anonymous namespace)::", "")


def test_the_host_cannot_read_device_memory(build: Path) -> None:
    done = run(build, "host_access")
    assert done.returncode != 0
    assert build.name == "asan" or done.returncode == -signal.SIGSEGV
