"""The stubs, python/tallow/*.pyi, are what tools/gen_stubs.py makes of the built module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tallow

ROOT = Path(__file__).resolve().parents[1]
GENERATOR = ROOT / "tools" / "gen_stubs.py"


@pytest.mark.skipif(not GENERATOR.is_file(), reason="needs the source tree")
def test_stubs_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(GENERATOR), "--check"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"run tools/gen_stubs.py:\n{done.stdout}{done.stderr}"


def test_every_operator_is_described() -> None:
    bare = [name for name, _, doc, _ in tallow._C._signatures() if not doc]
    assert not bare


def test_functions_and_methods_exist_as_registered() -> None:
    missing = []
    for name, _, _, flags in tallow._C._signatures():
        if flags & 1 and not hasattr(tallow._C._VariableFunctions, name):
            missing.append(f"_VariableFunctions.{name}")
        if flags & 2 and not hasattr(tallow.Tensor, name):
            missing.append(f"Tensor.{name}")
        if flags & 16 and not hasattr(tallow._C._nn, name):
            missing.append(f"_nn.{name}")
    assert not missing
