"""The programs of examples/programs, written for PyTorch, train in alias mode with its losses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "examples" / "programs"
GOLDENS = json.loads((ROOT / "tests" / "goldens" / "program_losses.json").read_text())["losses"]
LOSS = re.compile(r"-?\d+\.\d{6}")


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "tallow", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_losses_of_a_hundred_steps_are_pytorchs(name: str) -> None:
    output = run(str(PROGRAMS / f"{name}.py"), "--every", "1")
    losses = [float(number) for number in LOSS.findall(output)]
    assert "step 100: " in output
    assert len(losses) >= 100
    assert losses == pytest.approx(GOLDENS[name], rel=1e-3, abs=1e-3)


def test_every_program_has_losses_to_compare_with() -> None:
    assert {path.stem for path in PROGRAMS.glob("*.py")} == set(GOLDENS)


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_no_name_that_a_program_uses_is_missing(name: str) -> None:
    assert run("--missing", str(PROGRAMS / f"{name}.py")) == "nothing is missing\n"


def test_a_program_does_as_many_steps_as_asked_for() -> None:
    output = run(str(PROGRAMS / "reinforce.py"), "--steps", "4", "--every", "2")
    assert [line.partition(":")[0] for line in output.splitlines()] == ["step 2", "step 4"]
