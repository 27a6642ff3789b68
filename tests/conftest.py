"""Fixtures and settings of the whole test suite."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from types import ModuleType

import pytest

SEED = 20240229


@pytest.fixture(autouse=True)
def _fixed_state() -> Iterator[None]:
    """Seed the generator and give back the thread count, grad mode and default dtype."""
    import tallow

    threads = tallow.get_num_threads()
    tallow.manual_seed(SEED)
    yield
    tallow.set_num_threads(threads)
    assert tallow.is_grad_enabled(), "a test left gradients disabled"
    assert tallow.get_default_dtype() == tallow.float32, "a test left another default dtype"


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, the oracle of the parity tests; they are skipped where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch, the oracle of this test, is not installed")
    import torch

    torch.set_num_threads(1)
    return torch
