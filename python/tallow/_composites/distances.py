"""Distances between vectors, and limits on their norms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import composite, few
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


# Elements of a - b that are in memory at once.
_GAPS = 1 << 20
# A distance between two points of norms n and m is trusted to the matrix product if its square is
# at least this part of n^2 + m^2: below, the difference of the two loses too many digits.
_CANCELS = 0.05
_FEW_ROWS = 25


def _row_blocks(a: Tensor, b: Tensor) -> range:
    """Starts of the blocks of a's rows whose gaps to all of b fit into memory; step: their size."""
    gaps_of_a_row = b.numel()  # batches included
    return range(0, a.size(-2), max(1, _GAPS // max(1, gaps_of_a_row)))


def _exact(a: Tensor, b: Tensor, p: float) -> Tensor:
    blocks = _row_blocks(a, b)
    parts = [
        tallow.linalg.vector_norm(
            a[..., at : at + blocks.step, :].unsqueeze(-2) - b.unsqueeze(-3), p, dim=-1
        )
        for at in blocks
    ]
    return parts[0] if len(parts) == 1 else tallow.cat(parts, -2)


def _by_product(a: Tensor, b: Tensor, same: bool) -> Tensor:
    """Euclidean distances from a matrix product, those of close points again by definition.

    Those of points to themselves, if `a` and `b` are the `same`, are known.
    """
    a, b = a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:])
    centre = b.mean(-2, keepdim=True).nan_to_num(0, 0, 0)
    a, b = a - centre, b - centre
    squares = a.square().sum(-1).unsqueeze(-1) + b.square().sum(-1).unsqueeze(-2)
    result = tallow.baddbmm(squares, a, b.mT, alpha=-2)
    close = result < squares.mul_(_CANCELS)
    result = result.clamp_(min=0).sqrt_()
    if same:
        close.diagonal(0, -2, -1).fill_(False)
        result.diagonal(0, -2, -1).copy_((a - a).sum(-1))  # 0, or NaN of points at infinity
    if close.any():
        pairs = close.nonzero()
        for some in pairs.split(max(1, _GAPS // a.size(-1))):
            batch, i, j = some.unbind(1)
            result[batch, i, j] = tallow.linalg.vector_norm(a[batch, i] - b[batch, j], dim=-1)
    return result


class _Cdist(Function):
    """Distances of all pairs; at distance 0 the gradient is 0."""

    _node_name = "CdistBackward0"

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, p: float, product: bool, same: bool) -> Tensor:
        shape = (*a.shape[:-1], b.size(-2))
        result = _by_product(a, b, same).reshape(shape) if product else _exact(a, b, p)
        ctx.save_for_backward(a, b, result)
        ctx.p = p
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        a, b, result = ctx.saved_tensors
        if ctx.p == 2:
            zero = result == 0
            weight = (grad / result.masked_fill(zero, 1)).masked_fill(zero, 0)
            # The sum over j of weight (a_i - b_j), and the other way round.
            to_a = a * weight.sum(-1).unsqueeze(-1) - weight @ b
            to_b = b * weight.sum(-2).unsqueeze(-1) - weight.mT @ a
            return to_a, to_b, None, None, None
        blocks = _row_blocks(a, b)
        to_a_parts, to_b = [], tallow.zeros_like(b)
        for at in blocks:
            rows = slice(at, at + blocks.step)
            change = grad[..., rows, :].unsqueeze(-1) * _slope(
                a[..., rows, :].unsqueeze(-2) - b.unsqueeze(-3), result[..., rows, :], ctx.p
            )
            to_a_parts.append(change.sum(-2))
            to_b = to_b - change.sum(-3)
        return tallow.cat(to_a_parts, -2), to_b, None, None, None


def _slope(gap: Tensor, result: Tensor, p: float) -> Tensor:
    """The derivative of the norm of the gap's last dimension, which is `result`."""
    size, length = gap.abs(), result.unsqueeze(-1)
    if p == 0:
        return tallow.zeros_like(gap)
    if p == 1:
        return gap.sign()
    if p == tallow.inf:
        return gap.sign() * (size == length)
    zero = (length == 0) | (size == 0)
    ratio = size.masked_fill(zero, 1) / length.masked_fill(length == 0, 1)
    return (gap.sign() * ratio ** (p - 1)).masked_fill(zero, 0)


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
        compute_mode: whether Euclidean distances may come from a matrix product: always, never, or
            for more than 25 rows. Close points are computed without one in any case.

    Returns:
        (..., P, R).

    Raises:
        RuntimeError: sizes or dtypes do not fit.

    Example:
        >>> cdist(tallow.zeros(1, 2), tallow.tensor([[3.0, 4.0]]))
        tensor([[5.]])
    """
    if compute_mode == "use_mm_for_euclid_dist_if_necessary":
        small: Tensor | None = few(_C._nn.cdist_few, x1, x2, p)
        if small is not None:
            return small
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
            *batch, x1.size(-2), x2.size(-2), dtype=x1.dtype, device=x1.device
        )
    batch = tallow.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    a, b = x1.expand(*batch, *x1.shape[-2:]), x2.expand(*batch, *x2.shape[-2:])
    many = max(x1.size(-2), x2.size(-2)) > _FEW_ROWS
    product = p == 2 and (compute_mode == modes[1] or (compute_mode == modes[0] and many))
    return _Cdist.apply(a, b, p, product and a.numel() > 0 and b.numel() > 0, x1 is x2)


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
    rank = input.dim()
    if not -rank <= dim < rank:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
            f"{dim})"
        )
    others = [d for d in range(rank) if d != dim % rank]
    norms = tallow.linalg.vector_norm(input, p, others, True)
    # The shift keeps a result that is exactly at the limit below it.
    factor = tallow.where(norms > maxnorm, maxnorm / (norms + 1e-7), tallow.ones_like(norms))
    return input * factor
