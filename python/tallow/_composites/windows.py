"""Windows of signal processing."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    *("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"),
]


def _window(
    name: str,
    window_length: int,
    periodic: bool,
    formula: Callable[[Tensor, int], Tensor],
    options: dict[str, Any],
) -> Tensor:
    dtype = options.pop("dtype", None) or tallow.get_default_dtype()
    if not (dtype.is_floating_point):
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    if window_length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={window_length}"
        )
    layout = options.pop("layout", tallow.strided)
    if layout not in (None, tallow.strided):
        raise RuntimeError(f"{name} is not implemented for sparse types, got: {layout}")
    options.pop("pin_memory", None)
    requires_grad = options.pop("requires_grad", False)
    device = options.pop("device", None) or tallow.get_default_device()
    if options:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(options))!r}")
    length = window_length + 1 if periodic and window_length > 1 else window_length
    if length <= 1:
        values = tallow.ones(length, dtype=tallow.float64, device="cpu")
    else:
        values = formula(tallow.arange(length, dtype=tallow.float64, device="cpu"), length - 1)
    return values[:window_length].to(device, dtype).requires_grad_(requires_grad)


def _cosines(*weights: float) -> Callable[[Tensor, int], Tensor]:
    def formula(n: Tensor, last: int) -> Tensor:
        angle = n * (2 * math.pi / last)
        total = tallow.full_like(n, weights[0])
        for k, weight in enumerate(weights[1:], 1):
            total += (angle * k).cos_().mul_(weight)
        return total

    return formula


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return a raised cosine.

    Args:
        window_length: number of samples.
        periodic: leave out the last sample of a symmetric window that is one longer.
        **options: `dtype`, `layout`, `device`, `requires_grad` and `pin_memory` of a new tensor.

    Raises:
        RuntimeError: a negative length or no floating point dtype.

    Example:
        >>> hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window("hann_window", window_length, periodic, _cosines(0.5, -0.5), options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    **options: Any,
) -> Tensor:
    """Return ``alpha - beta * cos``; see :func:`hann_window`."""
    formula = _cosines(alpha, -beta)
    return _window("hamming_window", window_length, periodic, formula, options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return a sum of two cosines; see :func:`hann_window`."""
    formula = _cosines(0.42, -0.5, 0.08)
    result = _window("blackman_window", window_length, periodic, formula, options)
    return result.abs_() if not result.requires_grad else result


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return a triangle; see :func:`hann_window`."""

    def formula(n: Tensor, last: int) -> Tensor:
        return 1 - (2 * n / last - 1).abs()

    return _window("bartlett_window", window_length, periodic, formula, options)


@functools.cache
def _bessel(x: float) -> float:
    return float(tallow.special.i0(tallow.tensor(x, dtype=tallow.float64, device="cpu")))


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any
) -> Tensor:
    """Return Kaiser's window of shape `beta`; see :func:`hann_window`."""

    def formula(n: Tensor, last: int) -> Tensor:
        place = 2 * n / last - 1
        size = tallow.special.i0(beta * (1 - place * place).clamp(min=0).sqrt())
        return size / _bessel(float(beta))

    return _window("kaiser_window", window_length, periodic, formula, options)
