"""Incomplete gamma functions and the zeta function of Hurwitz."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tallow
from tallow.special._gamma import lgamma
from tallow.special._pointwise import binary

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["gammainc", "gammaincc", "zeta"]

_MOST_STEPS = 3000
_TINY = 1e-300


def _parts(a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Lower and upper part, each by its own expansion where that converges.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.5.29 and 6.5.31.
    """
    regular = (a > 0) & (x > 0) & a.isfinite() & x.isfinite()
    a_, x_ = a.masked_fill(~regular, 1), x.masked_fill(~regular, 1)
    front = (a_ * x_.log() - x_ - lgamma(a_)).exp()
    by_series = x_ < a_ + 1
    lower = front * _series(a_, x_.clamp(max=1e300), by_series)
    upper = front * _fraction(a_, x_, ~by_series)
    lower, upper = (
        tallow.where(by_series, lower, 1 - upper),
        tallow.where(by_series, 1 - lower, upper),
    )
    whole = ((a == 0) & (x > 0)) | (x.isinf() & a.isfinite() & (a >= 0))
    none = (x == 0) & (a > 0) | (a.isinf() & x.isfinite())
    broken = (a < 0) | (x < 0) | a.isnan() | x.isnan() | ((a == 0) & (x == 0))
    broken = broken | (a.isinf() & x.isinf())
    for at, low in ((whole, 1.0), (none, 0.0), (broken, math.nan)):
        lower, upper = lower.masked_fill(at, low), upper.masked_fill(at, 1 - low)
    return lower, upper


def _series(a: Tensor, x: Tensor, active: Tensor) -> Tensor:
    x = x.masked_fill(~active, 0)
    term = 1 / a
    total = term
    for k in range(1, _MOST_STEPS):
        term = term * x / (a + k)
        total = total + term
        if k % 16 == 0 and bool((term <= total * 1e-17).all()):
            break
    return total


def _fraction(a: Tensor, x: Tensor, active: Tensor) -> Tensor:
    """Lentz's evaluation of the continued fraction."""
    x, a = x.masked_fill(~active, 3), a.masked_fill(~active, 1)
    b = x + 1 - a
    c = tallow.full_like(b, 1 / _TINY)
    d = 1 / b
    result = d
    for k in range(1, _MOST_STEPS):
        factor = k * (a - k)
        b = b + 2
        d = factor * d + b
        d = 1 / tallow.where(d.abs() < _TINY, tallow.full_like(d, _TINY), d)
        c = b + factor / c
        c = tallow.where(c.abs() < _TINY, tallow.full_like(c, _TINY), c)
        step = c * d
        result = result * step
        if k % 16 == 0 and bool(((step - 1).abs() < 1e-16).all()):
            break
    return result


def _density(a: Tensor, x: Tensor) -> Tensor:
    return ((a - 1) * x.log() - x - lgamma(a)).exp()


gammainc = binary(
    "gammainc",
    lambda a, x: _parts(a, x)[0],
    (None, _density),
    "Return the regularised lower incomplete gamma function of `input` at `other`.",
    kernel="igamma",
)
gammaincc = binary(
    "gammaincc",
    lambda a, x: _parts(a, x)[1],
    (None, lambda a, x: -_density(a, x)),
    "Return the regularised upper incomplete gamma function of `input` at `other`.",
    kernel="igammac",
)

# (2k)! / B(2k), the divisors of the terms of the formula of Euler and Maclaurin.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_DIRECT = 12  # summands taken as they are


def _zeta(x: Tensor, q: Tensor) -> Tensor:
    """The formula of Euler and Maclaurin; Abramowitz and Stegun, 23.2.9, for shifted sums."""
    usable = (x > 1) & q.isfinite()
    s = x.masked_fill(~usable, 2)
    a = q.masked_fill(~usable, 1)
    lowest = float(a.min()) if a.numel() else 1.0
    steps = _DIRECT + max(0, math.ceil(-lowest)) if lowest > -1e4 else _DIRECT
    total = tallow.zeros_like(a)
    for _ in range(steps):
        total = total + a ** (-s)
        a = a + 1
    power = a ** (-s)
    total = total + power * a / (s - 1) + power / 2
    factor = s
    power = power / a
    for k, number in enumerate(_BERNOULLI, start=1):
        total = total + number / math.factorial(2 * k) * factor * power
        factor = factor * (s + 2 * k - 1) * (s + 2 * k)
        power = power / (a * a)
    total = total.masked_fill(q.isinf() & (q > 0), 0)
    total = total.masked_fill((q <= 0) & (q != q.floor()) & (x != x.floor()), math.nan)
    total = total.masked_fill((q <= 0) & (q == q.floor()), math.inf)
    total = total.masked_fill((x < 1) | x.isnan() | q.isnan(), math.nan)
    return total.masked_fill(x == 1, math.inf)


zeta: Callable[..., Tensor] = binary(
    "zeta",
    _zeta,
    (None, lambda x, q: -x * zeta(x + 1, q)),
    "Return the zeta function of Hurwitz: the sum of ``(k + other) ** -input`` from k = 0.",
)
