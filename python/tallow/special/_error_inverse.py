"""The inverse of the error function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import composite, recorded
from tallow.autograd import Function

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["erfinv"]

_SLOPE = 2 / math.sqrt(math.pi)


def _values(x: Tensor) -> Tensor:
    if x.is_complex():
        raise NotImplementedError(f"\"erfinv\" not implemented for '{x.dtype}'")
    return _C._VariableFunctions._special(x, "erfinv")


class _Erfinv(Function):
    _node_name = "ErfinvBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _values(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        y = erfinv(x)
        return grad * tallow.exp(y * y) / _SLOPE


@composite
def erfinv(input: Tensor) -> Tensor:
    """Compute the inverse of the error function.

    Args:
        input: real, in -1 .. 1; elements outside give nan, the ends infinity.

    Example:
        >>> tallow.erfinv(tallow.tensor([0.0, 0.5, -1.0]))
        tensor([0.0000, 0.4769,   -inf])
    """
    result: Tensor = _Erfinv.apply(input) if recorded(input) else _values(input)
    return result
