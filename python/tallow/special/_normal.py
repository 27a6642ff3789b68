"""The normal distribution function, its logarithm and inverse, and the scaled error function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tallow
from tallow.special._pointwise import binary, unary

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["entr", "erfcx", "log_ndtr", "ndtr", "ndtri", "xlog1py"]

_ROOT_TWO = math.sqrt(2)
_ROOT_PI = math.sqrt(math.pi)


def _erfcx(x: Tensor) -> Tensor:
    """The continued fraction of Laplace for large arguments, the definition for others.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.14.
    """
    near = x.clamp(max=3)
    direct = (near * near).exp() * tallow.erfc(near)
    far = x.clamp(min=3)
    fraction = far
    for k in range(100, 0, -1):
        fraction = far + k / 2 / fraction
    return tallow.where(x < 3, direct, 1 / (_ROOT_PI * fraction))


def _log_ndtr(x: Tensor) -> Tensor:
    low = x.clamp(max=-1)
    high = x.clamp(min=-1)
    tail = (_erfcx(-low / _ROOT_TWO) / 2).log() - low * low / 2
    body = tallow.log1p(-tallow.erfc(high / _ROOT_TWO) / 2)
    return tallow.where(x < -1, tail, body)


def _ndtri(p: Tensor) -> Tensor:
    """Newton's method on the logarithm, from formula 26.2.23 of Abramowitz and Stegun."""
    small = tallow.minimum(p, 1 - p)
    level = small.clamp(min=1e-310).log()
    t = (-2 * level).sqrt()
    x = (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    ) - t
    for _ in range(4):
        slope = math.sqrt(2 / math.pi) / _erfcx(-x / _ROOT_TWO)
        x = x - (_log_ndtr(x) - level) / slope
    x = tallow.where(small == 0, tallow.full_like(x, -math.inf), x)
    x = tallow.where(p > 0.5, -x, x)
    return x.masked_fill((p < 0) | (p > 1) | p.isnan(), math.nan)


erfcx = unary(
    "erfcx",
    _erfcx,
    lambda x, y: 2 * x * y - 2 / _ROOT_PI,
    "Return ``exp(x * x) * erfc(x)`` without overflow.",
)
ndtr = unary(
    "ndtr",
    lambda x: tallow.erfc(-x / _ROOT_TWO) / 2,
    lambda x, y: (-x * x / 2).exp() / math.sqrt(2 * math.pi),
    "Return the probability that a standard normal number is less.",
)
log_ndtr = unary(
    "log_ndtr",
    _log_ndtr,
    lambda x, y: math.sqrt(2 / math.pi) / erfcx(-x / _ROOT_TWO),
    "Return the logarithm of :func:`ndtr`, accurate for small probabilities.",
)
ndtri = unary(
    "ndtri",
    _ndtri,
    lambda x, y: math.sqrt(2 * math.pi) * (y * y / 2).exp(),
    "Return the inverse of :func:`ndtr`.",
)
entr = unary(
    "entr",
    lambda x: tallow.where(
        x > 0, -x * x.clamp(min=1e-320).log(), tallow.where(x == 0, 0 * x, x - math.inf)
    ),
    lambda x, y: -(x.log() + 1),
    "Return ``-x * log(x)``, 0 at 0 and minus infinity for negative numbers.",
)
xlog1py = binary(
    "xlog1py",
    lambda x, y: tallow.where((x == 0) & ~y.isnan(), tallow.zeros_like(x), x * y.log1p()),
    (
        lambda x, y: tallow.where((x == 0) & (y <= -1), tallow.zeros_like(x), y.log1p()),
        lambda x, y: x / (y + 1),
    ),
    "Return ``x * log1p(y)``, 0 where x is 0.",
)
