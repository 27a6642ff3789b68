"""The instruction-set levels: which are there, how one is chosen, that each computes the same."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import tallow
from test_threads import GOLDENS, TOLERANCE

LEVELS = tallow._C._cpu_levels()


def run(code: str, level: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TALLOW_CPU_LEVEL": level},
        check=False,
    )


def test_baseline_is_always_available() -> None:
    assert LEVELS[0] == "baseline"


@pytest.mark.parametrize("level", LEVELS)
def test_environment_variable_chooses_the_level(level: str) -> None:
    done = run("import tallow; print(tallow._C._cpu_level())", level)
    assert done.stdout.strip() == level


def test_empty_value_means_the_best_level() -> None:
    done = run("import tallow; print(tallow._C._cpu_level())", "")
    assert done.stdout.strip() == LEVELS[-1]


def test_unknown_level_is_refused_with_the_choices() -> None:
    done = run("import tallow", "sse9")
    assert done.returncode != 0
    assert (
        "TALLOW_CPU_LEVEL: 'sse9' is not available here, expected one of: baseline" in done.stderr
    )


@pytest.mark.parametrize("level", LEVELS)
def test_training_gives_pytorchs_losses_at_every_level(level: str) -> None:
    code = "import sys; sys.path.insert(0, 'tests'); import tallow, training; " + (
        "print(*training.train(tallow, 'mlp', 60)[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=os.path.dirname(os.path.dirname(__file__)),
        env={**os.environ, "TALLOW_CPU_LEVEL": level},
        check=True,
    )
    losses = np.array([float(word) for word in done.stdout.split()])
    assert np.abs(losses - np.array(GOLDENS["losses"]["mlp"][:60])).max() < TOLERANCE
