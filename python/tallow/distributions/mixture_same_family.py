"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .categorical import Categorical
from .constraints import MixtureSameFamilyConstraint
from .distribution import Distribution

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """Choose one of K components, then draw from it.

    Args:
        mixture_distribution: chooses among K components.
        component_distribution: K components along the last dimension of its batch.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: no categorical distribution, or shapes that do not fit.

    Example:
        >>> from tallow.distributions import Categorical, MixtureSameFamily, Normal
        >>> parts = Normal(tallow.tensor([-1.0, 1.0]), 0.5)
        >>> MixtureSameFamily(Categorical(tallow.ones(2)), parts).variance
        tensor(1.2500)
    """

    arg_constraints: Any = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Any,
        component_distribution: Any,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an instance of "
                "torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution need to be an instance of "
                "torch.distributions.Distribution"
            )
        batch = component_distribution.batch_shape[:-1]
        for a, b in zip(reversed(mixture_distribution.batch_shape), reversed(batch), strict=False):
            if a != 1 and b != 1 and a != b:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture_distribution.batch_shape}) is "
                    "not compatible with `component_distribution.batch_shape`"
                    f"({tallow.Size(batch)})"
                )
        chosen = mixture_distribution.param_shape[-1]
        there = component_distribution.batch_shape[-1]
        if chosen != there:
            raise ValueError(
                f"`mixture_distribution component` ({chosen}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({there})"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = there
        super().__init__(batch, component_distribution.event_shape, validate_args)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._num_component = self._num_component
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._component_distribution = self._component_distribution.expand(
            (*batch_shape, self._num_component)
        )

    @constraints.dependent_property
    def support(self) -> Any:
        return MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Any:
        """Chooses the component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        """The components."""
        return self._component_distribution

    def _padded(self, x: Tensor) -> Tensor:
        """Give a tensor over batch and components the dimensions of the event as well."""
        return x.reshape((*x.shape, *[1] * len(self._event_shape)))

    def _component_dim(self) -> int:
        return -1 - len(self._event_shape)

    @property
    def mean(self) -> Tensor:
        weights = self._padded(self.mixture_distribution.probs)
        return (weights * self.component_distribution.mean).sum(self._component_dim())

    @property
    def variance(self) -> Tensor:
        weights = self._padded(self.mixture_distribution.probs)
        dim = self._component_dim()
        away = self.component_distribution.mean - self.mean.unsqueeze(dim)
        within = (weights * self.component_distribution.variance).sum(dim)
        return within + (weights * away.pow(2.0)).sum(dim)

    def cdf(self, value: Tensor) -> Tensor:
        parts = self.component_distribution.cdf(self._for_components(value))
        return (parts * self.mixture_distribution.probs).sum(-1)

    def _for_components(self, value: Tensor) -> Tensor:
        return value.unsqueeze(self._component_dim())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        parts = self.component_distribution.log_prob(self._for_components(value))
        weights = tallow.log_softmax(self.mixture_distribution.logits, dim=-1)
        return tallow.logsumexp(parts + weights, dim=-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with tallow.no_grad():
            choice = self.mixture_distribution.sample(sample_shape)
            parts = self.component_distribution.sample(sample_shape)
            dim = len(tuple(sample_shape)) + len(self._batch_shape)
            index = self._padded(choice.unsqueeze(-1))
            index = index.expand((*parts.shape[:dim], 1, *self._event_shape))
            return parts.gather(dim, index).squeeze(dim)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(\n  {self.mixture_distribution},\n"
            f"  {self.component_distribution})"
        )
