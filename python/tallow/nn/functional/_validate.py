"""Argument helpers that several functions share."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tallow._user_frame import outside_stacklevel
from tallow.nn._reduction import get_enum, legacy_get_string

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tallow._tensor import Tensor


def ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that repeats a single value ``n`` times and passes sequences on."""

    def parse(x: Any) -> tuple[Any, ...]:
        if isinstance(x, int):  # takes less time than to ask the abstract class
            return (x,) * n
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__ = name
    return parse


pair = ntuple(2, "pair")


def list_with_default(out_size: Any, defaults: Sequence[int]) -> Any:
    """Fill the ``None`` entries of ``out_size`` from the last entries of ``defaults``.

    Raises:
        ValueError: ``out_size`` has as many entries as ``defaults``, or more.
    """
    if isinstance(out_size, int):
        return out_size
    if len(defaults) <= len(out_size):
        raise ValueError(f"Input dimension should be at least {len(out_size) + 1}")
    if None not in out_size:
        return list(out_size)
    tail = defaults[len(defaults) - len(out_size) :]
    return [d if size is None else size for size, d in zip(out_size, tail, strict=True)]


def check_probability(p: float) -> None:
    """Raise ``ValueError`` unless ``p`` is between 0 and 1."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def warn_if_broadcast(input: Tensor, target: Tensor) -> None:
    """Warn about a loss whose operands differ in shape: that is nearly always a mistake."""
    if target.shape != input.shape:
        column = input.dim() == target.dim() + 1 and input.shape[-1] == 1
        advice = f" Did you mean target.unsqueeze({target.dim()})?" if column else ""
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size "
            f"({input.size()}). This will likely lead to incorrect results due to broadcasting. "
            f"Please ensure they have the same size.{advice}",
            stacklevel=outside_stacklevel(),
        )


def reduction_name(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction that the caller means, in the present or in the old way."""
    if size_average is None and reduce is None:
        return reduction
    return legacy_get_string(size_average, reduce)


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    """Return the elements, their mean or their sum.

    Raises:
        ValueError: there is no such reduction.
    """
    code = get_enum(reduction)
    if code == 0:
        return loss
    return loss.mean() if code == 1 else loss.sum()
