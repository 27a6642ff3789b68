"""The contract: what PyTorch 2.13 does, stated as tests, run against this package in alias mode.

    python -m tallow -m pytest tests/contract

Without alias mode nothing is collected here; ``tests/test_contract.py`` starts the suite then.
Test names begin with the id of the statement. `known_failures.txt` lists the tests that do not pass
yet; a listed test that passes fails the run, so the list can only shrink.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallow import _alias

HERE = Path(__file__).parent
ALIAS = _alias.is_installed()
if not ALIAS:
    collect_ignore_glob = ["test_*.py"]
# Processes that a test starts are not in alias mode: they import the package by its own name.
os.environ["CONTRACT_IMPL"] = "tallow"


def known_failures() -> set[str]:
    lines = (HERE / "known_failures.txt").read_text().splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if HERE in item.path.parents]
    known = known_failures()
    unknown = known - {item.name for item in here} if len({i.path for i in here}) > 8 else set()
    if unknown:
        raise pytest.UsageError(f"known_failures.txt lists tests that do not exist: {unknown}")
    for item in here:
        # The suite checks warnings where they matter; elsewhere they are no errors.
        item.add_marker(pytest.mark.filterwarnings("default"))
        if item.name in known:
            item.add_marker(pytest.mark.xfail(strict=True, reason="known failure"))


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    import tallow

    tallow.manual_seed(0)
    yield
