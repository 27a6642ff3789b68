"""Which elements of an image the bins of a region take, and with which weights.

A region is a row of `rois`: the number of its image, left, top, right and bottom. Its bins are laid
out in order, and the elements of each one after the other: bags of rows of a table, where a row
has the channels of one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tallow
from tallow.nn.functional import embedding_bag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tallow import Tensor

__all__ = ["Bags", "bilinear", "bilinear_bags", "groups", "whole_bags"]

_AT_A_TIME = 2**20  # elements whose places are kept at a time


class Bags(NamedTuple):
    """The elements of all bins: where they are in the table, and where each bin begins."""

    rows: Tensor
    begin: Tensor
    weight: Tensor | None = None

    def sums(self, table: Tensor) -> Tensor:
        """Return the weighted sum of each bin's rows of a table."""
        return embedding_bag(
            self.rows,
            table,
            self.begin,
            mode="sum",
            per_sample_weights=None if self.weight is None else self.weight.to(table.dtype),
            include_last_offset=True,
        )


class _Members(NamedTuple):
    """Of each element: its region, its bin's row and column, and its own inside the bin."""

    region: Tensor
    bin_row: Tensor
    bin_column: Tensor
    row: Tensor
    column: Tensor
    begin: Tensor


def groups(sizes: Tensor) -> Iterator[slice]:
    """Cut regions of some numbers of elements into slices that memory holds."""
    first, total = 0, 0
    for number, size in enumerate(sizes.tolist()):
        if total and total + size > _AT_A_TIME:
            yield slice(first, number)
            first, total = number, 0
        total += size
    yield slice(first, sizes.numel())


def _members(rows: Tensor, columns: Tensor) -> _Members:
    """Number the elements of bins that have `rows` times `columns` of them.

    Args:
        rows: ``(K, P or 1, 1)``, of the bins of K regions.
        columns: ``(K, 1, Q or 1)``.
    """
    sizes = (rows * columns).flatten()
    begin = tallow.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    each = tallow.arange(sizes.numel(), device=sizes.device).repeat_interleave(sizes)
    rank = tallow.arange(each.numel(), device=sizes.device) - begin[each]
    across = columns.expand((rows * columns).shape).flatten()[each]
    height, width = (rows * columns).shape[1:]
    return _Members(
        each // (height * width),
        each // width % height,
        each % width,
        rank // across,
        rank % across,
        begin,
    )


def whole_bags(
    image: Tensor, top: Tensor, bottom: Tensor, left: Tensor, right: Tensor, shape: Any
) -> Bags:
    """Return the elements of bins between whole numbers, which may be none.

    Args:
        image: ``(K,)``, the image of each region.
        top: ``(K, P)``, the first row of each row of bins.
        bottom: the row after their last one.
        left: ``(K, Q)``, the first column of each column of bins.
        right: the column after their last one.
        shape: height and width of an image.
    """
    height, width = shape
    of = _members((bottom - top).clamp(0).unsqueeze(2), (right - left).clamp(0).unsqueeze(1))
    row = top[of.region, of.bin_row] + of.row
    column = left[of.region, of.bin_column] + of.column
    return Bags((image[of.region] * height + row) * width + column, of.begin)


def bilinear_bags(
    image: Tensor, start: Tensor, size: Tensor, grid: Tensor, bins: Any, shape: Any
) -> Bags:
    """Return the neighbours of points on a regular grid in each bin.

    Args:
        image: ``(K,)``, the image of each region.
        start: ``(K, 2)``, top and left.
        size: ``(K, 2)``, height and width of a bin.
        grid: ``(K, 2)``, int64, the numbers of points along both directions of a bin.
        bins: their numbers along both directions.
        shape: height and width of an image.
    """
    unit = grid.new_ones(1)
    of = _members(
        grid[:, 0, None, None] * unit.expand(bins[0], 1),
        grid[:, 1, None, None] * unit.expand(1, bins[1]),
    )
    places = []
    for axis, number, point in ((0, of.bin_row, of.row), (1, of.bin_column, of.column)):
        first, step = start[:, axis][of.region], size[:, axis][of.region]
        part = (point.to(step.dtype) + 0.5) * step / grid[:, axis].to(step.dtype)[of.region]
        places.append(first + number.to(step.dtype) * step + part)
    index, weight = bilinear(places[0], places[1], shape)
    index += (image[of.region] * (shape[0] * shape[1])).unsqueeze(1)
    return Bags(index.flatten(), of.begin * 4, weight.flatten())


def bilinear(y: Tensor, x: Tensor, shape: Any) -> tuple[Tensor, Tensor]:
    """Return the four neighbours of points, row by row, and their weights: ``(M, 4)``.

    Points less than a pixel outside have the value of the border, those further away none.
    """
    height, width = shape
    rows, down = _line(y, height)
    columns, across = _line(x, width)
    index = rows.unsqueeze(2) * width + columns.unsqueeze(1)
    weight = down.unsqueeze(2) * across.unsqueeze(1)
    return index.flatten(1), weight.flatten(1)


def _line(at: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Both neighbours of places on a line, and their weights."""
    inside = (at >= -1) & (at <= size)
    at = tallow.where(inside, at, 0).clamp(0, size - 1)
    low = at.to(tallow.int64)
    part = at - low.to(at.dtype)
    high = (low + 1).clamp(max=size - 1)
    weight = tallow.stack([1 - part, part], 1) * inside.unsqueeze(1).to(at.dtype)
    return tallow.stack([low, high], 1), weight
