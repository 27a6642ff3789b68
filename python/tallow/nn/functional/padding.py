"""Padding: enlarging the last dimensions of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow._composite import few
from tallow.nn.functional._sizes import check_fits
from tallow.overrides import handle_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow._tensor import Tensor

__all__ = ["pad"]

_VF = _C._VariableFunctions
_nn = _C._nn


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Add elements before and after the last dimensions.

    Args:
        input: any shape; for the modes other than ``constant`` one or two dimensions more than are
            padded.
        pad: for the last dimension the number of elements before and after, then for the one
            before it, and so on. Negative numbers remove elements.
        mode: ``constant``, ``reflect`` (mirror without repeating the border), ``replicate`` (repeat
            the border) or ``circular`` (continue at the other end).
        value: what ``constant`` fills in; 0 by default.

    Returns:
        A new tensor.

    Raises:
        RuntimeError: the padding does not fit the shape.
        NotImplementedError: unknown mode, or a number of dimensions the mode is not defined for.

    Example:
        >>> pad(tallow.tensor([[1.0, 2.0, 3.0]]), (1, 1), mode="circular")
        tensor([[3., 1., 2., 3., 1.]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(_pad, (input,), input, pad, mode=mode, value=value)
    small: Tensor | None = few(_nn.pad_few, input, pad, mode, value)
    if small is not None:
        return small
    if not isinstance(pad, tuple | list):
        raise TypeError(
            "pad(): argument 'pad' (position 2) must be tuple of ints, not " + type(pad).__name__
        )
    pad = [_as_int(n, i) for i, n in enumerate(pad)]
    if len(pad) % 2 != 0:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(pad)} and input of dimension {input.dim()}"
        )
    if mode == "constant":
        return constant_pad(input, pad, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    positions = _POSITIONS.get(mode)
    if positions is None:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    dims = len(pad) // 2
    if dims not in (1, 2, 3) or input.dim() - dims not in (1, 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.dim()}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    _check_not_empty(input, dims)
    shape = list(input.shape)
    for i in range(dims):
        _check_reach(input, mode, input.dim() - 1 - i, pad[2 * i], pad[2 * i + 1])
        shape[-1 - i] += pad[2 * i] + pad[2 * i + 1]
    check_fits(input, shape)
    if not any(pad):
        return input.clone()
    # As in PyTorch, mode "circular" alone gives contiguous images.
    out = input.contiguous() if mode == "circular" else input
    if dims == 3 and any(pad[4:]):
        depth = positions(input.size(-3), pad[4], pad[5])
        out = out.index_select(input.dim() - 3, tallow.tensor(depth, device=input.device))
    columns = positions(input.size(-1), pad[0], pad[1])
    rows = positions(input.size(-2), pad[2], pad[3]) if dims > 1 else range(input.size(-2))
    padded: Tensor = _VF._pick_pixels(out, list(rows), columns)
    if mode == "circular":
        return padded
    kind = "Reflection" if mode == "reflect" else "Replication"
    return _C._named(padded, f"{kind}Pad{dims}DBackward0")


_pad = pad  # the parameter of the same name hides the function


def constant_pad(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """Pad with ``value``; negative padding removes elements."""
    return _VF._constant_pad(input, pad, value)


def _as_int(n: int, position: int) -> int:
    try:
        return n.__index__()
    except AttributeError:
        raise TypeError(
            "pad(): argument 'pad' (position 2) must be tuple of ints, but found element of type "
            f"{type(n).__name__} at pos {position}"
        ) from None


def _check_not_empty(input: Tensor, dims: int) -> None:
    batched = input.dim() == dims + 2
    if 0 in input.shape[1 if batched else 0 :]:
        raise RuntimeError(
            f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with possibly 0 batch size "
            f"and other non-zero dimensions for input, but got: {list(input.shape)}"
        )


def _check_reach(input: Tensor, mode: str, dim: int, before: int, after: int) -> None:
    size = input.size(dim)
    if mode == "reflect" and max(before, after) >= size:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but "
            f"got: padding ({before}, {after}) at dimension {dim} of input {list(input.shape)}"
        )
    if mode == "circular" and max(before, after) > size:
        raise RuntimeError("Padding value causes wrapping around more than once.")
    if size + before + after < 1:
        raise RuntimeError(
            f"input ({'WHD'[input.dim() - 1 - dim]}: {size}) is too small. Calculated output "
            f"{'WHD'[input.dim() - 1 - dim]}: {size + before + after}"
        )


def _reflected(size: int, before: int, after: int) -> list[int]:
    positions = [abs(i) for i in range(-before, size + after)]
    return [i if i < size else 2 * (size - 1) - i for i in positions]


def _replicated(size: int, before: int, after: int) -> list[int]:
    return [min(max(i, 0), size - 1) for i in range(-before, size + after)]


def _wrapped(size: int, before: int, after: int) -> list[int]:
    # PyTorch wraps around what negative padding leaves.
    low, high = max(0, -before), size - max(0, -after)
    return [low + (i - low) % (high - low) for i in range(-before, size + after)]


_POSITIONS = {"reflect": _reflected, "replicate": _replicated, "circular": _wrapped}
