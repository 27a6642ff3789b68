"""Sums, means and maxima of groups of embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow._composite import composite
from tallow.nn.functional.embedding import embedding

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["embedding_bag"]


def _bag_of_each(offsets: Tensor, count: int, last: bool) -> tuple[Tensor, int]:
    """The bag that each index belongs to, and the number of bags."""
    if last:
        offsets = offsets[:-1]
    bags = offsets.numel()
    place = tallow.arange(count, dtype=offsets.dtype, device=offsets.device)
    return tallow.searchsorted(offsets, place, right=True) - 1, bags


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
        sparse: must be False.
        per_sample_weights: factor of each row, with 'sum'.
        include_last_offset: the last offset is the number of indices.
        padding_idx: this row does not count.

    Returns:
        ``(B, E)``; an empty bag is zero.

    Raises:
        ValueError: arguments that do not fit.
        NotImplementedError: sparse gradients.
    """
    _check(input, weight, offsets, mode, per_sample_weights)
    if sparse:
        raise NotImplementedError("embedding_bag: sparse=True is not supported; expected False")
    if input.dim() == 2:
        bags = input.size(0)
        bag = tallow.arange(bags, device=input.device).repeat_interleave(input.size(1))
        input = input.reshape(-1)
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
    else:
        assert offsets is not None
        bag, bags = _bag_of_each(offsets, input.numel(), include_last_offset)
        if offsets.numel() and int(offsets[0]) != 0:
            raise RuntimeError(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start "
                f"from position 0. However, got {int(offsets[0])}"
            )
    bag = bag.long()
    if padding_idx is not None:
        keep = input != padding_idx % weight.size(0)
        input, bag = input[keep], bag[keep]
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights[keep]
    rows = embedding(input, weight, None, max_norm, norm_type, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(1)
    zeros = rows.new_zeros((bags, weight.size(1)))
    if mode == "max":
        spread = bag.unsqueeze(1).expand(rows.shape)
        return zeros.scatter_reduce(0, spread, rows, "amax", include_self=False)
    total = zeros.index_add(0, bag, rows)
    if mode == "mean":
        counts = tallow.bincount(bag, minlength=bags).clamp(min=1)
        total = total / counts.unsqueeze(1).to(total.dtype)
    return total
