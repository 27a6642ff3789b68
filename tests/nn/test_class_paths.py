"""Layers live in the modules that PyTorch's files name, so that whole pickled models load."""

from __future__ import annotations

import pytest

from tallow import nn

PATHS = {
    "adaptive": ["AdaptiveLogSoftmaxWithLoss"],
    "batchnorm": ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"],
    "conv": ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"],
    "loss": ["CTCLoss", "CrossEntropyLoss", "LinearCrossEntropyLoss", "TripletMarginLoss"],
    "normalization": ["GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"],
    "pooling": ["AdaptiveAvgPool3d", "AvgPool3d", "FractionalMaxPool2d", "LPPool3d", "MaxUnpool3d"],
    "sparse": ["Embedding", "EmbeddingBag"],
    "transformer": ["Transformer", "TransformerEncoderLayer"],
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in PATHS.items() for n in names])
def test_class_is_where_pickles_look_for_it(module: str, name: str) -> None:
    assert getattr(nn, name).__module__ == f"tallow.nn.modules.{module}"


def test_all_layers_are_where_pytorch_has_them() -> None:
    torch = pytest.importorskip(
        "torch", reason="PyTorch, the oracle of this test, is not installed"
    )
    lazy = {name for name in nn.modules.__all__ if name.startswith("Lazy")}  # turn into others
    for name in set(nn.modules.__all__) - lazy:
        expected = getattr(torch.nn, name).__module__.replace("torch", "tallow", 1)
        assert getattr(nn, name).__module__ == expected
