"""Distances between vectors, and limits on their norms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import composite
from tallow.autograd import Function

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["cdist", "dist", "renorm"]


@composite
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the norm of the difference.

    Args:
        input: any shape.
        other: of a shape that broadcasts with it.
        p: order of the norm.

    Example:
        >>> dist(tallow.tensor([0.0, 0.0]), tallow.tensor([3.0, 4.0]))
        tensor(5.)
    """
    return tallow.norm(input - other, p)


class _Cdist(Function):
    """Distances of all pairs; at distance 0 the gradient is 0."""

    _node_name = "CdistBackward0"

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, p: float) -> Tensor:
        gap = a.unsqueeze(-2) - b.unsqueeze(-3)
        result = tallow.linalg.vector_norm(gap, p, dim=-1)
        ctx.save_for_backward(a, b, result)
        ctx.p = p
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        a, b, result = ctx.saved_tensors
        p = ctx.p
        gap = a.unsqueeze(-2) - b.unsqueeze(-3)
        size = gap.abs()
        if p == 0:
            slope = tallow.zeros_like(gap)
        elif p == 1:
            slope = gap.sign()
        elif p == tallow.inf:
            slope = gap.sign() * (size == result.unsqueeze(-1))
        else:
            length = result.unsqueeze(-1)
            zero = (length == 0) | (size == 0)
            ratio = size.masked_fill(zero, 1) / length.masked_fill(length == 0, 1)
            slope = (gap.sign() * ratio ** (p - 1)).masked_fill(zero, 0)
        change = grad.unsqueeze(-1) * slope
        return change.sum(-2), -change.sum(-3), None


@composite
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """Return the distance of every row of `x1` to every row of `x2`.

    Args:
        x1: (..., P, M), floating point.
        x2: (..., R, M).
        p: order of the norm, not negative.
        compute_mode: whether PyTorch may use a matrix product; accepted, the exact way is taken.

    Returns:
        (..., P, R).

    Raises:
        RuntimeError: sizes or dtypes do not fit.

    Example:
        >>> cdist(tallow.zeros(1, 2), tallow.tensor([[3.0, 4.0]]))
        tensor([[5.]])
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dim() < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.dim()}D")
    if x1.size(-1) != x2.size(-1):
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.size(-1)} X2: {x2.size(-1)}"
        )
    for name, x in (("X1", x1), ("X2", x2)):
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    modes = (
        "use_mm_for_euclid_dist_if_necessary",
        "use_mm_for_euclid_dist",
        "donot_use_mm_for_euclid_dist",
    )
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    if x1.size(-1) == 0:
        batch = tallow.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
        return (x1.sum() + x2.sum()) * tallow.zeros(
            *batch, x1.size(-2), x2.size(-2), dtype=x1.dtype
        )
    batch = tallow.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    a, b = x1.expand(*batch, *x1.shape[-2:]), x2.expand(*batch, *x2.shape[-2:])
    return _Cdist.apply(a, b, p)


@composite
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Scale slices along one dimension down so that their norms do not exceed a limit.

    Args:
        input: at least two-dimensional.
        p: order of the norm, positive.
        dim: dimension that numbers the slices.
        maxnorm: the limit.

    Raises:
        RuntimeError: fewer than two dimensions or a `p` that is not positive.
    """
    if p <= 0:
        raise RuntimeError("non-positive-norm not supported")
    if input.dim() < 2:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got {input.dim()} dimensions"
        )
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    norms = tallow.linalg.vector_norm(input, p, others, True)
    # The shift keeps a result that is exactly at the limit below it.
    factor = tallow.where(norms > maxnorm, maxnorm / (norms + 1e-7), tallow.ones_like(norms))
    return input * factor
