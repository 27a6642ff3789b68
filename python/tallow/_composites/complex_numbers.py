"""Complex numbers from real ones and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import composite
from tallow.autograd import Function

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    *("angle", "complex", "isreal", "polar", "resolve_conj", "resolve_neg"),
    *("view_as_complex", "view_as_real"),
]

_PAIRS = {tallow.float32: tallow.complex64, tallow.float64: tallow.complex128}
_PARTS = {pair: part for part, pair in _PAIRS.items()}


class _ViewAsComplex(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view(_PAIRS[x.dtype]).squeeze(-1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return view_as_real(grad)


class _ViewAsReal(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.unsqueeze(-1).view(_PARTS[x.dtype])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return view_as_complex(grad.contiguous())


@composite
def view_as_complex(input: Tensor) -> Tensor:
    """View pairs of real numbers as complex numbers.

    Args:
        input: floating point, with a last dimension of size 2 and stride 1.

    Raises:
        RuntimeError: another dtype, size or stride.

    Example:
        >>> view_as_complex(tallow.tensor([[1.0, 2.0]]))
        tensor([1.+2.j])
    """
    if input.dtype not in _PAIRS:
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a "
            f"tensor of scalar type: {str(input.dtype).rpartition('.')[2]}"
        )
    if input.dim() == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.size(-1) != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if input.stride(-1) != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    return _ViewAsComplex.apply(input)


@composite
def view_as_real(input: Tensor) -> Tensor:
    """View complex numbers as pairs of real numbers, in a new last dimension.

    Args:
        input: complex.

    Raises:
        RuntimeError: a real input.

    Example:
        >>> view_as_real(tallow.tensor([1 + 2j]))
        tensor([[1., 2.]])
    """
    if input.dtype not in _PARTS:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return _ViewAsReal.apply(input)


@composite
def complex(real: Tensor, imag: Tensor) -> Tensor:
    """Make complex numbers of their parts.

    Args:
        real: float32 or float64.
        imag: of the same dtype.

    Raises:
        RuntimeError: other dtypes.

    Example:
        >>> complex(tallow.tensor([1.0]), tallow.tensor([2.0]))
        tensor([1.+2.j])
    """
    for part in (real, imag):
        if part.dtype not in _PAIRS:
            raise RuntimeError(
                "Expected both inputs to be Half, Float or Double tensors but got "
                f"{_type_name(real)} and {_type_name(imag)}"
            )
    if real.dtype != imag.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {_type_name(real)} but got scalar type "
            f"{_type_name(imag)} for second argument"
        )
    return _ViewAsComplex.apply(tallow.stack(tallow.broadcast_tensors(real, imag), -1))


def _type_name(x: Tensor) -> str:
    return x.type().rpartition(".")[2].removesuffix("Tensor")


@composite
def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """Make complex numbers of size and angle.

    Args:
        abs: float32 or float64.
        angle: in radians, of the same dtype.

    Raises:
        RuntimeError: other dtypes.
    """
    return complex(abs * angle.cos(), abs * angle.sin())


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
