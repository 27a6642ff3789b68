"""What is behind an error's text: the axis that does not fit, and what the user may have meant."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeGuard

    from tallow import Tensor

    Values = dict[str, Any]

__all__ = ["Finding", "diagnose", "hint", "is_tensor", "product", "rule", "tensors_of"]


class Finding(NamedTuple):
    """What a rule has to say.

    Args:
        hint: what may help.
        marks: for an argument, the axis to point at and the text to write there.
        extra: tensors to show that were no arguments, such as a layer's weight.
    """

    hint: str | None = None
    marks: Mapping[str, tuple[tuple[int, str], ...]] = {}
    extra: Mapping[str, Any] = {}


def diagnose(error: Exception, values: Values, module: Any) -> Finding | None:
    """Find the first rule that recognises an error.

    Args:
        error: its text and type choose the rule.
        values: arguments by name, of the operator or of ``module``'s ``forward``.
        module: the module whose call the error came out of, ``None`` for an operator's error.
    """
    text = str(error)
    for pattern, rule in _RULES:
        match = pattern.search(text)
        if match is not None:
            finding = rule(match, values, module)
            if finding is not None:
                return finding
    return None


_RULES: list[tuple[re.Pattern[str], Callable[[re.Match[str], Values, Any], Finding | None]]] = []


def rule(pattern: str) -> Callable[[Any], Any]:
    """Register a function as the rule for errors whose text the pattern occurs in."""

    def register(function: Any) -> Any:
        _RULES.append((re.compile(pattern), function))
        return function

    return register


def hint(pattern: str, text: str) -> None:
    """Register a rule that has the same advice for every error of this text."""
    _RULES.append((re.compile(pattern), lambda match, values, module: Finding(text)))


def is_tensor(value: Any) -> TypeGuard[Tensor]:
    """Tell a tensor from an array of NumPy."""
    return hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "grad_fn")


def tensors_of(values: Values) -> list[tuple[str, Any]]:
    """Return the arguments that are tensors, with their names."""
    return [(name, value) for name, value in values.items() if is_tensor(value)]


def product(sizes: Any) -> int:
    """Multiply sizes."""
    return math.prod(int(size) for size in sizes)
