"""Categorical distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from ._binary import one_of
from .distribution import Distribution
from .utils import lazy_property, logits_to_probs, probs_to_logits

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Categorical"]


class Categorical(Distribution):
    """One of K categories, as its number.

    Args:
        probs: ``(..., K)`` probabilities; they are scaled to add up to 1.
        logits: ``(..., K)`` logarithms, up to a constant, instead of ``probs``.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: not exactly one of ``probs`` and ``logits``, or one of no dimensions.

    Example:
        >>> from tallow.distributions import Categorical
        >>> Categorical(tallow.tensor([1.0, 3.0])).probs
        tensor([0.2500, 0.7500])
        >>> Categorical(logits=tallow.zeros(4)).entropy()
        tensor(1.3863)
    """

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        one_of(probs, logits)
        name, given = ("probs", probs) if logits is None else ("logits", logits)
        if given.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if logits is None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        self._num_events = given.size(-1)
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs"] if "probs" in self.__dict__ else self.__dict__["logits"]

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter."""
        return self._param.size()

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._num_events = self._num_events

    @lazy_property
    def logits(self) -> Tensor:
        """Logarithms of the probabilities."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        """Probabilities."""
        return logits_to_probs(self.logits)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        return tallow.full_like(self.probs[..., 0], tallow.nan)

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Any = ()) -> Tensor:
        sample_shape = tallow.Size(sample_shape)
        rows = self.probs.detach().reshape(-1, self._num_events)
        drawn = tallow.multinomial(rows, sample_shape.numel(), True).T
        return drawn.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        index = value.long().unsqueeze(-1)
        logits = self.logits
        shape = tallow.broadcast_shapes(index.shape[:-1], logits.shape[:-1])
        logits = logits.expand((*shape, logits.size(-1)))
        return logits.gather(-1, index.expand((*shape, 1))).squeeze(-1)

    def entropy(self) -> Tensor:
        lowest = tallow.finfo(self.logits.dtype).min
        return -(self.logits.clamp(min=lowest) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = tallow.arange(self._num_events, device=self._param.device)
        values = values.view((-1, *[1] * len(self._batch_shape)))
        return values.expand((-1, *self._batch_shape)) if expand else values
