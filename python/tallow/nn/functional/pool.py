"""Pooling: the maximum or the average of windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow import _C
from tallow.nn.functional._pool_checks import check_unpool
from tallow.nn.functional._validate import list_with_default, ntuple
from tallow.overrides import handle_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from typing import Any

    from tallow._tensor import Tensor

    Size = int | tuple[int, ...]

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "lp_pool1d",
    "lp_pool2d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
]

_VF = _C._VariableFunctions
_nn = _C._nn

avg_pool1d = _VF.avg_pool1d
avg_pool2d = _nn.avg_pool2d
adaptive_avg_pool1d = _VF.adaptive_avg_pool1d


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the maximum of each window of the last dimension, and where it was.

    The indices count positions along the last dimension of ``input``. Arguments as
    :func:`max_pool1d`.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_pool1d_with_indices,
            (input,),
            input,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )
    stride = kernel_size if stride is None else stride
    values, indices = _VF.max_pool1d_with_indices(
        input, kernel_size, stride, padding, dilation, ceil_mode
    )
    return values, indices


def max_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window of the last dimension.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``.
        kernel_size: window length in elements.
        stride: step between windows; defaults to ``kernel_size``.
        padding: minus infinities added on each side, at most half the kernel.
        dilation: distance between the elements of a window.
        ceil_mode: keep windows that start inside but end outside the input.
        return_indices: return also the positions of the maxima, as a second tensor.

    Returns:
        ``(N, C, L')`` with ``L' = floor((L + 2 * padding - dilation * (kernel_size - 1) - 1)
        / stride) + 1``.

    Raises:
        RuntimeError: padding larger than half the kernel, or an empty output.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_pool1d,
            (input,),
            input,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )
    stride = kernel_size if stride is None else stride
    if return_indices:
        return _VF.max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return _VF.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the maximum of each window of the last two dimensions, and where it was.

    The indices count positions in the flattened plane of ``input``. Arguments as
    :func:`max_pool2d`.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_pool2d_with_indices,
            (input,),
            input,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )
    stride = kernel_size if stride is None else stride
    values, indices = _nn.max_pool2d_with_indices(
        input, kernel_size, stride, padding, dilation, ceil_mode
    )
    return values, indices


def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window of the last two dimensions.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        kernel_size: window height and width in elements.
        stride: step between windows; defaults to ``kernel_size``.
        padding: minus infinities added on each side, at most half the kernel.
        dilation: distance between the elements of a window.
        ceil_mode: keep windows that start inside but end outside the input.
        return_indices: return also the positions of the maxima, as a second tensor.

    Returns:
        ``(N, C, H', W')``; see :func:`max_pool1d` for the sizes.

    Raises:
        RuntimeError: padding larger than half the kernel, or an empty output.

    Example:
        >>> max_pool2d(tallow.arange(16.0).view(1, 4, 4), 2)
        tensor([[[ 5.,  7.],
                 [13., 15.]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_pool2d,
            (input,),
            input,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )
    stride = kernel_size if stride is None else stride
    if return_indices:
        return _nn.max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return _VF.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Average over windows whose number, not size, is given.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``, floating point.
        output_size: height and width of the result; ``None`` keeps that of the input.

    Returns:
        ``(N, C, *output_size)``.

    Example:
        >>> adaptive_avg_pool2d(tallow.ones(1, 3, 7, 5), (None, 1)).shape
        tallow.Size([1, 3, 7, 1])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(adaptive_avg_pool2d, (input,), input, output_size)
    return _nn.adaptive_avg_pool2d(input, list_with_default(output_size, input.shape))


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Return what :func:`adaptive_max_pool1d` does, and the positions of the maxima."""
    if has_torch_function_unary(input):
        return handle_torch_function(
            adaptive_max_pool1d_with_indices,
            (input,),
            input,
            output_size,
            return_indices=return_indices,
        )
    values, indices = _VF.adaptive_max_pool1d(input, output_size)
    return values, indices


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the maximum over windows of the last dimension whose number is given.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``.
        output_size: length of the result.
        return_indices: return also the positions of the maxima, as a second tensor.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            adaptive_max_pool1d, (input,), input, output_size, return_indices=return_indices
        )
    result = _VF.adaptive_max_pool1d(input, output_size)
    return result if return_indices else result[0]


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Return what :func:`adaptive_max_pool2d` does, and the positions of the maxima."""
    if has_torch_function_unary(input):
        return handle_torch_function(
            adaptive_max_pool2d_with_indices,
            (input,),
            input,
            output_size,
            return_indices=return_indices,
        )
    sizes = list_with_default(output_size, input.shape)
    values, indices = _nn.adaptive_max_pool2d(input, sizes)
    return values, indices


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the maximum over windows of the last two dimensions whose number is given.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        output_size: height and width of the result; ``None`` keeps that of the input.
        return_indices: return also the positions of the maxima, as a second tensor.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            adaptive_max_pool2d, (input,), input, output_size, return_indices=return_indices
        )
    result = _nn.adaptive_max_pool2d(input, list_with_default(output_size, input.shape))
    return result if return_indices else result[0]


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the ``norm_type``-norm of each window of the last dimension.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``, floating point.
        norm_type: exponent of the norm.
        kernel_size: window length in elements.
        stride: step between windows; defaults to ``kernel_size``.
        ceil_mode: keep windows that start inside but end outside the input.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            lp_pool1d,
            (input,),
            input,
            norm_type,
            kernel_size,
            stride=stride,
            ceil_mode=ceil_mode,
        )
    (length,) = ntuple(1)(kernel_size)
    stride = kernel_size if stride is None else stride
    mean = avg_pool1d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return _norm_from_mean(mean, length, norm_type)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the ``norm_type``-norm of each window of the last two dimensions.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``, floating point.
        norm_type: exponent of the norm.
        kernel_size: window height and width in elements.
        stride: step between windows; defaults to ``kernel_size``.
        ceil_mode: keep windows that start inside but end outside the input.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            lp_pool2d,
            (input,),
            input,
            norm_type,
            kernel_size,
            stride=stride,
            ceil_mode=ceil_mode,
        )
    height, width = ntuple(2)(kernel_size)
    stride = kernel_size if stride is None else stride
    mean = avg_pool2d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return _norm_from_mean(mean, height * width, norm_type)


def _norm_from_mean(mean: Tensor, count: int, norm_type: float) -> Tensor:
    # The root has an infinite slope at 0, where relu lets no gradient through.
    return (mean.sign() * mean.abs().relu()).mul(count).pow(1.0 / norm_type)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back where :func:`max_pool1d` found them, with zeros elsewhere.

    Args:
        input: the maxima, ``(N, C, L')`` or ``(C, L')``.
        indices: their positions, as ``return_indices`` gives them.
        kernel_size: window length in elements.
        stride: step between windows; defaults to ``kernel_size``.
        padding: padding of the pooling.
        output_size: size of the pooled input, where several sizes are possible.

    Raises:
        ValueError: no input of size ``output_size`` is pooled to the size of ``input``.
        RuntimeError: a position lies outside the output.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_unpool1d,
            (input,),
            input,
            indices,
            kernel_size,
            stride=stride,
            padding=padding,
            output_size=output_size,
        )
    size = _unpool_size(input, 1, kernel_size, stride, padding, output_size)
    check_unpool(input, indices, 1, ())
    return _unpool(input, indices, size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back where :func:`max_pool2d` found them; arguments as :func:`max_unpool1d`.

    Example:
        >>> pooled, where = max_pool2d(tallow.eye(2).view(1, 2, 2), 2, return_indices=True)
        >>> max_unpool2d(pooled, where, 2)
        tensor([[[1., 0.],
                 [0., 0.]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_unpool2d,
            (input,),
            input,
            indices,
            kernel_size,
            stride=stride,
            padding=padding,
            output_size=output_size,
        )
    size = _unpool_size(input, 2, kernel_size, stride, padding, output_size)
    check_unpool(input, indices, 2, ())
    return _unpool(input, indices, size)


def _unpool_size(
    input: Tensor, n: int, kernel_size: Size, stride: Any, padding: Size, output_size: Any
) -> list[int]:
    """Return the sizes of the last ``n`` dimensions before pooling."""
    kernel = ntuple(n)(kernel_size)
    step = kernel if stride is None else ntuple(n)(stride)
    pad = ntuple(n)(padding)
    for name, value in (("kernel_size", kernel), ("stride", step), ("padding", pad)):
        if len(value) != n:
            raise RuntimeError(
                f"max_unpool{n}d: {name} must be a single int, or a sequence of {n} ints, given "
                f"{list(value)}"
            )
    default = [
        (length - 1) * s - 2 * p + k
        for length, s, p, k in zip(input.shape[-n:], step, pad, kernel, strict=True)
    ]
    if output_size is None:
        for dim, size in enumerate(default):
            if size < 0:
                raise ValueError(
                    "max_unpooling: output_size must contain non-negative spatial dimensions, but "
                    f"got output_size[{dim}]={size}"
                )
        return default
    if len(output_size) == n + 2:
        output_size = output_size[2:]
    if len(output_size) != n:
        raise ValueError(
            f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a "
            f"length of '{len(output_size)}'"
        )
    for dim, (size, middle, s) in enumerate(zip(output_size, default, step, strict=True)):
        if not middle - s < size < middle + s:
            raise ValueError(
                f'invalid output_size "{output_size}" (dim {dim} must be between {middle - s} and '
                f"{middle + s})"
            )
    return list(output_size)


def _unpool(input: Tensor, indices: Tensor, size: list[int]) -> Tensor:
    count = 1
    for length in size:
        count *= length
    lead = tuple(input.shape[: input.dim() - len(size)])
    flat = input.flatten(len(lead))
    zeros = input.new_zeros((*lead, count))
    if not input.is_cpu:  # where scatter does not look at the positions before it uses them
        _refuse_positions(indices, count, size)
    try:
        placed = zeros.scatter(-1, indices.reshape(flat.shape), flat)
    except (IndexError, RuntimeError):
        _refuse_positions(indices, count, size)
        raise
    return placed.view(*lead, *size)


def _refuse_positions(indices: Tensor, count: int, size: list[int]) -> None:
    if not indices.numel():
        return
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= count:
        raise RuntimeError(
            f"Found an invalid max index: {low if low < 0 else high} (output volumes are of size "
            f"{'x'.join(str(length) for length in size)})"
        ) from None
