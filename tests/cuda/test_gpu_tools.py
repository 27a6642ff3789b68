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


@pytest.mark.skipif(not SCRIPT.exists(), reason="the tools are not beside the tests")
def test_verify_probes_smokes_and_times(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "OUT": str(tmp_path),
        "PYTHON": sys.executable,
        "PYTHONPATH": str(Path(tallow.__file__).resolve().parents[1]),
    }
    done = subprocess.run(
        ["bash", str(SCRIPT), "probe", "smoke", "bench"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = (tmp_path / "summary.txt").read_text().splitlines()
    assert [line.split()[:3] for line in summary] == [
        ["probe", "status", "0"],
        ["smoke", "status", "0"],
        ["bench", "status", "0"],
    ]
    assert "tensor([2., 2., 2.])" in summary[1]
    smoke = (tmp_path / "smoke.txt").read_text().splitlines()
    assert [line.split()[0] for line in smoke[:-1]] == ["cuBLASLt", "cuDNN", "NCCL"]
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["LeNet training step, 64 images"]["tallow"] > 0
    assert json.loads((tmp_path / "machine.json").read_text())["tallow"] == tallow.__version__


@pytest.mark.skipif(not SCRIPT.exists(), reason="the tools are not beside the tests")
def test_verify_says_what_failed(tmp_path: Path) -> None:
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": "false"}
    done = subprocess.run(
        ["bash", str(SCRIPT), "probe"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert (tmp_path / "summary.txt").read_text().startswith("probe     status 1")
