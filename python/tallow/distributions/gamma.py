"""Gamma distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from ._implicit import _standard_gamma
from .exp_family import ExponentialFamily
from .utils import broadcast_all

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """Gamma distributions.

    The gradient of samples is exact; PyTorch's is an approximation, good to about 1e-4.

    Args:
        concentration: shape parameter, > 0.
        rate: 1 / scale, > 0.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import Gamma
        >>> Gamma(3.0, 2.0).mean
        tensor(1.5000)
    """

    arg_constraints: Any = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        value = _standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        # Densities and their logarithms need a positive number; the gradient stays.
        value.detach().clamp_(min=tallow.finfo(value.dtype).tiny)
        return value

    def log_prob(self, value: Tensor) -> Tensor:
        value = tallow.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        return (
            tallow.xlogy(self.concentration, self.rate)
            + tallow.xlogy(self.concentration - 1, value)
            - self.rate * value
            - tallow.lgamma(self.concentration)
        )

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return tallow.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        return (
            self.concentration
            - tallow.log(self.rate)
            + tallow.lgamma(self.concentration)
            + (1.0 - self.concentration) * tallow.digamma(self.concentration)
        )

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        return tallow.lgamma(x + 1) + (x + 1) * tallow.log(-y.reciprocal())
