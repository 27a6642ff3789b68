"""How the functions of this package run: in float64, with a derivative, integers converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import c_name, check_tensors, composite, few, recorded
from tallow.autograd import Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["binary", "native", "native_binary", "unary"]


def native(name: str) -> Callable[[Tensor], Tensor]:
    """Return the kernel of a function of one tensor, which works in float64 by itself."""
    return lambda x: _C._VariableFunctions._special(x, name)


def native_binary(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The same for a function of two tensors."""
    return lambda x, y: _C._VariableFunctions._special_binary(x, y, name)


def _real(name: str, x: Any) -> Tensor:
    if x.is_complex():
        raise NotImplementedError(f"\"{name}\" not implemented for '{c_name(x.dtype)}'")
    return x if x.is_floating_point() else x.to(tallow.get_default_dtype())


_OTHER_NODES = {"i0": "I0", "gammainc": "Igamma", "gammaincc": "Igammac"}


def _node_name(name: str) -> str:
    """What PyTorch calls the node of a function: SpecialLogNdtrBackward0 for log_ndtr."""
    words = name.title().replace("_", "")
    return f"{_OTHER_NODES.get(name, f'Special{words}')}Backward0"


def unary(
    name: str,
    value: Callable[[Tensor], Tensor] | None,
    slope: Callable[[Tensor, Tensor], Tensor] | None,
    doc: str,
) -> Callable[..., Tensor]:
    """Make a function of one real tensor.

    Args:
        name: its public name.
        value: computes it for float64; None for what has a kernel of that name.
        slope: the derivative from argument and result, in differentiable operations; None if
            there is none.
        doc: docstring.
    """
    kernel = native(name)
    direct = getattr(_C._nn, f"{name}_few", None)

    def compute(x: Tensor) -> Tensor:
        small: Tensor | None = few(direct, x) if direct else None
        if small is not None:
            return small
        return value(x.to(tallow.float64)).to(x.dtype) if value else kernel(x)

    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return compute(x)

    def backward(ctx: Any, grad: Tensor) -> Tensor:
        if slope is None:
            raise NotImplementedError(f"the derivative for '{name}' is not implemented.")
        (x,) = ctx.saved_tensors
        return grad * slope(x, call(x))

    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    node: Any = type(name.capitalize(), (Function,), members | {"_node_name": _node_name(name)})

    def call(input: Tensor) -> Tensor:
        x = _real(name, input)
        return node.apply(x) if recorded(x) else compute(x)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    return composite(call)


def _operands(name: str, kernel: str | None, input: Any, other: Any) -> tuple[Tensor, Tensor]:
    """The operands of a function of :func:`binary` as tensors of one real type."""
    if kernel is not None:
        check_tensors(kernel, input=input, other=other)
    tensors = [v for v in (input, other) if isinstance(v, tallow.Tensor)]
    if not tensors:
        raise TypeError(f"{name}(): expected at least one Tensor, given two numbers")
    dtype = tallow.result_type(input, other)
    if not (dtype.is_floating_point or dtype.is_complex):
        if kernel is not None:
            raise NotImplementedError(f"\"{kernel}_cpu\" not implemented for '{c_name(dtype)}'")
        dtype = tallow.get_default_dtype()
    shown = name if kernel is None else f"{kernel}_cpu"
    device = tensors[0].device

    def operand(v: Any) -> Tensor:
        if isinstance(v, tallow.Tensor):
            return _real(shown, v.to(dtype))
        return _real(shown, tallow.tensor(v, dtype=dtype, device=device))

    return operand(input), operand(other)


def binary(
    name: str,
    value: Callable[[Tensor, Tensor], Tensor] | None,
    slopes: tuple[Callable[[Tensor, Tensor], Tensor] | None, ...],
    doc: str,
    *,
    kernel: str | None = None,
) -> Callable[..., Tensor]:
    """Make a function of two real tensors that broadcast.

    Args:
        name: its public name.
        value: computes it for float64; None for what has a kernel of that name.
        slopes: the derivatives from the arguments, as `slope` of :func:`unary`.
        doc: docstring.
        kernel: PyTorch's other name of a function that takes two tensors, not both of integers;
            None for one that also takes a Python number and converts integers.
    """
    native = native_binary(name)
    direct = getattr(_C._nn, f"{name}_few", None)

    def compute(x: Tensor, y: Tensor) -> Tensor:
        small: Tensor | None = few(direct, x, y) if direct else None
        if small is not None:
            return small
        if value is None:
            return native(x, y)
        return value(x.to(tallow.float64), y.to(tallow.float64)).to(x.dtype)

    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(x, y)
        return compute(x, y)

    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        operands = ctx.saved_tensors
        found: list[Tensor | None] = []
        for needed, slope in zip(ctx.needs_input_grad, slopes, strict=True):
            if needed and slope is None:
                raise NotImplementedError(f"the derivative for '{name}' is not implemented.")
            found.append(grad * slope(*operands) if needed and slope is not None else None)
        return tuple(found)

    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    node: Any = type(name.capitalize(), (Function,), members | {"_node_name": _node_name(name)})

    def call(input: Any, other: Any) -> Tensor:
        plain = isinstance(input, tallow.Tensor) and isinstance(other, tallow.Tensor)
        if plain and input.dtype is other.dtype and input.is_floating_point():
            x, y = input, other
        else:
            x, y = _operands(name, kernel, input, other)
        if x.shape != y.shape:
            x, y = tallow.broadcast_tensors(x, y)
        return node.apply(x, y) if recorded(x, y) else compute(x, y)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    return composite(call)
