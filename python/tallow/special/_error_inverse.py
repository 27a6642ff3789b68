"""The inverse of the error function, composed of native operations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow.autograd import Function

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["erfinv"]

_SLOPE = 2 / math.sqrt(math.pi)


def _erfinv(x: Tensor) -> Tensor:
    """Two steps of Halley's method from Winitzki's approximation, which is good to 0.2 %."""
    size = tallow.abs(x)
    # 1 - |x| is exact where it matters, and erfc keeps its precision there.
    rest = 1 - size
    log_rest = tallow.log1p(-size) + tallow.log1p(size)
    a = 0.147
    half = 2 / (math.pi * a) + log_rest / 2
    y = tallow.sqrt(tallow.clamp(tallow.sqrt(half * half - log_rest / a) - half, min=0))
    for _ in range(2):
        error = tallow.where(size < 0.5, tallow.erf(y) - size, rest - tallow.erfc(y))
        step = error / (_SLOPE * tallow.exp(-y * y))
        y = y - step / (1 + y * step)
    y = tallow.where(rest == 0, tallow.full_like(y, math.inf), y)
    return tallow.copysign(y, x).masked_fill((rest < 0) | tallow.isnan(x), math.nan)


class _Erfinv(Function):
    _node_name = "ErfinvBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        if x.is_complex():
            raise NotImplementedError(f"\"erfinv\" not implemented for '{x.dtype}'")
        dtype = x.dtype if x.is_floating_point() else tallow.get_default_dtype()
        y = _erfinv(x.detach().to(tallow.float64)).to(dtype)
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        y = erfinv(x)
        return grad * tallow.exp(y * y) / _SLOPE


def erfinv(input: Tensor) -> Tensor:
    """Compute the inverse of the error function.

    Args:
        input: real, in -1 .. 1; elements outside give nan, the ends infinity.

    Example:
        >>> tallow.erfinv(tallow.tensor([0.0, 0.5, -1.0]))
        tensor([0.0000, 0.4769,   -inf])
    """
    result: Tensor = _Erfinv.apply(input)
    return result
