"""Fixtures and settings of the whole test suite."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from types import ModuleType

import pytest

SEED = 20240229


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--device",
        default="cpu",
        help="where factory functions make the tests' tensors: cpu, or cuda with the plugin that "
        "TALLOW_CUDA_LIBRARY names",
    )


@pytest.fixture(autouse=True)
def _default_device(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Make the tensors of a test on the device of ``--device``, and read them from there."""
    device = request.config.getoption("--device")
    if device == "cpu":
        yield
        return
    import tallow

    from_numpy, numpy, array = tallow.from_numpy, tallow.Tensor.numpy, tallow.Tensor.__array__
    monkeypatch.setattr(tallow, "from_numpy", lambda values: from_numpy(values).to(device))
    monkeypatch.setattr(tallow.Tensor, "numpy", lambda self, **kw: numpy(self.cpu(), **kw))
    monkeypatch.setattr(tallow.Tensor, "__array__", lambda self, *args: array(self.cpu(), *args))
    with tallow.device(device):
        yield


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
