"""Pooling of three dimensions: the planes first, then the depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import c_name, composite, few
from tallow.nn.functional._pool_checks import check_unpool, check_volume, in_all_dims, volume_window
from tallow.nn.functional._validate import list_with_default, ntuple
from tallow.nn.functional.pool import (
    _norm_from_mean,
    _unpool,
    _unpool_size,
    adaptive_avg_pool2d,
    adaptive_max_pool2d_with_indices,
    avg_pool2d,
    max_pool2d_with_indices,
)

if TYPE_CHECKING:
    from tallow._tensor import Tensor

    Size = int | tuple[int, ...]

__all__ = [
    "adaptive_avg_pool3d",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool3d",
    "lp_pool3d",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool3d",
]


def _batched(x: Tensor) -> Tensor:
    """The input with a batch dimension."""
    return x if x.dim() == 5 else x.unsqueeze(0)


def _planes(x: Tensor) -> Tensor:
    """(N, C, D, H, W) as (N * C, D, H, W): every slice is an image with D channels."""
    return x.reshape(-1, *x.shape[2:])


def _window_sizes(size: int, out: int, k: int, s: int, p: int, whole: bool) -> list[int]:
    """How many elements each window of one dimension has, padding included if `whole`."""
    sizes = []
    for o in range(out):
        begin = o * s - p
        end = min(begin + k, size + p)
        sizes.append(end - begin if whole else min(end, size) - max(begin, 0))
    return sizes


@composite
def avg_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Any = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Average the windows of volumes.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``, floating point or int64, whose averages are
            rounded towards zero.
        kernel_size: size of the windows.
        stride: step between windows; defaults to `kernel_size`.
        padding: zeros on both sides, at most half a window.
        ceil_mode: keep windows that start inside but end outside the input.
        count_include_pad: count the padding in the averages.
        divisor_override: divide by this instead of the number of elements.

    Raises:
        RuntimeError: sizes that do not fit.
    """
    if divisor_override is None:
        window_of = (kernel_size, () if stride is None else stride, padding)
        small: Tensor | None = few(
            _C._nn.avg_pool3d_few, input, *window_of, ceil_mode, count_include_pad
        )
        if small is not None:
            return small
    window = volume_window("avg_pool3d", kernel_size, stride, padding)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    check_volume("avg_pool3d", input, window, ceil_mode=ceil_mode, window_fits=True)
    x, kernel, step, pad = _batched(input), window.kernel, window.step, window.pad
    sums = avg_pool2d(_planes(x), kernel[1:], step[1:], pad[1:], ceil_mode, True, 1)
    height, width = sums.shape[-2:]
    sums = avg_pool2d(
        sums.flatten(2).unsqueeze(1), (kernel[0], 1), (step[0], 1), (pad[0], 0), ceil_mode, True, 1
    )
    depth = sums.size(-2)
    result = sums.view(*x.shape[:2], depth, height, width)
    counted: Any = divisor_override
    if divisor_override is None:
        counts = [
            tallow.tensor(
                _window_sizes(size, out, k, s, p, count_include_pad),
                dtype=result.dtype,
                device=result.device,
            )
            for size, out, k, s, p in zip(
                x.shape[2:], (depth, height, width), kernel, step, pad, strict=True
            )
        ]
        counted = counts[0].view(-1, 1, 1) * counts[1].view(-1, 1) * counts[2]
    rounding = None if result.is_floating_point() else "trunc"
    result = tallow.div(result, counted, rounding_mode=rounding)
    return result if input.dim() == 5 else result.squeeze(0)


def _composed(x: Tensor, plane: Any, line: Any) -> tuple[Tensor, Tensor]:
    """Maxima of the planes, then of the depth, with their positions in the volume."""
    height, width = x.shape[3:]
    values, within = plane(_planes(x))
    h, w = values.shape[-2:]
    flat = values.flatten(2).unsqueeze(1)
    best, place = line(flat)
    best, place = best.squeeze(1), place.squeeze(1)
    depth = place // (h * w)
    within = within.flatten(1)
    # A dilated window can lie in the padding alone: its position is beyond the volume.
    inside = place.flatten(1).clamp(max=within.size(1) - 1)
    chosen = within.gather(1, inside).view(place.shape)
    indices = depth * (height * width) + chosen
    shape = (*x.shape[:2], best.size(1), h, w)
    return best.view(shape), indices.view(shape)


@composite
def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the maximum of each window, and where in the volume it was; see :func:`max_pool3d`."""
    step = () if stride is None else stride
    small = few(_C._nn.max_pool3d_few, input, kernel_size, step, padding, dilation, ceil_mode)
    if small is not None and small[0] is not None:
        return small
    window = volume_window("max_pool3d", kernel_size, stride, padding, dilation)
    check_volume("max_pool3d", input, window, ceil_mode=ceil_mode)
    x, size, by = _batched(input), window.kernel, window.step
    pad, spread = window.pad, window.spread
    values, indices = _composed(
        x,
        lambda v: max_pool2d_with_indices(v, size[1:], by[1:], pad[1:], spread[1:], ceil_mode),
        lambda v: max_pool2d_with_indices(
            v, (size[0], 1), (by[0], 1), (pad[0], 0), (spread[0], 1), ceil_mode
        ),
    )
    return (values, indices) if input.dim() == 5 else (values.squeeze(0), indices.squeeze(0))


@composite
def max_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window of volumes.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.
        kernel_size: size of the windows.
        stride: step between windows; defaults to `kernel_size`.
        padding: minus infinity on both sides, at most half a window.
        dilation: distance of the elements of a window.
        ceil_mode: keep windows that start inside but end outside the input.
        return_indices: also return the positions of the maxima.
    """
    found = max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


def _adaptive_size(name: str, input: Tensor, output_size: Any) -> tuple[int, int, int]:
    """The size of the result, after the checks of an adaptive pooling."""
    size = list_with_default(ntuple(3)(output_size), list(input.shape))
    got = "but got:" if "max" in name else "but got"
    if input.dim() not in (4, 5):
        raise RuntimeError(f"{name}(): Expected 4D or 5D tensor, {got} {list(input.shape)}")
    if len(size) != 3:
        raise RuntimeError(
            f"{name}(): internal error: output_size.size() must be 3"
            if "max" in name
            else f"{name}: output_size must be 3"
        )
    for d in range(input.dim() - 4, input.dim()):
        if input.size(d) == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                f"input has sizes {list(input.shape)} with dimension {d} being empty"
            )
    if min(size) < 0:
        shape = [*input.shape[:-3], *size]
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {min(size)}: {shape}"
            if "max" in name
            else f"{name}: elements of output_size must be greater than or equal to 0 but "
            f"received {{{size[0]}, {size[1]},{size[2]}}}"
        )
    if not input.is_floating_point():
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{c_name(input.dtype)}'")
    return size[0], size[1], size[2]


@composite
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Average volumes down to a given size.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.
        output_size: size of the result; None keeps a dimension.
    """
    small: Tensor | None = few(_C._nn.adaptive_avg_pool3d_few, input, in_all_dims(output_size, 3))
    if small is not None:
        return small
    depth, height, width = _adaptive_size("adaptive_avg_pool3d", input, output_size)
    x = _batched(input)
    if 0 in (depth, height, width):
        nothing = x.flatten(2)[..., :0].reshape(*x.shape[:2], depth, height, width)
        return nothing if input.dim() == 5 else nothing.squeeze(0)
    planes = adaptive_avg_pool2d(_planes(x), (height, width))
    lines = adaptive_avg_pool2d(planes.flatten(2).unsqueeze(1), (depth, height * width))
    result = lines.view(*x.shape[:2], depth, height, width)
    return result if input.dim() == 5 else result.squeeze(0)


@composite
def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Return maxima and their positions; see :func:`adaptive_max_pool3d`."""
    small = few(_C._nn.adaptive_max_pool3d_few, input, in_all_dims(output_size, 3))
    if small is not None and small[0] is not None:
        return small
    depth, height, width = _adaptive_size("adaptive_max_pool3d", input, output_size)
    x = _batched(input)
    if 0 in (depth, height, width):
        shape = (*x.shape[:2], depth, height, width)
        values = x.flatten(2)[..., :0].reshape(shape)
        indices = tallow.zeros(shape, dtype=tallow.int64, device=input.device)
        return (values, indices) if input.dim() == 5 else (values[0], indices[0])
    values, indices = _composed(
        x,
        lambda v: adaptive_max_pool2d_with_indices(v, (height, width)),
        lambda v: adaptive_max_pool2d_with_indices(v, (depth, height * width)),
    )
    return (values, indices) if input.dim() == 5 else (values.squeeze(0), indices.squeeze(0))


@composite
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Take the maxima of volumes down to a given size.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.
        output_size: size of the result; None keeps a dimension.
        return_indices: also return the positions of the maxima.
    """
    found = adaptive_max_pool3d_with_indices(input, output_size)
    return found if return_indices else found[0]


@composite
def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back where :func:`max_pool3d` found them, with zeros elsewhere.

    Args:
        input: the maxima.
        indices: their positions.
        kernel_size: size of the windows.
        stride: step between windows; defaults to `kernel_size`.
        padding: padding of the pooling.
        output_size: size of the pooled input, where several are possible.
    """
    size = _unpool_size(input, 3, kernel_size, stride, padding, output_size)
    check_unpool(input, indices, 3, ntuple(3)(kernel_size if stride is None else stride))
    return _unpool(input, indices, size)


@composite
def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the `norm_type`-norm of each window of volumes; see :func:`avg_pool3d`."""
    depth, height, width = ntuple(3)(kernel_size)
    stride = kernel_size if stride is None else stride
    mean = avg_pool3d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return _norm_from_mean(mean, depth * height * width, norm_type)
