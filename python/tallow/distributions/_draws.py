"""Samplers that take numbers from the generator one element after the other, on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["binomial", "poisson", "standard_gamma"]


def standard_gamma(concentration: Tensor, generator: Any = None) -> Tensor:
    """Draw from gamma distributions of rate 1, in float64.

    Args:
        concentration: floating point, >= 0.
        generator: where the random numbers come from.
    """
    # PyTorch computes these in the type of the concentration, and 1 / 3 always in float32.
    moved = tallow.where(concentration < 1, concentration + 1, concentration)
    exponent, d = 1 / concentration, moved - 0.3333333432674408
    drawn = _C._VariableFunctions._draw_gamma(
        *(p.detach() for p in (concentration, exponent, d)), generator=generator
    )
    return drawn.to(concentration.device)


def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Draw from Poisson distributions.

    Args:
        input: the rates, floating point, >= 0.
        generator: where the random numbers come from.

    Returns:
        Counts, in the type of the rates.

    Raises:
        RuntimeError: a rate is negative or NaN.

    Example:
        >>> tallow.poisson(tallow.zeros(2))
        tensor([0., 0.])
    """
    return _C._VariableFunctions._draw_poisson(input.detach(), generator=generator).to(input)


def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """Draw from binomial distributions.

    Args:
        count: numbers of trials, floating point.
        prob: probabilities of success.
        generator: where the random numbers come from.

    Returns:
        Counts, in the type of ``count``.

    Example:
        >>> tallow.binomial(tallow.full((2,), 3.0), tallow.ones(2))
        tensor([3., 3.])
    """
    count, prob = tallow.broadcast_tensors(count, prob)
    return _C._VariableFunctions._draw_binomial(
        count.detach(), prob.detach(), generator=generator
    ).to(count)
