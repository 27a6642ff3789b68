"""Orthogonal polynomials by their recurrences.

Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 22.4 and 22.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.special._pointwise import binary

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    *("chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v"),
    *("chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he"),
    *("laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t"),
    *("shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v"),
    "shifted_chebyshev_polynomial_w",
]

_MOST = 10_000  # the degree costs a pass over all elements each


def _polynomial(
    name: str,
    what: str,
    first: Callable[[Tensor], Tensor],
    following: Callable[[Tensor, int, Tensor, Tensor], Tensor],
) -> Callable[..., Tensor]:
    """Make a function of a variable and a degree.

    Args:
        name: its public name.
        what: the polynomials, for the docstring.
        first: the polynomial of degree 1.
        following: from the variable, k, and the polynomials of degrees k and k - 1 to the next.
    """

    def value(x: Tensor, n: Tensor) -> Tensor:
        degree = n.nan_to_num(nan=-1).trunc()
        most = int(degree.max()) if degree.numel() else 0
        if most > _MOST:
            raise RuntimeError(f"{name}: expected degrees of at most {_MOST}, given {most}")
        before, now = tallow.ones_like(x), first(x)
        result = tallow.where(degree == 0, before, tallow.zeros_like(x))
        for k in range(1, most + 1):
            result = tallow.where(degree == k, now, result)
            before, now = now, following(x, k, now, before)
        return result

    doc = f"Return {what} of degree `n` at `x`, 0 for negative degrees."
    pair = binary(name, value, (None, None), doc)

    def call(x: Any, n: Any, *, out: Tensor | None = None) -> Tensor:
        return pair(x, n) if out is None else pair(x, n, out=out)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    return call


def _doubled(x: Tensor, k: int, now: Tensor, before: Tensor) -> Tensor:
    return 2 * x * now - before


def _shifted(x: Tensor, k: int, now: Tensor, before: Tensor) -> Tensor:
    return 2 * (2 * x - 1) * now - before


_KINDS: tuple[tuple[str, str, Callable[[Tensor], Tensor]], ...] = (
    ("t", "first", lambda x: x),
    ("u", "second", lambda x: 2 * x),
    ("v", "third", lambda x: 2 * x - 1),
    ("w", "fourth", lambda x: 2 * x + 1),
)


def _chebyshev(number: int, shifted: bool) -> Callable[..., Tensor]:
    letter, kind, first = _KINDS[number]
    what = f"the Chebyshev polynomial of the {kind} kind"
    name = f"chebyshev_polynomial_{letter}"
    if shifted:
        what += ", on 0 .. 1 in the place of -1 .. 1,"
        return _polynomial(f"shifted_{name}", what, lambda x: first(2 * x - 1), _shifted)
    return _polynomial(name, what, first, _doubled)


chebyshev_polynomial_t = _chebyshev(0, False)
chebyshev_polynomial_u = _chebyshev(1, False)
chebyshev_polynomial_v = _chebyshev(2, False)
chebyshev_polynomial_w = _chebyshev(3, False)
shifted_chebyshev_polynomial_t = _chebyshev(0, True)
shifted_chebyshev_polynomial_u = _chebyshev(1, True)
shifted_chebyshev_polynomial_v = _chebyshev(2, True)
shifted_chebyshev_polynomial_w = _chebyshev(3, True)
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h",
    "the Hermite polynomial of physics",
    lambda x: 2 * x,
    lambda x, k, now, before: 2 * x * now - 2 * k * before,
)
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he",
    "the Hermite polynomial of statistics",
    lambda x: x,
    lambda x, k, now, before: x * now - k * before,
)
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l",
    "the Laguerre polynomial",
    lambda x: 1 - x,
    lambda x, k, now, before: ((2 * k + 1 - x) * now - k * before) / (k + 1),
)
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p",
    "the Legendre polynomial",
    lambda x: x,
    lambda x, k, now, before: ((2 * k + 1) * x * now - k * before) / (k + 1),
)
