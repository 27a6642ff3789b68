"""Sums, means and maxima of groups of embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow._composite import composite
from tallow.nn.functional.embedding import embedding

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["embedding_bag"]


def _bag_of_each(begin: Tensor, count: int) -> Tensor:
    """The bag that each index belongs to."""
    place = tallow.arange(count, device=begin.device)
    return tallow.searchsorted(begin, place, right=True) - 1


def _beginnings(input: Tensor, offsets: Tensor | None, last: bool) -> Tensor:
    """Where each bag begins in the flat input, without its end."""
    if offsets is None:
        return tallow.arange(input.size(0), device=input.device) * input.size(1)
    if offsets.numel() and int(offsets[0]) != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start "
            f"from position 0. However, got {int(offsets[0])}"
        )
    if offsets.numel() and int(offsets[-1]) > input.numel():
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {input.numel()} but got "
            f"offsets[-1] of {int(offsets[-1])}"
        )
    return (offsets[:-1] if last else offsets).long()


def _sums(input: Tensor, weight: Tensor, begin: Tensor, factors: Tensor | None) -> Tensor | None:
    """Sums of bags in one pass, where that is possible."""
    by_factors = factors is not None and factors.requires_grad and tallow.is_grad_enabled()
    if not weight.is_cpu or weight.dtype not in (tallow.float32, tallow.float64) or by_factors:
        return None
    ends = tallow.cat([begin, begin.new_tensor([input.numel()])])
    result: Tensor = _C._VariableFunctions._sum_bags(weight, input.long(), ends, factors)
    return result


def _check(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None,
    mode: str,
    per_sample_weights: Tensor | None,
) -> None:
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({tuple(per_sample_weights.shape)}) is not "
            f"None, then it must have the same shape as the input ({tuple(input.shape)})"
        )
    if weight.dim() != 2:
        raise ValueError(
            f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}"
        )
    if input.dim() == 2 and offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
            f"fixed length sequences. However, found offsets of type {type(offsets)}"
        )
    if input.dim() == 1 and offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets is not None and offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    if input.dim() not in (1, 2):
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}"
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
        )


@composite
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Combine rows of a table, bag by bag.

    Args:
        input: ``(B, K)``, a bag in each row, or ``(T,)`` with `offsets`.
        weight: ``(V, E)``, the table.
        offsets: where each bag begins.
        max_norm: rows that are longer are shortened in place first.
        norm_type: order of that norm.
        scale_grad_by_freq: divide gradients by how often a row was used.
        mode: 'sum', 'mean' or 'max'.
        sparse: give `weight` a sparse gradient: the rows that were used. Not with 'max'.
        per_sample_weights: factor of each row, with 'sum'.
        include_last_offset: the last offset is the number of indices.
        padding_idx: this row does not count.

    Returns:
        ``(B, E)``; an empty bag is zero.

    Raises:
        ValueError: arguments that do not fit.
    """
    _check(input, weight, offsets, mode, per_sample_weights)
    if sparse and mode == "max":
        raise ValueError("max mode does not support sparse weights")
    begin = _beginnings(input, offsets, include_last_offset)
    bags = begin.numel()
    if not bags:
        return weight.new_zeros((0, weight.size(1)))
    if mode == "max" and input.dim() == 2 and padding_idx is None and input.size(1):
        return embedding(input, weight, None, max_norm, norm_type, scale_grad_by_freq).max(1)[0]
    if include_last_offset and offsets is not None and offsets.numel():
        input = input[: int(offsets[-1])]
    input = input.reshape(-1)
    if per_sample_weights is not None:
        per_sample_weights = per_sample_weights.reshape(-1)[: input.numel()]
    if padding_idx is not None:
        kept = (input != padding_idx % weight.size(0)).nonzero().squeeze(1)
        begin = tallow.searchsorted(kept, begin)
        input = input[kept]
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights[kept]
    if mode != "max" and max_norm is None and not scale_grad_by_freq and not sparse:
        total = _sums(input, weight, begin, per_sample_weights)
    else:
        total = None
    if total is None:
        rows = embedding(input, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse)
        if per_sample_weights is not None:
            rows = rows * per_sample_weights.unsqueeze(1)
        bag = _bag_of_each(begin, input.numel())
        zeros = rows.new_zeros((bags, weight.size(1)))
        if mode == "max":
            spread = bag.unsqueeze(1).expand(rows.shape)
            return zeros.scatter_reduce(0, spread, rows, "amax", include_self=False)
        total = zeros.index_add(0, bag, rows)
    if mode == "mean":
        counts = tallow.diff(begin, append=begin.new_tensor([input.numel()])).clamp(min=1)
        total = total / counts.unsqueeze(1).to(total.dtype)
    return total
