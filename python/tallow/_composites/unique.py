"""Distinct values of a tensor, and distinct slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
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
        if dim is None:
            found = _C._VariableFunctions._unique2(input, sorted, return_inverse, return_counts)
            return _requested(found, return_inverse, return_counts)
        rows = _rows(input, dim)
        order = _lexicographic_order(rows)
        return _along(input, rows, order, dim, return_inverse, return_counts)


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
        if dim is None:
            found = _C._VariableFunctions._unique_consecutive(input, return_inverse, return_counts)
            return _requested(found, return_inverse, return_counts)
        rows = _rows(input, dim)
        order = tallow.arange(rows.size(0), device=input.device)
        return _along(input, rows, order, dim, return_inverse, return_counts)


def _requested(found: tuple[Tensor, ...], return_inverse: bool, return_counts: bool) -> Any:
    """Of values, inverse and counts those that were asked for; the values alone are no tuple."""
    values, inverse, counts = found
    chosen = [values]
    if return_inverse:
        chosen.append(inverse)
    if return_counts:
        chosen.append(counts)
    return tuple(chosen) if len(chosen) > 1 else values


def _rows(input: Tensor, dim: int) -> Tensor:
    """The slices to compare, one per row."""
    front = input.movedim(dim, 0)
    if input.numel() == 0 and front.size(0) != 0:
        raise RuntimeError(
            "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
        )
    return front.reshape(front.size(0), front[0].numel() if front.size(0) else 0)


def _lexicographic_order(rows: Tensor) -> Tensor:
    """Indices that sort the rows: stable sorts by each column, the last one first."""
    order = tallow.arange(rows.size(0), device=rows.device)
    for column in reversed(range(rows.size(1))):
        keys = rows[:, column][order]
        order = order[keys.sort(stable=True).indices]
    return order


def _along(
    input: Tensor,
    rows: Tensor,
    order: Tensor,
    dim: int,
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
    inverse = tallow.empty_like(order)
    inverse[order] = starts.long().cumsum(0) - 1
    ends = tallow.cat([first[1:], first.new_full((min(count, 1),), count)])
    found = input.index_select(dim, chosen), inverse, ends - first
    return _requested(found, return_inverse, return_counts)
