"""Weights as length times direction, under PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow._composite import composite

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["_weight_norm", "norm_except_dim"]


@composite
def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """Return the norms of the slices of a tensor along one dimension.

    Args:
        v: at least as many dimensions as ``dim`` says.
        pow: order of the norm.
        dim: dimension that stays, the others shrink to size 1; -1 for the norm of all elements.

    Raises:
        IndexError: there is no such dimension.

    Example:
        >>> tallow.norm_except_dim(tallow.tensor([[3.0, 4.0], [0.0, 2.0]]))
        tensor([[5.],
                [2.]])
    """
    if dim == -1:
        return v.norm(pow)
    if not -v.dim() <= dim < v.dim():
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-v.dim()}, {v.dim() - 1}], "
            f"but got {dim})"
        )
    others = [d for d in range(v.dim()) if d != dim % v.dim()]
    if not others:
        return v.abs()
    return tallow.linalg.vector_norm(v, pow, others, keepdim=True)


@composite
def _weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    return v * (g / norm_except_dim(v, 2, dim))
