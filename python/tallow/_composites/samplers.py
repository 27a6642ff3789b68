"""Reading at the places of grids, under the names and codes that native code uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._composite import composite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

__all__ = ["affine_grid_generator", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d"]

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def _sample(
    name: str, input: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool
) -> Tensor:
    from tallow.nn.functional import grid_sample

    for what, code, names in (
        ("interpolation_mode", mode, _MODES),
        ("padding_mode", padding, _PADDINGS),
    ):
        if not 0 <= code < len(names):
            raise RuntimeError(
                f"{name}(): expected {what} in 0 .. {len(names) - 1} ({', '.join(names)}), given "
                f"{code}"
            )
    return grid_sample(input, grid, _MODES[mode], _PADDINGS[padding], align_corners)


@composite
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """Do what :func:`tallow.nn.functional.grid_sample` does, with the numbers of its modes."""
    return _sample("grid_sampler", input, grid, interpolation_mode, padding_mode, align_corners)


@composite
def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """Do what :func:`grid_sampler` does, for images only."""
    if input.dim() != 4:
        raise RuntimeError(
            "grid_sampler_2d(): expected 4D input and grid with same number of dimensions, but got "
            f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    return _sample("grid_sampler_2d", input, grid, interpolation_mode, padding_mode, align_corners)


@composite
def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """Do what :func:`grid_sampler` does, for volumes only."""
    if input.dim() != 5:
        raise RuntimeError(
            "grid_sampler_3d(): expected 5D input and grid with same number of dimensions, but got "
            f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    return _sample("grid_sampler_3d", input, grid, interpolation_mode, padding_mode, align_corners)


@composite
def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """Do what :func:`tallow.nn.functional.affine_grid` does."""
    from tallow.nn.functional import affine_grid

    return affine_grid(theta, list(size), align_corners)
