"""Reading images and volumes at arbitrary places."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import c_name, composite, recorded
from tallow.autograd import Function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow._tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]


def _reflected(x: Tensor, low: float, high: float) -> Tensor:
    """Fold places back into low .. high."""
    span = high - low
    if span == 0:
        return tallow.zeros_like(x)
    distance = (x - low).abs()
    extra = distance.fmod(span)
    even = (distance / span).floor().detach() % 2 == 0
    return tallow.where(even, extra + low, span - extra + low)


def _place(x: Tensor, size: int, mode: str, align: bool) -> Tensor:
    """Coordinates in -1 .. 1 as places between elements."""
    at = (x + 1) / 2 * (size - 1) if align else ((x + 1) * size - 1) / 2
    return _limited(at, size, mode, align)


def _limited(at: Tensor, size: int, mode: str, align: bool) -> Tensor:
    if mode == "reflection":
        at = _reflected(at, 0, size - 1) if align else _reflected(at, -0.5, size - 0.5)
    if mode != "zeros":
        at = at.clamp(0, size - 1)
    return at


def _read(input: Tensor, index: list[Tensor]) -> Tensor:
    """Elements at whole places, 0 outside; places are (N, ...)."""
    sizes = input.shape[2:]
    inside = None
    flat = None
    for at, size in zip(index, sizes, strict=True):
        valid = (at >= 0) & (at <= size - 1)
        inside = valid if inside is None else inside & valid
        whole = at.nan_to_num(-1, -1, -1).clamp(0, size - 1).long()
        flat = whole if flat is None else flat * size + whole
    assert flat is not None
    assert inside is not None
    n, c = input.shape[:2]
    where = flat.flatten(1).unsqueeze(1).expand(n, c, -1)
    values = input.flatten(2).gather(2, where).view(n, c, *flat.shape[1:])
    return values * inside.unsqueeze(1).to(values.dtype)


def _linear(input: Tensor, places: list[Tensor]) -> Tensor:
    total = None
    below = [at.detach().floor() for at in places]
    for corner in itertools.product((0, 1), repeat=len(places)):
        weight = None
        for at, low, c in zip(places, below, corner, strict=True):
            part = at - low if c else low + 1 - at
            weight = part if weight is None else weight * part
        assert weight is not None
        value = _read(input, [low + c for low, c in zip(below, corner, strict=True)])
        value = value * weight.unsqueeze(1)
        total = value if total is None else total + value
    assert total is not None
    return total


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Weights of four neighbours. Source: Keys, Cubic convolution interpolation, 1981; a = -3/4."""
    a = -0.75

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _cubic(input: Tensor, places: list[Tensor], mode: str, align: bool) -> Tensor:
    below = [at.detach().floor() for at in places]
    weights = [_cubic_weights(at - low) for at, low in zip(places, below, strict=True)]
    sizes = input.shape[2:]
    total = None
    for i, j in itertools.product(range(4), repeat=2):
        index = [
            _limited(low + k - 1, size, mode, align)
            for low, k, size in zip(below, (i, j), sizes, strict=True)
        ]
        value = _read(input, index) * (weights[0][i] * weights[1][j]).unsqueeze(1)
        total = value if total is None else total + value
    assert total is not None
    return total


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    if input.size(0) != grid.size(0):
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with "
            f"sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if input.dim() not in (4, 5) or grid.dim() != input.dim():
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
            f"got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.size(-1) != input.dim() - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.dim() - 2} in last dimension, but "
            f"got grid with sizes {list(grid.shape)}"
        )
    for d in range(2, input.dim()):
        if not input.size(d):
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input "
                f"has sizes {list(input.shape)} with dimension {d} being empty"
            )
    if mode == "bicubic" and input.dim() != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if not input.is_floating_point():
        raise NotImplementedError(
            f"\"grid_sampler_{input.dim() - 2}d_cpu\" not implemented for '{c_name(input.dtype)}'"
        )
    if grid.dtype != input.dtype:
        raise RuntimeError(
            f"expected scalar type {c_name(input.dtype)} but found {c_name(grid.dtype)}"
        )


_MODES = ("nearest", "bilinear", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")
_native: Any = _C._VariableFunctions


class _GridSample(Function):
    """The whole on a CPU: kernels for values and first derivatives, a composition for second."""

    _node_name = "GridSampler2DBackward0"

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, grid: Tensor, mode: str, padding: str, align: bool
    ) -> Tensor:
        ctx.save_for_backward(input, grid)
        ctx.how = mode, padding, align
        return _native._grid_sample(
            input, grid, _MODES.index(mode), _PADDINGS.index(padding), align
        )

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        input, grid = ctx.saved_tensors
        mode, padding, align = ctx.how
        if not tallow.is_grad_enabled():
            found = _native._grid_sample_backward(
                *(grad, input, grid, _MODES.index(mode), _PADDINGS.index(padding), align),
                *ctx.needs_input_grad[:2],
            )
            return *found, None, None, None
        wanted = [x for x, need in zip((input, grid), ctx.needs_input_grad, strict=False) if need]
        gradients = iter(
            tallow.autograd.grad(
                _composed(input, grid, mode, padding, align),
                wanted,
                grad,
                create_graph=True,
                allow_unused=True,
            )
        )
        to_input, to_grid = (next(gradients) if need else None for need in ctx.needs_input_grad[:2])
        return to_input, to_grid, None, None, None


class _GridSampleVolume(_GridSample):
    _node_name = "GridSampler3DBackward0"


def _composed(input: Tensor, grid: Tensor, mode: str, padding_mode: str, align: bool) -> Tensor:
    """The same in other functions."""
    sizes = input.shape[2:]
    columns = list(grid.unbind(-1))[::-1]
    if mode == "bicubic":
        places = [_place(x, size, "zeros", align) for x, size in zip(columns, sizes, strict=True)]
        return _cubic(input, places, padding_mode, align)
    places = [_place(x, size, padding_mode, align) for x, size in zip(columns, sizes, strict=True)]
    if mode == "nearest":
        whole = [at.detach().round() for at in places]
        # The grid has a gradient, which is zero.
        return _read(input, whole) + 0 * grid.sum() if grid.requires_grad else _read(input, whole)
    return _linear(input, places)


@composite
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Read an image or a volume at the places of a grid.

    Args:
        input: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        grid: ``(N, H', W', 2)`` or ``(N, D', H', W', 3)``: x, y (and z) in -1 .. 1.
        mode: 'bilinear', 'nearest' or 'bicubic' (images only).
        padding_mode: what is outside: 'zeros', 'border' or 'reflection'.
        align_corners: -1 and 1 are the centres of the outermost elements instead of their edges.

    Returns:
        ``(N, C, H', W')`` or ``(N, C, D', H', W')``.

    Raises:
        ValueError: an unknown mode.
        RuntimeError: sizes that do not fit.
    """
    _check(input, grid, mode, padding_mode)
    if align_corners is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
            "1.3.0. Please specify align_corners=True if the old behavior is desired. See the "
            "documentation of grid_sample for details.",
            stacklevel=3,
        )
    align = bool(align_corners)
    if not input.is_cpu:
        return _composed(input, grid, mode, padding_mode, align)
    operation = _GridSample if input.dim() == 4 else _GridSampleVolume
    dtype = input.dtype if input.dtype == tallow.float64 else tallow.float32
    x, places = input.to(dtype), grid.to(dtype)
    if recorded(x, places):
        read = operation.apply(x, places, mode, padding_mode, align)
    else:
        read = _native._grid_sample(
            x, places, _MODES.index(mode), _PADDINGS.index(padding_mode), align
        )
    return read.to(input.dtype)


@composite
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Return the places that affine maps send the elements of an image or a volume to.

    Args:
        theta: ``(N, 2, 3)`` or ``(N, 3, 4)``.
        size: of the result of :func:`grid_sample`, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        align_corners: as for :func:`grid_sample`.

    Returns:
        ``(N, H, W, 2)`` or ``(N, D, H, W, 3)``.

    Raises:
        ValueError: `theta` and `size` do not fit.
    """
    if align_corners is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
            "1.3.0. Please specify align_corners=True if the old behavior is desired. See the "
            "documentation of grid_sample for details.",
            stacklevel=3,
        )
    n = len(size) - 2
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {tuple(size)}."
        )
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size "
            f"{tuple(size)}. Got {tuple(theta.shape)}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")

    def line(count: int) -> Any:
        if count <= 1:
            return tallow.zeros(count, dtype=theta.dtype, device=theta.device)
        places = tallow.linspace(-1, 1, count, dtype=theta.dtype, device=theta.device)
        return places if align_corners else places * (count - 1) / count

    axes = tallow.meshgrid(*(line(count) for count in size[2:]), indexing="ij")
    base = tallow.stack([*reversed(axes), tallow.ones_like(axes[0])], -1)
    flat = base.view(1, -1, n + 1).expand(size[0], -1, -1)
    return flat.bmm(theta.transpose(1, 2)).view(size[0], *size[2:], n)
