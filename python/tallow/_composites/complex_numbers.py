"""Complex numbers from real ones and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NoReturn

import tallow
from tallow import _C
from tallow._composite import c_name, check_tensors, composite, few, fill_out

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["angle", "isreal", "polar"]


@composite
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Make complex numbers of size and angle.

    Args:
        abs: float32 or float64.
        angle: in radians, of the same dtype.
        out: where to write the result, of its dtype.

    Raises:
        TypeError: an argument is no tensor.
        RuntimeError: dtypes that differ, or no floating-point numbers.
        NotImplementedError: half types.
    """
    check_tensors("polar", abs=abs, angle=angle)
    if abs.dtype is not angle.dtype or abs.dtype not in (tallow.float32, tallow.float64):
        _refuse_polar(abs, angle)
    result = tallow.complex(abs * angle.cos(), abs * angle.sin())
    if out is None:
        return result
    if out.dtype != result.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {c_name(result.dtype)} but got scalar type "
            f"{c_name(out.dtype)} for argument 'out'"
        )
    filled: Tensor = fill_out("polar", result, out)
    return filled


def _refuse_polar(abs: Tensor, angle: Tensor) -> NoReturn:
    kinds = c_name(abs.dtype), c_name(angle.dtype)
    if not (abs.is_floating_point() and angle.is_floating_point()):
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {kinds[0]} and "
            f"{kinds[1]}"
        )
    if abs.dtype != angle.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {kinds[0]} but got scalar type {kinds[1]} for "
            "second argument"
        )
    raise NotImplementedError(f"\"polar_cpu\" not implemented for '{kinds[0]}'")


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
    small: Tensor | None = few(_C._nn.angle_few, input)
    if small is not None:
        return small
    x = input if input.is_floating_point() else input.to(tallow.get_default_dtype())
    least = None if x.requires_grad or x.numel() == 0 else x.amin()  # NaN if there is one
    if least is not None and least >= 0:
        return tallow.zeros_like(x)
    angles = tallow.where(x < 0, x.new_tensor(math.pi), x.new_tensor(0.0))
    if least is not None and least < 0:
        return angles
    return tallow.where(x.isnan(), x, angles + 0 * x.nan_to_num(0, 0, 0))


@composite
def isreal(input: Tensor) -> Tensor:
    """Tell which elements have no imaginary part."""
    if input.is_complex():
        return input.imag == 0
    return tallow.ones_like(input, dtype=tallow.bool)
