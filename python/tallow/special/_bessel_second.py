"""Bessel functions of the second kind, modified and not, a spherical one, and Airy's function.

Sources: Abramowitz and Stegun, Handbook of Mathematical Functions, 9.1.11, 9.1.22, 9.2.6, 9.6.11,
9.6.13, 9.6.24, 10.4.14, 10.4.15, 10.4.2.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import tallow
from tallow.special._bessel import i0, i1
from tallow.special._pointwise import unary

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    *("airy_ai", "bessel_y0", "bessel_y1", "modified_bessel_i0", "modified_bessel_i1"),
    *("modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0"),
    *("scaled_modified_bessel_k1", "spherical_bessel_j0"),
]

_EULER = 0.5772156649015329
_SMALL = 2.0  # below, the power series
_FAR = 25.0  # above, the asymptotic series
_STEPS = 48  # of the trapezoid rule, for what falls as exp(-exp(t))


def _logarithmic(x: Tensor, order: int, sign: float) -> tuple[Tensor, Tensor]:
    """Sums of the power series at small x: with and without the harmonic numbers.

    sum (sign x^2 / 4)^k / (k! (k + order)!) * (x / 2)^order, and the same with each term times
    H(k) + H(k + order), halved for order 0.
    """
    quarter = sign * x * x / 4
    term = tallow.ones_like(x) if order == 0 else x / 2
    plain, weighted = term, term * (1.0 if order else 0.0)
    harmonic = 0.0
    for k in range(1, 25):
        term = term * quarter / (k * (k + order))
        harmonic += 1 / k
        both = harmonic if order == 0 else 2 * harmonic + 1 / (k + 1)
        plain, weighted = plain + term, weighted + term * both
    return plain, weighted


def _scaled_k(x: Tensor, order: float) -> Tensor:
    """``exp(x) K_order(x)`` for x of at least 2, by the trapezoid rule; 9.6.24."""
    step = (0.7 / x.sqrt()).clamp(max=0.1)
    total = tallow.full_like(x, 0.5)
    for k in range(1, _STEPS):
        t = k * step
        total = total + (-2 * x * (t / 2).sinh().square()).exp() * (order * t).cosh()
    return total * step


def _small_k(x: Tensor, order: int) -> Tensor:
    plain, weighted = _logarithmic(x, order, 1.0)
    logarithm = (x / 2).log() + _EULER
    if order == 0:
        return weighted - logarithm * plain
    return 1 / x + logarithm * plain - weighted / 2


def _k(x: Tensor, order: int, scaled: bool) -> Tensor:
    small, large = x.clamp(min=1e-300, max=_SMALL), x.clamp(min=_SMALL, max=1e300)
    near, far = _small_k(small, order), _scaled_k(large, order)
    near, far = (near * small.exp(), far) if scaled else (near, far * (-large).exp())
    result = tallow.where(x < _SMALL, near, far)
    result = result.masked_fill(x == 0, math.inf).masked_fill(x == math.inf, 0)
    return result.masked_fill((x < 0) | x.isnan(), math.nan)


@functools.cache
def _nodes(count: int = 72) -> tuple[list[float], list[float]]:
    """Gauss and Legendre's points on 0 .. 1, with their weights."""
    import numpy as np

    points, weights = np.polynomial.legendre.leggauss(count)
    return ((points + 1) / 2).tolist(), (weights / 2).tolist()


def _decay(x: Tensor, factor: Callable[[Tensor], Tensor]) -> Tensor:
    """The integral of ``exp(-x sinh t) factor(t)`` over all positive t."""
    end = (45 / x).asinh()
    total = tallow.zeros_like(x)
    for point, weight in zip(*_nodes(), strict=True):
        t = point * end
        total = total + weight * (-x * t.sinh()).exp() * factor(t)
    return total * end


def _turn(x: Tensor, order: float, wave: Callable[[Tensor], Tensor]) -> Tensor:
    """The mean of ``wave(x sin t - order t)`` over half a turn."""
    total = tallow.zeros_like(x)
    for point, weight in zip(*_nodes(), strict=True):
        angle = math.pi * point
        total = total + weight * wave(x * math.sin(angle) - order * angle)
    return total


def _waves(x: Tensor, order: float) -> tuple[Tensor, Tensor]:
    """J and Y of large x, by the asymptotic series."""
    term = tallow.ones_like(x)
    even, odd = term, tallow.zeros_like(x)
    for k in range(1, 25):
        term = term * (4 * order * order - (2 * k - 1) ** 2) / (8 * k * x)
        sign = -1 if k % 4 in (2, 3) else 1
        if k % 2:
            odd = odd + sign * term
        else:
            even = even + sign * term
    phase = x - (order / 2 + 0.25) * math.pi
    size = (2 / (math.pi * x)).sqrt()
    cos, sin = phase.cos(), phase.sin()
    return size * (even * cos - odd * sin), size * (even * sin + odd * cos)


def _y(x: Tensor, order: int) -> Tensor:
    small = x.clamp(min=1e-300, max=_SMALL)
    plain, weighted = _logarithmic(small, order, -1.0)
    logarithm = (small / 2).log() + _EULER
    near = 2 * logarithm * plain - (2 * weighted if order == 0 else weighted + 2 / small)
    middle = x.clamp(min=_SMALL, max=_FAR)
    falling = _decay(middle, lambda t: 2 * (order * t).cosh() if order == 0 else 2 * t.sinh())
    between = _turn(middle, order, tallow.sin) - falling / math.pi
    far = _waves(x.clamp(min=_FAR, max=1e300), order)[1]
    result = tallow.where(x < _SMALL, near / math.pi, tallow.where(x < _FAR, between, far))
    result = result.masked_fill(x == 0, -math.inf)
    return result.masked_fill((x < 0) | x.isnan() | x.isinf(), math.nan)


def _airy(x: Tensor) -> Tensor:
    """By its power series, by K of order 1/3 on the right and by J of that order on the left."""
    third = 1 / 3
    middle = x.clamp(min=-2.5, max=2.5)
    cube = middle**3
    first, second = tallow.ones_like(x), middle
    f, g = first, second
    for k in range(1, 25):
        first = first * cube / ((3 * k - 1) * (3 * k))
        second = second * cube / (3 * k * (3 * k + 1))
        f, g = f + first, g + second
    near = 0.355028053887817239 * f - 0.258819403792806798 * g
    right = x.clamp(min=2.5, max=1e200)
    zeta = 2 * right * right.sqrt() / 3
    falling = (right / 3).sqrt() / math.pi * _scaled_k(zeta, third) * (-zeta).exp()
    left = (-x).clamp(min=2.5, max=1e200)
    zeta = 2 * left * left.sqrt() / 3
    inner = zeta.clamp(max=_FAR)
    waves = _turn(inner, third, tallow.cos) + _turn(inner, -third, tallow.cos)
    waves = waves + math.sin(third * math.pi) / math.pi * _decay(
        inner, lambda t: 2 * (third * t).sinh()
    )
    outer = zeta.clamp(min=_FAR)
    # cos(phase of order 1/3) and of order -1/3 have the same factors: their sum is one wave.
    one = _waves(outer, third)
    other = one[0] * math.cos(third * math.pi) - one[1] * math.sin(third * math.pi)
    waves = tallow.where(zeta < _FAR, waves, one[0] + other)
    result = tallow.where(x > 2.5, falling, near)
    result = tallow.where(x < -2.5, left.sqrt() / 3 * waves, result)
    return result.masked_fill(x.isinf() | x.isnan(), math.nan)


def _spherical(x: Tensor) -> Tensor:
    zero = x == 0
    safe = x.masked_fill(zero, 1)
    result = tallow.where(zero, tallow.ones_like(x), safe.sin() / safe)
    return result.masked_fill(x.isinf(), 0)


modified_bessel_i0 = i0
modified_bessel_i1 = i1
modified_bessel_k0 = unary(
    "modified_bessel_k0",
    lambda x: _k(x, 0, False),
    None,
    "Return the modified Bessel function of the second kind and order 0; NaN for negative input.",
)
modified_bessel_k1 = unary(
    "modified_bessel_k1",
    lambda x: _k(x, 1, False),
    None,
    "Return the modified Bessel function of the second kind and order 1; NaN for negative input.",
)
scaled_modified_bessel_k0 = unary(
    "scaled_modified_bessel_k0",
    lambda x: _k(x, 0, True),
    None,
    "Return ``exp(x) * modified_bessel_k0(x)``.",
)
scaled_modified_bessel_k1 = unary(
    "scaled_modified_bessel_k1",
    lambda x: _k(x, 1, True),
    None,
    "Return ``exp(x) * modified_bessel_k1(x)``.",
)
bessel_y0 = unary(
    "bessel_y0",
    lambda x: _y(x, 0),
    None,
    "Return the Bessel function of the second kind and order 0; NaN for negative input.",
)
bessel_y1 = unary(
    "bessel_y1",
    lambda x: _y(x, 1),
    None,
    "Return the Bessel function of the second kind and order 1; NaN for negative input.",
)
airy_ai = unary("airy_ai", _airy, None, "Return Airy's function Ai.")
spherical_bessel_j0 = unary(
    "spherical_bessel_j0",
    _spherical,
    None,
    "Return the spherical Bessel function of the first kind and order 0: ``sin(x) / x``.",
)
