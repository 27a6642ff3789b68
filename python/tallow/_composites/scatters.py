"""Copies of a tensor with a part replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._composite import composite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

__all__ = [
    *("as_strided_scatter", "diagonal_scatter", "index_reduce", "index_reduce_"),
    *("select_scatter", "slice_scatter"),
]


def _replaced(name: str, input: Tensor, view: Tensor, result: Tensor, src: Tensor) -> Tensor:
    if view.shape != src.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the {name} of self. src size = "
            f"{list(src.shape)}, {name} size = {list(view.shape)}"
        )
    view.copy_(src)
    return result


@composite
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """Copy `input` with `src` on a diagonal.

    Args:
        input: at least two-dimensional.
        src: of the shape of the diagonal.
        offset: which diagonal; positive is above.
        dim1: first dimension of the matrices.
        dim2: second dimension.

    Raises:
        RuntimeError: `src` has another shape.

    Example:
        >>> diagonal_scatter(tallow.zeros(2, 2), tallow.ones(2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    result = input.clone()
    return _replaced("slice", input, result.diagonal(offset, dim1, dim2), result, src)


@composite
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """Copy `input` with `src` in the place of ``input.select(dim, index)``.

    Raises:
        RuntimeError: `src` has another shape.
    """
    result = input.clone()
    return _replaced("slice", input, result.select(dim, index), result, src)


@composite
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """Copy `input` with `src` in the place of ``input[..., start:end:step, ...]``.

    Raises:
        RuntimeError: `src` has another shape.
    """
    result = input.clone()
    place = (slice(None),) * (dim % input.dim()) + (slice(start, end, step),)
    return _replaced("slice", input, result[place], result, src)


@composite
def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """Copy `input` with `src` in the place of ``input.as_strided(size, stride, storage_offset)``.

    Raises:
        RuntimeError: `src` has another shape.
    """
    result = input.clone()
    offset = 0 if storage_offset is None else storage_offset
    return _replaced("slice", input, result.as_strided(size, stride, offset), result, src)


@composite
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """Combine slices of `source` into the slices of a copy that `index` names.

    Args:
        input: any tensor.
        dim: dimension of the slices.
        index: integer vector, one entry for each slice of `source`.
        source: of the shape of `input` but for `dim`.
        reduce: 'prod', 'mean', 'amax' or 'amin'.
        include_self: the old elements take part.

    Raises:
        RuntimeError: an unknown `reduce` or sizes that do not fit.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin "
            f"but got {reduce}."
        )
    if index.numel() != (source.size(dim) if source.dim() else 1):
        raise RuntimeError(
            f"index_reduce_(): Number of indices ({index.numel()}) should be equal to "
            f"source.size(dim): ({source.size(dim) if source.dim() else 1}), for dim: {dim}"
        )
    if source.dim() == 0:
        return input.scatter_reduce(
            dim, index.reshape(source.shape).long(), source, reduce, include_self=include_self
        )
    shape = [1] * source.dim()
    shape[dim] = -1
    spread = index.long().reshape(shape).expand(source.shape)
    return input.scatter_reduce(dim, spread, source, reduce, include_self=include_self)


def index_reduce_(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """Do :func:`index_reduce` in place."""
    return input.copy_(index_reduce(input, dim, index, source, reduce, include_self=include_self))
