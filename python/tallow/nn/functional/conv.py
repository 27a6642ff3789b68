"""Convolutions, and the sliding windows they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow import _C
from tallow.nn.functional._validate import pair
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
    return _C._nn.im2col(input, pair(kernel_size), pair(dilation), pair(padding), pair(stride))


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
    return _C._nn.col2im(
        input, pair(output_size), pair(kernel_size), pair(dilation), pair(padding), pair(stride)
    )
