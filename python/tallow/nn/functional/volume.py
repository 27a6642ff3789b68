"""Convolutions over three dimensions, as sums of convolutions of slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import composite, recorded
from tallow.nn.functional._validate import ntuple
from tallow.nn.functional.conv import conv1d, conv2d, conv_transpose2d

if TYPE_CHECKING:
    from tallow._tensor import Tensor

    Size = int | tuple[int, ...]

__all__ = ["conv3d", "conv_tbc", "conv_transpose3d"]


def _check(name: str, input: Tensor, weight: Tensor) -> Tensor:
    """The input with a batch dimension."""
    if input.dim() not in (4, 5):
        raise RuntimeError(
            f"Expected 4D (unbatched) or 5D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    if weight.dim() != 5:
        raise RuntimeError(
            f"Expected {weight.dim()}-dimensional input for {weight.dim()}-dimensional weight"
            f"{list(weight.shape)}, but got {input.dim()}-dimensional input of size "
            f"{list(input.shape)} instead: {name} takes a 5-dimensional weight"
        )
    return input if input.dim() == 5 else input.unsqueeze(0)


def _triple(name: str, value: Any) -> tuple[int, ...]:
    found = ntuple(3)(value)
    if len(found) == 1:
        return found * 3
    if len(found) != 3:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of 3 values to match the "
            f"convolution dimensions, but got {name}={list(found)}"
        )
    return found


def _check_channels(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    filters, channels = weight.size(0), weight.size(1) * groups
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if filters < groups or filters % groups:
        wanted = f"divisible by {groups}" if filters >= groups else f"at least {groups}"
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be {wanted} at dimension 0, but got "
            f"weight of size {list(weight.shape)} instead"
        )
    if x.size(1) != channels:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input"
            f"{list(x.shape)} to have {channels} channels, but got {x.size(1)} channels instead"
        )
    if bias is not None and tuple(bias.shape) != (filters,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with "
            f"{filters} elements, but got bias of size {list(bias.shape)} instead"
        )


def _same_padding(weight: Tensor, step: Any, spread: Any) -> tuple[list[int], list[int]]:
    if any(s != 1 for s in step):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for d, k in zip(spread, weight.shape[2:], strict=True)]
    return [t // 2 for t in total], [t - t // 2 for t in total]


def _padded(x: Tensor, before: list[int], after: list[int]) -> Tensor:
    if not any(before) and not any(after):
        return x
    pads = [p for pair in zip(reversed(before), reversed(after), strict=True) for p in pair]
    return tallow.nn.functional.pad(x, pads)


@composite
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve volumes.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.
        weight: ``(M, C / groups, kD, kH, kW)``.
        bias: ``(M,)``.
        stride: step of the window.
        padding: zeros on both sides; 'valid' for none, 'same' to keep the size.
        dilation: distance of the elements of the window.
        groups: number of groups of channels that do not see each other.

    Raises:
        RuntimeError: sizes that do not fit.

    Example:
        >>> conv3d(tallow.ones(1, 1, 2, 2, 2), tallow.ones(1, 1, 2, 2, 2)).flatten()
        tensor([8.])
    """
    x = _check("conv3d", input, weight)
    step, spread = _triple("stride", stride), _triple("dilation", dilation)
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        before, after = (
            _same_padding(weight, step, spread) if padding == "same" else ([0] * 3, [0] * 3)
        )
    else:
        before = after = list(_triple("padding", padding))
    if min(before) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(step) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(spread) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(spread)}")
    _check_channels(x, weight, bias, groups)
    if min(weight.shape[2:]) == 0:
        sizes = " x ".join(map(str, weight.shape[2:]))
        raise RuntimeError(f"kernel size should be greater than zero, but got: {sizes} (TxHxW)")
    n = x.size(0)
    x = _padded(x, before, after)
    depth, reach = x.size(2), spread[0] * (weight.size(2) - 1) + 1
    if any(
        size < d * (k - 1) + 1
        for size, d, k in zip(x.shape[2:], spread, weight.shape[2:], strict=True)
    ):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, x.shape[2:]))}). "
            f"Kernel size: ({' x '.join(map(str, weight.shape[2:]))}). Kernel size can't be "
            "greater than actual input size"
        )
    out_depth = (depth - reach) // step[0] + 1
    slices = x.transpose(1, 2)  # (N, D, C, H, W)
    tracked = recorded(x, weight) or (bias is not None and recorded(bias))
    total = None
    for k in range(weight.size(2)):
        first = k * spread[0]
        part = slices[:, first : first + (out_depth - 1) * step[0] + 1 : step[0]]
        part = part.reshape(n * out_depth, *part.shape[2:])
        added = bias if total is None else None
        result = conv2d(part, weight[:, :, k], added, step[1:], 0, spread[1:], groups)
        if total is not None:
            result = total + result if tracked else total.add_(result)
        total = result
    assert total is not None
    total = total.view(n, out_depth, *total.shape[1:]).transpose(1, 2)
    total = total.contiguous()
    return total if input.dim() == 5 else total.squeeze(0)


@composite
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Apply the transpose of :func:`conv3d`.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.
        weight: ``(C, M / groups, kD, kH, kW)``.
        bias: ``(M,)``.
        stride: step of the window in the result.
        padding: elements cut off on both sides of the result.
        output_padding: elements added at the end.
        groups: number of groups of channels that do not see each other.
        dilation: distance of the elements of the window.

    Raises:
        RuntimeError: sizes that do not fit.
    """
    x = _check("conv_transpose3d", input, weight)
    step, spread = _triple("stride", stride), _triple("dilation", dilation)
    cut, more = _triple("padding", padding), _triple("output_padding", output_padding)
    if groups > 0 and x.size(1) != weight.size(0):
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.shape)}, expected input"
            f"{list(x.shape)} to have {weight.size(0)} channels, but got {x.size(1)} channels "
            "instead"
        )
    if bias is not None and tuple(bias.shape) != (weight.size(1) * groups,):
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.shape)}, expected bias to be "
            f"1-dimensional with {weight.size(1) * groups} elements, but got bias of size "
            f"{list(bias.shape)} instead"
        )
    for extra, s, d in zip(more, step, spread, strict=True):
        if extra >= max(s, d):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got "
                f"output_padding_depth: {more[0]} output_padding_height: {more[1]} "
                f"output_padding_width: {more[2]}"
            )
    n, _, depth = x.shape[:3]
    slices = x.transpose(1, 2).reshape(n * depth, x.size(1), *x.shape[3:])
    whole = [
        (n - 1) * step[d] + spread[d] * (weight.size(d + 2) - 1) + 1 + more[d]
        for d, n in enumerate(x.shape[2:])
    ]
    sizes = [n - 2 * cut[d] for d, n in enumerate(whole)]
    if min(sizes) < 1:
        given, made = (" x ".join(map(str, shape)) for shape in (x.shape[2:], sizes))
        raise RuntimeError(
            f"Given input size per channel: ({given}). Calculated output size per channel: "
            f"({made}). Output size is too small"
        )
    length = whole[0]
    tracked = recorded(x, weight)
    total = None
    for k in range(weight.size(2)):
        part = conv_transpose2d(
            slices, weight[:, :, k], None, step[1:], cut[1:], more[1:], groups, spread[1:]
        )
        part = part.view(n, depth, *part.shape[1:])
        if total is None:
            total = part.new_zeros((n, length, *part.shape[2:]))
        first = k * spread[0]
        last = first + (depth - 1) * step[0]
        if not tracked:
            reached = total[:, first : last + 1 : step[0]]
            reached += part
            continue
        place = tallow.arange(first, last + 1, step[0], device=x.device)
        total = total.index_add(1, place, part)
    assert total is not None
    total = total[:, cut[0] : length - cut[0]].transpose(1, 2).contiguous()
    if bias is not None:
        total = total + bias.view(-1, 1, 1, 1)
    return total if input.dim() == 5 else total.squeeze(0)


@composite
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolve sequences whose first dimension is time.

    Args:
        input: ``(T, B, C)``.
        weight: ``(k, C, M)``.
        bias: ``(M,)``.
        pad: zeros on both sides.
    """
    moved = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad)
    return moved.permute(2, 0, 1).contiguous()
