"""The contract: what PyTorch 2.13 does, stated as tests, run against this package in alias mode.

    python -m tallow -m pytest tests/contract

Without alias mode nothing is collected here; ``tests/test_contract.py`` starts the suite then.
Test names begin with the id of the statement.
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            # The suite checks warnings where they matter; elsewhere they are no errors.
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    import tallow

    tallow.manual_seed(0)
    yield
