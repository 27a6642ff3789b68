"""Convolution layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tallow
from tallow._tensor import Tensor
from tallow.nn import functional as F
from tallow.nn import init
from tallow.nn.modules.module import Module
from tallow.nn.modules.utils import _pair, _reverse_repeat_tuple, _single, _triple
from tallow.nn.parameter import Parameter

if TYPE_CHECKING:
    Size = int | tuple[int, ...]

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
]

_PADDINGS = ("same", "valid")
_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share: arguments, parameters and their printing."""

    __constants__ = [
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
        "output_padding",
        "in_channels",
        "out_channels",
        "kernel_size",
    ]
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: str | tuple[int, ...],
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_arguments(in_channels, out_channels, groups, padding, stride, padding_mode)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._padding_for_pad()
        first, second = (
            (in_channels, out_channels // groups)
            if transposed
            else (out_channels, in_channels // groups)
        )
        self.weight = Parameter(
            tallow.empty((first, second, *kernel_size), device=device, dtype=dtype)
        )
        if bias:
            self.bias = Parameter(tallow.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _padding_for_pad(self) -> list[int]:
        """Return the padding in the order of :func:`F.pad`, for the modes other than zeros."""
        if self.padding == "valid":
            return [0] * 2 * len(self.kernel_size)
        if self.padding == "same":
            amounts: list[int] = []
            for dilation, size in zip(
                reversed(self.dilation), reversed(self.kernel_size), strict=True
            ):
                total = dilation * (size - 1)
                amounts += [total // 2, total - total // 2]
            return amounts
        return list(_reverse_repeat_tuple(self.padding, 2))  # type: ignore[arg-type]

    def reset_parameters(self) -> None:
        """Draw weight and bias uniformly from ``+-1 / sqrt(fan_in)``."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        n = len(self.kernel_size)
        parts = [
            f"{self.in_channels}",
            f"{self.out_channels}",
            f"kernel_size={self.kernel_size}",
            f"stride={self.stride}",
        ]
        if self.padding != (0,) * n:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * n:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != (0,) * n:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


def _check_arguments(
    in_channels: int,
    out_channels: int,
    groups: int,
    padding: str | tuple[int, ...],
    stride: tuple[int, ...],
    padding_mode: str,
) -> None:
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups != 0:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups != 0:
        raise ValueError("out_channels must be divisible by groups")
    if isinstance(padding, str):
        if padding not in _PADDINGS:
            raise ValueError(
                f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}"
            )
        if padding == "same" and any(step != 1 for step in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in _PADDING_MODES:
        raise ValueError(
            f"padding_mode must be one of {set(_PADDING_MODES)}, but got "
            f"padding_mode='{padding_mode}'"
        )


class _PlainConv(_ConvNd):
    """What Conv1d, Conv2d and Conv3d share: all but the number of dimensions."""

    _spread: Callable[[Any], tuple[int, ...]]  # an int or a tuple to one int per dimension
    _function: str  # in tallow.nn.functional

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: str | Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        spread = self._spread
        super().__init__(
            in_channels,
            out_channels,
            spread(kernel_size),
            spread(stride),
            padding if isinstance(padding, str) else spread(padding),
            spread(dilation),
            False,
            spread(0),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = self._spread(0)
        convolve = getattr(F, self._function)
        return convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_PlainConv):
    """Convolve along the last dimension.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: window length in elements.
        stride: step between windows.
        padding: elements added on each side, ``"same"`` or ``"valid"``.
        dilation: distance between the elements of a window.
        groups: number of groups of channels that do not mix.
        bias: whether something is added.
        padding_mode: ``zeros``, ``reflect``, ``replicate`` or ``circular``.
        device: where the parameters live.
        dtype: type of the parameters.

    Example:
        >>> Conv1d(2, 4, 3)(tallow.ones(1, 2, 8)).shape
        tallow.Size([1, 4, 6])
    """

    _spread = staticmethod(_single)
    _function = "conv1d"


class Conv2d(_PlainConv):
    """Convolve along the last two dimensions.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: window height and width in elements.
        stride: step between windows.
        padding: elements added on each side, ``"same"`` or ``"valid"``.
        dilation: distance between the elements of a window.
        groups: number of groups of channels that do not mix.
        bias: whether something is added.
        padding_mode: ``zeros``, ``reflect``, ``replicate`` or ``circular``.
        device: where the parameters live.
        dtype: type of the parameters.

    Example:
        >>> Conv2d(1, 6, 3, padding=1)(tallow.ones(1, 1, 28, 28)).shape
        tallow.Size([1, 6, 28, 28])
    """

    _spread = staticmethod(_pair)
    _function = "conv2d"


class Conv3d(_PlainConv):
    """Convolve along the last three dimensions; arguments as :class:`tallow.nn.Conv2d`.

    Example:
        >>> Conv3d(1, 2, 3)(tallow.ones(1, 1, 4, 5, 6)).shape
        tallow.Size([1, 2, 2, 3, 4])
    """

    _spread = staticmethod(_triple)
    _function = "conv3d"


class _ConvTransposeNd(_ConvNd):
    """What transposed convolutions share: the choice among several possible output sizes."""

    padding: tuple[int, ...]

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...] | list[int]:
        """Return the padding of the output that leads to ``output_size``.

        Raises:
            ValueError: that size is not possible.
        """
        if output_size is None:
            return self.output_padding
        n = len(self.kernel_size)
        lead = input.dim() - n
        if len(output_size) == lead + n:
            output_size = output_size[lead:]
        if len(output_size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or "
                f"{lead + n} elements (got {len(output_size)})"
            )
        smallest = [
            (size - 1) * step - 2 * pad + dilation * (kernel - 1) + 1
            for size, step, pad, dilation, kernel in zip(
                input.shape[lead:],
                self.stride,
                self.padding,
                self.dilation,
                self.kernel_size,
                strict=True,
            )
        ]
        largest = [size + step - 1 for size, step in zip(smallest, self.stride, strict=True)]
        if any(
            not low <= size <= high
            for low, size, high in zip(smallest, output_size, largest, strict=True)
        ):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {smallest} "
                f"to {largest} (for an input of {input.size()[lead:]})"
            )
        return [size - low for size, low in zip(output_size, smallest, strict=True)]


class _PlainConvTranspose(_ConvTransposeNd):
    """What the transposed convolutions share: all but the number of dimensions."""

    _spread: Callable[[Any], tuple[int, ...]]
    _function: str

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        spread = self._spread
        super().__init__(
            in_channels,
            out_channels,
            spread(kernel_size),
            spread(stride),
            spread(padding),
            spread(dilation),
            True,
            spread(output_padding),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Apply the layer; ``output_size`` chooses among the possible sizes."""
        return getattr(F, self._function)(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            tuple(self._output_padding(input, output_size)),
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_PlainConvTranspose):
    """Apply the transpose of :class:`Conv1d`, the map of its gradient.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: window length in elements.
        stride: step between windows.
        padding: elements removed from each side of the output.
        output_padding: elements added to one side of the output; less than stride or dilation.
        groups: number of groups of channels that do not mix.
        bias: whether something is added.
        dilation: distance between the elements of a window.
        padding_mode: ``zeros``.
        device: where the parameters live.
        dtype: type of the parameters.
    """

    _spread = staticmethod(_single)
    _function = "conv_transpose1d"


class ConvTranspose2d(_PlainConvTranspose):
    """Apply the transpose of :class:`Conv2d`, the map of its gradient.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: window height and width in elements.
        stride: step between windows.
        padding: elements removed from each side of the output.
        output_padding: elements added to one side of the output; less than stride or dilation.
        groups: number of groups of channels that do not mix.
        bias: whether something is added.
        dilation: distance between the elements of a window.
        padding_mode: ``zeros``.
        device: where the parameters live.
        dtype: type of the parameters.

    Example:
        >>> ConvTranspose2d(1, 2, 3, stride=2)(tallow.ones(1, 1, 4, 4)).shape
        tallow.Size([1, 2, 9, 9])
    """

    _spread = staticmethod(_pair)
    _function = "conv_transpose2d"


class ConvTranspose3d(_PlainConvTranspose):
    """Apply the transpose of :class:`Conv3d`; arguments as :class:`tallow.nn.ConvTranspose2d`."""

    _spread = staticmethod(_triple)
    _function = "conv_transpose3d"
