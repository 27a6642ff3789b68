"""Random tensors for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["make_tensor"]


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return a tensor of uniformly distributed values.

    Args:
        *shape: sizes, one by one or as one sequence.
        dtype: element type.
        device: where the tensor lives.
        low: smallest value; by default -9, or 0 for unsigned and boolean types.
        high: bound the values stay below; by default 9 for floating types, 10 for integers and
            2 for booleans.
        requires_grad: whether the result records gradients.
        noncontiguous: leave gaps between the elements.
        exclude_zero: replace zeros by the smallest positive value.
        memory_format: order of the dimensions in memory.

    Raises:
        ValueError: an empty range, or gradients wanted of an integer type.

    Example:
        >>> make_tensor(3, dtype=tallow.int64, device="cpu", low=5, high=6)
        tensor([5, 5, 5])
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    floating = dtype.is_floating_point or dtype.is_complex
    if requires_grad and not floating:
        raise ValueError(
            "`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"dtype={dtype}"
        )
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"noncontiguous={noncontiguous} and memory_format={memory_format}"
        )
    low, high = _range(dtype, floating, low, high)
    if dtype.is_complex:
        parts = tallow.empty(*sizes, 2, dtype=dtype.to_real(), device=device)
        result = parts.uniform_(low, high).view(dtype).squeeze(-1)
    elif floating:
        wide = dtype if dtype.itemsize >= 4 else tallow.float32
        result = tallow.empty(sizes, dtype=wide, device=device).uniform_(low, high).to(dtype)
    else:
        result = tallow.randint(int(low), int(high), sizes, device=device).to(dtype)
    if noncontiguous and result.numel() > 1:
        result = result.repeat_interleave(2, dim=-1)[..., ::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = tallow.finfo(dtype).tiny if floating else 1
    return result.requires_grad_(requires_grad)


def _range(
    dtype: Any, floating: bool, low: float | None, high: float | None
) -> tuple[float, float]:
    if dtype == tallow.bool:
        limits: tuple[float, float] = (0, 2)
    elif floating:
        limits = (-9, 9)
    else:
        limits = (-9 if dtype.is_signed else 0, 10)
    chosen = limits[0] if low is None else low, limits[1] if high is None else high
    if chosen[0] >= chosen[1]:
        raise ValueError(f"`low` must be less than `high`, but got {chosen[0]} >= {chosen[1]}")
    return chosen
