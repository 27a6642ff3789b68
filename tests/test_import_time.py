"""`import tallow` is quick and pulls in nothing heavy."""

from __future__ import annotations

import subprocess
import sys

LIMIT_MS = 100
# Modules that cost milliseconds and that most programs never need.
UNWANTED = (
    "numpy",
    "inspect",
    "dataclasses",
    "tempfile",
    "zipfile",
    "pickle",
    "asyncio",
    "unittest",
)

MEASURE = """
import time
begin = time.process_time()
import tallow
print(1e3 * (time.process_time() - begin))
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def test_import_takes_less_than_the_limit() -> None:
    best = min(float(run(MEASURE)) for _ in range(7))
    assert best < LIMIT_MS, f"import tallow takes {best:.0f} ms of CPU time"


def test_import_leaves_heavy_modules_alone() -> None:
    loaded = run("import sys, tallow; print(' '.join(sys.modules))").split()
    base = run("import sys; print(' '.join(sys.modules))").split()
    assert not set(UNWANTED) & (set(loaded) - set(base))


def test_numpy_is_loaded_when_it_is_first_needed() -> None:
    code = "import sys, tallow; tallow.ones(2).numpy(); print('numpy' in sys.modules)"
    assert run(code).strip() == "True"
