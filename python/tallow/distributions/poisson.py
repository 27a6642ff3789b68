"""Poisson distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from ._draws import poisson
from .exp_family import ExponentialFamily
from .utils import broadcast_all

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """Counts of independent events.

    Args:
        rate: mean count, >= 0.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import Poisson
        >>> Poisson(2.0).log_prob(tallow.tensor(0.0))
        tensor(-2.)
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return poisson(self.rate.detach().expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return tallow.xlogy(value, rate) - rate - tallow.lgamma(value + 1)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (tallow.log(self.rate),)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return tallow.exp(natural_params[0])
