"""Dirichlet distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from ._implicit import _sample_dirichlet
from .exp_family import ExponentialFamily

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Probabilities of K categories.

    The gradient of samples is exact; PyTorch's is an approximation, good to about 1e-3.

    Args:
        concentration: ``(..., K)``, > 0.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: a concentration of no dimensions.

    Example:
        >>> from tallow.distributions import Dirichlet
        >>> Dirichlet(tallow.tensor([1.0, 3.0])).mean
        tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0)
        mode = above / above.sum(-1, True)
        # With all concentrations below 1 the density is highest at a corner.
        corner = self.concentration.argmax(-1).unsqueeze(-1)
        place = tallow.arange(self.concentration.shape[-1], device=corner.device)
        at_corner = (corner == place).to(mode)
        return tallow.where((self.concentration < 1).all(-1, keepdim=True), at_corner, mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        rest = total - self.concentration
        return self.concentration * rest / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return _sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (
            tallow.xlogy(self.concentration - 1.0, value).sum(-1)
            + tallow.lgamma(self.concentration.sum(-1))
            - tallow.lgamma(self.concentration).sum(-1)
        )

    def entropy(self) -> Tensor:
        k = self.concentration.size(-1)
        total = self.concentration.sum(-1)
        return (
            tallow.lgamma(self.concentration).sum(-1)
            - tallow.lgamma(total)
            - (k - total) * tallow.digamma(total)
            - ((self.concentration - 1.0) * tallow.digamma(self.concentration)).sum(-1)
        )

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        return tallow.lgamma(x).sum(-1) - tallow.lgamma(x.sum(-1))
