"""Functions on images: resizing, and moving between channels and space."""

from __future__ import annotations

import math
import operator
import warnings
from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow._composite import c_name, few
from tallow._user_frame import outside_stacklevel
from tallow.nn.functional._memory_order import (
    from_memory_order,
    in_memory_order,
    is_channels_last,
)
from tallow.nn.functional._pool_checks import in_all_dims
from tallow.nn.functional._sizes import check_fits
from tallow.nn.functional.pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from tallow.overrides import handle_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from typing import Any

    from tallow._tensor import Tensor

__all__ = [
    "channel_shuffle",
    "interpolate",
    "pixel_shuffle",
    "pixel_unshuffle",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

_VF = _C._VariableFunctions

# Modes, and how many dimensions with space in them they take (None: any).
_MODES = {
    "nearest": None,
    "linear": 1,
    "bilinear": 2,
    "bicubic": 2,
    "trilinear": 3,
    "area": None,
    "nearest-exact": None,
}
_MODE_LIST = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"
_ALIGNABLE = ("linear", "bilinear", "bicubic", "trilinear")


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize all dimensions but the first two.

    Args:
        input: ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        size: sizes of the result; one number for all or one per dimension.
        scale_factor: instead of ``size``, factors on the sizes, rounded down.
        mode: ``nearest``, ``nearest-exact``, ``linear`` (3-D input), ``bilinear`` or ``bicubic``
            (4-D), ``trilinear`` (5-D) or ``area``.
        align_corners: map the centres of the corner elements onto each other, instead of the
            corners of the image.
        recompute_scale_factor: resize by the ratio of the sizes, not by ``scale_factor``.
        antialias: where ``bilinear`` or ``bicubic`` shrinks, average over all covered elements.

    Raises:
        ValueError: arguments that do not go together.
        NotImplementedError: unknown mode, or one for another number of dimensions.
        RuntimeError: an empty result.

    Example:
        >>> interpolate(tallow.tensor([[[0.0, 1.0]]]), size=4, mode="linear")
        tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            interpolate,
            (input,),
            input,
            size=size,
            scale_factor=scale_factor,
            mode=mode,
            align_corners=align_corners,
            recompute_scale_factor=recompute_scale_factor,
            antialias=antialias,
        )
    if not antialias:
        sides = in_all_dims(size, input.dim() - 2)
        small: Tensor | None = few(
            _C._nn.interpolate_few,
            *(input, sides, scale_factor, mode, align_corners, recompute_scale_factor),
        )
        if small is not None:
            return small
    if mode not in _ALIGNABLE and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    _check_mode(input, mode, antialias)
    sizes, scales = _target(input, size, scale_factor, recompute_scale_factor)
    spatial = list(input.shape[2:])
    if min(sizes) <= 0 or min(spatial) <= 0:
        names = "DHW"[-len(sizes) :]
        before = ", ".join(f"{name}: {n}" for name, n in zip(names, spatial, strict=True))
        after = ", ".join(f"{name}: {n}" for name, n in zip(names, sizes, strict=True))
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({before}) output "
            f"({after})"
        )
    check_fits(input, [*input.shape[:2], *sizes])
    if mode == "area":
        return _resize_area(input, sizes)
    # As in PyTorch, these copy a side that keeps its length, whatever the factor.
    if antialias or mode.endswith("linear") or (mode == "nearest" and len(sizes) == 2):
        sides = zip(input.shape[2:], sizes, scales, strict=True)
        scales = [None if length == size else factor for length, size, factor in sides]
    resized = _resize(input, sizes, scales, mode, bool(align_corners), antialias)
    if not resized.requires_grad:
        return resized
    kind = mode.title().replace("-", "")
    node = f"Upsample{kind}{len(sizes)}D{'Aa' if antialias else ''}Backward0"
    return _C._named(resized, node)


def _check_mode(input: Tensor, mode: str, antialias: bool) -> None:
    if mode not in _MODES or input.dim() not in (3, 4, 5):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) for the "
            f"modes: {_MODE_LIST} (got {mode})"
        )
    wanted = _MODES[mode]
    if wanted is not None and wanted != input.dim() - 2:
        raise NotImplementedError(
            f"Got {input.dim()}D input, but {mode} mode needs {wanted + 2}D input"
        )
    if antialias and not (mode in ("bilinear", "bicubic") and input.dim() == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D tensor as input"
        )


def _target(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[list[int], list[float | None]]:
    """Return the sizes of the result, and the factors that positions are to be mapped with."""
    spatial = list(input.shape[2:])
    n = len(spatial)
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        sizes = list(size) if isinstance(size, (tuple, list)) else [size] * n
        if len(sizes) != n:
            raise ValueError(_rank_message(spatial, "output size", "o", sizes))
        return [operator.index(length) for length in sizes], [None] * n
    factors = list(scale_factor) if isinstance(scale_factor, (tuple, list)) else [scale_factor] * n
    if len(factors) != n:
        raise ValueError(_rank_message(spatial, "scale_factor", "s", factors))
    factors = [float(factor) for factor in factors]
    if not all(map(math.isfinite, factors)):
        raise RuntimeError(
            "value cannot be converted to type int64_t without overflow: interpolate(): "
            f"scale_factor is {scale_factor}"
        )
    sizes = [math.floor(length * factor) for length, factor in zip(spatial, factors, strict=True)]
    return sizes, [None] * n if recompute else list(factors)


def _rank_message(spatial: list[int], what: str, letter: str, given: list[Any]) -> str:
    shape = "output size of" if what == "output size" else "scale_factor of shape"
    return (
        f"Input and {what.split()[0]} must have the same number of spatial dimensions, but got "
        f"input with spatial dimensions of {spatial} and {shape} {tuple(given)}. Please provide "
        f"input tensor in (N, C, d1, d2, ...,dK) format and {what} in "
        f"({letter}1, {letter}2, ...,{letter}K) format."
    )


def _resize_area(input: Tensor, sizes: list[int]) -> Tensor:
    if len(sizes) == 1:
        return adaptive_avg_pool1d(input, sizes[0])
    if len(sizes) == 2:
        return adaptive_avg_pool2d(input, sizes)
    # Averages over a product of intervals: one dimension after the other.
    n, channels, depth, height, width = input.shape
    planes = adaptive_avg_pool2d(input.reshape(n, channels * depth, height, width), sizes[1:])
    rows = planes.view(n, channels, depth, -1).transpose(2, 3)
    pooled = adaptive_avg_pool2d(rows, (rows.size(2), sizes[0])).transpose(2, 3)
    return _C._named(pooled.reshape(n, channels, *sizes), "AdaptiveAvgPool3DBackward0")


def _resize(
    input: Tensor,
    sizes: list[int],
    scales: list[float | None],
    mode: str,
    align_corners: bool,
    antialias: bool,
) -> Tensor:
    if mode.startswith("nearest"):
        return _resize_nearest(input, sizes, scales, mode == "nearest-exact")
    if not input.is_floating_point() and input.dtype != tallow.uint8:
        raise NotImplementedError(
            f"\"upsample_{mode}{len(sizes)}d\" not implemented for '{c_name(input.dtype)}'"
        )
    # Half types and bytes are weighted in float32.
    wide = input if input.element_size() >= 4 else input.float()
    last = is_channels_last(input)
    if last:
        wide = in_memory_order(wide)
    for i, (size, factor) in enumerate(zip(sizes, scales, strict=True)):
        dim = i + (1 if last else 2)
        length = input.size(i + 2)
        if align_corners:
            scale = (length - 1) / (size - 1) if size > 1 else 0.0
        else:
            scale = length / size if factor is None else 1.0 / factor
        if antialias:
            weights = _covering_weights(wide, length, size, scale, mode)
            wide = wide.movedim(dim, -1).matmul(weights.t()).movedim(-1, dim)
        else:
            taps = _cubic_taps if mode == "bicubic" else _linear_taps
            wide = _VF._weighted_taps(wide, dim, *taps(wide, length, size, scale, align_corners))
    if not input.is_floating_point():
        wide = wide.round().clamp(0, 255)
    resized = wide.to(input.dtype).contiguous()
    return from_memory_order(resized) if last else resized


def _resize_nearest(
    input: Tensor, sizes: list[int], scales: list[float | None], exact: bool
) -> Tensor:
    steps = [
        length / size if factor is None else 1.0 / factor
        for length, size, factor in zip(input.shape[2:], sizes, scales, strict=True)
    ]
    if len(sizes) == 1:  # the channels as rows
        return _VF._resize_nearest(input, [input.size(1), *sizes], 1.0, steps[0], exact)
    if len(sizes) == 3:
        # The depth of every channel as rows of whole planes.
        n, channels, depth, height, width = input.shape
        planes = input.reshape(n * channels, depth, height * width)
        planes = _VF._resize_nearest(planes, [sizes[0], height * width], steps[0], 1.0, exact)
        input = planes.view(n, channels, sizes[0], height, width)
    return _VF._resize_nearest(input, sizes[-2:], steps[-2], steps[-1], exact)


def _sources(like: Tensor, size: int, scale: float, align_corners: bool) -> Tensor:
    """Return the position in the input of the centre of each element of the output."""
    position = _VF.arange(size, dtype=like.dtype, device=like.device)
    return position * scale if align_corners else (position + 0.5) * scale - 0.5


def _linear_taps(
    like: Tensor, length: int, size: int, scale: float, align_corners: bool
) -> tuple[Tensor, Tensor]:
    """Return positions and weights, one row for each of the two neighbours."""
    source = _sources(like, size, scale, align_corners).clamp_min(0)
    low = source.floor().clamp_max(length - 1)
    weight = source - low
    high = (low + 1).clamp_max(length - 1)
    return _VF.stack([low, high]).long(), _VF.stack([1 - weight, weight])


def _cubic_taps(
    like: Tensor, length: int, size: int, scale: float, align_corners: bool
) -> tuple[Tensor, Tensor]:
    """Return positions and weights, one row for each of the four neighbours."""
    source = _sources(like, size, scale, align_corners)
    low = source.floor()
    step = _VF.arange(-1, 3, dtype=like.dtype, device=like.device).unsqueeze(1)
    positions = (low + step).long().clamp(0, length - 1)
    return positions, _cubic_kernel(source - low - step, -0.75)


def _cubic_kernel(x: Tensor, a: float) -> Tensor:
    """Evaluate the cubic convolution kernel.

    Source: R. Keys, Cubic convolution interpolation for digital image processing, 1981.
    """
    x = x.abs()
    inner = ((a + 2) * x - (a + 3)) * x * x + 1
    outer = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return _VF.where(x <= 1, inner, _VF.where(x < 2, outer, 0.0))


def _covering_weights(like: Tensor, length: int, size: int, scale: float, mode: str) -> Tensor:
    """Return a ``(size, length)`` matrix whose rows average what an output element covers."""
    stretch = max(scale, 1.0)
    centre = _sources(like, size, scale, align_corners=False).unsqueeze(1)
    position = _VF.arange(length, dtype=like.dtype, device=like.device)
    distance = (position - centre) / stretch
    if mode == "bicubic":
        weights = _cubic_kernel(distance, -0.5)
    else:
        weights = (1 - distance.abs()).clamp_min(0)
    return weights / weights.sum(1, keepdim=True)


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=outside_stacklevel(),
    )


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Old name of :func:`interpolate`; deprecated."""
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Resize with ``mode="nearest"``; deprecated, see :func:`interpolate`."""
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Resize with aligned corners and ``mode="bilinear"``; deprecated, see :func:`interpolate`."""
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Turn groups of channels into squares of pixels.

    Args:
        input: ``(*, C * r * r, H, W)``.
        upscale_factor: ``r``, positive.

    Returns:
        ``(*, C, H * r, W * r)``.

    Raises:
        RuntimeError: the sizes do not fit.

    Source: W. Shi et al., Real-time single image and video super-resolution, CVPR 2016.

    Example:
        >>> pixel_shuffle(tallow.arange(4.0).view(4, 1, 1), 2)
        tensor([[[0., 1.],
                 [2., 3.]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(pixel_shuffle, (input,), input, upscale_factor)
    r = upscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_shuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    channels = input.size(-3)
    if channels % (r * r) != 0:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    return _VF._pixel_shuffle(input, r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Undo :func:`pixel_shuffle`.

    Args:
        input: ``(*, C, H * r, W * r)``.
        downscale_factor: ``r``, positive.

    Returns:
        ``(*, C * r * r, H, W)``.

    Raises:
        RuntimeError: the sizes do not fit.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(pixel_unshuffle, (input,), input, downscale_factor)
    r = downscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    for name, dim in (("height", -2), ("width", -1)):
        if input.size(dim) % r != 0:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                f"input.size({dim})={input.size(dim)} is not divisible by {r}"
            )
    return _VF._pixel_unshuffle(input, r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave the channels of several groups.

    Args:
        input: ``(N, C, *)`` with at least three dimensions.
        groups: divides ``C``.

    Raises:
        RuntimeError: the sizes do not fit.

    Source: X. Zhang et al., ShuffleNet, CVPR 2018.

    Example:
        >>> channel_shuffle(tallow.arange(4.0).view(1, 4, 1), 2).flatten()
        tensor([0., 2., 1., 3.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(channel_shuffle, (input,), input, groups)
    if input.dim() < 3:
        raise RuntimeError(
            "channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    n, channels = input.shape[:2]
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Got {groups}")
    if channels % groups != 0:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} "
            "groups."
        )
    if is_channels_last(input):
        pixels = in_memory_order(input)
        split = pixels.reshape(*pixels.shape[:3], groups, channels // groups)
        return from_memory_order(split.transpose(3, 4).reshape(pixels.shape))
    split = input.reshape(n, groups, channels // groups, *input.shape[2:])
    return split.transpose(1, 2).reshape(input.shape)
