"""Binomial distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.nn.functional import logsigmoid

from . import constraints
from ._binary import BinaryParams
from ._draws import binomial

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Binomial"]


class Binomial(BinaryParams):
    """How many of a number of trials succeed.

    Args:
        total_count: number of trials, >= 0.
        probs: probability of success.
        logits: log odds of success, instead of ``probs``.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import Binomial
        >>> Binomial(10, tallow.tensor([0.0, 0.5, 1.0])).mean
        tensor([ 0.,  5., 10.])
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        **BinaryParams.arg_constraints,
    }
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        (self.total_count,) = self._set_params(probs, logits, total_count)
        self.total_count = self.total_count.type_as(self._param)
        super().__init__(self._param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return binomial(self.total_count.expand(shape), self.probs.detach().expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        ways = (
            tallow.lgamma(self.total_count + 1)
            - tallow.lgamma(value + 1)
            - tallow.lgamma(self.total_count - value + 1)
        )
        # k log p + (n - k) log(1 - p), in log odds, without large numbers that cancel.
        return ways + value * self.logits + self.total_count * logsigmoid(-self.logits)

    def entropy(self) -> Tensor:
        total = int(self.total_count.max())
        if self.total_count.min() != total:
            raise NotImplementedError("Inhomogeneous total count not supported by `entropy`.")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(tallow.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        total = int(self.total_count.max())
        if self.total_count.min() != total:
            raise NotImplementedError(
                "Inhomogeneous total count not supported by `enumerate_support`."
            )
        values = tallow.arange(1 + total, dtype=self._param.dtype, device=self._param.device)
        values = values.view((-1, *[1] * len(self._batch_shape)))
        return values.expand((-1, *self._batch_shape)) if expand else values
