"""Distances and similarities between vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow._composite import c_name, few
from tallow.overrides import (
    handle_torch_function,
    has_torch_function_unary,
    has_torch_function_variadic,
)

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]

_VF = _C._VariableFunctions


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Compute the cosine of the angle between vectors.

    Args:
        x1: any shape, floating point.
        x2: a shape that broadcasts with that of ``x1``.
        dim: the dimension along which the vectors lie.
        eps: smallest length that is divided by.

    Returns:
        The broadcast shape without ``dim``.

    Raises:
        RuntimeError: the inputs are not floating point.

    Example:
        >>> cosine_similarity(tallow.tensor([1.0, 0.0]), tallow.tensor([1.0, 1.0]), dim=0)
        tensor(0.7071)
    """
    if has_torch_function_variadic(x1, x2):
        return handle_torch_function(cosine_similarity, (x1, x2), x1, x2, dim=dim, eps=eps)
    dtype = _VF.promote_types(x1.dtype, x2.dtype)
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {c_name(dtype)}"
        )
    x1, x2 = x1.to(dtype), x2.to(dtype)
    if x1.shape != x2.shape:
        x1, x2 = tallow.broadcast_tensors(x1, x2)
    unit1 = x1 / x1.norm(2, dim, keepdim=True).clamp_min(eps)
    unit2 = x2 / x2.norm(2, dim, keepdim=True).clamp_min(eps)
    return (unit1 * unit2).sum(dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """Compute the ``p``-norm of ``x1 - x2 + eps`` along the last dimension.

    Args:
        x1: ``(N, D)`` or ``(D,)``.
        x2: a shape that broadcasts with that of ``x1``.
        p: exponent of the norm.
        eps: added to the differences, so that the gradient at distance 0 is finite.
        keepdim: keep the last dimension, with size 1.

    Example:
        >>> pairwise_distance(tallow.tensor([3.0, 4.0]), tallow.zeros(2), eps=0.0)
        tensor(5.)
    """
    if has_torch_function_variadic(x1, x2):
        return handle_torch_function(
            pairwise_distance, (x1, x2), x1, x2, p=p, eps=eps, keepdim=keepdim
        )
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Compute the ``p``-norm distances between all pairs of rows.

    Args:
        input: ``(N, D)``, floating point.
        p: exponent of the norm.

    Returns:
        ``(N * (N - 1) / 2,)``: row 0 with 1, 2, ..., then row 1 with 2, 3, ...

    Example:
        >>> pdist(tallow.tensor([[0.0], [1.0], [3.0]]))
        tensor([1., 3., 2.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(pdist, (input,), input, p=p)
    small: Tensor | None = few(_C._nn.pdist_few, input, p)
    if small is not None:
        return small
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    n = input.size(0)
    row, column = _VF.triu_indices(n, n, 1, device=input.device)
    return tallow.cdist(input, input, p).flatten().index_select(0, row.mul_(n).add_(column))
