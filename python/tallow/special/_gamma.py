"""The logarithm of the gamma function and its derivatives, composed of native operations.

Everything is computed in float64 and rounded to the argument's type. Float64 results are good to
about 1e-14, absolute near the zeros of the logarithm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow.autograd import Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["digamma", "lgamma", "mvlgamma", "polygamma"]

# From here on the asymptotic series below are exact to the last bits; smaller arguments are moved
# up with the recurrence gamma(x + 1) = x gamma(x).
_LARGE = 10
# B(2k), the Bernoulli numbers, for k = 1, 2, ...
_BERNOULLI = (
    1 / 6,
    -1 / 30,
    1 / 42,
    -1 / 30,
    5 / 66,
    -691 / 2730,
    7 / 6,
    -3617 / 510,
)


def _computed(name: str, formula: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Evaluate a formula in float64; round to the type that a floating point result has."""
    if x.is_complex():
        raise NotImplementedError(f"\"{name}\" not implemented for '{x.dtype}'")
    dtype = x.dtype if x.is_floating_point() else tallow.get_default_dtype()
    return formula(x.detach().to(tallow.float64)).to(dtype)


def _lgamma_right(x: Tensor) -> Tensor:
    """For x >= 1/2: Stirling's series. Source: DLMF 5.11.1."""
    small = x < _LARGE
    product = x.clone()
    for k in range(1, _LARGE):
        product = product * (x + k)
    z = tallow.where(small, x + _LARGE, x)
    inverse = 1 / z
    square = inverse * inverse
    series = tallow.zeros_like(z)
    for k in range(len(_BERNOULLI), 0, -1):
        series = series * square + _BERNOULLI[k - 1] / (2 * k * (2 * k - 1))
    log_z = tallow.log(z)
    # (z - 1/2) log z - z as one difference, so that infinity stays infinity.
    value = (z - 0.5) * (log_z - 1) - 0.5 + 0.5 * math.log(2 * math.pi) + series * inverse
    return tallow.where(small, value - tallow.log(product), value)


def _lgamma_everywhere(x: Tensor) -> Tensor:
    """Euler's reflection to the left of 1/2. Source: DLMF 5.5.3."""
    left = x < 0.5
    right = _lgamma_right(tallow.where(left, 1 - x, x))
    # |sin(pi x)| from the distance to the nearest integer, which is exact.
    sine = tallow.sin(math.pi * tallow.abs(x - tallow.round(x)))
    value = tallow.where(left, math.log(math.pi) - tallow.log(sine) - right, right)
    value = value.masked_fill((x == 1) | (x == 2), 0.0)
    pole = (x <= 0) & (x == tallow.floor(x))
    return value.masked_fill(pole | tallow.isinf(x), math.inf)


def _digamma_right(x: Tensor) -> Tensor:
    """For x >= 1/2. Source: DLMF 5.11.2."""
    small = x < _LARGE
    moved = tallow.zeros_like(x)
    for k in range(_LARGE):
        moved = moved + 1 / (x + k)
    z = tallow.where(small, x + _LARGE, x)
    inverse = 1 / z
    square = inverse * inverse
    series = tallow.zeros_like(z)
    for k in range(len(_BERNOULLI), 0, -1):
        series = (series + _BERNOULLI[k - 1] / (2 * k)) * square
    value = tallow.log(z) - 0.5 * inverse - series
    return tallow.where(small, value - moved, value)


def _digamma_everywhere(x: Tensor) -> Tensor:
    """Reflection to the left of 1/2. Source: DLMF 5.5.4."""
    left = x < 0.5
    right = _digamma_right(tallow.where(left, 1 - x, x))
    value = tallow.where(left, right - math.pi / tallow.tan(math.pi * (x - tallow.round(x))), right)
    value = value.masked_fill((x < 0) & (x == tallow.floor(x)), math.nan)
    return tallow.where(x == 0, tallow.copysign(tallow.full_like(x, math.inf), -x), value)


def _zeta(s: int, q: Tensor) -> Tensor:
    """Sum (q + k)^-s over k >= 0, by Euler and Maclaurin. Source: DLMF 25.11.5."""
    steps = _LARGE
    if q.numel():
        lowest = tallow.nan_to_num(q, nan=0.0, neginf=0.0).amin().item()
        steps += max(0, math.ceil(-lowest))
    total = tallow.zeros_like(q)
    for k in range(steps):
        total = total + (q + k) ** -s
    z = q + steps
    total = total + z ** (1 - s) / (s - 1) + 0.5 * z**-s
    factor = float(s)
    for k, number in enumerate(_BERNOULLI, 1):
        # s (s + 1) ... (s + 2k - 2) / (2k)!
        total = total + number * factor / math.factorial(2 * k) * z ** (1 - s - 2 * k)
        factor *= (s + 2 * k - 1) * (s + 2 * k)
    return total.masked_fill((q <= 0) & (q == tallow.floor(q)), math.inf)


class _Lgamma(Function):
    _node_name = "LgammaBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _computed("lgamma", _lgamma_everywhere, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * digamma(x)


class _Polygamma(Function):
    _node_name = "PolygammaBackward0"

    @staticmethod
    def forward(ctx: Any, n: int, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.n = n
        if n == 0:
            return _computed("digamma", _digamma_everywhere, x)
        scale = (-1.0) ** (n + 1) * math.factorial(n)
        return _computed("polygamma", lambda x: scale * _zeta(n + 1, x), x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        (x,) = ctx.saved_tensors
        return None, grad * polygamma(ctx.n + 1, x)


def lgamma(input: Tensor) -> Tensor:
    """Compute the logarithm of the absolute value of the gamma function.

    Args:
        input: real, of any shape; integers give the default dtype.

    Example:
        >>> tallow.lgamma(tallow.tensor([0.5, 1.0, 5.0]))
        tensor([0.5724, 0.0000, 3.1781])
    """
    result: Tensor = _Lgamma.apply(input)
    return result


def digamma(input: Tensor) -> Tensor:
    """Compute the logarithmic derivative of the gamma function.

    Args:
        input: real, of any shape; integers give the default dtype.

    Example:
        >>> tallow.digamma(tallow.tensor([1.0, 2.0]))
        tensor([-0.5772,  0.4228])
    """
    return polygamma(0, input)


def polygamma(n: int, input: Tensor) -> Tensor:
    """Compute the ``n``-th derivative of :func:`digamma`.

    Args:
        n: order, >= 0.
        input: real, of any shape; integers give the default dtype.

    Raises:
        RuntimeError: ``n`` is negative.

    Example:
        >>> tallow.polygamma(1, tallow.tensor([1.0]))
        tensor([1.6449])
    """
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got n={n}")
    result: Tensor = _Polygamma.apply(n, input)
    return result


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """Compute the logarithm of the multivariate gamma function of dimension ``p``.

    Args:
        input: real, every element greater than ``(p - 1) / 2``.
        p: dimension, >= 1.

    Raises:
        RuntimeError: ``p`` is below 1.

    Example:
        >>> tallow.mvlgamma(tallow.tensor([3.0]), 2)
        tensor([1.5502])
    """
    if p < 1:
        raise RuntimeError(f"mvlgamma: p has to be greater than or equal to 1, but got p={p}")
    parts = lgamma(input.unsqueeze(-1) - tallow.arange(p).to(input) / 2)
    return parts.sum(-1) + p * (p - 1) / 4 * math.log(math.pi)
