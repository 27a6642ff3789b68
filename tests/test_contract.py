"""Start the contract suite in alias mode, one process per group."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tallow import _alias

HERE = Path(__file__).parent
GROUPS = sorted(path.name for path in (HERE / "contract").glob("test_*.py"))


@pytest.mark.skipif(_alias.is_installed(), reason="the suite is running already")
@pytest.mark.parametrize("group", GROUPS)
def test_contract(group: str) -> None:
    command = [sys.executable, "-m", "tallow", "-m", "pytest", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, str(HERE / "contract" / group)],
        cwd=HERE.parent,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
