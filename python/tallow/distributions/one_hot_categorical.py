"""Categorical distributions whose samples are one-hot vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .categorical import Categorical
from .distribution import Distribution

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """One of K categories, as a vector with a single 1.

    Args:
        probs: ``(..., K)`` probabilities; they are scaled to add up to 1.
        logits: ``(..., K)`` logarithms, up to a constant, instead of ``probs``.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import OneHotCategorical
        >>> OneHotCategorical(tallow.tensor([0.0, 1.0])).sample()
        tensor([0., 1.])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits)
        super().__init__(
            self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args
        )

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._categorical = self._categorical.expand(batch_shape)

    @property
    def _param(self) -> Tensor:
        return self._categorical._param

    @property
    def probs(self) -> Tensor:
        """Probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter."""
        return self._categorical.param_shape

    def _one_hot(self, numbers: Tensor) -> Tensor:
        size = self._categorical._num_events
        return (numbers.unsqueeze(-1) == tallow.arange(size, device=numbers.device)).to(self._param)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._one_hot(self._categorical.mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._one_hot(self._categorical.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        size = self._categorical._num_events
        values = tallow.eye(size, dtype=self._param.dtype, device=self._param.device)
        values = values.view((size, *[1] * len(self._batch_shape), size))
        return values.expand((size, *self._batch_shape, size)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot samples whose gradient is that of the probabilities.

    Source: Bengio, Leonard and Courville, Estimating or propagating gradients through stochastic
    neurons, 2013.

    Args:
        probs: ``(..., K)`` probabilities; they are scaled to add up to 1.
        logits: ``(..., K)`` logarithms, up to a constant, instead of ``probs``.
        validate_args: see :class:`Distribution`.
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        samples = self.sample(sample_shape)
        probs = self.probs  # with its gradient
        return samples + (probs - probs.detach())
