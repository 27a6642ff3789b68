"""Inverse gamma distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .gamma import Gamma
from .transformed_distribution import TransformedDistribution
from .transforms import PowerTransform

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """Reciprocals of gamma numbers.

    Args:
        concentration: shape parameter, > 0.
        rate: of the gamma numbers, > 0.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import InverseGamma
        >>> InverseGamma(3.0, 4.0).mean
        tensor(2.)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        inverse = PowerTransform(-tallow.ones((), dtype=base.rate.dtype, device=base.rate.device))
        super().__init__(base, inverse, validate_args=validate_args)

    @property
    def concentration(self) -> Tensor:
        """Shape parameter."""
        return self.base_dist.concentration

    @property
    def rate(self) -> Tensor:
        """Rate of the gamma numbers."""
        return self.base_dist.rate

    @property
    def mean(self) -> Tensor:
        mean = self.rate / (self.concentration - 1)
        return tallow.where(self.concentration > 1, mean, tallow.inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        a = self.concentration
        variance = self.rate.square() / ((a - 1).square() * (a - 2))
        return tallow.where(a > 2, variance, tallow.inf)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a + self.rate.log() + tallow.lgamma(a) - (1 + a) * tallow.digamma(a)
