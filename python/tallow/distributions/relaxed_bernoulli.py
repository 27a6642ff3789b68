"""Bernoulli distributions made continuous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from ._binary import BinaryParams
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import broadcast_all, clamp_probs

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(BinaryParams):
    """The log odds of relaxed Bernoulli numbers.

    Source: Maddison, Mnih and Teh, The concrete distribution, 2017.

    Args:
        temperature: the lower, the closer to 0 and 1.
        probs: probability of 1.
        logits: log odds of 1, instead of ``probs``.
        validate_args: see :class:`Distribution`.
    """

    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        self._set_params(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new.temperature = self.temperature

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(tallow.rand(shape, dtype=probs.dtype, device=probs.device))
        noise = u.log() - (-u).log1p()
        return (noise + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        away = logits - value * self.temperature
        return self.temperature.log() + away - 2 * away.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """Numbers between 0 and 1 that come close to Bernoulli ones and have gradients.

    Source: Maddison, Mnih and Teh, The concrete distribution, 2017.

    Args:
        temperature: the lower, the closer to 0 and 1.
        probs: probability of 1.
        logits: log odds of 1, instead of ``probs``.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import RelaxedBernoulli
        >>> RelaxedBernoulli(tallow.tensor(0.5), tallow.tensor([0.1, 0.9])).rsample().shape
        tallow.Size([2])
    """

    arg_constraints = BinaryParams.arg_constraints
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Tensor:
        """The lower, the closer to 0 and 1."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """Log odds."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """Probabilities."""
        return self.base_dist.probs
