"""Bessel functions of the first kind and modified ones, of orders 0 and 1.

Sources: Abramowitz and Stegun, Handbook of Mathematical Functions, 9.1.18, 9.2.5, 9.6.10, 9.7.1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tallow
from tallow.special._pointwise import unary

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["bessel_j0", "bessel_j1", "i0", "i0e", "i1", "i1e"]

# Below, the power series; above, the asymptotic series, whose least term is exp(-2 x).
_LARGE = 20.0


def _scaled_i(x: Tensor, order: int) -> Tensor:
    """``exp(-|x|) I_order(x)``."""
    size = x.abs()
    small = size.clamp(max=_LARGE)
    quarter = small * small / 4
    term = tallow.ones_like(small) if order == 0 else small / 2
    series = term
    for k in range(1, 70):
        term = term * quarter / (k * (k + order))
        series = series + term
    large = size.clamp(min=_LARGE)
    term = tallow.ones_like(large)
    tail = term
    for k in range(1, 31):
        term = term * ((2 * k - 1) ** 2 - 4 * order * order) / (8 * k * large)
        tail = tail + term
    far = tail / (2 * math.pi * large).sqrt()
    result = tallow.where(size < _LARGE, series * (-small).exp(), far)
    result = tallow.where(size.isinf(), tallow.zeros_like(size), result)
    result = tallow.where(x.isnan(), x, result)
    return result if order == 0 else tallow.where(x < 0, -result, result)


def _i(order: int) -> Callable[[Tensor], Tensor]:
    """``I_order(x)``; the exponential comes in two halves, which overflow later than the whole."""

    def value(x: Tensor) -> Tensor:
        half = (x.abs() / 2).exp()
        result = _scaled_i(x, order) * half * half
        return tallow.where(x.isinf(), x.abs() if order == 0 else x, result)

    return value


def _i1_slope(x: Tensor, y: Tensor) -> Tensor:
    zero = x == 0
    safe = x.masked_fill(zero, 1)
    return tallow.where(zero, tallow.full_like(x, 0.5), i0(x) - y / safe)


def _i1e_slope(x: Tensor, y: Tensor) -> Tensor:
    zero = x == 0
    safe = x.masked_fill(zero, 1)
    return tallow.where(zero, tallow.full_like(x, 0.5), i0e(x) - y * (x.sign() + safe.reciprocal()))


i0 = unary(
    "i0",
    _i(0),
    lambda x, y: i1(x),
    "Return the modified Bessel function of the first kind and order 0.",
)
i1: Callable[..., Tensor] = unary(
    "i1", _i(1), _i1_slope, "Return the modified Bessel function of the first kind, order 1."
)
i0e = unary(
    "i0e",
    lambda x: _scaled_i(x, 0),
    lambda x, y: i1e(x) - x.sign() * y,
    "Return ``exp(-abs(x)) * i0(x)``.",
)
i1e: Callable[..., Tensor] = unary(
    "i1e", lambda x: _scaled_i(x, 1), _i1e_slope, "Return ``exp(-abs(x)) * i1(x)``."
)

_POINTS = 64  # of the trapezoid rule, which converges geometrically for |x| < 25
_FAR = 25.0


def _j(x: Tensor, order: int) -> Tensor:
    size = x.abs()
    near = size.clamp(max=_FAR)
    total = tallow.zeros_like(near)
    for k in range(_POINTS):
        t = math.pi * (k + 0.5) / _POINTS
        total = total + (order * t - near * math.sin(t)).cos()
    far = size.clamp(min=_FAR).nan_to_num(posinf=1e300)
    term = tallow.ones_like(far)
    even, odd = term, tallow.zeros_like(far)
    for k in range(1, 25):
        term = term * (4 * order * order - (2 * k - 1) ** 2) / (8 * k * far)
        sign = -1 if k % 4 in (2, 3) else 1
        if k % 2:
            odd = odd + sign * term
        else:
            even = even + sign * term
    phase = far - (order / 2 + 0.25) * math.pi
    wave = (2 / (math.pi * far)).sqrt() * (even * phase.cos() - odd * phase.sin())
    result = tallow.where(size < _FAR, total / _POINTS, wave)
    result = result.masked_fill(size.isinf(), 0)
    result = tallow.where(x.isnan(), x, result)
    return result if order == 0 else tallow.where(x < 0, -result, result)


bessel_j0 = unary(
    "bessel_j0",
    lambda x: _j(x, 0),
    None,
    "Return the Bessel function of the first kind and order 0.",
)
bessel_j1 = unary(
    "bessel_j1",
    lambda x: _j(x, 1),
    None,
    "Return the Bessel function of the first kind and order 1.",
)
