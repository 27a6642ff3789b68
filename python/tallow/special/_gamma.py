"""The logarithm of the gamma function and its derivatives, composed of native operations.

Everything is computed in float64 and rounded to the argument's type. Float64 results are good to
about 1e-14, absolute near the zeros of the logarithm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import composite, few, recorded
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


def _native(name: str, x: Tensor) -> Tensor:
    if x.is_complex():
        raise NotImplementedError(f"\"{name}\" not implemented for '{x.dtype}'")
    return _C._VariableFunctions._special(x, name)


def _zeta(s: int, q: Tensor) -> Tensor:
    """Sum (q + k)^-s over k >= 0, by Euler and Maclaurin. Source: DLMF 25.11.5."""
    steps = _LARGE
    if q.numel():
        lowest = tallow.nan_to_num(q, nan=0.0, neginf=0.0).amin().item()
        steps += max(0, math.ceil(-lowest))
    total = tallow.zeros_like(q)
    for k in range(steps):
        term = q + k
        total += term.square_().reciprocal_() if s == 2 else term.pow_(-s)
    inverse = (q + steps).reciprocal_()
    square = inverse * inverse
    series = tallow.zeros_like(q)
    for k in range(len(_BERNOULLI), 0, -1):
        # s (s + 1) ... (s + 2k - 2) / (2k)!
        factor = math.prod(range(s, s + 2 * k - 1)) / math.factorial(2 * k)
        series.mul_(square).add_(_BERNOULLI[k - 1] * factor)
    series = series.mul_(inverse).add_(0.5).mul_(inverse).add_(1 / (s - 1))
    total += series.mul_(inverse ** (s - 1))
    return total.masked_fill((q <= 0) & (q == tallow.floor(q)), math.inf)


class _Lgamma(Function):
    _node_name = "LgammaBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _native("lgamma", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * digamma(x)


def _polygamma(n: int, x: Tensor) -> Tensor:
    if n == 0:
        return _native("digamma", x)
    small: Tensor | None = few(_C._nn.polygamma_few, n, x)
    if small is not None:
        return small
    # Beyond 170! floating point ends, and the computation should.
    scale = (-1.0) ** (n + 1) * (math.factorial(n) if n <= 170 else math.inf)
    return _computed("polygamma", lambda x: scale * _zeta(n + 1, x), x)


class _Polygamma(Function):
    _node_name = "PolygammaBackward0"

    @staticmethod
    def forward(ctx: Any, n: int, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.n = n
        return _polygamma(n, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        (x,) = ctx.saved_tensors
        return None, grad * polygamma(ctx.n + 1, x)


@composite
def lgamma(input: Tensor) -> Tensor:
    """Compute the logarithm of the absolute value of the gamma function.

    Args:
        input: real, of any shape; integers give the default dtype.

    Example:
        >>> tallow.lgamma(tallow.tensor([0.5, 1.0, 5.0]))
        tensor([0.5724, 0.0000, 3.1781])
    """
    result: Tensor = _Lgamma.apply(input) if recorded(input) else _native("lgamma", input)
    return result


@composite
def digamma(input: Tensor) -> Tensor:
    """Compute the logarithmic derivative of the gamma function.

    Args:
        input: real, of any shape; integers give the default dtype.

    Example:
        >>> tallow.digamma(tallow.tensor([1.0, 2.0]))
        tensor([-0.5772,  0.4228])
    """
    return polygamma(0, input)


@composite
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
    result: Tensor = _Polygamma.apply(n, input) if recorded(input) else _polygamma(n, input)
    return result


@composite
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
    parts = lgamma(input.unsqueeze(-1) - tallow.arange(p, device=input.device).to(input) / 2)
    return parts.sum(-1) + p * (p - 1) / 4 * math.log(math.pi)
