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


def _density(a: Tensor, x: Tensor) -> Tensor:
    return ((a - 1) * x.log() - x - lgamma(a)).exp()


gammainc = binary(
    "gammainc",
    None,
    (None, _density),
    "Return the regularised lower incomplete gamma function of `input` at `other`.",
    kernel="igamma",
)
gammaincc = binary(
    "gammaincc",
    None,
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
