"""Reductions over consecutive pieces of different lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow._composite import c_name, composite
from tallow._composites.statistics import diff

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["segment_reduce"]

_INFINITY = float("inf")
# What each reduction is called by scatter_reduce, and its value for no elements.
_REDUCTIONS = {
    "sum": ("sum", 0.0),
    "mean": ("sum", 0.0),
    "prod": ("prod", 1.0),
    "max": ("amax", -_INFINITY),
    "amax": ("amax", -_INFINITY),
    "min": ("amin", _INFINITY),
    "amin": ("amin", _INFINITY),
}


@composite
def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: float | None = None,
) -> Tensor:
    """Reduce consecutive segments of a dimension.

    Args:
        data: floating point, of at least `axis` + 1 dimensions.
        reduce: "sum", "mean", "prod", "max" or "min".
        lengths: of shape (..., segments), how many elements each segment has; the dimensions
            before the last are those of `data` before `axis`.
        indices: must be None.
        offsets: in place of lengths, of shape (..., segments + 1): where each segment begins, and
            where the last one ends.
        axis: the dimension, which is the last one of `lengths` or `offsets`.
        unsafe: let lengths add up to less than there is.
        initial: takes part in every segment; a segment without elements is this value.

    Returns:
        The data's shape with `segments` in place of the size of `axis`. A segment without elements
        has 0 as its sum, 1 as its product, NaN as its mean, and an infinity as its extremum.

    Raises:
        RuntimeError: unknown `reduce`, neither lengths nor offsets, segments that do not fit.
        NotImplementedError: numbers that are not floating point.

    Example:
        >>> data = tallow.tensor([1.0, 2.0, 3.0, 4.0])
        >>> segment_reduce(data, "max", lengths=tallow.tensor([3, 1]))
        tensor([3., 4.])
    """
    if reduce not in _REDUCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    bounds = _bounds(data, lengths, offsets, axis + data.dim() if axis < 0 else axis, unsafe)
    if not data.is_floating_point():
        raise NotImplementedError(
            f"\"_segment_reduce_cpu\" not implemented for '{c_name(data.dtype)}'"
        )
    axis = bounds.dim() - 1
    count = bounds.size(-1) - 1
    places = tallow.arange(data.size(axis), device=data.device).expand(data.shape[: axis + 1])
    index = tallow.searchsorted(bounds, places.contiguous(), right=True) - 1
    if lengths is None:  # what is before the first segment goes behind the last one
        index = tallow.where(index < 0, count, index)
    after = data.dim() - bounds.dim()
    name, identity = _REDUCTIONS[reduce]
    start = data.new_full((*data.shape[:axis], count + 1, *data.shape[axis + 1 :]), identity)
    wide = index.reshape(index.shape + (1,) * after).expand_as(data)
    found = start.scatter_reduce(axis, wide, data, name).narrow(axis, 0, count)
    if reduce == "mean":
        sizes = diff(bounds).reshape(*bounds.shape[:-1], count, *(1,) * after)
        return _mean(found, sizes, initial)
    return found if initial is None else _with_initial(found, reduce, initial)


def _bounds(
    data: Tensor, lengths: Tensor | None, offsets: Tensor | None, axis: int, unsafe: bool
) -> Tensor:
    """Where segments begin, and the last one ends, as int64."""
    given = offsets if lengths is None else lengths
    if given is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    name = "offsets" if lengths is None else "lengths"
    if given.dtype not in (tallow.int32, tallow.int64):
        raise NotImplementedError(
            f'"_segment_reduce_{name}_cpu_kernel1" not implemented for '
            f"'{c_name(given.dtype)}'; expected int32 or int64"
        )
    if given.dim() == 0 or axis != given.dim() - 1:
        raise RuntimeError(
            f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}."
        )
    if data.dim() < given.dim() or data.shape[:axis] != given.shape[:axis]:
        raise RuntimeError(
            f"segment_reduce(): Expected data to begin with the dimensions of {name}, "
            f"{tuple(given.shape[:axis])}, and axis {axis}, got data of shape {tuple(data.shape)}"
        )
    size = data.size(axis)
    if lengths is not None:
        if (given < 0).any():
            raise RuntimeError("lengths contains negative value!")
        ends = given.long().cumsum(-1)
        bounds = tallow.cat([ends.new_zeros((*given.shape[:-1], 1)), ends], -1)
        total = bounds[..., -1]
        if (total > size if unsafe else total != size).any():
            raise RuntimeError(
                "segment_reduce(): Expected all rows of lengths along axis to sum to "
                "data.size(lengths.dim()-1) when !unsafe."
            )
        return bounds
    bounds = given.long().contiguous()
    if bounds.size(-1) == 0 or (bounds < 0).any() or (bounds > size).any():
        raise RuntimeError(
            f"segment_reduce(): Expected at least one offset, and all in [0, {size}], got "
            f"{given.tolist()}"
        )
    if (diff(bounds) < 0).any():
        raise RuntimeError("segment_reduce(): Expected offsets that do not decrease")
    return bounds


def _mean(found: Tensor, sizes: Tensor, initial: float | None) -> Tensor:
    """Make means of sums; the initial value takes part."""
    if initial is None:
        return found / sizes
    return tallow.where(sizes == 0, initial, (found + initial) / sizes)


def _with_initial(found: Tensor, reduce: str, initial: float) -> Tensor:
    if reduce == "sum":
        return found + initial
    if reduce == "prod":
        return found * initial
    inside = found < initial if reduce in ("max", "amax") else found > initial
    return tallow.where(inside, initial, found)
