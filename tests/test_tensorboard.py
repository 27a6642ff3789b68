"""The writer for TensorBoard, which another package provides."""

from __future__ import annotations

import importlib.util

import pytest

import tallow
from tallow.utils import tensorboard

installed = importlib.util.find_spec("tensorboardX") is not None


@pytest.mark.skipif(installed, reason="tensorboardX is installed")
def test_without_the_package_the_error_says_what_to_install():
    with pytest.raises(ImportError, match="pip install tensorboardX"):
        from tallow.utils.tensorboard import SummaryWriter  # noqa: F401
    with pytest.raises(AttributeError, match="has no attribute 'x'"):
        _ = tensorboard.x


@pytest.mark.skipif(not installed, reason="tensorboardX is not installed")
def test_tensors_can_be_written(tmp_path):
    with tensorboard.SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", tallow.tensor(1.5, requires_grad=True), 1)
        writer.add_scalars("both", {"a": tallow.tensor(1.0), "b": 2.0}, 1)
        writer.add_histogram("weights", tallow.randn(10), 1)
        with pytest.raises(NotImplementedError, match=r"^add_graph\(\)"):
            writer.add_graph(tallow.nn.ReLU())
    assert any(path.stat().st_size > 100 for path in tmp_path.iterdir())
