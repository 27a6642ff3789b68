"""Operations on lists of tensors, which optimisers use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow import Tensor

_BINARY = ("add", "sub", "mul", "div", "maximum", "minimum", "clamp_max", "clamp_min", "pow")
_UNARY = (
    *("abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1"),
    *("floor", "frac", "log", "log10", "log1p", "log2", "neg", "reciprocal", "round", "rsqrt"),
    *("sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc", "zero"),
)
_TERNARY = ("addcdiv", "addcmul", "lerp")

__all__ = [
    *(f"_foreach_{name}{end}" for name in (*_BINARY, *_TERNARY) for end in ("", "_")),
    *(f"_foreach_{name}{end}" for name in _UNARY if name != "zero" for end in ("", "_")),
    *("_foreach_zero_", "_foreach_copy_", "_foreach_norm"),
]


_LISTS = (list, tuple)  # list | tuple would be made anew by every call


def _each(value: Any, count: int) -> Sequence[Any]:
    """One operand for each tensor: the elements of a list, or the same for all."""
    if isinstance(value, _LISTS):
        if len(value) != count:
            raise RuntimeError(
                f"Tensor lists must have the same number of tensors, got {count} and {len(value)}"
            )
        return value
    if isinstance(value, tallow.Tensor) and value.dim() == 1 and value.numel() == count > 1:
        return value.tolist()
    return [value] * count


def _check(name: str, tensors: Any) -> int:
    if not isinstance(tensors, _LISTS):
        raise TypeError(
            f"{name}(): argument 'self' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    if not tensors:
        raise RuntimeError("Tensor list must have at least one tensor.")
    return len(tensors)


def _made(name: str) -> Callable[..., Any]:
    base = name.removeprefix("_foreach_")
    inplace = base.endswith("_")
    valued = base.rstrip("_") in ("addcdiv", "addcmul")

    def run(self: Sequence[Tensor], *operands: Any, **options: Any) -> Any:
        count = _check(name, self)
        method = getattr(tallow.Tensor, base)
        if not options and len(operands) <= 1:
            if inplace and not operands:
                for tensor in self:
                    method(tensor)
                return list(self)
            if operands:
                pairs = zip(self, _each(operands[0], count), strict=True)
                results = [method(tensor, operand) for tensor, operand in pairs]
            else:
                results = [method(tensor) for tensor in self]
            return list(self) if inplace else tuple(results)
        given = list(operands)
        if valued and len(given) == 3:
            options["value"] = given.pop()
        rows = zip(self, *[_each(operand, count) for operand in given], strict=True)
        if options:
            columns = [_each(value, count) for value in options.values()]
            names = tuple(options)
            results = [
                method(*row, **dict(zip(names, values, strict=True)))
                for row, *values in zip(rows, *columns, strict=True)
            ]
        else:
            results = [method(*row) for row in rows]
        return list(self) if inplace else tuple(results)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"Do ``{base}`` on every tensor of a list."
    return run


def _foreach_norm(self: Sequence[Tensor], ord: float = 2, dtype: Any = None) -> tuple[Tensor, ...]:
    """Return the norm of every tensor of a list."""
    _check("_foreach_norm", self)
    return tuple(tallow.linalg.vector_norm(tensor, ord, dtype=dtype) for tensor in self)


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


globals().update({name: _made(name) for name in __all__ if name not in globals()})
