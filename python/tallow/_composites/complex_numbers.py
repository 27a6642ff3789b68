"""Complex numbers from real ones and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tallow
from tallow._composite import composite

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["angle", "isreal", "polar", "resolve_conj", "resolve_neg"]


@composite
def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """Make complex numbers of size and angle.

    Args:
        abs: float32 or float64.
        angle: in radians, of the same dtype.

    Raises:
        RuntimeError: other dtypes.
    """
    return tallow.complex(abs * angle.cos(), abs * angle.sin())


@composite
def angle(input: Tensor) -> Tensor:
    """Return the angle of complex numbers; of real ones 0 or pi.

    Args:
        input: any number.

    Example:
        >>> angle(tallow.tensor([-1.0, 1.0]))
        tensor([3.1416, 0.0000])
    """
    if input.is_complex():
        return tallow.atan2(input.imag, input.real)
    x = input if input.is_floating_point() else input.to(tallow.get_default_dtype())
    half_turns = (x < 0).to(x.dtype) * math.pi
    return tallow.where(x.isnan(), x, half_turns + 0 * x.nan_to_num(0, 0, 0))


@composite
def isreal(input: Tensor) -> Tensor:
    """Tell which elements have no imaginary part."""
    if input.is_complex():
        return input.imag == 0
    return tallow.ones_like(input, dtype=tallow.bool)


@composite
def resolve_conj(input: Tensor) -> Tensor:
    """Return the tensor: conjugation is never delayed here."""
    return input


@composite
def resolve_neg(input: Tensor) -> Tensor:
    """Return the tensor: negation is never delayed here."""
    return input
