"""Laplace distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Laplace"]


class Laplace(Distribution):
    """Laplace distributions.

    Args:
        loc: mean.
        scale: mean absolute deviation, > 0.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import Laplace
        >>> Laplace(0.0, 1.0).cdf(tallow.tensor(0.0))
        tensor(0.5000)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale.pow(2)

    @property
    def stddev(self) -> Tensor:
        return 2**0.5 * self.scale

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        # -1 itself would give infinity.
        u = self.loc.new_empty(shape).uniform_(tallow.finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * tallow.log1p(-u.abs())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return -tallow.log(2 * self.scale) - tallow.abs(value - self.loc) / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        away = value - self.loc
        return 0.5 - 0.5 * away.sign() * tallow.expm1(-away.abs() / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        away = value - 0.5
        return self.loc - self.scale * away.sign() * tallow.log1p(-2 * away.abs())

    def entropy(self) -> Tensor:
        return 1 + tallow.log(2 * self.scale)
