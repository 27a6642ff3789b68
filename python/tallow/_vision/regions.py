"""Pooling over regions of images: maxima, means and interpolated means of the bins of a grid.

Source of the definitions: Fast R-CNN (arXiv:1504.08083) for maxima, Mask R-CNN (arXiv:1703.06870)
for interpolated means, R-FCN (arXiv:1605.06409) for position-sensitive ones, where each bin has
channels of its own; what is rounded where, and the names of the kernels, as torchvision has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._vision._bins import (
    Bins,
    check,
    check_channels,
    images_of,
    mapping,
    table_of,
    wide,
)
from tallow._vision._samples import Bags, bilinear_bags, groups, whole_bags

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "ps_roi_align",
    "ps_roi_align_backward",
    "ps_roi_pool",
    "ps_roi_pool_backward",
    "roi_align",
    "roi_align_backward",
    "roi_pool",
    "roi_pool_backward",
]


# --- interpolated means ---------------------------------------------------------------------------


def _aligned(
    shape: Any,
    rois: Tensor,
    scale: float,
    bins: tuple[int, int],
    ratio: int,
    shift: float,
    at_least: float | None,
    by_position: bool = False,
) -> tuple[Bins, Tensor]:
    """The bins of points between pixels, and how many points each region's bins have."""
    corners = rois[:, [2, 1, 4, 3]] * scale - shift
    start, size = corners[:, :2], corners[:, 2:] - corners[:, :2]
    if at_least is not None:
        size = size.clamp(at_least)
    step = size / tallow.tensor(bins, dtype=size.dtype, device=size.device)
    if ratio > 0:
        grid = tallow.full((rois.size(0), 2), ratio, dtype=tallow.int64, device=rois.device)
    else:
        grid = step.ceil().clamp(0).to(tallow.int64)
    image = images_of(rois, shape[0])

    def bags(part: slice) -> Bags:
        return bilinear_bags(image[part], start[part], step[part], grid[part], bins, shape[2:])

    points = grid.prod(1)
    made = Bins(shape, rois, bins, points * (bins[0] * bins[1]), bags, by_position)
    return made, wide(points.to(rois.dtype)).view(-1, 1, 1, 1)


def roi_align(
    input: Tensor,
    rois: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """Return the mean of interpolated points of each bin of each region.

    Args:
        input: ``(N, C, H, W)``.
        rois: ``(K, 5)``, the number of an image, left, top, right and bottom.
        spatial_scale: pixels per unit of `rois`.
        pooled_height: rows of bins.
        pooled_width: columns of bins.
        sampling_ratio: points along both directions of a bin; not positive: one per pixel.
        aligned: the centre of a pixel is at its half, and regions may be smaller than one.

    Raises:
        RuntimeError: arguments of other shapes, or of two types.
        NotImplementedError: a type without a kernel.
        IndexError: no such image.
    """
    size = (pooled_height, pooled_width)
    check("roi_align_forward_kernel", "input", input, rois, size)
    shift, least = (0.5, None) if aligned else (0.0, 1.0)
    values = wide(input)
    bins, points = _aligned(input.shape, rois, spatial_scale, size, sampling_ratio, shift, least)
    return (bins.sums(values) / points.clamp(1)).contiguous().to(input.dtype)


def roi_align_backward(
    grad: Tensor,
    rois: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    batch_size: int,
    channels: int,
    height: int,
    width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """Return the gradient of the input of :func:`roi_align`."""
    size, shape = (pooled_height, pooled_width), (batch_size, channels, height, width)
    check("roi_align_backward_kernel", "grad", grad, rois, size)
    shift, least = (0.5, None) if aligned else (0.0, 1.0)
    bins, points = _aligned(shape, rois, spatial_scale, size, sampling_ratio, shift, least)
    return bins.gradient(wide(grad) / points.clamp(1)).to(grad.dtype)


def ps_roi_align(
    input: Tensor,
    rois: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
) -> tuple[Tensor, Tensor]:
    """Return interpolated means of bins with channels of their own, and these channels.

    See :func:`roi_align`; `input` has ``C * pooled_height * pooled_width`` channels.
    """
    size = (pooled_height, pooled_width)
    check("ps_roi_align_forward_kernel", "input", input, rois, size)
    check_channels(input, size)
    values = wide(input)
    bins, points = _aligned(input.shape, rois, spatial_scale, size, sampling_ratio, 0.5, None, True)
    means = (bins.sums(values) / points).contiguous().to(input.dtype)
    return means, mapping(input.shape, rois, size)


def ps_roi_align_backward(
    grad: Tensor,
    rois: Tensor,
    channel_mapping: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    batch_size: int,
    channels: int,
    height: int,
    width: int,
) -> Tensor:
    """Return the gradient of the input of :func:`ps_roi_align`."""
    size, shape = (pooled_height, pooled_width), (batch_size, channels, height, width)
    check("ps_roi_align_backward_kernel", "grad", grad, rois, size)
    bins, points = _aligned(shape, rois, spatial_scale, size, sampling_ratio, 0.5, None, True)
    return bins.gradient(wide(grad) / points).to(grad.dtype)


# --- bins between whole numbers -------------------------------------------------------------------


def _rounded(values: Tensor) -> Tensor:
    """Whole numbers, halves away from zero."""
    exact = values.to(tallow.float64)
    return (exact + tallow.where(exact < 0, -0.5, 0.5)).trunc().to(tallow.int64)


def _whole(
    shape: Any, rois: Tensor, scale: float, bins: tuple[int, int], border: int, by_position: bool
) -> tuple[Bins, Tensor]:
    """The bins of whole pixels, and the numbers of elements of each: ``(K, 1, P, Q)``.

    With a border of 1 the pixel at the end of a region belongs to it, and the last one of an image
    can; with 0 neither.
    """
    corners = _rounded(rois[:, [2, 1, 4, 3]] * scale)
    size = (corners[:, 2:] - corners[:, :2] + border).clamp(1).to(rois.dtype)
    image = images_of(rois, shape[0])
    ends = []
    for axis in (0, 1):
        step = (size[:, axis] / bins[axis]).unsqueeze(1)
        number = tallow.arange(bins[axis], device=rois.device).to(rois.dtype)
        last, start = shape[2 + axis] - 1 + border, corners[:, axis, None]
        begin = ((number * step).floor().to(tallow.int64) + start).clamp(0, last)
        end = (((number + 1) * step).ceil().to(tallow.int64) + start).clamp(0, last)
        ends += [begin, end]
    top, bottom, left, right = ends
    counts = (bottom - top).clamp(0).unsqueeze(2) * (right - left).clamp(0).unsqueeze(1)

    def bags(part: slice) -> Bags:
        return whole_bags(image[part], top[part], bottom[part], left[part], right[part], shape[2:])

    made = Bins(shape, rois, bins, counts.flatten(1).sum(1), bags, by_position)
    return made, counts.unsqueeze(1)


def roi_pool(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[Tensor, Tensor]:
    """Return the maximum of each bin of each region, and where in the image it is.

    Args:
        input: ``(N, C, H, W)``.
        rois: ``(K, 5)``, the number of an image, left, top, right and bottom.
        spatial_scale: pixels per unit of `rois`.
        pooled_height: rows of bins.
        pooled_width: columns of bins.

    Returns:
        Maxima, 0 for bins without elements, and int32 places, row by row, there -1.

    Raises:
        RuntimeError: arguments of other shapes, or of two types.
        NotImplementedError: a type without a kernel.
        IndexError: no such image.
    """
    size = (pooled_height, pooled_width)
    check("roi_pool_forward_kernel", "input", input, rois, size)
    result = (rois.size(0), input.size(1), *size)
    values = input.new_zeros(result)
    places = tallow.full(result, -1, dtype=tallow.int32, device=input.device)
    if not values.numel() or not input.numel():
        return values, places
    bins, _ = _whole(input.shape, rois, spatial_scale, size, 1, False)
    rows = table_of(input)
    # Smaller numbers, and what is none, do not count.
    least = tallow.finfo(input.dtype).min
    rows = tallow.where(rows > least, rows, least)
    for part in groups(bins.counts * input.size(1)):
        largest, where = _maxima(rows, bins.bags(part))
        shape = (part.stop - part.start, *size, input.size(1))
        values[part] = largest.view(shape).permute(0, 3, 1, 2)
        image = where.view(shape).permute(0, 3, 1, 2)
        places[part] = tallow.where(image < 0, -1, image % (input.size(2) * input.size(3))).int()
    return values, places


def _maxima(rows: Tensor, bags: Bags) -> tuple[Tensor, Tensor]:
    """The maxima of bags of rows, and the row of each: 0 and -1 for bags without any."""
    sizes = tallow.diff(bags.begin)
    each = tallow.arange(sizes.numel(), device=sizes.device).repeat_interleave(sizes)
    taken = rows[bags.rows]
    spread = each.unsqueeze(1).expand(taken.shape)
    zeros = rows.new_zeros(sizes.numel(), rows.size(1))
    largest = zeros.scatter_reduce(0, spread, taken, "amax", include_self=False)
    none = rows.size(0)
    first = tallow.where(taken == largest[each], bags.rows.unsqueeze(1), none)
    first = tallow.where(taken > tallow.finfo(rows.dtype).min, first, none)
    where = zeros.long().fill_(none).scatter_reduce(0, spread, first, "amin")
    return largest, tallow.where(where == none, -1, where)


def roi_pool_backward(
    grad: Tensor,
    rois: Tensor,
    argmax: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    batch_size: int,
    channels: int,
    height: int,
    width: int,
) -> Tensor:
    """Return the gradient of the input of :func:`roi_pool`."""
    check("roi_pool_backward_kernel", "grad", grad, rois, (pooled_height, pooled_width))
    result = grad.new_zeros(batch_size, channels, height * width)
    if grad.numel() and result.numel():
        image = images_of(rois, batch_size).view(-1, 1, 1, 1)
        channel = tallow.arange(channels, device=grad.device).view(-1, 1, 1)
        to = (image * channels + channel) * (height * width) + argmax.clamp(0)
        given = tallow.where(argmax < 0, 0, grad)
        result.view(-1).index_add_(0, to.flatten(), given.flatten())
    return result.view(batch_size, channels, height, width)


def ps_roi_pool(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[Tensor, Tensor]:
    """Return the means of bins with channels of their own, and these channels.

    See :func:`roi_pool`; `input` has ``C * pooled_height * pooled_width`` channels. The last row
    and column of an image belong to no bin; the gradient is that of these means, where
    torchvision's own counts these borders in.
    """
    size = (pooled_height, pooled_width)
    check("ps_roi_pool_forward_kernel", "input", input, rois, size)
    check_channels(input, size)
    values = wide(input)
    bins, counts = _whole(input.shape, rois, spatial_scale, size, 0, True)
    means = (bins.sums(values) / counts.clamp(1).to(values.dtype)).contiguous().to(input.dtype)
    return means, mapping(input.shape, rois, size)


def ps_roi_pool_backward(
    grad: Tensor,
    rois: Tensor,
    channel_mapping: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    batch_size: int,
    channels: int,
    height: int,
    width: int,
) -> Tensor:
    """Return the gradient of the input of :func:`ps_roi_pool`."""
    size, shape = (pooled_height, pooled_width), (batch_size, channels, height, width)
    check("ps_roi_pool_backward_kernel", "grad", grad, rois, size)
    values = wide(grad)
    bins, counts = _whole(shape, rois, spatial_scale, size, 0, True)
    return bins.gradient(values / counts.clamp(1).to(values.dtype)).to(grad.dtype)
