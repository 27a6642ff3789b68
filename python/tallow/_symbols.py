"""Sizes a compiler would leave open, and the checks written for it: here all are plain values."""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING, Any

from tallow import _C

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["SymBool", "SymFloat", "SymInt"]


class SymInt:
    """An integer that is not known yet: never, so that ``isinstance`` answers no."""


class SymFloat:
    """A float that is not known yet: never."""


class SymBool:
    """A truth value that is not known yet: never."""


def sym_int(a: Any) -> int:
    """Return the number as an integer, cut towards zero."""
    return int(a)


def sym_float(a: Any) -> float:
    """Return the number as a float."""
    return float(a)


def sym_not(a: Any) -> bool:
    """Return the opposite truth value."""
    return not a


def cond(
    pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()
) -> Any:
    """Call one of two functions.

    Args:
        pred: a truth value, or a tensor of one element.
        true_fn: called if it is true.
        false_fn: called if it is not.
        operands: their arguments.

    Raises:
        RuntimeError: a tensor of several elements.
    """
    if getattr(pred, "numel", int)() > 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    return (true_fn if pred else false_fn)(*operands)


def _float_if_any(value: Any, *of: Any) -> Any:
    return float(value) if any(isinstance(one, float) for one in of) else value


def sym_max(a: Any, b: Any) -> Any:
    """Return the larger number, as a float if one of the two is."""
    return _float_if_any(builtins.max(a, b), a, b)


def sym_min(a: Any, b: Any) -> Any:
    """Return the smaller number, as a float if one of the two is."""
    return _float_if_any(builtins.min(a, b), a, b)


def sym_sum(args: Iterable[Any]) -> Any:
    """Return the sum of numbers."""
    return builtins.sum(args)


def sym_sqrt(a: Any) -> float:
    """Return the square root of a number."""
    return math.sqrt(a)


def sym_ite(b: bool, t: Any, f: Any) -> Any:
    """Return `t` if `b`, else `f`."""
    return t if b else f


def _assert(condition: Any, message: str) -> None:
    """Raise AssertionError unless the condition holds; a function, so that tracers can see it."""
    if _C._call_has_torch_function((condition,), {}):
        from tallow.overrides import handle_torch_function

        handle_torch_function(_assert, (condition,), condition, message)
        return
    if not condition:
        raise AssertionError(message)


def _check_with(
    error_type: type[Exception], cond: bool, message: Callable[[], Any] | None = None
) -> None:
    """Raise an error of a type unless the condition holds; `message` is called for its text."""
    if not isinstance(cond, bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if cond:
        return
    if message is None:
        raise error_type(f"Expected cond to be True, but got {cond}.")
    if not callable(message):
        raise TypeError("message must be a callable")
    raise error_type(str(message()))


def _check(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise RuntimeError unless the condition holds."""
    _check_with(RuntimeError, cond, message)


def _check_index(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise IndexError unless the condition holds."""
    _check_with(IndexError, cond, message)


def _check_value(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise ValueError unless the condition holds."""
    _check_with(ValueError, cond, message)


def _check_type(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise TypeError unless the condition holds."""
    _check_with(TypeError, cond, message)


def _check_not_implemented(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise NotImplementedError unless the condition holds."""
    _check_with(NotImplementedError, cond, message)
