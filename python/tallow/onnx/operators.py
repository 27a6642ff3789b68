"""Operators that PyTorch's exporter can follow: here they only compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["reshape_from_tensor_shape", "shape_as_tensor"]


def shape_as_tensor(x: Tensor) -> Tensor:
    """Return the sizes as a tensor.

    Example:
        >>> shape_as_tensor(tallow.ones(2, 3))
        tensor([2, 3])
    """
    return tallow.tensor(x.shape)


def reshape_from_tensor_shape(x: Tensor, shape: Tensor) -> Tensor:
    """Reshape to the sizes in a tensor."""
    return x.reshape(shape.tolist())
