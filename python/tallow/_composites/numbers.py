"""Functions of numbers and sets: membership, positions, parts of floating point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C, return_types
from tallow._composite import composite, few, spelled
from tallow.autograd import Function

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "frexp",
    "isin",
    "ldexp",
    "nonzero_static",
]


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
