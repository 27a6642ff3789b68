"""Counting elements and points in intervals and boxes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import return_types
from tallow._composite import c_name, composite
from tallow._composites.statistics import diff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

__all__ = ["histc", "histogram", "histogramdd"]


def _range(x: Tensor, low: float, high: float, margin: float) -> tuple[float, float]:
    if low == high and not x.numel():
        return 0.0, 1.0
    if low == high:
        low, high = float(x.min()), float(x.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError("max must be larger than min")
    return (low - margin, high + margin) if low == high else (low, high)


@composite
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Count the elements in equal intervals.

    Args:
        input: floating point.
        bins: number of intervals, positive.
        min: begin of the first interval.
        max: end of the last interval, which belongs to it; equal to `min` for the range of the
            elements.

    Raises:
        RuntimeError: no intervals, or a range that is not finite.

    Example:
        >>> histc(tallow.tensor([0.0, 1.0, 3.0]), 3)
        tensor([1., 1., 1.])
    """
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    x = input.detach().flatten()
    low, high = _range(x, min, max, 1)
    if min != max:
        x = x[(x >= low) & (x <= high)]
    place = (x - low).div_(high - low).mul_(bins).long().clamp_(max=bins - 1)
    return tallow.bincount(place, minlength=bins).to(input.dtype)


def _check_histogram(name: str, input: Tensor, bins: Any, weight: Tensor | None, dims: int) -> None:
    """Refuse what has no intervals, or no weight for each of the points of `dims` dimensions."""
    if not input.is_floating_point():
        raise NotImplementedError(f'"{name}" not implemented for {c_name(input.dtype)!r}')
    for d, count in enumerate(bins):
        if isinstance(count, int) and count <= 0:
            raise RuntimeError(
                f"torch.histogram(): bins must be > 0, but got {count} for dimension {d}"
            )
    shape = input.shape[: input.dim() - dims]
    if weight is not None and weight.shape != shape:
        what = "excluding its innermost dimension" if dims else "itself"
        raise RuntimeError(
            f"torch.{name}: if weight tensor is provided it should have the same shape as the "
            f"input tensor {what}, {list(shape)}, but got {list(weight.shape)}"
        )


@composite
def histogram(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> return_types.histogram:
    """Count the elements, or sum their weights, in intervals.

    Args:
        input: floating point.
        bins: number of equal intervals, or their increasing bounds.
        range: bounds of all equal intervals; by default those of the elements.
        weight: one for each element.
        density: divide by the sum and the widths.

    Raises:
        RuntimeError: a range that is not finite.
    """
    _check_histogram("histogram", input, [bins], weight, 0)
    x = input.detach().flatten()
    if isinstance(bins, tallow.Tensor):
        edges = bins
    else:
        low, high = _range(x, 0.0, 0.0, 0.5) if range is None else range
        if low == high:
            low, high = low - 0.5, high + 0.5
        if low > high:
            raise RuntimeError("torch.histogramdd: min should not exceed max")
        edges = tallow.linspace(low, high, bins + 1, dtype=input.dtype, device=input.device)
    count = edges.numel() - 1
    place = tallow.searchsorted(edges, x, right=True) - 1
    place = tallow.where(x == edges[-1], tallow.full_like(place, count - 1), place)
    inside = (x >= edges[0]) & (x <= edges[-1])
    weights = tallow.ones_like(x) if weight is None else weight.detach().flatten()
    hist = tallow.zeros(count, dtype=input.dtype, device=input.device)
    hist.index_add_(0, place[inside], weights[inside].to(input.dtype))
    if density:
        hist = hist / hist.sum() / diff(edges)
    return return_types.histogram(hist, edges)


@composite
def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> return_types.histogramdd:
    """Count points, or sum their weights, in boxes.

    Args:
        input: (..., D), floating point: points of D coordinates.
        bins: number of equal intervals, one for all coordinates or a list with one for each; or
            a list with the increasing bounds for each.
        range: lower and upper bound of the first coordinate, of the second, and so on.
        weight: one for each point.
        density: divide by the sum and the volumes.

    Raises:
        RuntimeError: `bins` or `range` do not fit the number of coordinates.
    """
    dims = input.size(-1)
    each = [bins] * dims if isinstance(bins, int) else list(bins)
    _check_histogram("histogramdd", input, each, weight, 1)
    if dims == 0:
        return return_types.histogramdd(
            tallow.zeros((), dtype=input.dtype, device=input.device), ()
        )
    points = input.detach().reshape(-1, dims)
    if len(each) != dims:
        by_edges = any(isinstance(one, tallow.Tensor) for one in each)
        raise RuntimeError(
            f"torch.histogramdd: expected {dims} sequences of bin edges for a {dims}-dimensional "
            f"histogram but got {len(each)}"
            if by_edges
            else "histogramdd: The size of bins must be equal to the innermost dimension of the "
            f"input. Given {len(each)} sizes for a dimension of {dims}"
        )
    if range is not None and len(range) != 2 * dims:
        raise RuntimeError(
            f"torch.histogramdd(): for a {dims}-dimensional histogram range should have "
            f"{2 * dims} elements, but got {len(range)}"
        )
    weights = tallow.ones_like(points[:, 0]) if weight is None else weight.detach().flatten()
    place = tallow.zeros(len(points), dtype=tallow.int64, device=input.device)
    inside = tallow.ones(len(points), dtype=tallow.bool, device=input.device)
    edges, volume = [], tallow.ones((), dtype=input.dtype, device=input.device)
    for d, count in enumerate(each):
        x = points[:, d].contiguous()
        bounds = None if range is None else range[2 * d : 2 * d + 2]
        edge = histogram(x, count, range=bounds).bin_edges
        edges.append(edge)
        index = tallow.searchsorted(edge, x, right=True) - 1
        last = edge.numel() - 1
        index = tallow.where(x == edge[-1], tallow.full_like(index, last - 1), index)
        inside = inside & (x >= edge[0]) & (x <= edge[-1])
        place = place * last + index
        volume = volume.unsqueeze(-1) * diff(edge)
    shape = [edge.numel() - 1 for edge in edges]
    flat = tallow.zeros(volume.numel(), dtype=input.dtype, device=input.device)
    flat.index_add_(0, place[inside], weights[inside].to(input.dtype))
    hist = flat.reshape(shape)
    return return_types.histogramdd(hist / hist.sum() / volume if density else hist, tuple(edges))
