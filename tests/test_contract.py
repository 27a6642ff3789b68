"""Start the contract suite in a process of its own, in alias mode."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tallow import _alias

SUITE = Path(__file__).parent / "contract"


@pytest.mark.skipif(_alias.is_installed(), reason="the suite is running already")
def test_contract() -> None:
    command = [sys.executable, "-m", "tallow", "-m", "pytest", "-p", "no:cacheprovider", SUITE]
    run = subprocess.run(command, cwd=SUITE.parents[1], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
