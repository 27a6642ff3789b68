"""Negative binomial distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.nn.functional import logsigmoid

from . import constraints
from ._binary import BinaryParams
from ._draws import poisson
from .gamma import Gamma

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["NegativeBinomial"]


class NegativeBinomial(BinaryParams):
    """How many trials succeed before a number of failures.

    Args:
        total_count: number of failures, >= 0, whole or not.
        probs: probability of success, in [0, 1).
        logits: log odds of success, instead of ``probs``.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import NegativeBinomial
        >>> NegativeBinomial(3.0, tallow.tensor(0.5)).mean
        tensor(3.)
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        (self.total_count,) = self._set_params(probs, logits, total_count)
        self.total_count = self.total_count.type_as(self._param)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * tallow.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / tallow.sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with tallow.no_grad():
            rates = Gamma(self.total_count, tallow.exp(-self.logits), validate_args=False)
            return poisson(rates.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        unnormalized = self.total_count * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        ways = (
            -tallow.lgamma(self.total_count + value)
            + tallow.lgamma(1.0 + value)
            + tallow.lgamma(self.total_count)
        )
        ways = ways.masked_fill(self.total_count + value == 0.0, 0.0)
        return unnormalized - ways
