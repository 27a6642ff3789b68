"""Bernoulli distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.nn.functional import binary_cross_entropy_with_logits

from . import constraints
from ._binary import BinaryParams
from .exp_family import ExponentialFamily

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Bernoulli"]


class Bernoulli(BinaryParams, ExponentialFamily):
    """Events that happen, 1, or do not, 0.

    Args:
        probs: probability of 1.
        logits: log odds of 1, instead of ``probs``.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: not exactly one of ``probs`` and ``logits``.

    Example:
        >>> from tallow.distributions import Bernoulli
        >>> Bernoulli(tallow.tensor([0.25, 1.0])).mean
        tensor([0.2500, 1.0000])
    """

    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._set_params(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        mode = (self.probs >= 0.5).to(self.probs)
        return mode.masked_fill(self.probs == 0.5, tallow.nan)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with tallow.no_grad():
            return tallow.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = tallow.broadcast_tensors(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = tallow.arange(2, dtype=self._param.dtype, device=self._param.device)
        values = values.view((-1, *[1] * len(self._batch_shape)))
        return values.expand((-1, *self._batch_shape)) if expand else values

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (tallow.logit(self.probs),)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return tallow.log1p(tallow.exp(natural_params[0]))
