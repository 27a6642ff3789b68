"""A rehearsal of tools/gpu/verify.sh, so that no time on a GPU goes into mistakes of the script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tallow

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "gpu" / "verify.sh"


pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the tools are not beside the tests")


def verify(
    out: Path, *stages: str, python: str = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the script; the results lie in `out`."""
    environment = {
        **os.environ,
        "OUT": str(out),
        "PYTHON": python,
        "PYTHONPATH": str(Path(tallow.__file__).resolve().parents[1]),
        **variables,
    }
    return subprocess.run(
        ["bash", str(SCRIPT), *stages],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def stages_of(out: Path) -> list[tuple[str, int | None]]:
    """The stages and their statuses."""
    lines = (out / "stages.jsonl").read_text().splitlines()
    return [(line["stage"], line["status"]) for line in map(json.loads, lines)]


def test_it_probes_smokes_and_times(tmp_path: Path, emulator: object) -> None:
    done = verify(tmp_path, "probe", "smoke", "bench")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stages_of(tmp_path) == [("probe", 0), ("smoke", 0), ("bench", 0)]
    summary = (tmp_path / "summary.txt").read_text().splitlines()
    assert "tensor([2., 2., 2.])" in summary[1]
    log = (tmp_path / "log.txt").read_text()
    assert all(f"\n{name} " in log for name in ("cuBLASLt", "cuDNN", "NCCL"))
    results = json.loads((tmp_path / "results.json").read_text())
    assert {"device", "tallow", "torch", "date"} <= results.keys()
    cases = {name: case for name, case in results.items() if "step" in name or "of" in name}
    assert len(cases) >= 15
    assert all(case["tallow"] > 0 and case["peak bytes"]["tallow"] > 0 for case in cases.values())
    assert results["softmax of 8192x4096"]["of copy"] > 0
    assert results["LeNet training step, captured"]["goals"].keys() == {"ms <= 0.08"}
    assert json.loads((tmp_path / "machine.json").read_text())["tallow"] == tallow.__version__
    # So many come back from the machine that the script is written for.
    assert len(list(tmp_path.iterdir())) <= 8


def test_every_stage_starts_what_it_says(tmp_path: Path) -> None:
    """With programs that only say how they are called; the real build takes too long here."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("python", "compute-sanitizer"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    out = tmp_path / "out"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    variables = {"TALLOW_CUDA": "ON", "ARCH": "90-real", "PATH": path}
    done = verify(out, python=str(programs / "python"), **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    names = ["probe", "build", "smoke", "tests", "sanitize", "bench"]
    assert stages_of(out) == [(name, 0) for name in names]
    log = (out / "log.txt").read_text()
    assert "python -m pip install . --no-build-isolation --no-deps" in log
    assert "-Ccmake.define.TALLOW_CUDA=ON" in log
    assert "-Ccmake.define.CMAKE_CUDA_ARCHITECTURES=90-real" in log
    for line in log.splitlines():
        for name in [word for word in line.split() if word.startswith("cuda/")]:
            assert (SCRIPT.parents[2] / "tests" / name).exists(), name


def test_it_says_what_failed(tmp_path: Path) -> None:
    done = verify(tmp_path, "probe", python="false")
    assert done.returncode == 1
    assert stages_of(tmp_path) == [("probe", 1)]
    assert (tmp_path / "summary.txt").read_text().startswith("probe     status 1")


def test_it_stops_in_time(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\necho begun\nsleep 60\n")
    slow.chmod(0o755)
    done = verify(tmp_path / "out", "probe", "tests", "bench", python=str(slow), BUDGET="22")
    assert done.returncode == 1
    # The first gets what is left but for the time to write results, and nothing follows.
    assert stages_of(tmp_path / "out") == [("probe", 124), ("tests", None), ("bench", None)]
    assert "begun" in (tmp_path / "out" / "log.txt").read_text()
