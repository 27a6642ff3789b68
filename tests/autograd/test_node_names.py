"""Nodes of compositions have the names of PyTorch, where those are one operation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import tallow
import tallow.nn.functional as F
from tallow import Tensor, special

LINE = tallow.rand(1, 2, 4)
IMAGE = tallow.rand(1, 2, 4, 4)
VOLUME = tallow.rand(1, 2, 4, 4, 4)
WEIGHT = tallow.rand(3, 2, 2, 2, 2)

CALLS: list[tuple[str, Tensor, Callable[[Tensor], Tensor]]] = [
    ("UpsampleBilinear2D", IMAGE, lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    ("UpsampleBicubic2D", IMAGE, lambda x: F.interpolate(x, size=3, mode="bicubic")),
    (
        "UpsampleBilinear2DAa",
        IMAGE,
        lambda x: F.interpolate(x, size=3, mode="bilinear", antialias=True),
    ),
    ("UpsampleLinear1D", LINE, lambda x: F.interpolate(x, size=3, mode="linear")),
    ("UpsampleNearest1D", LINE, lambda x: F.interpolate(x, size=3)),
    ("UpsampleNearest2D", IMAGE, lambda x: F.interpolate(x, size=3)),
    ("UpsampleNearestExact3D", VOLUME, lambda x: F.interpolate(x, size=3, mode="nearest-exact")),
    ("UpsampleTrilinear3D", VOLUME, lambda x: F.interpolate(x, size=3, mode="trilinear")),
    ("AdaptiveAvgPool3D", VOLUME, lambda x: F.interpolate(x, size=3, mode="area")),
    ("ReflectionPad1D", LINE, lambda x: F.pad(x, (1, 1), mode="reflect")),
    ("ReflectionPad2D", IMAGE, lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect")),
    ("ReplicationPad3D", VOLUME, lambda x: F.pad(x, (1, 1) * 3, mode="replicate")),
    ("Convolution", VOLUME, lambda x: F.conv3d(x, WEIGHT)),
    ("Convolution", VOLUME, lambda x: F.conv_transpose3d(x, WEIGHT.transpose(0, 1))),
    ("MaxPool3DWithIndices", VOLUME, lambda x: F.max_pool3d(x, 2)),
    ("MaxPool3DWithIndices", VOLUME, lambda x: F.max_pool3d(x, 2, return_indices=True)[0]),
    ("AvgPool3D", VOLUME, lambda x: F.avg_pool3d(x, 2)),
    ("AdaptiveMaxPool3D", VOLUME, lambda x: F.adaptive_max_pool3d(x, 2)),
    ("EmbeddingBag", IMAGE[0, 0], lambda x: F.embedding_bag(tallow.tensor([[0, 1]]), x)),
    ("Renorm", LINE, lambda x: tallow.renorm(x, 2, 0, 1)),
    ("Nextafter", LINE, lambda x: tallow.nextafter(x, 2 * x)),
    ("I0", LINE, special.i0),
    ("SpecialI0E", LINE, special.i0e),
    ("SpecialLogNdtr", LINE, special.log_ndtr),
    ("SpecialXlog1Py", LINE, lambda x: special.xlog1py(x, x)),
    ("Igamma", LINE, lambda x: special.gammainc(tallow.ones(4), x)),
]


@pytest.mark.parametrize(("name", "value", "function"), CALLS, ids=[call[0] for call in CALLS])
def test_names(name: str, value: Tensor, function: Callable[[Tensor], Tensor]) -> None:
    x = value.clone().requires_grad_()
    result = function(x)
    assert result.grad_fn is not None
    assert result.grad_fn.name() == f"{name}Backward0"
    assert type(result.grad_fn).__name__ == f"{name}Backward0"
    if name != "Nextafter":
        result.sum().backward()
        assert x.grad is not None
        assert x.grad.shape == x.shape
    with tallow.no_grad():
        assert function(x).grad_fn is None


def test_only_tensors_with_a_history_are_named() -> None:
    x = tallow.ones(2)
    assert tallow._C._named(x, "Any") is x
    assert tallow._C._named(3, "Any") == 3
    leaf = tallow.ones(2, requires_grad=True)
    assert tallow._C._named(leaf, "Any").grad_fn is None
    assert tallow._C._named((leaf * 2, None), "AnyBackward0")[0].grad_fn.name() == "AnyBackward0"
