"""Multinomial distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .binomial import Binomial
from .categorical import Categorical
from .distribution import Distribution
from .utils import broadcast_all

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """How often each of K categories comes up in a number of trials.

    Args:
        total_count: number of trials, the same for the whole batch.
        probs: ``(..., K)`` probabilities; they are scaled to add up to 1.
        logits: ``(..., K)`` logarithms, up to a constant, instead of ``probs``.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import Multinomial
        >>> Multinomial(3, tallow.tensor([0.0, 1.0])).sample()
        tensor([0., 3.])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    total_count: int

    def __init__(
        self,
        total_count: int = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)
        super().__init__(
            self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args
        )

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch_shape)
        new._binomial = self._binomial.expand((*batch_shape, *self._event_shape))

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def logits(self) -> Tensor:
        """Logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """Probabilities."""
        return self._categorical.probs

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        sample_shape = tallow.Size(sample_shape)
        trials = self._categorical.sample((self.total_count, *sample_shape))
        trials = trials.permute(*range(1, trials.dim()), 0)
        counts = self.probs.new_zeros(self._extended_shape(sample_shape))
        counts.scatter_add_(-1, trials, tallow.ones_like(trials, dtype=counts.dtype))
        return counts

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        # 0 * log 0 is 0: what cannot happen did not happen.
        logits = logits.masked_fill((value == 0) & (logits == -tallow.inf), 0)
        ways = tallow.lgamma(value.sum(-1) + 1) - tallow.lgamma(value + 1).sum(-1)
        return ways + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        n = tallow.tensor(self.total_count, device=self.logits.device)
        base = self.total_count * self._categorical.entropy() - tallow.lgamma(n + 1)
        support = self._binomial.enumerate_support(expand=False)[1:]
        weights = tallow.exp(self._binomial.log_prob(support))
        return base + (weights * tallow.lgamma(support + 1)).sum([0, -1])
