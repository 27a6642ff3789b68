"""Pooling layers; the arguments are those of the functions they call.

The one-, two- and three-dimensional layers of a kind differ in the function of
:mod:`tallow.nn.functional` that they name, and so share their base class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tallow.nn import functional as F
from tallow.nn.modules.module import Module
from tallow.nn.modules.utils import _pair, _single, _triple

if TYPE_CHECKING:
    from tallow._tensor import Tensor

    Size = int | tuple[int, ...]

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class _MaxPoolNd(Module):
    __constants__ = [
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "return_indices",
        "ceil_mode",
    ]
    return_indices: bool
    ceil_mode: bool
    _function: str

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )


class MaxPool1d(_MaxPoolNd):
    """Take the maximum of windows of ``(N, C, L)``; see :func:`tallow.nn.functional.max_pool1d`."""

    _function = "max_pool1d"


class MaxPool2d(_MaxPoolNd):
    """Take the maximum of windows of ``(N, C, H, W)``.

    See :func:`tallow.nn.functional.max_pool2d`.

    Example:
        >>> MaxPool2d(2)(tallow.ones(1, 6, 28, 28)).shape
        tallow.Size([1, 6, 14, 14])
    """

    _function = "max_pool2d"


class MaxPool3d(_MaxPoolNd):
    """Take the maximum of windows of volumes; see :func:`tallow.nn.functional.max_pool3d`."""

    _function = "max_pool3d"


class _MaxUnpoolNd(Module):
    _spread: Callable[[Any], tuple[int, ...]]  # an int or a tuple to one int per dimension
    _function: str

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        self.kernel_size = self._spread(kernel_size)
        self.stride = self.kernel_size if stride is None else self._spread(stride)
        self.padding = self._spread(padding)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        unpool = getattr(F, self._function)
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpoolNd):
    """Put maxima back; see :func:`tallow.nn.functional.max_unpool1d`."""

    _spread = staticmethod(_single)
    _function = "max_unpool1d"


class MaxUnpool2d(_MaxUnpoolNd):
    """Put maxima back; see :func:`tallow.nn.functional.max_unpool2d`."""

    _spread = staticmethod(_pair)
    _function = "max_unpool2d"


class MaxUnpool3d(_MaxUnpoolNd):
    """Put maxima back; see :func:`tallow.nn.functional.max_unpool3d`."""

    _spread = staticmethod(_triple)
    _function = "max_unpool3d"


class _AvgPoolNd(Module):
    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"]
    kernel_size: Any
    stride: Any
    padding: Any

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """Average windows of ``(N, C, L)``; see :func:`tallow.nn.functional.avg_pool1d`."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = self.kernel_size if stride is None else _single(stride)
        self.padding = _single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )


class _DividingAvgPoolNd(_AvgPoolNd):
    """The averages that know ``divisor_override``, unlike :class:`AvgPool1d`."""

    __constants__ = [*_AvgPoolNd.__constants__, "divisor_override"]
    _function: str

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_DividingAvgPoolNd):
    """Average windows of ``(N, C, H, W)``; see :func:`tallow.nn.functional.avg_pool2d`."""

    _function = "avg_pool2d"


class AvgPool3d(_DividingAvgPoolNd):
    """Average windows of volumes; see :func:`tallow.nn.functional.avg_pool3d`."""

    _function = "avg_pool3d"


class _LPPoolNd(Module):
    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]
    _function: str

    def __init__(
        self,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )

    def forward(self, input: Tensor) -> Tensor:
        pool = getattr(F, self._function)
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool1d(_LPPoolNd):
    """Take norms of windows of ``(N, C, L)``; see :func:`tallow.nn.functional.lp_pool1d`."""

    _function = "lp_pool1d"


class LPPool2d(_LPPoolNd):
    """Take norms of windows of ``(N, C, H, W)``; see :func:`tallow.nn.functional.lp_pool2d`."""

    _function = "lp_pool2d"


class LPPool3d(_LPPoolNd):
    """Take norms of windows of volumes; see :func:`tallow.nn.functional.lp_pool3d`."""

    _function = "lp_pool3d"


class _AdaptiveMaxPoolNd(Module):
    __constants__ = ["output_size", "return_indices"]
    _function: str

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Take a given number of maxima; see :func:`tallow.nn.functional.adaptive_max_pool1d`."""

    _function = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Take a given number of maxima; see :func:`tallow.nn.functional.adaptive_max_pool2d`."""

    _function = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Take a given number of maxima; see :func:`tallow.nn.functional.adaptive_max_pool3d`."""

    _function = "adaptive_max_pool3d"


class _AdaptiveAvgPoolNd(Module):
    __constants__ = ["output_size"]
    _function: str

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(input, self.output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Take a given number of averages; see :func:`tallow.nn.functional.adaptive_avg_pool1d`."""

    _function = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Take a given number of averages; see :func:`tallow.nn.functional.adaptive_avg_pool2d`."""

    _function = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Take a given number of averages; see :func:`tallow.nn.functional.adaptive_avg_pool3d`."""

    _function = "adaptive_avg_pool3d"


class _FractionalMaxPoolNd(Module):
    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]
    _spread: Callable[[Any], tuple[Any, ...]]
    _function: str

    def __init__(
        self,
        kernel_size: Size,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        sizes = kernel_size if isinstance(kernel_size, tuple | list) else (kernel_size,)
        if any(size <= 0 for size in sizes):
            raise ValueError(f"kernel_size must greater than zero, but got {kernel_size}")
        name = type(self).__name__
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        self.kernel_size = self._spread(kernel_size)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else self._spread(output_size)
        self.output_ratio = None if output_ratio is None else self._spread(output_ratio)
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Take the maxima of windows at random places of images.

    Args:
        kernel_size: size of the windows.
        output_size: size of the result; this or `output_ratio` must be given.
        output_ratio: size of the result as a share of that of the input.
        return_indices: also return the positions of the maxima.
    """

    _spread = staticmethod(_pair)
    _function = "fractional_max_pool2d"


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """Take the maxima of windows at random places of volumes; see `FractionalMaxPool2d`."""

    _spread = staticmethod(_triple)
    _function = "fractional_max_pool3d"
