"""The normal distribution function, its logarithm and inverse, and the scaled error function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tallow
from tallow.special._pointwise import binary, native, unary

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["entr", "erfcx", "log_ndtr", "ndtr", "ndtri", "xlog1py"]

_ROOT_TWO = math.sqrt(2)
_ROOT_HALF = math.sqrt(0.5)
_ROOT_PI = math.sqrt(math.pi)


def _log_ndtr(x: Tensor) -> Tensor:
    low = x.clamp(max=-1)
    high = x.clamp(min=-1)
    tail = (native("erfcx")(low / -_ROOT_TWO) / 2).log() - low * low / 2
    body = tallow.log1p(tallow.erfc(high / _ROOT_TWO) / -2)
    return tallow.where(x < -1, tail, body)


erfcx = unary(
    "erfcx",
    None,
    lambda x, y: 2 * x * y - 2 / _ROOT_PI,
    "Return ``exp(x * x) * erfc(x)`` without overflow.",
)
ndtr = unary(
    "ndtr",
    lambda x: (x * -_ROOT_HALF).erfc_().mul_(0.5),
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
    None,
    lambda x, y: math.sqrt(2 * math.pi) * (y * y / 2).exp(),
    "Return the inverse of :func:`ndtr`.",
)
entr = unary(
    "entr",
    lambda x: tallow.where(x < 0, -math.inf, -tallow.xlogy(x, x)),
    lambda x, y: -(x.log() + 1),
    "Return ``-x * log(x)``, 0 at 0 and minus infinity for negative numbers.",
)
xlog1py = binary(
    "xlog1py",
    lambda x, y: tallow.where((x == 0) & ~y.isnan(), 0.0, x * y.log1p()),
    (
        lambda x, y: tallow.where((x == 0) & (y <= -1), tallow.zeros_like(x), y.log1p()),
        lambda x, y: x / (y + 1),
    ),
    "Return ``x * log1p(y)``, 0 where x is 0.",
)
