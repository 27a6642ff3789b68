"""Bessel functions of the first kind and modified ones, of orders 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow.special._pointwise import unary

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["bessel_j0", "bessel_j1", "i0", "i0e", "i1", "i1e"]


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
    None,
    lambda x, y: i1(x),
    "Return the modified Bessel function of the first kind and order 0.",
)
i1: Callable[..., Tensor] = unary(
    "i1", None, _i1_slope, "Return the modified Bessel function of the first kind, order 1."
)
i0e = unary(
    "i0e",
    None,
    lambda x, y: i1e(x) - x.sign() * y,
    "Return ``exp(-abs(x)) * i0(x)``.",
)
i1e: Callable[..., Tensor] = unary("i1e", None, _i1e_slope, "Return ``exp(-abs(x)) * i1(x)``.")

bessel_j0 = unary(
    "bessel_j0",
    None,
    None,
    "Return the Bessel function of the first kind and order 0.",
)
bessel_j1 = unary(
    "bessel_j1",
    None,
    None,
    "Return the Bessel function of the first kind and order 1.",
)
