"""Functions of numbers and sets: divisors, neighbours, membership, parts of floating point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C, return_types
from tallow._composite import c_name, composite, few, recorded, spelled
from tallow.autograd import Function

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "frexp",
    "gcd",
    "isin",
    "lcm",
    "ldexp",
    "logaddexp2",
    "nextafter",
    "nonzero_static",
    "sinc",
]


def _numpy_binary(name: str, a: Tensor, b: Tensor, integers: bool) -> Tensor:
    import numpy as np

    dtype = tallow.result_type(a, b)
    wanted = not (dtype.is_floating_point or dtype.is_complex or dtype == tallow.bool)
    if wanted != integers:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{c_name(dtype)}'")
    x, y = (v.detach().to(dtype).cpu().numpy() for v in (a, b))
    result = np.asarray(getattr(np, name)(x, y))
    return tallow.from_numpy(result.copy()).to(a.device, dtype)


@composite
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """Return the positions of a given number of elements that are not zero.

    Args:
        input: any numbers.
        size: number of rows of the result; positions past it are left out.
        fill_value: what stands in the rows for which there is no element.

    Raises:
        RuntimeError: a negative size.
        TypeError: a size or a value that is no integer.

    Example:
        >>> nonzero_static(tallow.tensor([0, 3, 4]), size=3)
        tensor([[ 1],
                [ 2],
                [-1]])
    """
    for name, value in (("size", size), ("fill_value", fill_value)):
        if not isinstance(value, int):
            raise TypeError(
                f"nonzero_static(): argument '{name}' must be int, not {type(value).__name__}"
            )
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = input.nonzero()[:size]
    missing = tallow.full(
        (size - found.size(0), input.dim()), fill_value, dtype=tallow.int64, device=input.device
    )
    return tallow.cat([found, missing])


@composite
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """Return the greatest common divisors.

    Args:
        input: integers.
        other: integers.

    Raises:
        NotImplementedError: no integers.

    Example:
        >>> gcd(tallow.tensor([4, 9]), tallow.tensor([6, 3]))
        tensor([2, 3])
    """
    return _numpy_binary("gcd", input, other, True)


@composite
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """Return the least common multiples, never negative.

    Args:
        input: integers.
        other: integers.

    Raises:
        NotImplementedError: no integers.

    Example:
        >>> lcm(tallow.tensor([4, 9]), tallow.tensor([6, 3]))
        tensor([12,  9])
    """
    return _numpy_binary("lcm", input, other, True)


def _next_after(input: Tensor, other: Tensor) -> Tensor:
    dtype = tallow.result_type(input, other)
    if dtype not in (tallow.float32, tallow.float64):
        raise NotImplementedError(f"\"nextafter_cpu\" not implemented for '{c_name(dtype)}'")
    return _C._VariableFunctions._special_binary(input, other, "nextafter")


class _NextAfter(Function):
    _node_name = "NextafterBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        return _next_after(input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        return grad, tallow.zeros_like(grad)


@composite
def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """Return the next number that the type can hold in the direction of `other`.

    Args:
        input: float32 or float64.
        other: direction.

    Raises:
        NotImplementedError: another dtype.
    """
    pair = tallow.broadcast_tensors(input, other)
    return _NextAfter.apply(*pair) if recorded(input, other) else _next_after(*pair)


@composite
@spelled(element="elements", test_element="test_elements")
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Tell which elements are among others.

    Args:
        elements: to look for; a tensor or a number.
        test_elements: to look in; a tensor or a number.
        assume_unique: accepted; makes no difference.
        invert: tell which are not.

    Example:
        >>> isin(tallow.tensor([1, 2]), tallow.tensor([2, 3]))
        tensor([False,  True])
    """
    given = [v for v in (elements, test_elements) if isinstance(v, tallow.Tensor)]
    device = given[0].device if given else None
    x, pool = (
        v.detach() if isinstance(v, tallow.Tensor) else tallow.tensor(v, device=device)
        for v in (elements, test_elements)
    )
    dtype = tallow.result_type(x, pool)
    if pool.numel() == 0:
        found = tallow.zeros_like(x, dtype=tallow.bool)
    else:
        ordered = pool.flatten().to(dtype).sort().values
        place = tallow.searchsorted(ordered, x.to(dtype)).clamp(max=ordered.numel() - 1)
        found = ordered[place] == x.to(dtype)
    return ~found if invert else found


@composite
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """Return ``input * 2 ** other``."""
    if not other.is_floating_point() and not input.is_floating_point():
        other = other.to(tallow.get_default_dtype())
    base = other.new_tensor(2.0, dtype=other.dtype if other.is_floating_point() else input.dtype)
    return input * base**other


# Floating point type -> integer of its size, digits after the point, what exponents are shifted by.
_LAYOUTS = {
    tallow.float64: (tallow.int64, 52, 1023),
    tallow.float32: (tallow.int32, 23, 127),
    tallow.bfloat16: (tallow.int16, 7, 127),
    tallow.float16: (tallow.int16, 10, 15),
}


class _Frexp(Function):
    _node_name = "FrexpBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        # Subnormal numbers are scaled up; 0, infinities and NaN stay, with exponent 0.
        tiny = x.abs() < tallow.finfo(x.dtype).tiny
        scale = 2.0 ** (10 if x.dtype == tallow.float16 else 60)
        normal = tallow.where(tiny, x * scale, x) if tiny.any() else x
        bits, digits, bias = _LAYOUTS[x.dtype]
        word = normal.view(bits)
        exponent = (word >> digits).bitwise_and_(2 * bias + 1)
        mantissa = (word & ~((2 * bias + 1) << digits)).bitwise_or_((bias - 1) << digits)
        exponent = exponent.int().sub_(bias - 1)
        if tiny.any():
            exponent -= tiny * (10 if x.dtype == tallow.float16 else 60)
        kept = (x == 0) | ~x.isfinite()
        parts = mantissa.view(x.dtype), exponent
        if kept.any():
            parts = tallow.where(kept, x, parts[0]), exponent.masked_fill_(kept, 0)
        ctx.exponent = parts[1]
        ctx.mark_non_differentiable(parts[1])
        return parts

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> Tensor:
        return grad / tallow.exp2(ctx.exponent.to(grad.dtype))


@composite
def frexp(input: Tensor) -> return_types.frexp:
    """Take numbers apart: ``input == mantissa * 2 ** exponent`` with 0.5 <= abs(mantissa) < 1.

    Args:
        input: floating point.

    Raises:
        RuntimeError: another dtype.

    Example:
        >>> frexp(tallow.tensor([8.0])).mantissa
        tensor([0.5000])
    """
    small = few(_C._nn.frexp_few, input)
    if small is not None and small[0] is not None:
        return return_types.frexp(*small)
    if not input.is_floating_point():
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = _Frexp.apply(input)
    return return_types.frexp(mantissa, exponent)


@composite
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """Return ``log2(2 ** input + 2 ** other)`` without overflow."""
    scale = math.log(2)
    return tallow.logaddexp(input * scale, other * scale) / scale


def _sinc(x: Tensor) -> Tensor:
    angle = x * math.pi
    return tallow.where(angle == 0, 1.0, angle.sin() / angle)


class _Sinc(Function):
    _node_name = "SincBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _sinc(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        angle = x * math.pi
        near = angle.abs() < 1e-2 if x.dtype == tallow.float64 else angle.abs() < 0.1
        safe = tallow.where(near, tallow.ones_like(angle), angle)
        far = (safe.cos() * safe - safe.sin()) / (safe * safe)
        # The series of the derivative, exact to the last bits where it is used.
        square = angle * angle
        series = angle * (-1 / 3 + square * (1 / 30 - square * (1 / 840 - square / 45360)))
        return grad * tallow.where(near, series, far) * math.pi


@composite
def sinc(input: Tensor) -> Tensor:
    """Return ``sin(pi x) / (pi x)``, 1 at 0.

    Args:
        input: any number.

    Example:
        >>> sinc(tallow.tensor([0.0, 0.5]))
        tensor([1.0000, 0.6366])
    """
    exact = input.is_floating_point() or input.is_complex()
    x = input if exact else input.to(tallow.get_default_dtype())
    return _Sinc.apply(x) if recorded(x) else _sinc(x)
