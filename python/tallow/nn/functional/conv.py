"""Convolutions, and the sliding windows they are made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tallow import _C
from tallow.nn.functional._validate import pair
from tallow.nn.functional.padding import constant_pad
from tallow.overrides import handle_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from tallow._tensor import Tensor

    Size2 = int | tuple[int, ...]

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "fold", "unfold"]

_VF = _C._VariableFunctions

conv1d = _VF.conv1d
conv2d = _VF.conv2d
conv_transpose1d = _VF.conv_transpose1d
conv_transpose2d = _VF.conv_transpose2d


def unfold(
    input: Tensor,
    kernel_size: Size2,
    dilation: Size2 = 1,
    padding: Size2 = 0,
    stride: Size2 = 1,
) -> Tensor:
    """Copy every window of the last two dimensions into a column.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        kernel_size: window height and width in elements.
        dilation: distance between the elements of a window.
        padding: zeros added on each side.
        stride: step between windows.

    Returns:
        ``(N, C * kernel_height * kernel_width, L)`` with ``L`` windows, row by row.

    Raises:
        RuntimeError: wrong number of dimensions, or a window larger than the padded input.

    Example:
        >>> unfold(tallow.ones(1, 1, 3, 3), 2).shape
        tallow.Size([1, 4, 4])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            unfold,
            (input,),
            input,
            kernel_size,
            dilation=dilation,
            padding=padding,
            stride=stride,
        )
    if input.dim() not in (3, 4):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    kernel, dilation, padding, stride = (
        pair(kernel_size),
        pair(dilation),
        pair(padding),
        pair(stride),
    )
    blocks = _block_counts(input.shape[-2:], kernel, dilation, padding, stride)
    if min(blocks) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.shape[-2:])}, kernel_size={kernel}, "
            f"dilation={dilation}, padding={padding}, calculated shape of the array of sliding "
            f"blocks as {blocks}, but its components must be at least one."
        )
    batched = input if input.dim() == 4 else input.unsqueeze(0)
    if any(padding):
        batched = constant_pad(batched, [padding[1], padding[1], padding[0], padding[0]])
    windows = batched
    for dim in (2, 3):
        reach = dilation[dim - 2] * (kernel[dim - 2] - 1) + 1
        windows = windows.unfold(dim, reach, stride[dim - 2])
    windows = windows[..., :: dilation[0], :: dilation[1]]  # (N, C, rows, columns, kh, kw)
    n, channels = batched.shape[:2]
    columns = windows.permute(0, 1, 4, 5, 2, 3).reshape(
        n, channels * math.prod(kernel), math.prod(blocks)
    )
    return columns if input.dim() == 4 else columns.squeeze(0)


def fold(
    input: Tensor,
    output_size: Size2,
    kernel_size: Size2,
    dilation: Size2 = 1,
    padding: Size2 = 0,
    stride: Size2 = 1,
) -> Tensor:
    """Add columns back into the windows that :func:`unfold` took them from.

    Args:
        input: ``(N, C * kernel_height * kernel_width, L)``, with or without ``N``.
        output_size: height and width of the result.
        kernel_size: window height and width in elements.
        dilation: distance between the elements of a window.
        padding: zeros that were added on each side.
        stride: step between windows.

    Returns:
        ``(N, C, H, W)``; elements covered by several windows are sums.

    Raises:
        RuntimeError: the sizes of ``input`` do not fit the windows.

    Example:
        >>> fold(tallow.ones(1, 4, 4), (3, 3), 2)[0, 0]
        tensor([[1., 2., 1.],
                [2., 4., 2.],
                [1., 2., 1.]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            fold,
            (input,),
            input,
            output_size,
            kernel_size,
            dilation=dilation,
            padding=padding,
            stride=stride,
        )
    output, kernel, dilation, padding, stride = (
        pair(output_size),
        pair(kernel_size),
        pair(dilation),
        pair(padding),
        pair(stride),
    )
    if input.dim() not in (2, 3):
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            f"non-zero dimensions for input, but got: {list(input.shape)}"
        )
    batched = input if input.dim() == 3 else input.unsqueeze(0)
    n, rows, length = batched.shape
    if rows % math.prod(kernel) != 0:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={rows} and kernel_size={kernel}."
        )
    blocks = _block_counts(output, kernel, dilation, padding, stride)
    if length != math.prod(blocks):
        raise RuntimeError(
            f"Given output_size={output}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, stride={stride}, expected size of input's dimension 2 to match "
            f"the calculated number of sliding blocks {blocks[0]} * {blocks[1]} = "
            f"{math.prod(blocks)}, but got input.size(2)={length}."
        )
    channels = rows // math.prod(kernel)
    height, width = output[0] + 2 * padding[0], output[1] + 2 * padding[1]
    # Position in the padded output of every element of every window.
    row = _window_positions(input, kernel[0], blocks[0], dilation[0], stride[0])
    column = _window_positions(input, kernel[1], blocks[1], dilation[1], stride[1])
    index = row[:, None, :, None] * width + column[None, :, None, :]
    flat = batched.reshape(n, channels, index.numel())
    summed = flat.new_zeros((n, channels, height * width)).index_add(2, index.reshape(-1), flat)
    result = summed.view(n, channels, height, width)[
        :, :, padding[0] : padding[0] + output[0], padding[1] : padding[1] + output[1]
    ].contiguous()
    return result if input.dim() == 3 else result.squeeze(0)


def _block_counts(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[int, ...],
    stride: tuple[int, ...],
) -> tuple[int, ...]:
    return tuple(
        (s + 2 * p - d * (k - 1) - 1) // step + 1
        for s, k, d, p, step in zip(size, kernel, dilation, padding, stride, strict=True)
    )


def _window_positions(like: Tensor, kernel: int, blocks: int, dilation: int, stride: int) -> Tensor:
    """Return a ``(kernel, blocks)`` table of positions along one dimension."""
    offsets = _VF.arange(kernel, device=like.device) * dilation
    starts = _VF.arange(blocks, device=like.device) * stride
    return offsets[:, None] + starts[None, :]
