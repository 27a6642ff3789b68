"""Generalised Pareto distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """What lies above a high threshold; exponential where ``concentration`` is 0.

    Args:
        loc: the threshold.
        scale: unit of the excess, > 0.
        concentration: shape of the tail; below 0 the support ends at ``loc - scale / shape``.
        validate_args: see :class:`Distribution`.

    Source: Hosking and Wallis, Parameter and quantile estimation for the generalized Pareto
    distribution, Technometrics 29, 1987.

    Example:
        >>> from tallow.distributions import GeneralizedPareto
        >>> GeneralizedPareto(0.0, 1.0, 0.5).mean
        tensor(2.)
    """

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(
        self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        end = self.loc - self.scale / self.concentration
        upper = tallow.where(self.concentration < 0, end, tallow.full_like(end, math.inf))
        return constraints.interval(self.loc, upper)

    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where the distribution is exponential, and the concentration elsewhere."""
        exponential = tallow.isclose(self.concentration, tallow.zeros_like(self.concentration))
        return exponential, self.concentration.masked_fill(exponential, 1.0)

    @property
    def mean(self) -> Tensor:
        c = self.concentration
        return tallow.where(c < 1, self.loc + self.scale / (1 - c), tallow.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        c = self.concentration
        return tallow.where(c < 0.5, self.scale.pow(2) / ((1 - c).pow(2) * (1 - 2 * c)), tallow.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(tallow.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        exponential, c = self._shape()
        tail = (1 / c + 1) * tallow.log1p(c * z)
        return -self.scale.log() - tallow.where(exponential, z, tail)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability of larger values."""
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        exponential, c = self._shape()
        return -tallow.where(exponential, z, tallow.log1p(c * z) / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability of smaller values."""
        return tallow.log1p(-tallow.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return tallow.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        logarithm = tallow.log1p(-value)
        exponential, c = self._shape()
        tail = tallow.expm1(-c * logarithm) / c
        return self.loc + self.scale * tallow.where(exponential, -logarithm, tail)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
