"""Distinct values of a tensor, by sorting and comparing neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.overrides import handle_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["unique", "unique_consecutive"]


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the distinct values, in ascending order.

    Args:
        input: any tensor; NaNs are all distinct.
        sorted: accepted; the result is always sorted.
        return_inverse: also return where each element of the input is found in the result.
        return_counts: also return how often each value occurs.
        dim: compare slices along this dimension instead of elements.

    Returns:
        The values, or a tuple of them with the inverse and the counts as requested.

    Example:
        >>> unique(tallow.tensor([3, 1, 3]), return_counts=True)
        (tensor([1, 3]), tensor([1, 2]))
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            unique,
            (input,),
            input,
            sorted=sorted,
            return_inverse=return_inverse,
            return_counts=return_counts,
            dim=dim,
        )
    with tallow.no_grad():
        rows = _rows(input, dim)
        order = _lexicographic_order(rows)
        return _result(input, rows, order, dim, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the values with runs of equal neighbours shortened to one.

    Args:
        input: any tensor.
        return_inverse: also return where each element of the input is found in the result.
        return_counts: also return the length of each run.
        dim: compare slices along this dimension instead of elements.

    Returns:
        The values, or a tuple of them with the inverse and the counts as requested.

    Example:
        >>> unique_consecutive(tallow.tensor([1, 1, 2, 1]))
        tensor([1, 2, 1])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            unique_consecutive,
            (input,),
            input,
            return_inverse=return_inverse,
            return_counts=return_counts,
            dim=dim,
        )
    with tallow.no_grad():
        rows = _rows(input, dim)
        order = tallow.arange(rows.size(0), device=input.device)
        return _result(input, rows, order, dim, return_inverse, return_counts)


def _rows(input: Tensor, dim: int | None) -> Tensor:
    """The things to compare, one per row."""
    if dim is None:
        return input.reshape(-1, 1)
    front = input.movedim(dim, 0)
    return front.reshape(front.size(0), front[0].numel() if front.size(0) else 0)


def _lexicographic_order(rows: Tensor) -> Tensor:
    """Indices that sort the rows: stable sorts by each column, the last one first."""
    order = tallow.arange(rows.size(0), device=rows.device)
    for column in reversed(range(rows.size(1))):
        keys = rows[:, column][order]
        order = order[keys.sort(stable=True).indices]
    return order


def _result(
    input: Tensor,
    rows: Tensor,
    order: Tensor,
    dim: int | None,
    return_inverse: bool,
    return_counts: bool,
) -> Any:
    arranged = rows[order]
    count = rows.size(0)
    starts = tallow.ones(count, dtype=tallow.bool, device=input.device)
    if count > 1:
        starts[1:] = (arranged[1:] != arranged[:-1]).any(1)
    first = starts.nonzero().reshape(-1)
    chosen = order[first]
    results = [input.reshape(-1)[chosen] if dim is None else input.index_select(dim, chosen)]
    if return_inverse:
        inverse = tallow.empty_like(order)
        inverse[order] = starts.long().cumsum(0) - 1
        results.append(inverse.reshape(input.shape) if dim is None else inverse)
    if return_counts:
        ends = tallow.cat([first[1:], first.new_full((min(count, 1),), count)])
        results.append(ends - first)
    return results[0] if len(results) == 1 else tuple(results)
