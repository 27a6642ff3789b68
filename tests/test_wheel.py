"""What the installed distribution contains; .ci/run builds the wheel and tries it when empty."""

from __future__ import annotations

import importlib.metadata
import os
import zipfile
from pathlib import Path

import pytest

import tallow

LARGEST_WHEEL = 5_600_000  # bytes


def distribution() -> importlib.metadata.Distribution:
    try:
        found = importlib.metadata.distribution("tallow")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("tallow is not installed but used from the source tree")
    return found


def test_metadata_agrees_with_the_module() -> None:
    assert distribution().version == tallow.__version__


def test_numpy_is_the_only_dependency() -> None:
    needed = [r for r in distribution().requires or [] if "extra ==" not in r]
    assert [r.partition(">")[0] for r in needed] == ["numpy"]


def test_files_are_complete_and_nothing_else() -> None:
    files = [str(path) for path in distribution().files or []]
    if not any(name.startswith("tallow/") for name in files):
        pytest.skip("an editable installation lists no package files")
    assert "tallow/py.typed" in files
    assert {"tallow/_C.pyi", "tallow/_functions.pyi", "tallow/_names.pyi"} <= set(files)
    assert sum(Path(name).name.startswith("_C.") and name.endswith(".so") for name in files) == 1
    assert any(name.endswith("LICENSE") for name in files)
    assert any(name.endswith("NOTICE") for name in files)
    stray = [name for name in files if name.startswith(("tests/", "csrc/", "benchmarks/"))]
    assert not stray


def test_wheel_is_small() -> None:
    """.ci/run names the wheel it built in TALLOW_WHEEL."""
    wheel = os.environ.get("TALLOW_WHEEL")
    if not wheel:
        pytest.skip("TALLOW_WHEEL names no wheel")
    assert Path(wheel).stat().st_size <= LARGEST_WHEEL
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("py.typed") for name in names)
